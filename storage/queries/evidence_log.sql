-- name: insert_pending
INSERT INTO log_pending (kind, project_id, subject, leaf, content)
VALUES (%(kind)s, %(project_id)s, %(subject)s, %(leaf)s, %(content)s);

-- name: lock_log
-- One at a time gives places and signs; until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('siteproof.evidence_log', 0));

-- name: find_log_size
SELECT coalesce(max(index) + 1, 0) FROM log_entry;

-- name: take_pending
-- What is committed gets its place by the order of insertion: a fact that was written after another one could be seen
-- stands behind it. What commits later gets a later place, so none is skipped; moving is one statement, so none doubles.
WITH taken AS (
    DELETE FROM log_pending
    WHERE seq IN (SELECT seq FROM log_pending ORDER BY seq LIMIT %(limit)s)
    RETURNING seq, kind, project_id, subject, leaf, content
), placed AS (
    SELECT %(size)s + row_number() OVER (ORDER BY seq) - 1 AS index, kind, project_id, subject, leaf, content
    FROM taken
), kept AS (
    INSERT INTO log_content (index, content) SELECT index, content FROM placed
)
INSERT INTO log_entry (index, kind, project_id, subject, leaf)
SELECT index, kind, project_id, subject, leaf FROM placed
RETURNING index, leaf;

-- name: count_pending
SELECT count(*) FROM log_pending;

-- name: insert_nodes
INSERT INTO log_node (level, index, hash)
SELECT * FROM unnest(%(levels)s::smallint[], %(indices)s::bigint[], %(hashes)s::bytea[]);

-- name: list_nodes
SELECT n.level, n.index, n.hash
FROM unnest(%(levels)s::smallint[], %(indices)s::bigint[]) AS wanted (level, index)
JOIN log_node AS n USING (level, index);

-- name: find_checkpoint
SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1;

-- name: insert_checkpoint
-- The log signs one root for one size: a new key signs from the next size on.
INSERT INTO log_checkpoint (size, note) VALUES (%(size)s, %(note)s);

-- name: list_keys
SELECT key, from_size FROM log_key ORDER BY seq;

-- name: insert_key
INSERT INTO log_key (key, from_size) VALUES (%(key)s, %(from_size)s);

-- name: list_entries
-- All of them, so that who asks can compute the root; leaves and contents of those in sight.
SELECT e.index, e.kind, e.project_id, e.subject, e.leaf, c.content,
       coalesce(e.project_id IS NULL OR (
           (%(area)s = '/' OR p.area = %(area)s OR starts_with(p.area, %(area)s || '/'))
           AND (%(token_project_id)s::text IS NULL OR p.id = %(token_project_id)s)
       ), false)
FROM log_entry AS e
LEFT JOIN log_content AS c USING (index)
LEFT JOIN project AS p ON p.id = e.project_id
WHERE e.index >= %(after)s
ORDER BY e.index
LIMIT %(limit)s;

-- name: list_subject_entries
SELECT e.index, e.kind, e.project_id, e.subject, e.leaf, c.content
FROM log_entry AS e
LEFT JOIN log_content AS c USING (index)
WHERE e.subject = ANY(%(subjects)s) AND e.index < %(size)s
ORDER BY e.index;

-- name: list_entries_of_the_log
-- Its keys, and restored backups.
SELECT e.index, e.kind, e.project_id, e.subject, e.leaf, c.content
FROM log_entry AS e
LEFT JOIN log_content AS c USING (index)
WHERE e.project_id IS NULL AND e.index < %(size)s
ORDER BY e.index;

-- name: list_leaves
SELECT e.leaf FROM log_entry AS e WHERE e.index >= %(after)s ORDER BY e.index LIMIT %(limit)s;

-- name: delete_contents
-- Of what has its place; the leaves stay. A tombstone is kept.
DELETE FROM log_content USING log_entry
WHERE log_entry.index = log_content.index AND log_entry.subject = %(subject)s AND log_entry.kind <> %(kept_kind)s;
