-- What was measured in a photo beside its board: a list, empty where nothing was asked for.

ALTER TABLE media ADD COLUMN measurements jsonb NOT NULL DEFAULT '[]';
