-- name: find_drawing
SELECT project_id, sha256, size_bytes, format, crs, unit, choice, layers, unread, width, structures, warnings, set_at,
       set_by, version
FROM drawing WHERE project_id = %(project_id)s;

-- name: put_drawing
INSERT INTO drawing AS kept (project_id, sha256, size_bytes, format, crs, unit, choice, layers, unread, width,
                             structures, warnings, set_at, set_by)
VALUES (%(project_id)s, %(sha256)s, %(size_bytes)s, %(format)s, %(crs)s, %(unit)s, %(choice)s, %(layers)s, %(unread)s,
        %(width)s, %(structures)s, %(warnings)s, %(set_at)s, %(set_by)s)
ON CONFLICT ON CONSTRAINT drawing_pkey DO UPDATE
SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes, format = excluded.format, crs = excluded.crs,
    unit = excluded.unit, choice = excluded.choice, layers = excluded.layers, unread = excluded.unread,
    width = excluded.width, structures = excluded.structures, warnings = excluded.warnings, set_at = excluded.set_at,
    set_by = excluded.set_by, version = kept.version + 1;
