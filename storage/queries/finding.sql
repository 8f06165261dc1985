-- name: insert_finding
-- The same finding (by dedup_key) is recorded once; then no row comes back.
INSERT INTO finding (id, project_id, milestone_id, kind, code, severity, title, occurred_at, media_id, sensor_id,
                     box_xyxy_px, chainage_m, details, dedup_key)
VALUES (%(id)s, %(project_id)s, %(milestone_id)s, %(kind)s, %(code)s, %(severity)s, %(title)s, %(occurred_at)s,
        %(media_id)s, %(sensor_id)s, %(box_xyxy_px)s, %(chainage_m)s, %(details)s, %(dedup_key)s)
ON CONFLICT ON CONSTRAINT finding_once DO NOTHING
RETURNING id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
          sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason;

-- name: find_finding
SELECT id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
       sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason
FROM finding WHERE id = %(id)s;

-- name: lock_finding
SELECT id FROM finding WHERE id = %(id)s FOR UPDATE;

-- name: list_findings
-- A field token (own_media_of) sees the findings of what it sent, and no others.
SELECT f.id, f.project_id, f.milestone_id, f.kind, f.code, f.severity, f.status, f.title, f.occurred_at,
       f.recorded_at, f.media_id, f.sensor_id, f.box_xyxy_px, f.chainage_m, f.details, f.issue_id, f.reviewed_at,
       f.reviewed_by, f.review_reason, f.seq
FROM finding AS f
JOIN project AS p ON p.id = f.project_id
LEFT JOIN media AS m ON m.id = f.media_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(own_media_of)s::uuid IS NULL OR m.token_id = %(own_media_of)s)
  AND (%(project_id)s::text IS NULL OR f.project_id = %(project_id)s)
  AND (%(milestone_id)s::text IS NULL OR f.milestone_id = %(milestone_id)s)
  AND (%(media_id)s::uuid IS NULL OR f.media_id = %(media_id)s)
  AND (%(kind)s::text IS NULL OR f.kind = %(kind)s)
  AND (%(status)s::text IS NULL OR f.status = %(status)s)
  AND (%(severity)s::text IS NULL OR f.severity = %(severity)s)
  AND f.seq > %(after)s
ORDER BY f.seq
LIMIT %(limit)s;

-- name: list_sensor_findings
-- What was seen of sensors in a time, the newest ones first; what a reviewer dismissed is left out.
SELECT id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
       sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason
FROM finding
WHERE project_id = %(project_id)s AND sensor_id = ANY(%(sensor_ids)s) AND status <> 'dismissed'
  AND occurred_at >= %(from)s AND occurred_at <= %(to)s
ORDER BY occurred_at DESC, seq DESC
LIMIT %(limit)s;

-- name: list_finding_ids
SELECT id FROM finding WHERE media_id = %(media_id)s ORDER BY seq;

-- name: review_finding
UPDATE finding
SET status = %(status)s, reviewed_at = now(), reviewed_by = %(reviewed_by)s, review_reason = %(reason)s
WHERE id = %(id)s;

-- name: list_holding_findings
-- What keeps a milestone from passing: everything of it that is open or confirmed and at least major.
SELECT id, code, severity, status
FROM finding
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s
  AND status IN ('open', 'confirmed') AND severity IN ('major', 'critical')
ORDER BY seq;

-- name: list_project_wide_holding_findings
-- A sensor's alarm belongs to the structure, not to one milestone, so it holds every milestone of the project.
SELECT id, code, severity, status
FROM finding
WHERE project_id = %(project_id)s AND milestone_id IS NULL AND kind = 'sensor'
  AND status IN ('open', 'confirmed') AND severity IN ('major', 'critical')
ORDER BY seq;

-- name: attach_finding
UPDATE finding SET issue_id = %(issue_id)s WHERE id = %(id)s;

-- name: set_finding_status
UPDATE finding SET status = %(status)s WHERE id = %(id)s;

-- name: lock_issue_findings
SELECT id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
       sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason
FROM finding WHERE issue_id = %(issue_id)s ORDER BY seq
FOR UPDATE;

-- name: take_unreviewed_findings
-- Each once: whoever takes it tells it in the same transaction.
UPDATE finding SET unreviewed_told_at = %(now)s
WHERE id IN (
    SELECT id FROM finding
    WHERE unreviewed_told_at IS NULL AND status = 'open' AND recorded_at <= %(recorded_before)s
    ORDER BY recorded_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id;

-- name: resolve_finding
-- Only what nobody has decided yet.
UPDATE finding SET status = 'resolved', details = details || %(details)s
WHERE id = %(id)s AND status = 'open'
RETURNING id;

-- name: reopen_finding
-- Only what was resolved by itself, which says why.
UPDATE finding SET status = 'open', details = details - 'resolution'
WHERE id = %(id)s AND status = 'resolved' AND details ? 'resolution'
RETURNING id;

-- name: lock_occurrences
-- Two photos of one camera at once would each find nothing told; this makes the second one wait.
SELECT pg_advisory_xact_lock(hashtextextended(%(project_id)s || '/' || %(camera_id)s, 8));

-- name: list_occurrences
SELECT occurred_at FROM finding WHERE project_id = %(project_id)s AND dedup_key = ANY (%(dedup_keys)s);

-- name: list_media_findings
SELECT id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
       sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason
FROM finding WHERE media_id = %(media_id)s ORDER BY seq;

-- name: list_milestone_findings
SELECT id, project_id, milestone_id, kind, code, severity, status, title, occurred_at, recorded_at, media_id,
       sensor_id, box_xyxy_px, chainage_m, details, issue_id, reviewed_at, reviewed_by, review_reason
FROM finding
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s AND code = %(code)s
ORDER BY seq;

-- name: move_finding
UPDATE finding SET chainage_m = %(chainage_m)s, title = %(title)s, details = details || %(details)s
WHERE id = %(id)s;
