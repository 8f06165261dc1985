-- name: insert_sensor
INSERT INTO sensor (id, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s,
                    profile)
VALUES (%(id)s, %(project_id)s, %(kind)s, %(unit)s, %(position)s, %(calibration)s, %(range_min)s, %(range_max)s,
        %(alarms)s, %(stale_after_s)s, %(profile)s)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: update_sensor
-- The version grows only when something changed, so that a repeated PUT changes nothing.
UPDATE sensor
SET kind = %(kind)s, unit = %(unit)s, position = %(position)s, calibration = %(calibration)s,
    range_min = %(range_min)s, range_max = %(range_max)s, alarms = %(alarms)s, stale_after_s = %(stale_after_s)s,
    profile = %(profile)s,
    -- The calibration is the newest instrument's.
    instruments = CASE WHEN instruments = '[]' THEN instruments
                       ELSE jsonb_set(instruments, '{-1,calibration}', %(calibration)s::jsonb) END,
    version = version + 1
WHERE id = %(id)s
  AND (kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, profile)
      IS DISTINCT FROM
      (%(kind)s, %(unit)s, %(position)s::jsonb, %(calibration)s::jsonb, %(range_min)s::double precision,
       %(range_max)s::double precision, %(alarms)s::jsonb, %(stale_after_s)s::double precision, %(profile)s::jsonb)
RETURNING id;

-- name: put_instruments
UPDATE sensor
SET instruments = %(instruments)s, calibration = %(calibration)s, version = version + 1
WHERE id = %(id)s;

-- name: fix_offset
-- Of the instrument that waits for its first reading; another collector may have been faster.
UPDATE sensor AS s
SET instruments = jsonb_set(s.instruments, ARRAY[%(place)s::text, 'offset'], to_jsonb(%(offset)s::double precision)),
    version = s.version + 1
WHERE s.id = %(id)s AND s.instruments -> %(place)s -> 'offset' = 'null';

-- name: record_calibration
INSERT INTO calibration_version (sensor_id, version, calibration, instruments)
SELECT s.id, s.version, s.calibration, s.instruments
FROM sensor AS s
WHERE s.id = %(id)s
  AND NOT EXISTS (
      SELECT FROM (
          SELECT calibration, instruments FROM calibration_version WHERE sensor_id = %(id)s ORDER BY version DESC LIMIT 1
      ) AS newest
      WHERE (newest.calibration, newest.instruments) = (s.calibration, s.instruments)
  );

-- name: list_calibration_versions
SELECT version, recorded_at, calibration, instruments
FROM calibration_version
WHERE sensor_id = %(id)s AND version > %(after)s
ORDER BY version
LIMIT %(limit)s;

-- name: remove_dependencies
DELETE FROM sensor_dependency WHERE sensor_id = %(id)s;

-- name: put_dependencies
INSERT INTO sensor_dependency (sensor_id, on_sensor_id, max_age_s)
SELECT %(id)s, unnest(%(on_sensor_ids)s::text[]), unnest(%(max_ages_s)s::double precision[])
ON CONFLICT ON CONSTRAINT sensor_dependency_pkey DO UPDATE
SET max_age_s = greatest(sensor_dependency.max_age_s, excluded.max_age_s);

-- name: list_dependents
SELECT on_sensor_id, sensor_id, max_age_s FROM sensor_dependency WHERE on_sensor_id = ANY(%(on_sensor_ids)s);

-- name: list_dependencies
SELECT on_sensor_id FROM sensor_dependency WHERE sensor_id = ANY(%(sensor_ids)s);

-- name: find_sensor
SELECT id, key, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, created_at,
       version, profile, instruments,
       EXISTS (SELECT FROM recomputation AS r WHERE r.sensor_id = sensor.id) AS is_recomputing
FROM sensor WHERE id = %(id)s;

-- name: list_sensors
SELECT s.id, s.key, s.project_id, s.kind, s.unit, s.position, s.calibration, s.range_min, s.range_max, s.alarms,
       s.stale_after_s, s.created_at, s.version, s.profile, s.instruments,
       EXISTS (SELECT FROM recomputation AS r WHERE r.sensor_id = s.id) AS is_recomputing
FROM sensor AS s
JOIN project AS p ON p.id = s.project_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(project_id)s::text IS NULL OR p.id = %(project_id)s)
  AND s.key > %(after)s
ORDER BY s.key
LIMIT %(limit)s;

-- name: list_project_sensors
SELECT id, key, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, created_at,
       version, profile, instruments,
       EXISTS (SELECT FROM recomputation AS r WHERE r.sensor_id = sensor.id) AS is_recomputing
FROM sensor
WHERE project_id = %(project_id)s
ORDER BY key;

-- name: list_sensor_versions
SELECT id, version FROM sensor WHERE id = ANY(%(ids)s);

-- name: list_sensor_entries
SELECT id, key, project_id, kind, unit, position, calibration, range_min, range_max, alarms, stale_after_s, created_at,
       version, profile, instruments,
       EXISTS (SELECT FROM recomputation AS r WHERE r.sensor_id = sensor.id) AS is_recomputing
FROM sensor WHERE id = ANY(%(ids)s);
