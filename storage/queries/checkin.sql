-- name: insert_checkin
-- The same client_id of the same token is the same check-in, however often it is sent.
INSERT INTO checkin (id, project_id, milestone_id, token_id, client_id, position, at, received_at)
VALUES (%(id)s, %(project_id)s, %(milestone_id)s, %(token_id)s, %(client_id)s, %(position)s, %(at)s, %(received_at)s)
ON CONFLICT ON CONSTRAINT checkin_client_id_once DO NOTHING
RETURNING id;

-- name: find_checkin_by_client_id
SELECT id, project_id, milestone_id, token_id, client_id, position, at, received_at
FROM checkin
WHERE project_id = %(project_id)s AND token_id = %(token_id)s AND client_id = %(client_id)s;

-- name: list_checkins
SELECT id, project_id, milestone_id, token_id, client_id, position, at, received_at, seq
FROM checkin
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: list_latest_checkins
SELECT id, project_id, milestone_id, token_id, client_id, position, at, received_at
FROM checkin
WHERE project_id = %(project_id)s AND milestone_id = %(milestone_id)s
ORDER BY seq DESC
LIMIT %(limit)s;
