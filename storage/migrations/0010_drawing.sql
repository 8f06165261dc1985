-- The design drawing of a project: what it was read as. Its bytes are in the media store under their SHA-256; boundary
-- and alignment are zones, which may be changed afterwards without it.

CREATE TABLE drawing (
    project_id text CONSTRAINT drawing_pkey PRIMARY KEY CONSTRAINT drawing_project_known REFERENCES project (id),
    sha256 text NOT NULL CONSTRAINT drawing_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL,
    format text NOT NULL CONSTRAINT drawing_format_known CHECK (format IN ('dxf', 'geojson', 'kml')),
    crs text NOT NULL,
    unit text,
    choice jsonb NOT NULL,
    layers jsonb NOT NULL,
    unread jsonb NOT NULL,
    width jsonb,
    structures jsonb NOT NULL,
    warnings text[] NOT NULL,
    set_at timestamptz NOT NULL,
    set_by text NOT NULL,
    version integer NOT NULL DEFAULT 1
);
