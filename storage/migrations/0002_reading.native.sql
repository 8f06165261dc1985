-- Readings on plain PostgreSQL: monthly partitions, made when a reading of that month comes, and an hourly rollup.

-- sensor_key has no foreign key: sensors are never deleted, and the check would cost a look-up for each reading.
CREATE TABLE reading (
    sensor_key integer NOT NULL,
    t timestamptz NOT NULL,
    v double precision NOT NULL,
    raw double precision,
    q smallint NOT NULL DEFAULT 0,
    seq bigint,
    CONSTRAINT reading_pkey PRIMARY KEY (sensor_key, t),
    CONSTRAINT reading_quality_known CHECK (q IN (0, 1)),
    -- NaN is greater than infinity in PostgreSQL, so this refuses it too.
    CONSTRAINT reading_value_finite CHECK (v > '-infinity' AND v < 'infinity')
) PARTITION BY RANGE (t);

-- Good readings of each sensor and UTC hour.
CREATE TABLE reading_hour (
    sensor_key integer NOT NULL,
    t timestamptz NOT NULL,
    n bigint NOT NULL,
    total double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    CONSTRAINT reading_hour_pkey PRIMARY KEY (sensor_key, t)
);

CREATE TABLE reading_retention (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT reading_retention_pkey PRIMARY KEY
        CONSTRAINT reading_retention_one_row CHECK (only_row),
    keep_raw_days integer CONSTRAINT reading_retention_days CHECK (keep_raw_days >= 30)
);
INSERT INTO reading_retention (keep_raw_days) VALUES (NULL);

CREATE INDEX dead_letter_topic ON dead_letter (topic);

-- Make the partitions of these months (their first days) where they are missing. A partition is made apart and then
-- attached, because that lets other sessions go on writing; the advisory lock makes two makers of one month wait.
CREATE FUNCTION ensure_reading_partitions(months date[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    month date;
    partition text;
BEGIN
    FOREACH month IN ARRAY months LOOP
        partition := 'reading_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtext('ensure_reading_partitions'));
        -- Asked of the table this time: to_regclass remembers its answer from before the wait.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_class WHERE relname = partition AND relnamespace = current_schema()::regnamespace
        );
        EXECUTE format('CREATE TABLE %I (LIKE reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition);
        EXECUTE format(
            'ALTER TABLE reading ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition,
            month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month')::timestamp AT TIME ZONE 'UTC'
        );
    END LOOP;
END
$$;

-- Drop the partitions that end before a time, and return how many there were.
CREATE FUNCTION drop_reading_partitions(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT child.relname
        FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'reading'::regclass
          AND (to_date(child.relname, '"reading_"YYYY_MM') + interval '1 month')::timestamp AT TIME ZONE 'UTC' <= before
    LOOP
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
