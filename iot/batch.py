"""Storing a batch of messages in one transaction: readings, dead letters, alarm states and findings, all or nothing.

Used by the collector and by whatever else brings messages; the caller opens and commits the transaction.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import SiteproofError
from iot.alarm_judgement import judge_new_readings
from iot.correction import correct_readings, request_dependents
from iot.decoding import Message, RegisteredSensor, decode_messages, list_sensor_ids, register_sensor
from iot.sparkplug_session import resolve_sparkplug
from iot.topics import EdgeNode
from storage.database import Connection
from storage.dead_letter import store_dead_letters
from storage.keyed_reading import UNCORRECTED, ReadingColumns, concatenate, gather
from storage.reading import store_readings
from storage.sensor import list_sensor_entries, list_sensor_versions

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch, in numbers: readings that are new, readings that were there, dead letters, findings.

    Attributes:
        skipped: values in messages of many sensors for which none is registered.
        rebirths: edge nodes of Sparkplug that should be asked for their births.
    """

    stored: int
    duplicate: int
    dead: int
    findings: int
    skipped: int = 0
    rebirths: frozenset[EdgeNode] = frozenset()


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
    messages, rebirths = resolve_sparkplug(connection, messages)
    sensors = directory.look_up(connection, list_sensor_ids(messages))
    first, again = (
        decode_messages((each for each in messages if each.is_redelivery is redelivered), sensors)
        for redelivered in (False, True)
    )
    store_dead_letters(connection, dead_letters=first.dead_letters, redelivered=False)
    store_dead_letters(connection, dead_letters=again.dead_letters, redelivered=True)
    readings = concatenate([first.readings.to_columns(), again.readings.to_columns()])
    new = _store(connection, readings, sensors=sensors, directory=directory)
    recorded = judge_new_readings(connection, new, list(sensors.values()))
    return BatchResult(
        stored=len(new),
        duplicate=len(readings) - len(new),
        dead=len(first.dead_letters) + len(again.dead_letters),
        findings=len(recorded),
        skipped=first.skipped + again.skipped,
        rebirths=rebirths,
    )


def _store(
    connection: Connection,
    readings: ReadingColumns,
    *,
    sensors: Mapping[str, RegisteredSensor],
    directory: SensorDirectory,
) -> ReadingColumns:
    """Store readings, those last that need what others say, and return the new ones by sensor and time."""

    def look_up(sensor_ids: Collection[str]) -> dict[str, RegisteredSensor]:
        return directory.look_up(connection, sensor_ids)

    by_key = {each.key: each for each in sensors.values()}
    is_waiting = readings.q == UNCORRECTED
    new = store_readings(connection, readings=readings.take(~is_waiting))
    for key, own in readings.take(is_waiting).put_in_order().split():
        corrected = correct_readings(connection, readings=own.list_rows(), registered=by_key[key], look_up=look_up)
        new = concatenate([new, store_readings(connection, readings=gather(corrected))])
    new = new.put_in_order() if is_waiting.any() else new
    changed = {by_key[key].sensor.id: own.list_ends() for key, own in new.split()}
    request_dependents(connection, changed=changed, look_up=look_up)
    return new
