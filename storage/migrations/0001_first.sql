-- The first schema: everything but readings, whose table depends on whether TimescaleDB is there.

CREATE TABLE token (
    id uuid CONSTRAINT token_pkey PRIMARY KEY,
    secret_sha256 bytea NOT NULL CONSTRAINT token_secret_unique UNIQUE,
    role text NOT NULL CONSTRAINT token_role_known
        CHECK (role IN ('field', 'contractor', 'inspector', 'supervisor', 'core', 'admin')),
    area text NOT NULL,
    project_id text,
    person text,
    name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE project (
    id text CONSTRAINT project_pkey PRIMARY KEY
        CONSTRAINT project_id_form CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT project_seq_unique UNIQUE,
    name text NOT NULL,
    kind text NOT NULL CONSTRAINT project_kind_known
        CHECK (kind IN ('road', 'canal', 'culvert', 'bridge', 'water', 'building', 'square', 'other')),
    area text NOT NULL,
    contractor text,
    starts_on date,
    ends_on date,
    time_zone text NOT NULL,
    position jsonb,
    project_class text NOT NULL CONSTRAINT project_class_known CHECK (project_class IN ('A', 'B', 'C')),
    public_code text NOT NULL CONSTRAINT project_public_code_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT project_days_in_order CHECK (ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on)
);
CREATE INDEX project_area ON project (area text_pattern_ops);

-- A boundary or an alignment: the converted geometry, and the Feature as it was given, in its own frame.
CREATE TABLE zone (
    project_id text NOT NULL CONSTRAINT zone_project_known REFERENCES project (id),
    role text NOT NULL CONSTRAINT zone_role_known CHECK (role IN ('boundary', 'alignment')),
    geometry jsonb NOT NULL,
    given jsonb NOT NULL,
    crs text NOT NULL,
    start_chainage_m double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT zone_pkey PRIMARY KEY (project_id, role)
);

CREATE TABLE milestone (
    project_id text NOT NULL CONSTRAINT milestone_project_known REFERENCES project (id),
    id text NOT NULL CONSTRAINT milestone_id_form CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT milestone_seq_unique UNIQUE,
    title text NOT NULL,
    planned_on date,
    after text[] NOT NULL DEFAULT '{}',
    requires jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT milestone_pkey PRIMARY KEY (project_id, id)
);

CREATE TABLE media (
    id uuid CONSTRAINT media_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT media_seq_unique UNIQUE,
    project_id text NOT NULL CONSTRAINT media_project_known REFERENCES project (id),
    milestone_id text,
    camera_id text,
    client_id uuid,
    token_id uuid NOT NULL CONSTRAINT media_token_known REFERENCES token (id),
    sha256 text NOT NULL CONSTRAINT media_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL,
    format text NOT NULL,
    status text NOT NULL CONSTRAINT media_status_known
        CHECK (status IN ('received', 'analysing', 'analysed', 'failed')),
    received_at timestamptz NOT NULL,
    taken_at timestamptz,
    position jsonb,
    width_px integer,
    height_px integer,
    capture jsonb NOT NULL DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    checks jsonb NOT NULL DEFAULT '[]',
    grade text NOT NULL,
    grade_reasons text[] NOT NULL DEFAULT '{}',
    detections jsonb NOT NULL DEFAULT '[]',
    model text,
    -- A claim is the lease of one worker on one analysis; an expired one may be taken over.
    claim uuid,
    claimed_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    -- When a worker was last told of it; a sweep tells again what waits too long.
    rung_at timestamptz NOT NULL DEFAULT now(),
    failure text,
    analysed_at timestamptz,
    CONSTRAINT media_milestone_known FOREIGN KEY (project_id, milestone_id) REFERENCES milestone (project_id, id),
    CONSTRAINT media_bytes_once_per_token UNIQUE (project_id, token_id, sha256),
    CONSTRAINT media_client_id_once UNIQUE (project_id, token_id, client_id)
);
CREATE INDEX media_sha256 ON media (sha256);
CREATE INDEX media_waiting ON media (received_at) WHERE status IN ('received', 'analysing');
CREATE INDEX media_project ON media (project_id, seq);

CREATE TABLE sensor (
    id text CONSTRAINT sensor_pkey PRIMARY KEY
        CONSTRAINT sensor_id_form CHECK (id ~ '^[A-Za-z0-9._-]{1,64}$'),
    key integer GENERATED ALWAYS AS IDENTITY CONSTRAINT sensor_key_unique UNIQUE,
    project_id text NOT NULL CONSTRAINT sensor_project_known REFERENCES project (id),
    kind text NOT NULL,
    unit text NOT NULL,
    position jsonb,
    calibration jsonb NOT NULL DEFAULT '{}',
    range_min double precision,
    range_max double precision,
    alarms jsonb NOT NULL DEFAULT '[]',
    stale_after_s double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX sensor_project ON sensor (project_id);

-- Where a sensor's alarm stands, so that a collector that starts again goes on where the last one stopped.
CREATE TABLE alarm_state (
    sensor_id text CONSTRAINT alarm_state_pkey PRIMARY KEY
        CONSTRAINT alarm_state_sensor_known REFERENCES sensor (id),
    state jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT dead_letter_pkey PRIMARY KEY,
    topic text NOT NULL,
    payload bytea NOT NULL,
    code text NOT NULL,
    detail text NOT NULL,
    received_at timestamptz NOT NULL
);

CREATE TABLE finding (
    id uuid CONSTRAINT finding_pkey PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT finding_seq_unique UNIQUE,
    project_id text NOT NULL CONSTRAINT finding_project_known REFERENCES project (id),
    milestone_id text,
    kind text NOT NULL CONSTRAINT finding_kind_known
        CHECK (kind IN ('safety', 'conformance', 'evidence', 'sensor', 'quality')),
    code text NOT NULL,
    severity text NOT NULL CONSTRAINT finding_severity_known
        CHECK (severity IN ('info', 'minor', 'major', 'critical')),
    status text NOT NULL DEFAULT 'open' CONSTRAINT finding_status_known
        CHECK (status IN ('open', 'confirmed', 'dismissed', 'resolved')),
    title jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    media_id uuid CONSTRAINT finding_media_known REFERENCES media (id),
    sensor_id text CONSTRAINT finding_sensor_known REFERENCES sensor (id),
    box_xyxy_px double precision[],
    chainage_m double precision[],
    details jsonb NOT NULL DEFAULT '{}',
    dedup_key text NOT NULL,
    issue_id uuid,
    reviewed_at timestamptz,
    reviewed_by text,
    review_reason text,
    CONSTRAINT finding_once UNIQUE (project_id, dedup_key),
    CONSTRAINT finding_milestone_known FOREIGN KEY (project_id, milestone_id)
        REFERENCES milestone (project_id, id),
    CONSTRAINT finding_review_whole CHECK ((status IN ('confirmed', 'dismissed')) <= (reviewed_at IS NOT NULL))
);
CREATE INDEX finding_project ON finding (project_id, seq);
CREATE INDEX finding_media ON finding (media_id);

-- The outbox. `tx` is the writing transaction; readers stop at the oldest one still running, so that a
-- transaction that commits late is never behind a cursor (see docs/decisions/0004).
CREATE TABLE event (
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id uuid NOT NULL,
    type text NOT NULL,
    project_id text NOT NULL,
    area text NOT NULL,
    subject text NOT NULL,
    occurred_at timestamptz NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT event_pkey PRIMARY KEY (tx, seq)
);
