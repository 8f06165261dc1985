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
WHERE id > %(after)s
ORDER BY id
LIMIT %(limit)s;

-- name: count_dead_letters
SELECT code, count(*) FROM dead_letter GROUP BY code ORDER BY code;
