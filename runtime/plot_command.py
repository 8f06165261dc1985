"""`siteproof plot`: a sensor or a structure as a picture in a file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

from api.access import UnknownSensor
from domain.errors import Invalid
from iot.plot import PictureFormat, PictureSize
from iot.plot_picture import draw_sensor, draw_structure
from iot.plot_record import load_sensor_plot, load_structure_plot
from iot.plot_words import Language
from runtime.assembly import open_database
from runtime.settings import Settings
from storage.project import get_project
from storage.sensor import find_sensor_entry


class UnknownPictureFormat(Invalid):
    """A file that ends neither in .svg nor in .png."""

    code: ClassVar[str] = "plot.unknown_format"


class InvalidTime(Invalid):
    """A time that is not like 2026-05-01 or 2026-05-01T08:00+08:00."""

    code: ClassVar[str] = "plot.invalid_time"


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """What is wanted of a picture.

    Attributes:
        output: the file; its ending says the format.
        from_: as `find_time` reads it; None for the first reading.
        to: likewise; None for now.
    """

    output: Path
    from_: str | None
    to: str | None
    language: Language
    size: PictureSize


def plot_sensor(settings: Settings, *, sensor_id: str, order: PictureOrder) -> None:
    """Draw a sensor into a file.

    Raises:
        UnknownSensor: there is no such sensor.
        UnknownPictureFormat: the file ends in neither format.
        InvalidTime: a time is none.
        EmptyWindow: `from_` is not before `to`.
    """
    format_ = find_format(order.output)
    with open_database(settings) as database, database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        if entry is None:
            raise UnknownSensor(f"there is no sensor {sensor_id[:64]!r}")
        project = get_project(connection, project_id=entry.sensor.project_id)
        begin, end = find_time(order.from_, project.time_zone), find_time(order.to, project.time_zone)
        plot = load_sensor_plot(connection, entry=entry, project=project, now=datetime.now(UTC), from_=begin, to=end)
    picture = draw_sensor(plot, size=order.size, format_=format_, language=order.language)
    order.output.write_bytes(picture.content)


def plot_structure(settings: Settings, *, project_id: str, structure: str, order: PictureOrder) -> None:
    """Draw a structure into a file.

    Raises:
        UnknownProject: there is no such project.
        UnknownStructure: no sensor of the project is placed on it.
        NoSettlement: none of its points has readings of a settlement.
        UnknownPictureFormat: the file ends in neither format.
        InvalidTime: a time is none.
        EmptyWindow: `from_` is not before the last reading.
    """
    format_ = find_format(order.output)
    with open_database(settings) as database, database.transaction() as connection:
        project = get_project(connection, project_id=project_id)
        begin, end = find_time(order.from_, project.time_zone), find_time(order.to, project.time_zone)
        plot = load_structure_plot(
            connection, project=project, structure=structure, now=datetime.now(UTC), from_=begin, to=end
        )
    picture = draw_structure(plot, size=order.size, format_=format_, language=order.language)
    order.output.write_bytes(picture.content)


def find_format(output: Path) -> PictureFormat:
    """The format that a file's ending says.

    Raises:
        UnknownPictureFormat: it ends in neither.
    """
    try:
        return PictureFormat(output.suffix.lower().removeprefix("."))
    except ValueError as error:
        raise UnknownPictureFormat("the file ends in .svg or .png") from error


def find_time(text: str | None, time_zone: str) -> datetime | None:
    """A time as ISO 8601 has it; the project's own where it has no offset, midnight where it is a date. None for None.

    Raises:
        InvalidTime: it is none.
    """
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidTime(f"a time is like 2026-05-01 or 2026-05-01T08:00+08:00, not {text[:40]!r}") from error
    return (given if given.tzinfo else given.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)
