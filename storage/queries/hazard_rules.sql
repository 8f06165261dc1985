-- name: find_hazard_rules
SELECT project_id, version, given, set_at, set_by
FROM hazard_rules WHERE project_id = %(project_id)s
ORDER BY version DESC
LIMIT 1;

-- name: insert_hazard_rules
-- The caller holds the project's row, so that two versions never get one number.
INSERT INTO hazard_rules (project_id, version, given, set_at, set_by)
VALUES (%(project_id)s,
        (SELECT coalesce(max(version), 0) + 1 FROM hazard_rules WHERE project_id = %(project_id)s),
        %(given)s, %(set_at)s, %(set_by)s)
RETURNING project_id, version, given, set_at, set_by;
