-- name: find_project
SELECT id, name, kind, area, contractor, starts_on, ends_on, time_zone, position, project_class, public_code,
       created_at, version
FROM project WHERE id = %(id)s;

-- name: find_project_by_code
SELECT id, name, kind, area, contractor, starts_on, ends_on, time_zone, position, project_class, public_code,
       created_at, version
FROM project WHERE public_code = %(public_code)s;

-- name: lock_project
SELECT id FROM project WHERE id = %(id)s FOR UPDATE;

-- name: insert_project
INSERT INTO project (id, name, kind, area, contractor, starts_on, ends_on, time_zone, position, project_class,
                     public_code)
VALUES (%(id)s, %(name)s, %(kind)s, %(area)s, %(contractor)s, %(starts_on)s, %(ends_on)s, %(time_zone)s,
        %(position)s, %(project_class)s, %(public_code)s)
ON CONFLICT (id) DO NOTHING
RETURNING id;

-- name: update_project
-- The version grows only when something changed, so that a repeated PUT changes nothing.
UPDATE project
SET name = %(name)s, kind = %(kind)s, area = %(area)s, contractor = %(contractor)s, starts_on = %(starts_on)s,
    ends_on = %(ends_on)s, time_zone = %(time_zone)s, position = %(position)s, project_class = %(project_class)s,
    version = version + 1
WHERE id = %(id)s
  AND (name, kind, area, contractor, starts_on, ends_on, time_zone, position, project_class)
      IS DISTINCT FROM
      (%(name)s, %(kind)s, %(area)s, %(contractor)s::text, %(starts_on)s::date, %(ends_on)s::date, %(time_zone)s,
       %(position)s::jsonb, %(project_class)s)
RETURNING id;

-- name: list_projects
SELECT id, name, kind, area, contractor, starts_on, ends_on, time_zone, position, project_class, public_code,
       created_at, version, seq
FROM project
WHERE (%(area)s = '/' OR area = %(area)s OR starts_with(area, %(area)s || '/'))
  AND (%(project_id)s::text IS NULL OR id = %(project_id)s)
  AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;

-- name: put_zone
INSERT INTO zone AS kept (project_id, role, geometry, given, crs, start_chainage_m)
VALUES (%(project_id)s, %(role)s, %(geometry)s, %(given)s, %(crs)s, %(start_chainage_m)s)
ON CONFLICT (project_id, role) DO UPDATE
SET geometry = excluded.geometry, given = excluded.given, crs = excluded.crs,
    start_chainage_m = excluded.start_chainage_m,
    version = kept.version + (kept.given IS DISTINCT FROM excluded.given)::integer
RETURNING geometry, given, crs, start_chainage_m, version;

-- name: find_zone
SELECT geometry, given, crs, start_chainage_m, version
FROM zone WHERE project_id = %(project_id)s AND role = %(role)s;

-- name: find_milestone
SELECT project_id, id, title, planned_on, after, requires, created_at, version
FROM milestone WHERE project_id = %(project_id)s AND id = %(id)s;

-- name: insert_milestone
INSERT INTO milestone (project_id, id, title, planned_on, after, requires)
VALUES (%(project_id)s, %(id)s, %(title)s, %(planned_on)s, %(after)s, %(requires)s)
ON CONFLICT (project_id, id) DO NOTHING
RETURNING id;

-- name: update_milestone
UPDATE milestone
SET title = %(title)s, planned_on = %(planned_on)s, after = %(after)s, requires = %(requires)s,
    version = version + 1
WHERE project_id = %(project_id)s AND id = %(id)s
  AND (title, planned_on, after, requires)
      IS DISTINCT FROM (%(title)s, %(planned_on)s::date, %(after)s::text[], %(requires)s::jsonb)
RETURNING id;

-- name: list_milestones
SELECT project_id, id, title, planned_on, after, requires, created_at, version, seq
FROM milestone
WHERE project_id = %(project_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s;
