-- Episodes of alarms and of gauges' faults.

-- name: insert_episode
INSERT INTO alarm_episode (sensor_id, level, code, since, raised_at, ended_at, end_reason, details, finding_id)
VALUES (%(sensor_id)s, %(level)s, %(code)s, %(since)s, %(raised_at)s, %(ended_at)s, %(end_reason)s, %(details)s,
        %(finding_id)s);

-- name: update_episode
UPDATE alarm_episode
SET since = %(since)s, raised_at = %(raised_at)s, ended_at = %(ended_at)s, end_reason = %(end_reason)s
WHERE id = %(id)s;

-- name: list_open_episodes
SELECT id, sensor_id, level, code, since, raised_at, ended_at, end_reason, details, finding_id
FROM alarm_episode
WHERE sensor_id = ANY(%(sensor_ids)s) AND ended_at IS NULL
ORDER BY id;

-- name: list_open_episodes_of_code
SELECT id, sensor_id, level, code, since, raised_at, ended_at, end_reason, details, finding_id
FROM alarm_episode
WHERE code = %(code)s AND ended_at IS NULL
ORDER BY sensor_id;

-- name: list_episodes_after
-- Those that go on after a time or begin after it; what was withdrawn never was.
SELECT id, sensor_id, level, code, since, raised_at, ended_at, end_reason, details, finding_id
FROM alarm_episode
WHERE sensor_id = %(sensor_id)s AND (ended_at IS NULL OR ended_at > %(after)s)
  AND end_reason IS DISTINCT FROM 'withdrawn'
ORDER BY since, id;

-- name: list_episodes
-- Newest first.
SELECT id, sensor_id, level, code, since, raised_at, ended_at, end_reason, details, finding_id
FROM alarm_episode
WHERE sensor_id = %(sensor_id)s AND (%(after)s = 0 OR id < %(after)s)
ORDER BY id DESC
LIMIT %(limit)s;
