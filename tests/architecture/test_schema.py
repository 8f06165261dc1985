"""The migrations give the schema that is checked in. `python -m tests.architecture.test_schema` writes it."""

from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.migration import list_pending, migrate

SNAPSHOT = Path(__file__).parent / "schema.txt"

_CATALOGUE = """
SELECT format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
              CASE WHEN a.attidentity <> '' THEN ' identity' ELSE '' END)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('%s: %s %s', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid))
FROM pg_constraint AS r JOIN pg_namespace AS n ON n.oid = r.connamespace
WHERE n.nspname = 'public' AND r.contype <> 'n'
UNION ALL
SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT format('function %s(%s)', p.proname, pg_get_function_arguments(p.oid))
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
ORDER BY 1
"""


def describe(url: str) -> str:
    """The catalogue of a database, a line an object."""
    with psycopg.connect(url) as connection:
        return "".join(f"{row[0]}\n" for row in connection.execute(_CATALOGUE))


def test_migrations__on_an_empty_database__give_the_schema_that_is_checked_in() -> None:
    """The schema equals the sum of its migrations, on the plain PostgreSQL (`make schema` writes it)."""
    assert build() == SNAPSHOT.read_text(encoding="utf-8")


def build() -> str:
    """The catalogue of a fresh plain database."""
    with TemporaryDirectory() as folder, EmbeddedPostgresql(Path(folder) / "data") as server:
        migrate(server.url)
        assert migrate(server.url) == []
        assert list_pending(server.url) == []
        return describe(server.url)


if __name__ == "__main__":
    SNAPSHOT.write_text(build(), encoding="utf-8")
