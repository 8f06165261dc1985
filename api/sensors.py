"""`/v1/sensors`: the registry, and what the sensors said."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime

from api.access import (
    EVERYBODY,
    Allowed,
    Asker,
    UnknownSensor,
    get_visible_project,
    see_new_sensor,
    see_nothing,
    see_sensor,
)
from api.etag import make_etag, require_match
from api.idempotency import IdempotentRoute
from api.paging import After, Limit, make_collection
from api.projects import WRITERS
from api.schemas import (
    BucketView,
    CalibrationVersionView,
    Collection,
    InstrumentBody,
    LatestView,
    ReadingView,
    SensorBody,
    SensorLatestView,
    SensorView,
)
from domain.access import Role
from domain.errors import NotFound
from domain.identifier import require_caller_id
from domain.sensor import Reading, Sensor
from geofence.position import parse_position
from iot.alarm_level import parse_alarms
from iot.registration import register, replace_instrument
from iot.sparkplug_session import find_stale_since, list_stale
from storage.database import Connection
from storage.page import InvalidCursor, decode_cursor, encode_cursor
from storage.project import find_project, lock_project
from storage.reading import bucket_readings, latest_readings, list_readings
from storage.sensor import SensorEntry, find_sensor, find_sensor_entry, list_calibration_versions, list_sensors

router = APIRouter(prefix="/v1", route_class=IdempotentRoute, tags=["sensors"])
READERS = EVERYBODY - {Role.FIELD}
MOST_LATEST: Final = 5000
"""Sensors in one page of the newest readings: a county's wall of them in a few requests."""
_CURSOR_ORIGIN: Final = datetime(1, 1, 1, tzinfo=UTC)


class NoReading(NotFound):
    """The sensor has not said anything yet."""

    code = "reading.not_found"


@router.put("/sensors/{sensor_id}", responses={201: {"model": SensorView}})
def put_sensor_route(
    sensor_id: str,
    body: SensorBody,
    response: Response,
    asker: Annotated[Asker[Sensor | None], Depends(Allowed(WRITERS, see_new_sensor))],
    if_match: Annotated[str | None, Header()] = None,
) -> SensorView:
    """Register a sensor, or change it."""
    require_caller_id(sensor_id)
    alarms = parse_alarms([each.model_dump() for each in body.alarms])
    position = None if body.position is None else parse_position(body.position.model_dump(exclude_none=True))
    with asker.transaction() as connection:
        get_visible_project(connection, asker.principal, body.project_id)
        lock_project(connection, project_id=body.project_id)
        stored = find_sensor(connection, sensor_id=sensor_id)
        require_match(if_match, None if stored is None else stored.version)
        sensor, created = register(
            connection,
            sensor_id=sensor_id,
            project_id=body.project_id,
            kind=body.kind,
            unit=body.unit,
            position=position,
            calibration=body.calibration,
            range_min=body.range.min,
            range_max=body.range.max,
            alarms=alarms,
            stale_after_s=body.stale_after_s,
            profile=body.make_profile(),
        )
    response.status_code = 201 if created else 200
    response.headers["ETag"] = make_etag(sensor.version)
    return SensorView.of(sensor)


@router.post("/sensors/{sensor_id}/instruments", status_code=201)
def post_instrument_route(
    body: InstrumentBody, response: Response, asker: Annotated[Asker[Sensor], Depends(Allowed(WRITERS, see_sensor))]
) -> SensorView:
    """Let another instrument take over from a time on; the record goes on without a jump."""
    with asker.transaction() as connection:
        lock_project(connection, project_id=asker.thing.project_id)
        entry = get_entry(connection, asker.thing.id)
        replace_instrument(
            connection,
            entry=entry,
            since=body.since.astimezone(UTC),
            serial=body.serial,
            calibration=body.calibration,
            level=body.level,
            now=asker.services.clock.now(),
        )
        sensor = get_entry(connection, asker.thing.id).sensor
    response.headers["ETag"] = make_etag(sensor.version)
    return SensorView.of(sensor)


@router.get("/sensors/{sensor_id}/calibrations")
def list_calibrations_route(
    asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))], limit: Limit, after: After = None
) -> Collection[CalibrationVersionView]:
    """The calibrations that the sensor had, oldest first."""
    with asker.transaction() as connection:
        page = list_calibration_versions(connection, sensor_id=asker.thing.id, after=after, limit=limit)
    return make_collection(page, [CalibrationVersionView.model_validate(each) for each in page.items])


@router.get("/sensors/{sensor_id}")
def get_sensor_route(
    response: Response, asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))]
) -> SensorView:
    """One sensor."""
    response.headers["ETag"] = make_etag(asker.thing.version)
    return SensorView.of(asker.thing)


