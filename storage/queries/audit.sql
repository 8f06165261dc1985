-- name: insert_audit
INSERT INTO audit (at, action, media_id, by, person, role, token_id)
VALUES (%(at)s, %(action)s, %(media_id)s, %(by)s, %(person)s, %(role)s, %(token_id)s);

-- name: list_audit
SELECT a.at, a.action, a.media_id, m.project_id, a.by, a.person, a.role, a.token_id, a.seq
FROM audit AS a
JOIN media AS m ON m.id = a.media_id
JOIN project AS p ON p.id = m.project_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(media_id)s::uuid IS NULL OR a.media_id = %(media_id)s)
  AND a.seq > %(after)s
ORDER BY a.seq
LIMIT %(limit)s;
