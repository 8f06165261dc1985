-- name: find_webhook
SELECT id, url, event_types, area, project_id, active, disabled_reason, created_at, version
FROM webhook WHERE id = %(id)s;

-- name: list_webhooks
SELECT seq, id, url, event_types, area, project_id, active, disabled_reason, created_at, version
FROM webhook
WHERE (%(area)s = '/' OR area = %(area)s OR starts_with(area, %(area)s || '/'))
  AND (%(token_project_id)s::text IS NULL OR project_id = %(token_project_id)s)
  AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: lock_webhooks
-- One who makes a webhook at a time, so that neither the count nor the id is decided twice.
SELECT pg_advisory_xact_lock(hashtext('webhook'));

-- name: count_webhooks
SELECT count(*) FROM webhook;

-- name: insert_webhook
-- It begins behind everything that can be read just now.
INSERT INTO webhook (id, url, event_types, area, project_id, active, secret, cursor_tx, cursor_seq)
VALUES (%(id)s, %(url)s, %(event_types)s, %(area)s, %(project_id)s, %(active)s, %(secret)s,
        pg_snapshot_xmin(pg_current_snapshot()), 0);

-- name: update_webhook
UPDATE webhook
SET url = %(url)s, event_types = %(event_types)s, area = %(area)s, project_id = %(project_id)s, active = %(active)s,
    disabled_reason = CASE WHEN %(active)s THEN NULL ELSE disabled_reason END, rests_until = NULL,
    version = version + 1
WHERE id = %(id)s
  AND (url, event_types, area, project_id, active) IS DISTINCT FROM
      (%(url)s::text, %(event_types)s::text[], %(area)s::text, %(project_id)s::text, %(active)s::boolean);

-- name: delete_webhook
DELETE FROM webhook WHERE id = %(id)s;

-- name: rotate_secret
UPDATE webhook
SET previous_secret = secret, previous_secret_until = %(until)s, secret = %(secret)s, version = version + 1
WHERE id = %(id)s;

-- name: disable_webhook
UPDATE webhook
SET active = false, disabled_reason = %(reason)s, version = version + 1
WHERE id = %(id)s AND claim = %(claim)s;

-- name: list_behind
-- Webhooks for which the outbox has settled events that were not looked through yet.
SELECT w.id
FROM webhook AS w,
     LATERAL (SELECT tx, seq FROM event WHERE tx < pg_snapshot_xmin(pg_current_snapshot())
              ORDER BY tx DESC, seq DESC LIMIT 1) AS newest
WHERE w.active AND (w.cursor_tx, w.cursor_seq) < (newest.tx, newest.seq)
ORDER BY w.seq;

-- name: lock_behind
SELECT cursor_tx::text::bigint, cursor_seq FROM webhook WHERE id = %(id)s AND active FOR UPDATE SKIP LOCKED;

-- name: insert_deliveries
-- A second look, after a replay, sends again what was sent.
INSERT INTO webhook_delivery (id, webhook_id, event_tx, event_seq, status, due_at, created_at)
SELECT gen_random_uuid(), w.id, e.tx, e.seq, 'pending', %(now)s, %(now)s
FROM webhook AS w,
     (SELECT tx, seq, area, project_id, type FROM event
      WHERE (tx, seq) > (%(after_tx)s::text::xid8, %(after_seq)s)
        AND (tx, seq) <= (%(end_tx)s::text::xid8, %(end_seq)s)
      ORDER BY tx, seq LIMIT %(rows)s) AS e
WHERE w.id = %(id)s
  AND (w.area = '/' OR e.area = w.area OR starts_with(e.area, w.area || '/'))
  AND (w.project_id IS NULL OR e.project_id = w.project_id)
  AND (w.event_types = '{}'
       OR EXISTS (SELECT 1 FROM unnest(w.event_types) AS t WHERE e.type = t OR starts_with(e.type, t || '.')))
ORDER BY e.tx, e.seq
ON CONFLICT ON CONSTRAINT webhook_delivery_once DO UPDATE SET status = 'pending', tries = 0, due_at = %(now)s
WHERE webhook_delivery.status <> 'pending';

-- name: move_cursor
UPDATE webhook SET cursor_tx = %(end_tx)s::text::xid8, cursor_seq = %(end_seq)s WHERE id = %(id)s;

-- name: rewind
UPDATE webhook
SET cursor_tx = %(after_tx)s::text::xid8, cursor_seq = %(after_seq)s
WHERE id = %(id)s AND (cursor_tx, cursor_seq) > (%(after_tx)s::text::xid8, %(after_seq)s);

