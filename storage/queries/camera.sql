-- name: find_camera
SELECT project_id, id, name, zones, ground_points, clock_skew_s, created_at, version, working_hours, silent_after_s
FROM camera WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: insert_camera
INSERT INTO camera (project_id, id, name, zones, ground_points, clock_skew_s, working_hours, silent_after_s)
VALUES (%(project_id)s, %(id)s, %(name)s, %(zones)s, %(ground_points)s, %(clock_skew_s)s, %(working_hours)s,
        %(silent_after_s)s)
ON CONFLICT (project_id, id) DO NOTHING
RETURNING id;

-- name: update_camera
-- The version grows only when something changed, so that a repeated PUT changes nothing.
UPDATE camera
SET name = %(name)s, zones = %(zones)s, ground_points = %(ground_points)s, clock_skew_s = %(clock_skew_s)s,
    working_hours = %(working_hours)s, silent_after_s = %(silent_after_s)s, version = version + 1
WHERE project_id = %(project_id)s AND id = %(id)s
  AND (name, zones, ground_points, clock_skew_s, working_hours, silent_after_s)
      IS DISTINCT FROM (%(name)s, %(zones)s::jsonb, %(ground_points)s::jsonb, %(clock_skew_s)s::double precision,
                        %(working_hours)s::jsonb, %(silent_after_s)s::double precision)
RETURNING id;

-- name: list_cameras
SELECT project_id, id, name, zones, ground_points, clock_skew_s, created_at, version, working_hours,
       silent_after_s, seq
FROM camera
WHERE project_id = %(project_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: list_camera_views
-- The newest photos of a camera within a span of time, oldest first.
SELECT taken_at, width_px, height_px, detections
FROM (
    SELECT taken_at, width_px, height_px, detections
    FROM media
    WHERE project_id = %(project_id)s AND camera_id = %(camera_id)s AND status = 'analysed'
      AND format <> 'video/mp4' AND width_px IS NOT NULL
      AND taken_at >= %(since)s AND taken_at < %(before)s
    ORDER BY taken_at DESC
    LIMIT %(limit)s
) AS newest
ORDER BY taken_at;
