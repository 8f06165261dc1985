-- name: hear_camera
-- A medium came. That a camera cannot be reached is for its sender to take back: what comes may have waited.
INSERT INTO camera_health (project_id, camera_id, heard_at)
VALUES (%(project_id)s, %(camera_id)s, %(at)s)
ON CONFLICT (project_id, camera_id) DO UPDATE SET heard_at = greatest(camera_health.heard_at, excluded.heard_at);

-- name: put_camera_report
INSERT INTO camera_health (project_id, camera_id, heard_at, due_at, is_unreachable, clock_skew_s, skew_measured_at)
VALUES (%(project_id)s, %(camera_id)s, %(at)s, %(due_at)s, %(is_unreachable)s, %(clock_skew_s)s,
        CASE WHEN %(clock_skew_s)s::double precision IS NOT NULL THEN %(at)s END)
ON CONFLICT (project_id, camera_id) DO UPDATE
SET heard_at = CASE WHEN excluded.is_unreachable THEN camera_health.heard_at ELSE excluded.heard_at END,
    due_at = excluded.due_at,
    is_unreachable = excluded.is_unreachable,
    clock_skew_s = coalesce(excluded.clock_skew_s, camera_health.clock_skew_s),
    skew_measured_at = coalesce(excluded.skew_measured_at, camera_health.skew_measured_at);

-- name: find_camera_health
SELECT project_id, camera_id, heard_at, due_at, is_unreachable, clock_skew_s, skew_measured_at, state
FROM camera_health WHERE project_id = %(project_id)s AND camera_id = %(camera_id)s;

-- name: lock_camera_health
SELECT project_id, camera_id, heard_at, due_at, is_unreachable, clock_skew_s, skew_measured_at, state
FROM camera_health WHERE project_id = %(project_id)s AND camera_id = %(camera_id)s
FOR UPDATE;

-- name: put_camera_state
UPDATE camera_health SET state = %(state)s WHERE project_id = %(project_id)s AND camera_id = %(camera_id)s;

-- name: list_silent_cameras
-- Registered cameras by their own figure, others by what their sender promised; one that never sent counts from its
-- registration. Those whose fault is known already come too, for they may speak again.
SELECT project_id, camera_id, heard_at, is_silent
FROM (
    SELECT coalesce(h.project_id, c.project_id) AS project_id, coalesce(h.camera_id, c.id) AS camera_id,
           coalesce(h.heard_at, c.created_at) AS heard_at,
           coalesce(h.is_unreachable, false) OR coalesce(
               coalesce(coalesce(h.heard_at, c.created_at) + c.silent_after_s * interval '1 second', h.due_at)
                   < %(now)s,
               false
           ) AS is_silent,
           coalesce(h.state -> 'faults' ? 'camera.silent', false) AS is_known
    FROM camera AS c
    FULL JOIN camera_health AS h ON h.project_id = c.project_id AND h.camera_id = c.id
) AS heard
WHERE is_silent <> is_known
ORDER BY project_id, camera_id;
