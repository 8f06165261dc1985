-- name: lock_uploads_of_token
-- Two creations at once would each count without the other.
SELECT pg_advisory_xact_lock(hashtextextended('upload:' || %(token_id)s::text, 0));

-- name: count_open_uploads
SELECT count(*) FROM upload WHERE token_id = %(token_id)s AND media_id IS NULL AND expires_at > %(now)s;

-- name: find_same_upload
SELECT id, token_id, project_id, metadata, size_bytes, created_at, expires_at, media_id
FROM upload
WHERE token_id = %(token_id)s AND project_id = %(project_id)s AND metadata = %(metadata)s
  AND size_bytes = %(size_bytes)s AND expires_at > %(now)s AND media_id IS NULL
ORDER BY created_at
LIMIT 1;

-- name: insert_upload
INSERT INTO upload (id, token_id, project_id, metadata, size_bytes, created_at, expires_at)
VALUES (%(id)s, %(token_id)s, %(project_id)s, %(metadata)s, %(size_bytes)s, %(now)s, %(expires_at)s)
RETURNING id, token_id, project_id, metadata, size_bytes, created_at, expires_at, media_id;

-- name: find_upload
SELECT id, token_id, project_id, metadata, size_bytes, created_at, expires_at, media_id
FROM upload WHERE id = %(id)s AND expires_at > %(now)s;

-- name: extend_upload
UPDATE upload SET expires_at = %(expires_at)s WHERE id = %(id)s
RETURNING id, token_id, project_id, metadata, size_bytes, created_at, expires_at, media_id;

-- name: finish_upload
UPDATE upload SET media_id = %(media_id)s, expires_at = %(expires_at)s WHERE id = %(id)s
RETURNING id, token_id, project_id, metadata, size_bytes, created_at, expires_at, media_id;

-- name: delete_upload
DELETE FROM upload WHERE id = %(id)s;

-- name: delete_expired_uploads
DELETE FROM upload WHERE expires_at <= %(now)s;

-- name: list_open_of
-- Those of these ids whose files are still needed.
SELECT id FROM upload WHERE id = ANY(%(ids)s) AND media_id IS NULL;
