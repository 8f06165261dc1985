-- Who saw what shows faces, and which weights saw what.

ALTER TABLE media ADD COLUMN model_hashes jsonb NOT NULL DEFAULT '{}';

-- Written once, never changed. Who exports on the command line has no token.
CREATE TABLE audit (
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_pkey PRIMARY KEY,
    at timestamptz NOT NULL,
    action text NOT NULL CONSTRAINT audit_action_known
        CHECK (action IN ('original_read', 'unblurred_preview_read', 'original_exported')),
    media_id uuid NOT NULL CONSTRAINT audit_media_known REFERENCES media (id),
    by text NOT NULL,
    person text,
    role text,
    token_id uuid CONSTRAINT audit_token_known REFERENCES token (id),
    CONSTRAINT audit_role_of_token CHECK ((role IS NULL) = (token_id IS NULL))
);
CREATE INDEX audit_media ON audit (media_id, seq);
CREATE TRIGGER audit_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
