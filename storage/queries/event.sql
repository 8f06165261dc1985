-- name: insert_event
INSERT INTO event (id, type, project_id, area, subject, occurred_at, data)
VALUES (%(id)s, %(type)s, %(project_id)s, %(area)s, %(subject)s, %(occurred_at)s, %(data)s);

-- name: find_horizon
-- The first transaction whose events may still be hidden from a reader of now.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- name: find_window
-- How far the next so many rows reach, and how many they are.
-- Rows of transactions that are still running, or that may still begin below one that runs, are not shown yet:
-- otherwise one that commits late would lie behind a cursor already given out.
SELECT count(*), max(ARRAY[tx::text::bigint, seq])
FROM (
    SELECT tx, seq
    FROM event
    WHERE (tx, seq) > (%(after_tx)s::text::xid8, %(after_seq)s)
      AND tx < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY tx, seq
    LIMIT %(rows)s
) AS window_;

-- name: list_events
-- Of a window that is settled: nothing can appear in it any more, so a second look sees the same rows.
SELECT tx::text::bigint AS tx, seq, id, type, project_id, area, subject, occurred_at, data
FROM event
WHERE (tx, seq) > (%(after_tx)s::text::xid8, %(after_seq)s)
  AND (tx, seq) <= (%(end_tx)s::text::xid8, %(end_seq)s)
  AND (%(area)s = '/' OR area = %(area)s OR starts_with(area, %(area)s || '/'))
  AND (%(project_id)s::text IS NULL OR project_id = %(project_id)s)
ORDER BY tx, seq
LIMIT %(limit)s;
