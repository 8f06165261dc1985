"""Values made anew: page by page from the raw ones, after a calibration or another sensor's record changed."""

import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from iot.alarms import is_watched
from iot.batch import SensorDirectory
from iot.correction import LookUp, correct_readings, request_dependents
from iot.decoding import RegisteredSensor, derive_reading
from iot.payload import NotANumber
from storage.database import Connection, Database
from storage.keyed_reading import BAD, UNCORRECTED, KeyedReading
from storage.recomputation import (
    RawReading,
    Recomputation,
    advance_recomputation,
    finish_recomputation,
    list_raw_readings,
    replace_values,
    see_recomputations,
    take_recomputation,
)
from storage.rejudgement import request_rejudgement

_LOG: Final = logging.getLogger(__name__)
PAGE: Final = 5_000  # readings of one transaction; as large as a collector's batch
_TICK: Final = timedelta(microseconds=1)


def recompute_waiting(database: Database, *, max_pages: int, page: int = PAGE) -> int:
    """Make values anew that wait for it, each page in a transaction of its own.

    Args:
        database: migrated.
        max_pages: after so many the rest waits for the next call.
        page: readings of one transaction.

    Returns:
        How many readings got another value.
    """
    directory = SensorDirectory()
    changed = 0
    for _ in range(max_pages):
        with database.transaction() as connection:
            see_recomputations(connection)
        with database.transaction() as connection:
            taken = take_recomputation(connection)
            if taken is None:
                return changed
            changed += _recompute_page(connection, taken, directory=directory, page=page)
    return changed


def _recompute_page(connection: Connection, taken: Recomputation, *, directory: SensorDirectory, page: int) -> int:
    def look_up(sensor_ids: Collection[str]) -> dict[str, RegisteredSensor]:
        return directory.look_up(connection, sensor_ids)

    registered = look_up([taken.sensor_id]).get(taken.sensor_id)
    if registered is None:
        # Its calibration cannot be used; the directory has said so.
        finish_recomputation(connection, sensor_id=taken.sensor_id)
        return 0
    stored = list_raw_readings(connection, sensor_key=registered.key, from_=taken.from_, to=taken.to, limit=page)
    fresh = _derive(connection, stored, registered=registered, look_up=look_up)
    changed = [new for new, old in zip(fresh, stored, strict=True) if (new.v, new.q) != (old.v, old.q)]
    if changed:
        replace_values(connection, sensor_key=registered.key, readings=changed)
        span = (changed[0].t, changed[-1].t)
        request_dependents(connection, changed={registered.sensor.id: span}, look_up=look_up)
        if is_watched(registered.sensor):
            request_rejudgement(connection, sensor_id=registered.sensor.id, from_=span[0])
    if len(stored) < page:
        finish_recomputation(connection, sensor_id=taken.sensor_id)
    else:
        advance_recomputation(connection, sensor_id=taken.sensor_id, from_=stored[-1].t + _TICK)
    _LOG.info("%d of %d values of %s are new", len(changed), len(stored), taken.sensor_id)
    return len(changed)


def _derive(
    connection: Connection, stored: Sequence[RawReading], *, registered: RegisteredSensor, look_up: LookUp
) -> list[KeyedReading]:
    fresh = []
    for each in stored:
        try:
            fresh.append(derive_reading(registered, t=each.t, raw=each.raw, is_bad=each.q == BAD, seq=each.seq))
        except NotANumber:
            # The calibration knows no value for it: it stays in the record, and counts for nothing.
            fresh.append(KeyedReading(registered.key, each.t, each.raw, each.raw, UNCORRECTED, each.seq))
    waiting = [place for place, each in enumerate(fresh) if each.q == UNCORRECTED]
    if waiting:
        corrected = correct_readings(
            connection, readings=[fresh[place] for place in waiting], registered=registered, look_up=look_up
        )
        for place, reading in zip(waiting, corrected, strict=True):
            fresh[place] = reading
    return fresh
