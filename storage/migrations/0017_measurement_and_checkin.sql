-- What was measured in a photo beside its board (a list, empty where nothing was asked for), and check-ins at the site.

ALTER TABLE media ADD COLUMN measurements jsonb NOT NULL DEFAULT '[]';

-- Who says to have been at the site for a milestone, when and where.
CREATE TABLE checkin (
    id uuid CONSTRAINT checkin_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT checkin_seq_unique UNIQUE,
    project_id text NOT NULL,
    milestone_id text NOT NULL,
    token_id uuid NOT NULL CONSTRAINT checkin_token_known REFERENCES token (id),
    client_id uuid,
    position jsonb NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT checkin_milestone_known FOREIGN KEY (project_id, milestone_id) REFERENCES milestone (project_id, id),
    CONSTRAINT checkin_client_id_once UNIQUE (project_id, token_id, client_id)
);
CREATE INDEX checkin_milestone ON checkin (project_id, milestone_id, seq);
