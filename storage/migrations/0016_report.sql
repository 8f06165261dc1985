-- Villagers' reports, and which pictures an inspector has let onto the public page.

-- Photos that come with reports have this token for their sender. Its secret is the hash of nothing that can be written
-- down, and it is revoked: nobody can come in with it.
INSERT INTO token (id, secret_sha256, role, area, name, revoked_at)
VALUES ('00000000-0000-4000-8000-000000000016', decode(repeat('00', 32), 'hex'), 'field', '/', 'public page', now());

CREATE TABLE report (
    id uuid CONSTRAINT report_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT report_seq_unique UNIQUE,
    project_id text NOT NULL CONSTRAINT report_project_known REFERENCES project (id),
    text text NOT NULL,
    place text,
    -- For the desk alone: no event, no log and no public page carries it.
    contact text,
    media_id uuid CONSTRAINT report_media_known REFERENCES media (id),
    status text NOT NULL DEFAULT 'received' CONSTRAINT report_status_known
        CHECK (status IN ('received', 'answered', 'dismissed')),
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    answer text,
    published_text text,
    answered_at timestamptz,
    answered_by text,
    issue_id uuid CONSTRAINT report_issue_known REFERENCES issue (id),
    -- When it was told that due_at has passed.
    overdue_told_at timestamptz,
    CONSTRAINT report_answered_whole CHECK
        ((status = 'received') = (answer IS NULL)
         AND (answer IS NULL) = (answered_at IS NULL)
         AND (answer IS NULL) = (answered_by IS NULL)),
    CONSTRAINT report_published_answered CHECK (published_text IS NULL OR status = 'answered')
);
CREATE INDEX report_project ON report (project_id, seq);
CREATE INDEX report_due ON report (due_at) WHERE overdue_told_at IS NULL AND status = 'received';

CREATE TABLE media_publication (
    media_id uuid CONSTRAINT media_publication_pkey PRIMARY KEY
        CONSTRAINT media_publication_media_known REFERENCES media (id),
    project_id text NOT NULL CONSTRAINT media_publication_project_known REFERENCES project (id),
    is_shown boolean NOT NULL,
    decided_by text NOT NULL,
    token_id uuid NOT NULL CONSTRAINT media_publication_token_known REFERENCES token (id),
    decided_at timestamptz NOT NULL
);
CREATE INDEX media_publication_project ON media_publication (project_id) WHERE is_shown;
