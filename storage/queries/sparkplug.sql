-- name: lock_nodes
-- By a number of their names, because a node that is not known yet has no row to lock; in one order, so that two
-- collectors never wait for each other.
SELECT pg_advisory_xact_lock(locked.number)
FROM (
    SELECT DISTINCT hashtextextended(n.group_id || '/' || n.node_id, 0) AS number
    FROM unnest(%(groups)s::text[], %(nodes)s::text[]) AS n (group_id, node_id)
    ORDER BY number
) AS locked;

-- name: list_sources_of_nodes
SELECT s.group_id, s.node_id, s.device_id, s.is_online, s.since, s.bd_seq, s.valid_from,
       CASE WHEN EXISTS (
           SELECT
           FROM unnest(%(metric_groups)s::text[], %(metric_nodes)s::text[], %(metric_devices)s::text[])
               AS m (group_id, node_id, device_id)
           WHERE (m.group_id, m.node_id, m.device_id) = (s.group_id, s.node_id, s.device_id)
       ) THEN s.metrics END AS metrics
FROM sparkplug_source AS s
WHERE (s.group_id, s.node_id) IN (SELECT * FROM unnest(%(groups)s::text[], %(nodes)s::text[]));

-- name: find_known_groups
SELECT id FROM project WHERE id = ANY(%(groups)s);

-- name: put_source
INSERT INTO sparkplug_source
    (group_id, node_id, device_id, is_online, since, bd_seq, valid_from, metrics)
SELECT %(group_id)s, %(node_id)s, %(device_id)s, %(is_online)s, %(since)s, %(bd_seq)s::bigint, %(valid_from)s,
       coalesce(%(metrics)s::jsonb, '[]')
FROM project WHERE id = %(group_id)s
ON CONFLICT (group_id, node_id, device_id) DO UPDATE
SET is_online = EXCLUDED.is_online, since = EXCLUDED.since, bd_seq = EXCLUDED.bd_seq,
    valid_from = EXCLUDED.valid_from,
    metrics = coalesce(%(metrics)s::jsonb, sparkplug_source.metrics);

-- name: list_sources
SELECT group_id, node_id, device_id, is_online, since, bd_seq, valid_from, metrics
FROM sparkplug_source
WHERE group_id = %(group_id)s
ORDER BY node_id COLLATE "C", device_id COLLATE "C";
