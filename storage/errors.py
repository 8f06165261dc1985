"""What the database refuses, as our errors: one table from (SQLSTATE, constraint), never the text of a message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

import psycopg
from psycopg import errors as pg

from domain.errors import Conflict, Invalid, NotFound, SiteproofError, Unavailable


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or gave up on this transaction; trying again may help."""

    code: ClassVar[str] = "storage.database_unavailable"


class UnknownProject(NotFound):
    """There is no such project, or it is out of the asker's sight."""

    code: ClassVar[str] = "project.not_found"


class UnknownMilestone(Invalid):
    """A milestone is named that the project does not have."""

    code: ClassVar[str] = "milestone.unknown"


class UnknownSensorReference(Invalid):
    """A calibration that needs the readings of a sensor that is not registered."""

    code: ClassVar[str] = "sensor.unknown_reference"


class ProjectDaysOutOfOrder(Invalid):
    """A project that ends before it starts."""

    code: ClassVar[str] = "project.days_out_of_order"


class ClientIdTaken(Conflict):
    """The same shot's id came with other bytes."""

    code: ClassVar[str] = "media.client_id_taken"


class UnstorableText(Invalid):
    """Text that PostgreSQL cannot keep, such as a NUL character."""

    code: ClassVar[str] = "text.unstorable"


_BY_CONSTRAINT: Final[dict[tuple[str, str], tuple[type[SiteproofError], str]]] = {
    ("23503", "zone_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "milestone_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "media_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "sensor_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "camera_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "hazard_rules_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "webhook_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "drawing_project_known"): (UnknownProject, "there is no such project"),
    ("23503", "media_milestone_known"): (UnknownMilestone, "the project has no such milestone"),
    ("23503", "checkin_milestone_known"): (UnknownMilestone, "the project has no such milestone"),
    ("23503", "issue_milestone_known"): (UnknownMilestone, "the project has no such milestone"),
    ("23503", "sensor_dependency_on_known"): (
        UnknownSensorReference,
        "the calibration needs a sensor that is not there",
    ),
    ("23514", "project_days_in_order"): (ProjectDaysOutOfOrder, "ends_on lies before starts_on"),
    ("23505", "media_client_id_once"): (ClientIdTaken, "this client_id was used for another file"),
}

_UNAVAILABLE: Final = (pg.DeadlockDetected, pg.LockNotAvailable, pg.ReadOnlySqlTransaction, pg.SerializationFailure)
# By SQLSTATE's first two characters: 08 connection, 53 resources (a full disk), 57 an operator, 58 the system.
_UNAVAILABLE_CLASSES: Final = ("08", "53", "57", "58")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what psycopg raises inside into our errors; what is not in the table stays as it is: a bug.

    Raises:
        SiteproofError: a constraint of the table was broken.
        DatabaseUnavailable: the connection is gone, or the transaction lost a deadlock.
    """
    try:
        yield
    except psycopg.Error as error:
        found = _BY_CONSTRAINT.get((error.sqlstate or "", error.diag.constraint_name or ""))
        if found is not None:
            kind, sentence = found
            raise kind(sentence) from error
        if isinstance(error, pg.CharacterNotInRepertoire | pg.UntranslatableCharacter):
            raise UnstorableText("the text holds a character that cannot be stored") from error
        if isinstance(error, psycopg.DataError) and error.sqlstate is None:
            # psycopg itself refuses a NUL in a text, before the server sees it.
            raise UnstorableText("the text holds a character that cannot be stored") from error
        if _is_unavailable(error):
            raise DatabaseUnavailable("the database does not answer just now") from error
        raise


def _is_unavailable(error: psycopg.Error) -> bool:
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return isinstance(error, _UNAVAILABLE) or error.sqlstate.startswith(_UNAVAILABLE_CLASSES)
