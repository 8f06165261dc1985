-- Hazard rules of a project, and fixed cameras with their zones.

-- Every version stays, so that a finding's rule_version can be looked up for ever.
CREATE TABLE hazard_rules (
    project_id text NOT NULL CONSTRAINT hazard_rules_project_known REFERENCES project (id),
    version integer NOT NULL,
    given jsonb NOT NULL,
    set_at timestamptz NOT NULL,
    set_by text NOT NULL,
    CONSTRAINT hazard_rules_pkey PRIMARY KEY (project_id, version)
);
CREATE TRIGGER hazard_rules_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON hazard_rules
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE camera (
    project_id text NOT NULL CONSTRAINT camera_project_known REFERENCES project (id),
    id text NOT NULL CONSTRAINT camera_id_form CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT camera_seq_unique UNIQUE,
    name text NOT NULL,
    zones jsonb NOT NULL DEFAULT '[]',
    ground_points jsonb NOT NULL DEFAULT '[]',
    clock_skew_s double precision NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT camera_pkey PRIMARY KEY (project_id, id)
);

-- What a fixed camera showed before, for rules that ask how long something has lasted.
CREATE INDEX media_camera ON media (project_id, camera_id, taken_at) WHERE camera_id IS NOT NULL;
