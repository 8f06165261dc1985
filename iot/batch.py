"""Storing a batch of messages in one transaction: readings, dead letters, alarm states and findings, all or nothing.

Used by the collector and by whatever else brings messages; the caller opens and commits the transaction.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Final

from domain.errors import SiteproofError
from iot.alarm_judgement import judge_new_readings
from iot.correction import correct_readings, request_dependents
from iot.decoding import Message, RegisteredSensor, decode_messages, register_sensor
from storage.database import Connection
from storage.dead_letter import store_dead_letters
from storage.reading import UNCORRECTED, KeyedReading, store_readings
from storage.sensor import list_sensor_entries, list_sensor_versions

_LOG: Final = logging.getLogger(__name__)
_BY_TIME: Final = attrgetter("t")


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch, in numbers: readings that are new, readings that were there, dead letters, findings."""

    stored: int
    duplicate: int
    dead: int
    findings: int


class SensorDirectory:
    """The registered sensors, kept between batches and never behind: each batch asks for the versions of its own."""

    def __init__(self) -> None:
        self._sensors: dict[str, RegisteredSensor] = {}

    def look_up(self, connection: Connection, sensor_ids: Iterable[str]) -> dict[str, RegisteredSensor]:
        """Those of these sensors that are registered now."""
        versions = list_sensor_versions(connection, sensor_ids=set(sensor_ids))
        changed = [
            sensor_id
            for sensor_id, version in versions.items()
            if sensor_id not in self._sensors or self._sensors[sensor_id].sensor.version != version
        ]
        if changed:
            for entry in list_sensor_entries(connection, sensor_ids=changed):
                try:
                    self._sensors[entry.sensor.id] = register_sensor(entry.key, entry.sensor)
                except SiteproofError as error:
                    # Nothing that the API lets in; without it the readings go to the dead letters, and wait.
                    _LOG.error("sensor %s cannot be used: %s", entry.sensor.id, error.detail)
                    self._sensors.pop(entry.sensor.id, None)
        return {sensor_id: self._sensors[sensor_id] for sensor_id in versions if sensor_id in self._sensors}


def store_batch(connection: Connection, *, messages: Sequence[Message], directory: SensorDirectory) -> BatchResult:
    """Store everything that these messages say.

    Args:
        connection: of the caller's transaction.
        messages: in the order of their arrival.
        directory: of this process.
    """
    sensors = directory.look_up(connection, (each.sensor_id for each in messages if each.sensor_id is not None))
    total = 0
    readings: list[KeyedReading] = []
    for again in (False, True):
        decoded = decode_messages((each for each in messages if each.is_redelivery is again), sensors)
        readings += decoded.readings
        store_dead_letters(connection, dead_letters=decoded.dead_letters, redelivered=again)
        total += len(decoded.dead_letters)
    new = _store(connection, readings, sensors=sensors, directory=directory)
    recorded = judge_new_readings(connection, new, list(sensors.values()))
    return BatchResult(stored=len(new), duplicate=len(readings) - len(new), dead=total, findings=len(recorded))


def _store(
    connection: Connection,
    readings: Sequence[KeyedReading],
    *,
    sensors: Mapping[str, RegisteredSensor],
    directory: SensorDirectory,
) -> list[KeyedReading]:
    """Store readings, those last that need what others say, and return the new ones."""

    def look_up(sensor_ids: Collection[str]) -> dict[str, RegisteredSensor]:
        return directory.look_up(connection, sensor_ids)

    new = store_readings(connection, readings=[each for each in readings if each.q != UNCORRECTED])
    waiting: dict[int, list[KeyedReading]] = {}
    for each in readings:
        if each.q == UNCORRECTED:
            waiting.setdefault(each.sensor_key, []).append(each)
    for registered in sensors.values() if waiting else ():
        own = sorted(waiting.get(registered.key, ()), key=_BY_TIME)
        if own:
            corrected = correct_readings(connection, readings=own, registered=registered, look_up=look_up)
            new += store_readings(connection, readings=corrected)
    spans: dict[int, tuple[datetime, datetime]] = {}
    for each in new:
        first, last = spans.get(each.sensor_key, (each.t, each.t))
        spans[each.sensor_key] = min(first, each.t), max(last, each.t)
    changed = {each.sensor.id: spans[each.key] for each in sensors.values() if each.key in spans}
    request_dependents(connection, changed=changed, look_up=look_up)
    return new
