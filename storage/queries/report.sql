-- name: insert_report
INSERT INTO report (id, project_id, text, place, contact, media_id, received_at, due_at)
VALUES (%(id)s, %(project_id)s, %(text)s, %(place)s, %(contact)s, %(media_id)s, %(received_at)s, %(due_at)s);

-- name: find_report
SELECT id, project_id, text, place, contact, media_id, status, received_at, due_at, answer, published_text, answered_at,
       answered_by, issue_id
FROM report WHERE id = %(id)s;

-- name: lock_report
SELECT id FROM report WHERE id = %(id)s FOR UPDATE;

-- name: list_reports
SELECT r.id, r.project_id, r.text, r.place, r.contact, r.media_id, r.status, r.received_at, r.due_at, r.answer,
       r.published_text, r.answered_at, r.answered_by, r.issue_id, r.seq
FROM report AS r
JOIN project AS p ON p.id = r.project_id
WHERE (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
  AND (%(project_id)s::text IS NULL OR r.project_id = %(project_id)s)
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND r.seq > %(after)s
ORDER BY r.seq
LIMIT %(limit)s;

-- name: answer_report
UPDATE report
SET status = %(status)s, answer = %(answer)s, published_text = %(published_text)s, answered_at = %(now)s,
    answered_by = %(answered_by)s, issue_id = %(issue_id)s
WHERE id = %(id)s;

-- name: list_public_reports
-- The newest of a project, whatever became of them; what of them is public is said by `domain.report`.
SELECT id, project_id, text, place, contact, media_id, status, received_at, due_at, answer, published_text, answered_at,
       answered_by, issue_id
FROM report
WHERE project_id = %(project_id)s
ORDER BY seq DESC
LIMIT %(limit)s;

-- name: take_overdue_reports
-- Each once: whoever takes it tells it in the same transaction.
UPDATE report SET overdue_told_at = %(now)s
WHERE id IN (
    SELECT id FROM report
    WHERE overdue_told_at IS NULL AND status = 'received' AND due_at <= %(now)s
    ORDER BY due_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id;
