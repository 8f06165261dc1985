-- Readings. What differs by flavour ends in _native or _timescale; `reading_hour` has the same columns in both.

-- name: flavour
SELECT flavour FROM storage_flavour;

-- name: make_staging
CREATE TEMPORARY TABLE IF NOT EXISTS reading_staging (
    sensor_key integer, t timestamptz, v double precision, raw double precision, q smallint,
    seq bigint
) ON COMMIT DELETE ROWS;

-- name: copy_staging
COPY reading_staging (sensor_key, t, v, raw, q, seq) FROM STDIN (FORMAT BINARY);

-- name: empty_staging
-- For a second batch in the same transaction.
DELETE FROM reading_staging;

-- name: ensure_partitions_native
SELECT ensure_reading_partitions(%(months)s::date[]);

-- name: insert_native
-- Sorted, so that two collectors that store the same readings wait for each other and never in a circle. The rollup
-- only ever adds what is new: late data of any age is right at once, raw data that retention dropped stays counted,
-- and no hour is read again for each batch. A reading older than retention keeps would be counted twice if it came
-- again, so it leaves the rollup alone. The rows that come back were there before; mostly there are none, which counting
-- tells sooner than looking for each.
WITH fresh AS (
    INSERT INTO reading (sensor_key, t, v, raw, q, seq)
    SELECT sensor_key, t, v, raw, q, seq FROM reading_staging ORDER BY sensor_key, t
    ON CONFLICT DO NOTHING
    RETURNING sensor_key, t, v, q
), rolled AS (
    INSERT INTO reading_hour AS kept (sensor_key, t, n, total, low, high)
    SELECT sensor_key, date_bin('1 hour', t, '2000-01-01 00:00:00+00'), count(*), sum(v), min(v), max(v)
    FROM fresh
    WHERE q = 0
      AND t >= (
          SELECT coalesce(date_trunc('month', now() - make_interval(days => keep_raw_days)), '-infinity')
          FROM reading_retention
      )
    GROUP BY 1, 2
    ORDER BY 1, 2
    ON CONFLICT ON CONSTRAINT reading_hour_pkey DO UPDATE
    SET n = kept.n + excluded.n, total = kept.total + excluded.total,
        low = least(kept.low, excluded.low), high = greatest(kept.high, excluded.high)
)
SELECT staged.sensor_key, staged.t
FROM reading_staging AS staged
WHERE (SELECT count(*) FROM fresh) < (SELECT count(*) FROM reading_staging)
  AND NOT EXISTS (SELECT FROM fresh WHERE fresh.sensor_key = staged.sensor_key AND fresh.t = staged.t);

-- name: lift_limit_timescale
-- Late data may meet compressed chunks; the default limit would fail a batch that a gateway kept for months.
SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0;

-- name: insert_timescale
-- As for native; the continuous aggregates see what is new by themselves.
WITH fresh AS (
    INSERT INTO reading (sensor_key, t, v, raw, q, seq)
    SELECT sensor_key, t, v, raw, q, seq FROM reading_staging ORDER BY sensor_key, t
    ON CONFLICT DO NOTHING
    RETURNING sensor_key, t
)
SELECT staged.sensor_key, staged.t
FROM reading_staging AS staged
WHERE (SELECT count(*) FROM fresh) < (SELECT count(*) FROM reading_staging)
  AND NOT EXISTS (SELECT FROM fresh WHERE fresh.sensor_key = staged.sensor_key AND fresh.t = staged.t);

-- name: list_readings
SELECT s.id AS sensor_id, r.t, r.v, r.q, r.seq
FROM reading AS r
JOIN sensor AS s ON s.key = r.sensor_key
WHERE r.sensor_key = %(sensor_key)s AND r.t >= %(from)s AND r.t < %(to)s
  AND (%(after)s::timestamptz IS NULL OR r.t > %(after)s)
ORDER BY r.t
LIMIT %(limit)s;

-- name: latest_readings
SELECT s.id AS sensor_id, newest.t, newest.v, newest.q, newest.seq
FROM sensor AS s
CROSS JOIN LATERAL (
    SELECT r.t, r.v, r.q, r.seq FROM reading AS r WHERE r.sensor_key = s.key ORDER BY r.t DESC LIMIT 1
) AS newest
WHERE s.id = ANY(%(sensor_ids)s);

-- name: held_values
-- The newest good reading at or before each moment that is not older than asked for.
SELECT asked.n, newest.v
FROM unnest(%(sensor_keys)s::integer[], %(moments)s::timestamptz[], %(max_ages_s)s::double precision[])
     WITH ORDINALITY AS asked(sensor_key, t, max_age_s, n)
