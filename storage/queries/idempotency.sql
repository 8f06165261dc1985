-- name: delete_old
DELETE FROM idempotency_key
WHERE (token_id, key) IN (SELECT token_id, key FROM idempotency_key WHERE created_at < %(before)s
                          ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED);

-- name: claim
-- Waits for another request with the same key, if one is under way.
INSERT INTO idempotency_key (token_id, key, fingerprint, holder, created_at)
VALUES (%(token_id)s, %(key)s, %(fingerprint)s, %(holder)s, %(now)s)
ON CONFLICT ON CONSTRAINT idempotency_key_pkey DO UPDATE
SET fingerprint = %(fingerprint)s, holder = %(holder)s, created_at = %(now)s, status = NULL, headers = NULL, body = NULL
WHERE idempotency_key.created_at < %(before)s
RETURNING 1;

-- name: find
SELECT fingerprint, status, headers, body
FROM idempotency_key
WHERE token_id = %(token_id)s AND key = %(key)s AND created_at >= %(before)s;

-- name: keep_answer
UPDATE idempotency_key SET status = %(status)s, headers = %(headers)s, body = %(body)s
WHERE token_id = %(token_id)s AND key = %(key)s AND holder = %(holder)s AND status IS NULL;

-- name: release
DELETE FROM idempotency_key
WHERE token_id = %(token_id)s AND key = %(key)s AND holder = %(holder)s AND status IS NULL;
