-- name: insert_sensor
INSERT INTO sensor (id, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(unit)s, %(position)s, %(calibration)s, %(range_min)s, %(range_max)s,
        %(alarms)s, %(stale_after_s)s)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: update_sensor
-- The version grows only when something changed, so that a repeated PUT changes nothing.
UPDATE sensor
SET kind = %(kind)s, unit = %(unit)s, position = %(position)s, calibration = %(calibration)s,
    range_min = %(range_min)s, range_max = %(range_max)s, alarms = %(alarms)s, stale_after_s = %(stale_after_s)s,
    version = version + 1
WHERE id = %(id)s
  AND (kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s)
      IS DISTINCT FROM
      (%(kind)s, %(unit)s, %(position)s::jsonb, %(calibration)s::jsonb, %(range_min)s::double precision,
       %(range_max)s::double precision, %(alarms)s::jsonb, %(stale_after_s)s::double precision)
RETURNING id;

-- name: find_sensor
SELECT id, key, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, created_at,
       version
FROM sensor WHERE id = %(id)s;

-- name: list_sensors
SELECT s.id, s.key, s.project_id, s.kind, s.unit, s.position, s.calibration, s.range_min, s.range_max, s.alarms,
       s.stale_after_s, s.created_at, s.version
FROM sensor AS s
JOIN project AS p ON p.id = s.project_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(project_id)s::text IS NULL OR p.id = %(project_id)s)
  AND s.key > %(after)s
ORDER BY s.key
LIMIT %(limit)s;

-- name: list_sensor_versions
SELECT id, version FROM sensor WHERE id = ANY(%(ids)s);

-- name: list_sensor_entries
SELECT id, key, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, created_at,
       version
FROM sensor WHERE id = ANY(%(ids)s);
