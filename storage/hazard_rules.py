"""What projects changed in the hazard rules, every version, as rows. What a rule means is `vision.hazard_rules`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("hazard_rules")


@dataclass(frozen=True, slots=True)
class GivenHazardRules:
    """What a project changes in the rules.

    Attributes:
        version: 1 for the first; the ETag.
        given: by rule, the fields that differ from the file's.
        set_at: UTC.
        set_by: who did.
    """

    project_id: str
    version: int
    given: dict[str, dict[str, Any]]
    set_at: datetime
    set_by: str


def find_hazard_rules(connection: Connection, *, project_id: str) -> GivenHazardRules | None:
    """The newest version; None where the project never changed any."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_hazard_rules"], {"project_id": project_id}).fetchone()
    return None if row is None else GivenHazardRules(**row)


def insert_hazard_rules(
    connection: Connection, *, project_id: str, given: dict[str, dict[str, Any]], set_at: datetime, set_by: str
) -> GivenHazardRules:
    """Write a further version; the caller holds the project's row (`lock_project`).

    Raises:
        UnknownProject: there is no such project.
    """
    values = {"project_id": project_id, "given": Jsonb(given), "set_at": set_at, "set_by": set_by}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["insert_hazard_rules"], values).fetchone()
    if row is None:
        raise RuntimeError("INSERT ... RETURNING gave no row")
    return GivenHazardRules(**row)
