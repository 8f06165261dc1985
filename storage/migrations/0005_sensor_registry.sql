-- What is known of sensors beyond kind and unit, the calibrations that they had, and values that are to be made anew.

ALTER TABLE sensor
    ADD COLUMN profile jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN instruments jsonb NOT NULL DEFAULT '[]';

CREATE TABLE calibration_version (
    sensor_id text NOT NULL CONSTRAINT calibration_version_sensor_known REFERENCES sensor (id),
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    calibration jsonb NOT NULL,
    instruments jsonb NOT NULL,
    CONSTRAINT calibration_version_pkey PRIMARY KEY (sensor_id, version)
);

-- Whose values need another sensor's.
CREATE TABLE sensor_dependency (
    sensor_id text NOT NULL CONSTRAINT sensor_dependency_sensor_known REFERENCES sensor (id),
    on_sensor_id text NOT NULL CONSTRAINT sensor_dependency_on_known REFERENCES sensor (id),
    max_age_s double precision NOT NULL,
    CONSTRAINT sensor_dependency_pkey PRIMARY KEY (sensor_id, on_sensor_id)
);
CREATE INDEX sensor_dependency_on ON sensor_dependency (on_sensor_id);

-- The part of a sensor's record whose values are by an earlier calibration, or by older readings of another sensor.
CREATE TABLE recomputation (
    sensor_id text CONSTRAINT recomputation_pkey PRIMARY KEY
        CONSTRAINT recomputation_sensor_known REFERENCES sensor (id),
    from_t timestamptz NOT NULL,
    to_t timestamptz NOT NULL,
    -- When a sweep first saw it; what began before may still store values by the old calibration.
    seen_at timestamptz,
    CONSTRAINT recomputation_in_order CHECK (from_t <= to_t)
);

-- 0 good, 1 bad by the gauge's own word, 2 outside of the sensor's range, 3 without a reading of another sensor.
ALTER TABLE reading DROP CONSTRAINT reading_quality_known;
ALTER TABLE reading ADD CONSTRAINT reading_quality_known CHECK (q BETWEEN 0 AND 3);
