"""What a picture needs from storage: the readings in as many buckets as it can show, the findings, the analysis."""

from datetime import datetime, timedelta
from typing import Final

from domain.project import Project
from domain.sensor import Bucket
from iot.consolidation import InvalidRecord
from iot.plot import (
    DOWNWARDS,
    EmptyWindow,
    SensorPlot,
    StructurePlot,
    choose_every,
    course_of_buckets,
    make_sensor_plot,
    make_structure_plot,
)
from iot.settlement import SettlementAnalysis, to_datetime
from iot.settlement_record import NoSettlement, analyse_points, analyse_sensor
from iot.units import find_conversion
from storage.database import Connection
from storage.finding import list_sensor_findings
from storage.reading import bucket_readings, parse_every
from storage.sensor import SensorEntry

MAX_FINDINGS: Final = 200
_MAX_BUCKETS: Final = 5000  # above what `choose_every` gives for any window
_HOUR: Final = timedelta(hours=1)


def load_sensor_plot(
    connection: Connection,
    *,
    entry: SensorEntry,
    project: Project,
    now: datetime,
    from_: datetime | None = None,
    to: datetime | None = None,
) -> SensorPlot:
    """The picture of a sensor in `[from_, to)`.

    Args:
        connection: of the caller's transaction.
        entry: of the sensor.
        project: that it belongs to.
        now: the picture ends there where `to` is silent, so that a silent sensor looks silent. Aware.
        from_: None for the first reading. Aware.
        to: None for now. Aware.

    Raises:
        EmptyWindow: `from_` is not before `to`.
    """
    end = to or now
    begin = from_ or _find_first(connection, entry, end) or end - timedelta(days=1)
    if begin >= end:
        raise EmptyWindow("`from` lies before `to`")
    every, buckets = _load_buckets(connection, entry, begin, end, time_zone=project.time_zone)
    analysis = _analyse(connection, entry, until=end)
    return make_sensor_plot(
        entry.sensor,
        time_zone=project.time_zone,
        window=(begin, end),
        every=every,
        course=course_of_buckets(buckets, width=parse_every(every)[0], window=(begin, end)),
        findings=list_sensor_findings(
            connection,
            project_id=project.id,
            sensor_ids=[entry.sensor.id],
            from_=begin,
            to=end,
            limit=MAX_FINDINGS,
        ),
        analysis=analysis,
        unit_mm=1.0 if analysis is None else find_conversion(entry.sensor.unit, "mm")[0],
    )


def load_structure_plot(
    connection: Connection,
    *,
    project: Project,
    structure: str,
    now: datetime,
    from_: datetime | None = None,
    to: datetime | None = None,
) -> StructurePlot:
    """The picture of a structure's points from `from_` on, as they were known at `to`.

    Args:
        connection: of the caller's transaction.
        project: whose structure.
        structure: as the sensors' placements name it.
        now: stands for `to` where that is silent. Aware.
        from_: None for the first reading. Aware.
        to: None for now. Aware.

    Raises:
        UnknownStructure: no sensor of the project is placed on it.
        NoSettlement: none of its points has readings of a settlement.
        EmptyWindow: `from_` is not before the last reading.
    """
    analysis, entries, silent = analyse_points(connection, project_id=project.id, structure=structure, until=to or now)
    if not entries:
        raise NoSettlement("no point of the structure has readings of a settlement yet")
    sensors = [entry.sensor for entry in entries]
    first = min(float(each.times[0]) for each in analysis.points.values())
    return make_structure_plot(
        analysis,
        structure=structure,
        time_zone=project.time_zone,
        sensors=sensors,
        from_=from_,
        silent=silent,
        findings=list_sensor_findings(
            connection,
            project_id=project.id,
            sensor_ids=[each.id for each in sensors],
            from_=from_ or to_datetime(first),
            to=to or now,
            limit=MAX_FINDINGS,
        ),
    )


def _find_first(connection: Connection, entry: SensorEntry, end: datetime) -> datetime | None:
    """The hour of the first good reading."""
    first = bucket_readings(connection, sensor_key=entry.key, to=end, every="1h", limit=1)
    return first[0].t if first else None


def _load_buckets(
    connection: Connection, entry: SensorEntry, begin: datetime, end: datetime, *, time_zone: str
) -> tuple[str, list[Bucket]]:
    """The readings and how wide their buckets are; hours where the retention dropped the readings themselves."""

    def load(every: str) -> list[Bucket]:
        return bucket_readings(
            connection,
            sensor_key=entry.key,
            from_=begin,
            to=end,
            every=every,
            time_zone=time_zone,
            limit=_MAX_BUCKETS,
        )

    every = choose_every(end - begin)
    buckets = load(every)
    if not buckets and parse_every(every)[0] < _HOUR:
        hours = load("1h")
        return ("1h", hours) if hours else (every, buckets)
    return every, buckets


def _analyse(connection: Connection, entry: SensorEntry, *, until: datetime) -> SettlementAnalysis | None:
    if entry.sensor.kind not in DOWNWARDS:
        return None
    try:
        return analyse_sensor(connection, entry=entry, until=until)
    except (NoSettlement, InvalidRecord):
        return None
