-- Quality issues, every step of their life, and what a person was reminded of.

CREATE TABLE issue (
    id uuid CONSTRAINT issue_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT issue_seq_unique UNIQUE,
    project_id text NOT NULL CONSTRAINT issue_project_known REFERENCES project (id),
    milestone_id text,
    title text NOT NULL,
    severity text NOT NULL CONSTRAINT issue_severity_known
        CHECK (severity IN ('info', 'minor', 'major', 'critical')),
    status text NOT NULL CONSTRAINT issue_status_known
        CHECK (status IN ('open', 'assigned', 'rectified', 'failed', 'closed', 'reopened')),
    assigned_to text,
    due_date date NOT NULL,
    due_at timestamptz NOT NULL,
    creation_date timestamptz NOT NULL,
    creation_author text NOT NULL,
    modified_date timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1,
    -- When it was told that the present due_at has passed.
    overdue_told_at timestamptz,
    CONSTRAINT issue_milestone_known FOREIGN KEY (project_id, milestone_id)
        REFERENCES milestone (project_id, id)
);
CREATE INDEX issue_project ON issue (project_id, seq);
CREATE INDEX issue_due ON issue (due_at)
    WHERE overdue_told_at IS NULL AND status IN ('open', 'assigned', 'failed', 'reopened');

-- A step of an issue's life: written once, never changed.
CREATE TABLE issue_transition (
    issue_id uuid NOT NULL CONSTRAINT issue_transition_issue_known REFERENCES issue (id),
    number integer NOT NULL,
    from_status text,
    to_status text NOT NULL CONSTRAINT issue_transition_to_known
        CHECK (to_status IN ('open', 'assigned', 'rectified', 'failed', 'closed', 'reopened')),
    at timestamptz NOT NULL,
    by text NOT NULL,
    person text,
    role text NOT NULL,
    token_id uuid NOT NULL CONSTRAINT issue_transition_token_known REFERENCES token (id),
    note text,
    media_ids uuid[] NOT NULL DEFAULT '{}',
    after_photos jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT issue_transition_pkey PRIMARY KEY (issue_id, number),
    CONSTRAINT issue_transition_first_raises CHECK ((number = 1) = (from_status IS NULL))
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END;
$$;
CREATE TRIGGER issue_transition_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON issue_transition
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE finding
    ADD COLUMN unreviewed_told_at timestamptz,
    ADD CONSTRAINT finding_issue_known FOREIGN KEY (issue_id) REFERENCES issue (id);
CREATE INDEX finding_issue ON finding (issue_id) WHERE issue_id IS NOT NULL;
CREATE INDEX finding_unreviewed ON finding (recorded_at) WHERE unreviewed_told_at IS NULL AND status = 'open';