@router.get("/sensors")
def list_sensors_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    limit: Limit,
    after: After = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Collection[SensorView]:
    """The sensors within sight, in the order of their making."""
    principal = asker.principal
    with asker.transaction() as connection:
        page = list_sensors(
            connection,
            area=principal.area,
            token_project_id=principal.project_id,
            project_id=project_id,
            after=after,
            limit=limit,
        )
    return make_collection(page, [SensorView.of(sensor) for sensor in page.items])


@router.get("/sensors/{sensor_id}/readings")
def list_readings_route(
    asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))],
    limit: Limit,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="included")] = None,
    to: Annotated[AwareDatetime | None, Query(description="not included")] = None,
    every: Annotated[str | None, Query(max_length=8, description="like 1m, 1h, 1d; days of the project's zone")] = None,
    after: After = None,
) -> Collection[ReadingView] | Collection[BucketView]:
    """What the sensor said, oldest first: each reading, or buckets; a gap shows as a gap."""
    cursor = _read_cursor(after)
    with asker.transaction() as connection:
        entry = get_entry(connection, asker.thing.id)
        project = find_project(connection, project_id=asker.thing.project_id)
        if project is None:
            raise UnknownSensor("there is no such sensor")
        if every is None:
            readings = list_readings(
                connection, sensor_key=entry.key, from_=from_, to=to, after=cursor, limit=limit + 1
            )
            views = [ReadingView(t=each.t, v=each.v, q=each.q) for each in readings[:limit]]
            return Collection[ReadingView](
                items=views, next=_write_cursor(views[-1].t) if len(readings) > limit else None
            )
        buckets = bucket_readings(
            connection,
            sensor_key=entry.key,
            # The cursor of a page of buckets is where the next bucket begins.
            from_=cursor or from_,
            to=to,
            every=every,
            time_zone=project.time_zone,
            limit=limit + 1,
        )
    return Collection[BucketView](
        items=[BucketView(t=each.t, mean=each.mean, min=each.min, max=each.max, n=each.n) for each in buckets[:limit]],
        next=_write_cursor(buckets[limit].t) if len(buckets) > limit else None,
    )


@router.get("/sensors/{sensor_id}/latest")
def get_latest_route(asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))]) -> LatestView:
    """The newest reading, by its own time, and whether its edge node is known to be offline."""
    sensor = asker.thing
    with asker.transaction() as connection:
        reading = latest_readings(connection, sensor_ids=[sensor.id]).get(sensor.id)
        if reading is None:
            raise NoReading("the sensor has not said anything yet")
        stale_since = find_stale_since(connection, project_id=sensor.project_id, sensor_id=sensor.id)
    return LatestView(t=reading.t, v=reading.v, q=reading.q, stale_since=stale_since)


@router.get("/latest")
def list_latest_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    after: After = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, description=f"at most {MOST_LATEST}; more is lowered to it")] = MOST_LATEST,
) -> Collection[SensorLatestView]:
    """The newest reading of every sensor within sight, silent ones among them, in the order of their making."""
    principal = asker.principal
    with asker.transaction() as connection:
        page = list_sensors(
            connection,
            area=principal.area,
            token_project_id=principal.project_id,
            project_id=project_id,
            after=after,
            limit=min(limit, MOST_LATEST),
        )
        newest = latest_readings(connection, sensor_ids=[each.id for each in page.items])
        stale = {each: list_stale(connection, project_id=each) for each in {sensor.project_id for sensor in page.items}}
    return make_collection(
        page, [_latest_of(each, newest.get(each.id), stale[each.project_id].get(each.id)) for each in page.items]
    )


def _latest_of(sensor: Sensor, reading: Reading | None, stale_since: datetime | None) -> SensorLatestView:
    return SensorLatestView(
        sensor_id=sensor.id,
        project_id=sensor.project_id,
        kind=sensor.kind,
        unit=sensor.unit,
        t=None if reading is None else reading.t,
        v=None if reading is None else reading.v,
        q=None if reading is None else reading.q,
        stale_since=stale_since,
    )


def get_entry(connection: Connection, sensor_id: str) -> SensorEntry:
    """The sensor with the number that its readings are stored by.

    Raises:
        UnknownSensor: it is not there.
    """
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is None:
        raise UnknownSensor("there is no such sensor")
    return entry


def _write_cursor(moment: datetime) -> str:
    return encode_cursor((moment - _CURSOR_ORIGIN) // timedelta(microseconds=1))


def _read_cursor(cursor: str | None) -> datetime | None:
    if not cursor:
        return None
    try:
        return _CURSOR_ORIGIN + timedelta(microseconds=decode_cursor(cursor)[0])
    except OverflowError as error:
        raise InvalidCursor("`after` is not a cursor that was given out here") from error