CROSS JOIN LATERAL (
    SELECT r.v
    FROM reading AS r
    WHERE r.sensor_key = asked.sensor_key AND r.q = 0
      AND r.t <= asked.t AND r.t >= asked.t - make_interval(secs => asked.max_age_s)
    ORDER BY r.t DESC
    LIMIT 1
) AS newest;

-- name: has_readings
SELECT EXISTS (
    SELECT FROM reading WHERE sensor_key = %(sensor_key)s AND t >= %(from)s AND t <= %(to)s
);

-- name: bucket_raw
-- 2001-01-01 was a Monday, so that buckets of seven days are weeks.
SELECT date_bin(%(width)s, t AT TIME ZONE %(zone)s, '2001-01-01 00:00:00') AT TIME ZONE %(zone)s AS bucket,
       avg(v) AS mean, min(v) AS min, max(v) AS max, count(*) AS n
FROM reading
WHERE sensor_key = %(sensor_key)s AND q = 0 AND t >= %(from)s AND t < %(to)s
GROUP BY bucket
ORDER BY bucket
LIMIT %(limit)s;

-- name: bucket_hour
-- Whole hours from the rollup, the window's ragged ends from the readings themselves.
SELECT date_bin(%(width)s, t AT TIME ZONE %(zone)s, '2001-01-01 00:00:00') AT TIME ZONE %(zone)s AS bucket,
       sum(total) / sum(n)::double precision AS mean, min(low) AS min, max(high) AS max, sum(n)::bigint AS n
FROM (
    SELECT t, n, total, low, high FROM reading_hour
    WHERE sensor_key = %(sensor_key)s AND t >= %(whole_from)s AND t < %(whole_to)s
    UNION ALL
    SELECT t, 1, v, v, v FROM reading
    WHERE sensor_key = %(sensor_key)s AND q = 0 AND t >= %(from)s AND t < %(whole_from)s
    UNION ALL
    SELECT t, 1, v, v, v FROM reading
    WHERE sensor_key = %(sensor_key)s AND q = 0 AND t >= %(whole_to)s AND t < %(to)s
) AS part
GROUP BY bucket
ORDER BY bucket
LIMIT %(limit)s;

-- name: bucket_day_timescale
-- Whole days of Asia/Shanghai from the daily aggregate, the window's ragged ends from the readings themselves.
SELECT date_bin(%(width)s, t AT TIME ZONE %(zone)s, '2001-01-01 00:00:00') AT TIME ZONE %(zone)s AS bucket,
       sum(total) / sum(n)::double precision AS mean, min(low) AS min, max(high) AS max, sum(n)::bigint AS n
FROM (
    SELECT t, n, total, low, high FROM reading_day
    WHERE sensor_key = %(sensor_key)s AND t >= %(whole_from)s AND t < %(whole_to)s
    UNION ALL
    SELECT t, 1, v, v, v FROM reading
    WHERE sensor_key = %(sensor_key)s AND q = 0 AND t >= %(from)s AND t < %(whole_from)s
    UNION ALL
    SELECT t, 1, v, v, v FROM reading
    WHERE sensor_key = %(sensor_key)s AND q = 0 AND t >= %(whole_to)s AND t < %(to)s
) AS part
GROUP BY bucket
ORDER BY bucket
LIMIT %(limit)s;

-- name: put_retention
UPDATE reading_retention SET keep_raw_days = %(keep_raw_days)s;

-- name: find_retention
SELECT keep_raw_days FROM reading_retention;

-- name: wait_briefly
-- Dropping waits for those who write, and others who want to write wait behind it.
SET LOCAL lock_timeout = '2s';

-- name: drop_expired_native
SELECT drop_reading_partitions(now() - make_interval(days => keep_raw_days))
FROM reading_retention WHERE keep_raw_days IS NOT NULL;

-- name: remove_policies_timescale
SELECT remove_retention_policy('reading', if_exists => true),
       remove_continuous_aggregate_policy('reading_hour', if_exists => true),
       remove_continuous_aggregate_policy('reading_day', if_exists => true);

-- name: add_retention_timescale
SELECT add_retention_policy('reading', drop_after => make_interval(days => %(keep_raw_days)s::integer));

-- name: add_refresh_timescale
-- With retention the refresh must not reach behind it: it would replace what was counted by what is left.
SELECT add_continuous_aggregate_policy(
           'reading_hour', start_offset => make_interval(days => %(keep_raw_days)s::integer),
           end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '5 minutes'
       ),
       add_continuous_aggregate_policy(
           'reading_day', start_offset => make_interval(days => %(keep_raw_days)s::integer),
           end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '1 hour'
       );

-- name: refresh_hour_timescale
CALL refresh_continuous_aggregate('reading_hour', NULL, NULL);

-- name: refresh_day_timescale
CALL refresh_continuous_aggregate('reading_day', NULL, NULL);
