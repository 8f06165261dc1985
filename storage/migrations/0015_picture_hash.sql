-- Where pictures of likely the same content are found: a row a band of a picture's hash (docs/evidence.md).

CREATE TABLE picture_band (
    key integer NOT NULL,
    media_id uuid NOT NULL CONSTRAINT picture_band_media_known REFERENCES media (id),
    bits bigint NOT NULL,
    -- Everything that a search reads before it knows which pictures are alike is in the index.
    CONSTRAINT picture_band_pkey PRIMARY KEY (key, media_id) INCLUDE (bits)
);
CREATE INDEX picture_band_by_media ON picture_band (media_id);