-- name: claim_webhooks
-- Those that were served longest ago first, so that a busy one does not starve the others.
UPDATE webhook
SET claim = %(claim)s, claimed_until = %(until)s, served_at = %(now)s
WHERE id IN (
    SELECT w.id
    FROM webhook AS w
    WHERE w.active AND (w.claimed_until IS NULL OR w.claimed_until <= %(now)s)
      AND (w.rests_until IS NULL OR w.rests_until <= %(now)s)
      AND EXISTS (SELECT 1 FROM webhook_delivery AS d
                  WHERE d.webhook_id = w.id AND d.status = 'pending' AND d.due_at <= %(now)s)
    ORDER BY w.served_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id;

-- name: renew_claim
-- Of who still has it, for a webhook that still wants to be sent to.
UPDATE webhook
SET claimed_until = %(until)s
WHERE id = %(id)s AND claim = %(claim)s AND active AND (rests_until IS NULL OR rests_until <= %(now)s)
RETURNING url, secret, CASE WHEN previous_secret_until > %(now)s THEN previous_secret END;

-- name: release_claim
UPDATE webhook SET claim = NULL, claimed_until = NULL WHERE id = %(id)s AND claim = %(claim)s;

-- name: find_due
SELECT d.id AS delivery_id, d.tries, e.tx::text::bigint AS tx, e.seq, e.id, e.type, e.project_id, e.area, e.subject,
       e.occurred_at, e.data
FROM webhook_delivery AS d
JOIN event AS e ON (e.tx, e.seq) = (d.event_tx, d.event_seq)
WHERE d.webhook_id = %(id)s AND d.status = 'pending' AND d.due_at <= %(now)s
ORDER BY d.due_at, d.event_tx, d.event_seq
LIMIT 1;

-- name: record_attempt
-- Only by the holder of the claim, so that one that was thought dead does not count a second time.
UPDATE webhook_delivery AS d
SET status = %(status)s, tries = d.tries + 1, due_at = %(due_at)s,
    delivered_at = CASE WHEN %(status)s = 'delivered' THEN %(at)s ELSE d.delivered_at END,
    attempts = CASE WHEN jsonb_array_length(d.attempts) >= %(kept)s THEN d.attempts - 0 ELSE d.attempts END
        || %(attempt)s
FROM webhook AS w
WHERE d.id = %(id)s AND d.status = 'pending' AND w.id = d.webhook_id AND w.claim = %(claim)s
RETURNING w.id;

-- name: rest_webhook
UPDATE webhook SET rests_until = %(until)s WHERE id = %(id)s AND claim = %(claim)s;

-- name: list_deliveries
SELECT d.seq AS place, d.id, d.webhook_id, e.id AS event_id, e.type AS event_type, e.tx::text::bigint AS tx, e.seq, d.status,
       d.tries, d.due_at, d.created_at, d.delivered_at, d.attempts
FROM webhook_delivery AS d
JOIN event AS e ON (e.tx, e.seq) = (d.event_tx, d.event_seq)
WHERE d.webhook_id = %(webhook_id)s
  AND (%(id)s::uuid IS NULL OR d.id = %(id)s)
  AND (%(status)s::text IS NULL OR d.status = %(status)s)
  AND d.seq > %(after)s
ORDER BY d.seq
LIMIT %(limit)s;

-- name: replay_delivery
UPDATE webhook_delivery SET status = 'pending', tries = 0, due_at = %(now)s
WHERE webhook_id = %(webhook_id)s AND id = %(id)s;

-- name: delete_old_deliveries
DELETE FROM webhook_delivery
WHERE id IN (SELECT id FROM webhook_delivery WHERE status <> 'pending' AND created_at < %(before)s
             ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED);

-- name: measure_webhooks
-- Lag: since when the oldest event waits that an active webhook has not had, be it queued already or not.
SELECT w.active, w.disabled_reason IS NOT NULL AS is_disabled,
       (SELECT count(*) FROM webhook_delivery AS d WHERE d.webhook_id = w.id AND d.status = 'pending') AS pending,
       (SELECT count(*) FROM webhook_delivery AS d WHERE d.webhook_id = w.id AND d.status = 'failed') AS failed,
       CASE WHEN w.active THEN least(
           (SELECT min(e.recorded_at) FROM webhook_delivery AS d JOIN event AS e ON (e.tx, e.seq) = (d.event_tx, d.event_seq)
            WHERE d.webhook_id = w.id AND d.status = 'pending'),
           (SELECT e.recorded_at FROM event AS e WHERE (e.tx, e.seq) > (w.cursor_tx, w.cursor_seq)
            ORDER BY e.tx, e.seq LIMIT 1)) END AS waits_since
FROM webhook AS w;
