-- name: insert_media
INSERT INTO media (id, project_id, milestone_id, camera_id, client_id, token_id, sha256, size_bytes, format, status,
                   received_at, taken_at, position, width_px, height_px, capture, metadata, checks, grade,
                   grade_reasons)
VALUES (%(id)s, %(project_id)s, %(milestone_id)s, %(camera_id)s, %(client_id)s, %(token_id)s, %(sha256)s,
        %(size_bytes)s, %(format)s, 'received', %(received_at)s, %(taken_at)s, %(position)s, %(width_px)s,
        %(height_px)s, %(capture)s, %(metadata)s, %(checks)s, %(grade)s, %(grade_reasons)s)
ON CONFLICT ON CONSTRAINT media_bytes_once_per_token DO NOTHING
RETURNING id;

-- name: find_media
SELECT id, project_id, milestone_id, camera_id, client_id, token_id, sha256, size_bytes, format, status, received_at,
       taken_at, position, width_px, height_px, capture, metadata, checks, grade, grade_reasons, detections, model,
       model_hashes, attempts, failure, measurements
FROM media WHERE id = %(id)s;

-- name: find_media_by_bytes
SELECT id FROM media WHERE project_id = %(project_id)s AND token_id = %(token_id)s AND sha256 = %(sha256)s;

-- name: find_media_by_client_id
SELECT id, sha256 FROM media
WHERE project_id = %(project_id)s AND token_id = %(token_id)s AND client_id = %(client_id)s;

-- name: list_media
SELECT m.id, m.project_id, m.milestone_id, m.camera_id, m.client_id, m.token_id, m.sha256, m.size_bytes, m.format,
       m.status, m.received_at, m.taken_at, m.position, m.width_px, m.height_px, m.capture, m.metadata, m.checks,
       m.grade, m.grade_reasons, m.detections, m.model, m.model_hashes, m.attempts, m.failure,
       m.measurements, m.seq
FROM media AS m
WHERE m.project_id = %(project_id)s
  AND (%(own_media_of)s::uuid IS NULL OR m.token_id = %(own_media_of)s)
  AND (%(hidden_of)s::uuid IS NULL OR m.token_id <> %(hidden_of)s)
  AND (%(milestone_id)s::text IS NULL OR m.milestone_id = %(milestone_id)s)
  AND (%(status)s::text IS NULL OR m.status = %(status)s)
  AND m.seq > %(after)s
ORDER BY m.seq
LIMIT %(limit)s;

-- name: lock_bytes
-- Two uploads of the same bytes at once would each find no earlier use; this makes the second one wait.
SELECT pg_advisory_xact_lock(hashtextextended(%(sha256)s, 0));

-- name: list_earlier_uses
SELECT id, project_id, token_id, received_at
FROM media
WHERE sha256 = %(sha256)s
ORDER BY received_at, id
LIMIT 100;

-- name: claim_media
-- Take one medium for analysis: a waiting one, or one whose worker let its claim run out.
UPDATE media
SET status = 'analysing', claim = %(claim)s, claimed_until = now() + %(lease_s)s * interval '1 second',
    attempts = attempts + 1
WHERE id = %(id)s
  AND (status = 'received' OR (status = 'analysing' AND claimed_until < now()))
RETURNING id, project_id, milestone_id, camera_id, client_id, token_id, sha256, size_bytes, format, status,
          received_at, taken_at, position, width_px, height_px, capture, metadata, checks, grade, grade_reasons,
          detections, model, model_hashes, attempts, failure, measurements;

-- name: finish_media
-- Only the holder of the claim may finish, so that one that was thought dead cannot record a second time.
UPDATE media
SET status = 'analysed', claim = NULL, claimed_until = NULL, detections = %(detections)s, model = %(model)s,
    model_hashes = %(model_hashes)s, width_px = %(width_px)s, height_px = %(height_px)s, checks = %(checks)s,
    grade = %(grade)s, grade_reasons = %(grade_reasons)s, measurements = %(measurements)s, analysed_at = now(),
    failure = NULL
WHERE id = %(id)s AND claim = %(claim)s
RETURNING id;

-- name: fail_media
UPDATE media
SET status = 'failed', claim = NULL, claimed_until = NULL, failure = %(failure)s, analysed_at = now()
WHERE id = %(id)s AND claim = %(claim)s
RETURNING id;

-- name: release_media
-- Give a claim back, for another attempt later.
UPDATE media
SET status = 'received', claim = NULL, claimed_until = NULL
WHERE id = %(id)s AND claim = %(claim)s
RETURNING id;

-- name: renew_claim
UPDATE media SET claimed_until = now() + %(lease_s)s * interval '1 second'
WHERE id = %(id)s AND claim = %(claim)s
RETURNING id;

-- name: ring_waiting_media
-- What nobody works on: rung for some time ago and still waiting, or claimed by a worker that died.
UPDATE media SET rung_at = now()
WHERE id IN (
    SELECT id FROM media
    WHERE (status = 'received' OR (status = 'analysing' AND claimed_until < now()))
      AND rung_at < now() - %(rung_before_s)s * interval '1 second'
    ORDER BY received_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING id;

-- name: count_media_by_status
SELECT status, count(*) FROM media GROUP BY status;

-- name: list_decided_media
-- Where a person has decided upon a finding, in the order of arrival.
SELECT m.id, m.seq
FROM media AS m
WHERE m.seq > %(after)s
  AND (%(project_id)s::text IS NULL OR m.project_id = %(project_id)s)
  AND EXISTS (
      SELECT FROM finding AS f
      WHERE f.media_id = m.id AND f.reviewed_at IS NOT NULL
        AND (%(since)s::timestamptz IS NULL OR f.reviewed_at >= %(since)s)
  )
ORDER BY m.seq
LIMIT %(limit)s;

-- name: lock_media_of_bytes
SELECT id FROM media WHERE sha256 = %(sha256)s ORDER BY id FOR UPDATE;

-- name: erase_media
-- What a photo says of people and places goes, the verdicts stay. One that is being analysed loses its claim, so that
-- nothing is written after this.
UPDATE media
SET metadata = '{}', capture = '{}', position = NULL, detections = '[]', failure = 'media.erased',
    checks = coalesce((SELECT jsonb_agg(given.part || '{"facts": {}}' ORDER BY given.number)
                       FROM jsonb_array_elements(checks) WITH ORDINALITY AS given (part, number)), '[]'),
    status = CASE WHEN status = 'analysed' THEN status ELSE 'failed' END, claim = NULL, claimed_until = NULL
WHERE id = %(id)s;

-- name: put_measurements
-- Not of an erased one, of which nothing may be written any more.
UPDATE media SET measurements = %(measurements)s
WHERE id = %(id)s AND status = 'analysed' AND failure IS DISTINCT FROM 'media.erased'
RETURNING id;

-- name: list_analysed_photos
SELECT id, measurements
FROM media
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s AND status = 'analysed' AND format <> 'video/mp4'
  AND failure IS DISTINCT FROM 'media.erased'
ORDER BY seq DESC
LIMIT %(limit)s;
