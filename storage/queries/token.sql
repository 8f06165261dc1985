-- name: insert_token
INSERT INTO token (id, secret_sha256, role, area, project_id, person, name)
VALUES (%(id)s, %(secret_sha256)s, %(role)s, %(area)s, %(project_id)s, %(person)s, %(name)s)
RETURNING id, role, area, project_id, person, name, created_at, revoked_at;

-- name: find_token_by_secret
SELECT id, role, area, project_id, person, name, created_at, revoked_at
FROM token
WHERE secret_sha256 = %(secret_sha256)s AND revoked_at IS NULL;

-- name: is_token_active
SELECT 1 FROM token WHERE id = %(id)s AND revoked_at IS NULL;

-- name: list_tokens
SELECT id, role, area, project_id, person, name, created_at, revoked_at FROM token ORDER BY created_at, id;

-- name: revoke_token
-- Revoking twice keeps the first time.
UPDATE token SET revoked_at = coalesce(revoked_at, now()) WHERE id = %(id)s RETURNING id;
