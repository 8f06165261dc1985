-- name: list_tables
-- Our tables with the columns that can be written; a partition belongs to its table. What migrations keep of themselves
-- is made anew by them.
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  AND c.relname NOT IN ('schema_migration', 'storage_flavour', 'restore_progress')
GROUP BY 1
ORDER BY 1;

-- name: list_references
SELECT DISTINCT child.relname::text, parent.relname::text
FROM pg_constraint AS r
JOIN pg_class AS child ON child.oid = r.conrelid
JOIN pg_class AS parent ON parent.oid = r.confrelid
WHERE r.contype = 'f' AND r.connamespace = current_schema()::regnamespace AND r.conrelid <> r.confrelid;

-- name: list_counters
-- Where each numbering stands; NULL where it gave no number yet.
SELECT c.relname::text, a.attname::text,
       pg_sequence_last_value(pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass)
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attidentity <> '' AND NOT a.attisdropped
ORDER BY 1, 2;

-- name: set_counter
SELECT setval(pg_get_serial_sequence(quote_ident(%(table)s), %(column)s)::regclass, %(last)s);

-- name: list_reading_months
-- First days of the months that have a partition; none on TimescaleDB, which makes its chunks itself.
SELECT to_date(child.relname, '"reading_"YYYY_MM')
FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid
WHERE inhparent = 'reading'::regclass AND child.relispartition
ORDER BY 1;

-- name: make_reading_months
SELECT ensure_reading_partitions(%(months)s::date[]);

-- name: find_clock
-- Which cluster this is, and the number that its next transaction gets.
SELECT (SELECT system_identifier FROM pg_control_system()),
       pg_snapshot_xmax(pg_current_snapshot())::text::bigint;

-- name: list_migrations
SELECT number FROM schema_migration ORDER BY number;

-- name: has_migrations
SELECT to_regclass('schema_migration') IS NOT NULL;

-- name: find_flavour
SELECT flavour FROM storage_flavour;

-- name: find_raw_limit
SELECT keep_raw_days FROM reading_retention;

-- name: list_originals
-- The bytes that rows name, once each; those that were erased by law are not there any more.
SELECT sha256, max(size_bytes)
FROM (SELECT sha256, size_bytes FROM media WHERE failure IS DISTINCT FROM 'media.erased'
      UNION ALL SELECT sha256, size_bytes FROM drawing) AS named
GROUP BY sha256
ORDER BY sha256;

-- name: count_erased
SELECT count(DISTINCT sha256) FROM media WHERE failure = 'media.erased';

-- name: is_named
SELECT EXISTS (SELECT FROM media WHERE sha256 = %(sha256)s AND failure IS DISTINCT FROM 'media.erased')
    OR EXISTS (SELECT FROM drawing WHERE sha256 = %(sha256)s);

-- name: make_progress
CREATE TABLE restore_progress (manifest_sha256 text NOT NULL);

-- name: has_progress
SELECT to_regclass('restore_progress') IS NOT NULL;

-- name: find_progress
SELECT manifest_sha256 FROM restore_progress;

-- name: insert_progress
INSERT INTO restore_progress VALUES (%(manifest_sha256)s);

-- name: drop_progress
DROP TABLE IF EXISTS restore_progress;
