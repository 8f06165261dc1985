-- Values that are to be made anew from their raw ones.

-- name: request
INSERT INTO recomputation (sensor_id, from_t, to_t)
VALUES (%(sensor_id)s, %(from)s, %(to)s)
ON CONFLICT ON CONSTRAINT recomputation_pkey DO UPDATE
SET from_t = least(recomputation.from_t, excluded.from_t), to_t = greatest(recomputation.to_t, excluded.to_t),
    seen_at = NULL;

-- name: see
UPDATE recomputation SET seen_at = clock_timestamp() WHERE seen_at IS NULL;

-- name: take
-- Who began before the request was seen may have read the old calibration and not yet stored by it. A collector's
-- transaction takes seconds; one that goes on for minutes is a backup or the like, and is not waited for.
SELECT r.sensor_id, r.from_t, r.to_t
FROM recomputation AS r
WHERE r.seen_at IS NOT NULL
  AND (
      r.seen_at < clock_timestamp() - interval '5 minutes'
      OR NOT EXISTS (
          SELECT FROM pg_stat_activity AS a
          WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.xact_start <= r.seen_at
            AND a.backend_type = 'client backend'
      )
  )
ORDER BY r.seen_at, r.sensor_id
FOR UPDATE SKIP LOCKED
LIMIT 1;

-- name: advance
UPDATE recomputation SET from_t = %(from)s WHERE sensor_id = %(sensor_id)s;

-- name: finish
DELETE FROM recomputation WHERE sensor_id = %(sensor_id)s;

-- name: list_raw
SELECT t, coalesce(raw, v) AS raw, v, q, raw IS NULL AS is_raw_alone, seq
FROM reading
WHERE sensor_key = %(sensor_key)s AND t >= %(from)s AND t <= %(to)s
ORDER BY t
LIMIT %(limit)s;

-- name: update_readings
UPDATE reading AS r
SET v = s.v, raw = s.raw, q = s.q
FROM reading_staging AS s
WHERE r.sensor_key = %(sensor_key)s AND s.sensor_key = r.sensor_key AND r.t = s.t
  AND r.t >= %(from)s AND r.t <= %(to)s;

-- name: forget_hours_native
-- Whole hours: partitions hold whole months, so that an hour with a raw reading has all of them.
DELETE FROM reading_hour WHERE sensor_key = %(sensor_key)s AND t >= %(from_hour)s AND t < %(to_hour)s;

-- name: roll_hours_native
INSERT INTO reading_hour (sensor_key, t, n, total, low, high)
SELECT sensor_key, date_bin('1 hour', t, '2000-01-01 00:00:00+00'), count(*), sum(v), min(v), max(v)
FROM reading
WHERE sensor_key = %(sensor_key)s AND t >= %(from_hour)s AND t < %(to_hour)s AND q = 0
GROUP BY 1, 2;
