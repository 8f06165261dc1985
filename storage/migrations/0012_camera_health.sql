-- Whether fixed cameras still see and still send, and by how much their clocks are off.

ALTER TABLE camera ADD COLUMN working_hours jsonb;
ALTER TABLE camera ADD COLUMN silent_after_s double precision
    CONSTRAINT camera_silence_positive CHECK (silent_after_s > 0);

-- A camera may send before anybody registers it, so this does not refer to its registration.
CREATE TABLE camera_health (
    project_id text NOT NULL CONSTRAINT camera_health_project_known REFERENCES project (id),
    camera_id text NOT NULL CONSTRAINT camera_health_id_form CHECK (camera_id ~ '^[A-Za-z0-9._-]{1,64}$'),
    heard_at timestamptz NOT NULL,
    due_at timestamptz,
    is_unreachable boolean NOT NULL DEFAULT false,
    clock_skew_s double precision,
    skew_measured_at timestamptz,
    state jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT camera_health_pkey PRIMARY KEY (project_id, camera_id)
);
