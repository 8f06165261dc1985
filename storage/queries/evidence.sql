-- name: list_milestone_evidence
-- What the gate and coverage ask of a milestone's media, without what they do not: the labels instead of detections.
-- `is_accepted`: a reviewer has dismissed what was found against the medium, and nothing else of it stands.
SELECT m.id, m.status, m.grade, m.position,
       m.checks @? '$[*] ? (@.check == "location" && @.verdict == "fail")' AS is_elsewhere,
       ARRAY(SELECT DISTINCT d ->> 'label' FROM jsonb_array_elements(m.detections) AS d ORDER BY 1) AS labels,
       coalesce(bool_or(f.status = 'dismissed') AND NOT bool_or(f.status IN ('open', 'confirmed')), false)
           AS is_accepted,
       ARRAY(SELECT e - '{lines_mm,uncertainty_parts_mm,detail,facts}'::text[]
             FROM jsonb_array_elements(m.measurements) WITH ORDINALITY AS told (e, number) ORDER BY number) AS measurements
FROM media AS m
LEFT JOIN finding AS f ON f.media_id = m.id AND f.kind = 'evidence'
WHERE m.project_id = %(project_id)s AND m.milestone_id = %(milestone_id)s
GROUP BY m.id
ORDER BY m.seq;

-- name: lock_milestone
-- First the project, as an insert of a finding will, so that whoever holds it whole is never waited for in a circle.
SELECT id FROM project WHERE id = %(project_id)s FOR KEY SHARE;

-- name: lock_milestone_row
SELECT id FROM milestone WHERE project_id = %(project_id)s AND id = %(milestone_id)s FOR NO KEY UPDATE;

-- name: list_begun_milestones
-- Those whose planned day is over in the project's zone, that require stations and that nothing was told of yet.
SELECT m.project_id, m.id, m.title, m.planned_on, m.after, m.requires, m.created_at, m.version
FROM milestone AS m
JOIN project AS p ON p.id = m.project_id
WHERE m.requires #> '{photos,every_m}' IS NOT NULL
  AND m.planned_on < (%(now)s::timestamptz AT TIME ZONE p.time_zone)::date
  AND NOT EXISTS (
      SELECT FROM finding AS f
      WHERE f.project_id = m.project_id AND f.milestone_id = m.id AND f.code = %(code)s
  )
ORDER BY m.planned_on DESC, m.seq
LIMIT %(limit)s;
