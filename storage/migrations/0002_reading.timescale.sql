-- no transaction
-- Readings on TimescaleDB: a hypertable, columnstore after a week, hourly and daily continuous aggregates. Each
-- statement may be run again, because a file without a transaction may stop half way.
CREATE TABLE IF NOT EXISTS reading (
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
)
-- ;
-- The primary key serves every question that is asked, so the default index on t would only cost.
SELECT create_hypertable(
    'reading', by_range('t', INTERVAL '7 days'), create_default_indexes => false, if_not_exists => true
)
-- ;
ALTER TABLE reading SET (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'sensor_key', timescaledb.orderby = 't'
)
-- ;
CALL add_columnstore_policy('reading', after => INTERVAL '7 days', if_not_exists => true)
-- ;
CREATE TABLE IF NOT EXISTS reading_retention (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT reading_retention_pkey PRIMARY KEY
        CONSTRAINT reading_retention_one_row CHECK (only_row),
    keep_raw_days integer CONSTRAINT reading_retention_days CHECK (keep_raw_days >= 30)
)
-- ;
INSERT INTO reading_retention (keep_raw_days) VALUES (NULL) ON CONFLICT DO NOTHING
-- ;
CREATE INDEX IF NOT EXISTS dead_letter_topic ON dead_letter (topic)
-- ;
-- Good readings of each sensor and UTC hour.
CREATE MATERIALIZED VIEW IF NOT EXISTS reading_hour
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT sensor_key, time_bucket(INTERVAL '1 hour', t) AS t, count(*) AS n, sum(v) AS total, min(v) AS low, max(v) AS high
FROM reading
WHERE q = 0
GROUP BY 1, 2
WITH NO DATA
-- ;
-- Days of Asia/Shanghai, the zone of nearly every project; other zones' days are summed from hours.
CREATE MATERIALIZED VIEW IF NOT EXISTS reading_day
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT sensor_key, time_bucket(INTERVAL '1 day', t, 'Asia/Shanghai') AS t,
       sum(n) AS n, sum(total) AS total, min(low) AS low, max(high) AS high
FROM reading_hour
GROUP BY 1, 2
WITH NO DATA
-- ;
-- No start: late data of any age reaches the aggregates, and only where it fell, because of the invalidation log.
SELECT add_continuous_aggregate_policy(
    'reading_hour', start_offset => NULL, end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '5 minutes',
    if_not_exists => true
)
-- ;
SELECT add_continuous_aggregate_policy(
    'reading_day', start_offset => NULL, end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 hour',
    if_not_exists => true
)
