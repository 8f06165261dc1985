-- name: insert_dead_letter
INSERT INTO dead_letter (topic, payload, code, detail, received_at)
VALUES (%(topic)s, %(payload)s, %(code)s, %(detail)s, %(received_at)s);

-- name: insert_redelivered_dead_letter
-- A broker delivers again what was stored but not yet acknowledged; the same bytes are then not kept twice.
INSERT INTO dead_letter (topic, payload, code, detail, received_at)
SELECT %(topic)s, %(payload)s, %(code)s, %(detail)s, %(received_at)s
WHERE NOT EXISTS (
    SELECT FROM dead_letter WHERE topic = %(topic)s AND payload = %(payload)s AND code = %(code)s
);

-- name: list_dead_letters
SELECT topic, payload, code, detail, received_at, id
FROM dead_letter
WHERE id > %(after)s AND (%(code)s::text IS NULL OR code = %(code)s)
    AND (%(topic_prefix)s::text IS NULL OR starts_with(topic, %(topic_prefix)s))
ORDER BY id
LIMIT %(limit)s;

-- name: newest_dead_letter
SELECT coalesce(max(id), 0) FROM dead_letter;

-- name: take_dead_letters
-- Those that another transaction is taking are left to it.
DELETE FROM dead_letter
WHERE id IN (
    SELECT id
    FROM dead_letter
    WHERE id > %(after)s AND id <= %(until)s AND (%(code)s::text IS NULL OR code = %(code)s)
        AND (%(topic_prefix)s::text IS NULL OR starts_with(topic, %(topic_prefix)s))
    ORDER BY id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
RETURNING topic, payload, code, detail, received_at, id;

-- name: count_dead_letters
SELECT code, count(*) FROM dead_letter GROUP BY code ORDER BY code;
