-- name: put_publication
INSERT INTO media_publication (media_id, project_id, is_shown, decided_by, token_id, decided_at)
VALUES (%(media_id)s, %(project_id)s, %(is_shown)s, %(decided_by)s, %(token_id)s, %(now)s)
ON CONFLICT (media_id) DO UPDATE
SET is_shown = excluded.is_shown, decided_by = excluded.decided_by, token_id = excluded.token_id,
    decided_at = excluded.decided_at
WHERE media_publication.is_shown <> excluded.is_shown;

-- name: find_publication
SELECT media_id, is_shown, decided_by, decided_at FROM media_publication WHERE media_id = %(media_id)s;

-- name: list_public_pictures
-- Let onto the page by a person, analysed, graded A to C, not erased, and of a milestone: the newest few of each.
SELECT id, milestone_id, at
FROM (
    SELECT m.id, m.milestone_id, coalesce(m.taken_at, m.received_at) AS at, m.seq,
           row_number() OVER (PARTITION BY m.milestone_id ORDER BY m.seq DESC) AS number
    FROM media_publication AS p
    JOIN media AS m ON m.id = p.media_id
    WHERE p.project_id = %(project_id)s AND p.is_shown
      AND m.status = 'analysed' AND m.grade IN ('A', 'B', 'C') AND m.failure IS NULL AND m.milestone_id IS NOT NULL
) AS shown
WHERE number <= %(each)s
ORDER BY seq DESC;

-- name: is_public_picture
SELECT 1
FROM media_publication AS p
JOIN media AS m ON m.id = p.media_id
WHERE p.media_id = %(media_id)s AND p.project_id = %(project_id)s AND p.is_shown
  AND m.status = 'analysed' AND m.grade IN ('A', 'B', 'C') AND m.failure IS NULL AND m.milestone_id IS NOT NULL;

-- name: list_public_issues
-- What is not closed first, and of each the newest.
SELECT title, status, creation_date, due_date, modified_date
FROM issue
WHERE project_id = %(project_id)s
ORDER BY status = 'closed', seq DESC
LIMIT %(limit)s;

-- name: list_begun_milestone_ids
SELECT DISTINCT milestone_id FROM media WHERE project_id = %(project_id)s AND milestone_id IS NOT NULL;
