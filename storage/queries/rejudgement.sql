-- Alarm histories that are to be judged again, and the checkpoints to begin from.

-- name: request
-- A reading behind what was judged again already is passed on the way; one before it sends judging back.
INSERT INTO rejudgement AS r (sensor_id, from_t)
VALUES (%(sensor_id)s, %(from)s)
ON CONFLICT ON CONSTRAINT rejudgement_pkey DO UPDATE
SET progress = CASE WHEN excluded.from_t <= to_timestamp((r.progress -> 'state' ->> 'newest')::double precision)
                    THEN NULL ELSE r.progress END,
    from_t = least(r.from_t, excluded.from_t);

-- name: find_waiting
-- Not while values are still being made anew: judging would begin again with each page.
SELECT sensor_id FROM rejudgement AS r
WHERE NOT EXISTS (SELECT FROM recomputation AS c WHERE c.sensor_id = r.sensor_id)
  AND sensor_id <> ALL(%(without)s)
ORDER BY requested_at, sensor_id
LIMIT 1;

-- name: lock
SELECT from_t, progress FROM rejudgement WHERE sensor_id = %(sensor_id)s FOR UPDATE;

-- name: keep_progress
UPDATE rejudgement SET progress = %(progress)s WHERE sensor_id = %(sensor_id)s;

-- name: finish
DELETE FROM rejudgement WHERE sensor_id = %(sensor_id)s;

-- name: is_waiting
SELECT EXISTS (SELECT FROM rejudgement WHERE sensor_id = %(sensor_id)s);

-- name: find_checkpoint
SELECT state FROM alarm_checkpoint WHERE sensor_id = %(sensor_id)s AND t < %(before)s ORDER BY t DESC LIMIT 1;

-- name: put_checkpoints
INSERT INTO alarm_checkpoint (sensor_id, t, state)
SELECT * FROM unnest(%(sensor_ids)s::text[], %(times)s::timestamptz[], %(states)s::jsonb[])
ON CONFLICT ON CONSTRAINT alarm_checkpoint_pkey DO UPDATE SET state = excluded.state;

-- name: list_checkpoints
SELECT sensor_id, t FROM alarm_checkpoint WHERE sensor_id = ANY(%(sensor_ids)s) ORDER BY sensor_id, t;

-- name: drop_checkpoints
DELETE FROM alarm_checkpoint AS c
USING unnest(%(sensor_ids)s::text[], %(times)s::timestamptz[]) AS gone(sensor_id, t)
WHERE c.sensor_id = gone.sensor_id AND c.t = gone.t;

-- name: drop_checkpoints_between
DELETE FROM alarm_checkpoint WHERE sensor_id = %(sensor_id)s AND t > %(after)s AND t <= %(to)s;

-- name: drop_checkpoints_before
DELETE FROM alarm_checkpoint WHERE sensor_id = %(sensor_id)s AND t < %(before)s;

-- name: list_judged_readings
-- Good ones and those out of range; seconds since 1970 to the microsecond, as Python has them.
SELECT t, v, q
FROM reading
WHERE sensor_key = %(sensor_key)s AND t > %(after)s AND t <= %(to)s AND q IN (0, 2)
ORDER BY t
LIMIT %(limit)s;

-- name: list_silent
-- Sensors that must not be silent for so long, and are; one that never said anything is silent since it was registered.
SELECT s.id, s.key, coalesce(newest.t, s.created_at) AS since
FROM sensor AS s
LEFT JOIN LATERAL (
    SELECT r.t FROM reading AS r WHERE r.sensor_key = s.key ORDER BY r.t DESC LIMIT 1
) AS newest ON true
WHERE s.stale_after_s IS NOT NULL
  AND coalesce(newest.t, s.created_at) < %(now)s - make_interval(secs => s.stale_after_s)
ORDER BY s.id;

-- name: list_redundant
SELECT id, profile ->> 'redundant_with' FROM sensor WHERE profile ->> 'redundant_with' IS NOT NULL ORDER BY id;
