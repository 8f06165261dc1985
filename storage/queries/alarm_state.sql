-- name: make_alarm_states
-- In order, so that two collectors that begin with the same sensors wait for each other and never in a circle.
INSERT INTO alarm_state (sensor_id, state)
SELECT sensor_id, '{}' FROM unnest(%(sensor_ids)s::text[]) AS sensor_id ORDER BY sensor_id
ON CONFLICT ON CONSTRAINT alarm_state_pkey DO NOTHING;

-- name: lock_alarm_states
SELECT sensor_id, state FROM alarm_state WHERE sensor_id = ANY(%(sensor_ids)s) ORDER BY sensor_id FOR UPDATE;

-- name: put_alarm_states
UPDATE alarm_state
SET state = given.state, updated_at = now()
FROM jsonb_each(%(states)s::jsonb) AS given (sensor_id, state)
WHERE alarm_state.sensor_id = given.sensor_id;

-- name: list_alarm_states
SELECT sensor_id, state FROM alarm_state WHERE sensor_id = ANY(%(sensor_ids)s);
