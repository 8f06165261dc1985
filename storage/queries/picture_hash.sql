-- name: insert_picture_hash
-- Only for the holder of the claim, so that nothing of an erased picture is written after its erasure.
INSERT INTO picture_band (key, media_id, bits)
SELECT key, m.id, %(bits)s
FROM media AS m, unnest(%(keys)s::integer[]) AS key
WHERE m.id = %(media_id)s AND m.claim = %(claim)s
ON CONFLICT ON CONSTRAINT picture_band_pkey DO NOTHING;

-- name: find_near_pictures
-- The index alone gives what shares a band; only what is alike is then looked up as a medium, one by one (OFFSET 0 keeps
-- the planner from reading the media in order instead). A fixed camera's own pictures are alike honestly, and must not
-- fill the list.
WITH near AS MATERIALIZED (
    SELECT b.media_id, min(bit_count((b.bits # p.bits)::bit(64))) AS distance
    FROM unnest(%(keys)s::integer[], %(sought)s::bigint[]) AS p (key, bits)
    JOIN picture_band AS b ON b.key = p.key
    WHERE bit_count((b.bits # p.bits)::bit(64)) <= %(most)s AND b.media_id <> %(media_id)s
    GROUP BY b.media_id
), own AS MATERIALIZED (
    SELECT seq, project_id, camera_id FROM media WHERE id = %(media_id)s
)
SELECT near.media_id, m.project_id, m.milestone_id, m.received_at, m.taken_local, near.distance::integer AS distance
FROM near
CROSS JOIN own
CROSS JOIN LATERAL (
    SELECT seq, project_id, milestone_id, camera_id, received_at, metadata ->> 'taken_local' AS taken_local
    FROM media WHERE id = near.media_id
    OFFSET 0
) AS m
WHERE m.seq < own.seq
  AND NOT coalesce(m.project_id = own.project_id AND m.camera_id = own.camera_id, false)
ORDER BY near.distance, m.seq
LIMIT %(limit)s;

-- name: reopen_later_pictures
-- What came later and was looked at earlier may not have been compared with this one: it is judged once more. Who works
-- on it at this moment loses the claim, because its search may be over. Where nothing came later, no hash is looked at.
WITH own AS MATERIALIZED (
    SELECT seq, project_id, camera_id FROM media WHERE id = %(media_id)s
), near AS MATERIALIZED (
    SELECT DISTINCT b.media_id
    FROM unnest(%(keys)s::integer[], %(sought)s::bigint[]) AS p (key, bits)
    JOIN picture_band AS b ON b.key = p.key
    WHERE bit_count((b.bits # p.bits)::bit(64)) <= %(most)s
      AND EXISTS (SELECT FROM media WHERE seq > (SELECT seq FROM own) AND status IN ('analysing', 'analysed'))
)
UPDATE media AS m
SET status = 'received', claim = NULL, claimed_until = NULL, attempts = 0
FROM own
WHERE m.id = ANY (ARRAY(SELECT media_id FROM near))
  AND m.seq > own.seq
  AND m.status IN ('analysing', 'analysed')
  AND m.checks @> '[{"check": "reuse", "verdict": "pass"}]'
  AND NOT coalesce(m.project_id = own.project_id AND m.camera_id = own.camera_id, false);

-- name: delete_picture_hash
DELETE FROM picture_band WHERE media_id = %(media_id)s;
