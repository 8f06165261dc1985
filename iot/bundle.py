"""What a message of several sensors says, before its sensors are known: the common form of SenML, Sparkplug, ChirpStack."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.errors import SiteproofError
from domain.identifier import CALLER_ID_PATTERN
from iot.payload import GaugeReading

_ID: Final = re.compile(CALLER_ID_PATTERN[1:-1])


class Item(NamedTuple):
    """One reading of a message, or why it is none.

    Attributes:
        sensor_ids: whose it may be; the first one that is registered counts. Empty where it cannot even be told.
        outcome: the reading, or what is wrong with it, which matters only where its sensor is registered.
        unit: UCUM code of its value; None where the source does not say, which means the sensor's.
        alone: what a JSON payload on the same topic would say if it held this item only; None where the item cannot be
            told apart from its message.
    """

    sensor_ids: tuple[str, ...]
    outcome: GaugeReading | SiteproofError
    unit: str | None = None
    alone: object = None


class Bundle(NamedTuple):
    """The items of one message.

    Attributes:
        skips_unknown: whether items of sensors that are not registered are passed over as long as there are others:
            an edge node publishes dozens of metrics, of which a few are ours.
        skipped: items that no sensor can ever be registered for.
    """

    items: Sequence[Item]
    skips_unknown: bool = False
    skipped: int = 0


def is_sensor_id(name: str) -> bool:
    """Whether a sensor of this id can be registered."""
    return _ID.fullmatch(name) is not None and name not in {".", ".."}
