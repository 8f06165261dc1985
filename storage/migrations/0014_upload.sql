-- Files that come in pieces (tus 1.0). How much of one has come is the length of its file, not a column.

CREATE TABLE upload (
    id uuid CONSTRAINT upload_pkey PRIMARY KEY,
    token_id uuid NOT NULL CONSTRAINT upload_token_known REFERENCES token (id),
    project_id text NOT NULL CONSTRAINT upload_project_known REFERENCES project (id),
    metadata text NOT NULL,
    size_bytes bigint NOT NULL CONSTRAINT upload_size_positive CHECK (size_bytes > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    media_id uuid CONSTRAINT upload_media_known REFERENCES media (id)
);
CREATE INDEX upload_by_token ON upload (token_id);
CREATE INDEX upload_expiry ON upload (expires_at);
