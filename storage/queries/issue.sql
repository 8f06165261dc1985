-- name: insert_issue
INSERT INTO issue (id, project_id, milestone_id, title, severity, status, assigned_to, due_date, due_at, creation_date,
                   creation_author, modified_date)
VALUES (%(id)s, %(project_id)s, %(milestone_id)s, %(title)s, %(severity)s, 'open', %(assigned_to)s, %(due_date)s,
        %(due_at)s, %(now)s, %(creation_author)s, %(now)s);

-- name: find_issue
SELECT i.id, i.project_id, i.milestone_id, i.title, i.severity, i.status, i.assigned_to, i.due_date, i.due_at,
       i.creation_date, i.creation_author, i.modified_date, i.version,
       ARRAY(SELECT f.id FROM finding AS f WHERE f.issue_id = i.id ORDER BY f.seq) AS finding_ids
FROM issue AS i WHERE i.id = %(id)s;

-- name: lock_issue
SELECT id FROM issue WHERE id = %(id)s FOR UPDATE;

-- name: list_issues
-- Overdue is what `domain.issue.Issue.is_overdue` says: not mended after its last day.
SELECT i.id, i.project_id, i.milestone_id, i.title, i.severity, i.status, i.assigned_to, i.due_date, i.due_at,
       i.creation_date, i.creation_author, i.modified_date, i.version,
       ARRAY(SELECT f.id FROM finding AS f WHERE f.issue_id = i.id ORDER BY f.seq) AS finding_ids, i.seq
FROM issue AS i
JOIN project AS p ON p.id = i.project_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(project_id)s::text IS NULL OR i.project_id = %(project_id)s)
  AND (%(milestone_id)s::text IS NULL OR i.milestone_id = %(milestone_id)s)
  AND (%(status)s::text IS NULL OR i.status = %(status)s)
  AND (%(severity)s::text IS NULL OR i.severity = %(severity)s)
  AND (%(assigned_to)s::text IS NULL OR i.assigned_to = %(assigned_to)s)
  AND (%(overdue)s::boolean IS NULL
       OR %(overdue)s = (i.status IN ('open', 'assigned', 'failed', 'reopened') AND i.due_at <= %(now)s))
  AND i.seq > %(after)s
ORDER BY i.seq
LIMIT %(limit)s;

-- name: update_issue
-- Another due time may pass once more, and is told once more.
UPDATE issue
SET status = %(status)s, assigned_to = %(assigned_to)s, due_date = %(due_date)s, due_at = %(due_at)s,
    modified_date = %(now)s, version = version + 1,
    overdue_told_at = CASE WHEN due_at = %(due_at)s THEN overdue_told_at END
WHERE id = %(id)s;

-- name: insert_transition
INSERT INTO issue_transition (issue_id, number, from_status, to_status, at, by, person, role, token_id, note, media_ids,
                              after_photos)
VALUES (%(issue_id)s, %(number)s, %(from_status)s, %(to_status)s, %(at)s, %(by)s, %(person)s, %(role)s, %(token_id)s,
        %(note)s, %(media_ids)s, %(after_photos)s);

-- name: list_transitions
SELECT number, from_status, to_status, at, by, person, role, note, media_ids, after_photos
FROM issue_transition WHERE issue_id = %(issue_id)s ORDER BY number;

-- name: list_holding_issues
-- What keeps a milestone from passing: issues of it that are not closed and at least major.
SELECT id, title, severity, status
FROM issue
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s
  AND status <> 'closed' AND severity IN ('major', 'critical')
ORDER BY seq;

-- name: take_overdue_issues
-- Each once for its due time: whoever takes it tells it in the same transaction.
UPDATE issue SET overdue_told_at = %(now)s
WHERE id IN (
    SELECT id FROM issue
    WHERE overdue_told_at IS NULL AND status IN ('open', 'assigned', 'failed', 'reopened') AND due_at <= %(now)s
    ORDER BY due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id;
