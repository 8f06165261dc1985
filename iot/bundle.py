"""What a message of several sensors says, before its sensors are known: SenML, Sparkplug and ChirpStack alike."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.errors import SiteproofError
from domain.identifier import CALLER_ID_PATTERN
from iot.payload import GaugeReading

_ID: Final = re.compile(CALLER_ID_PATTERN[1:-1])
_DOTS: Final = str.maketrans("/:", "..")


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


def make_sensor_id(name: str) -> str | None:
    """The id of the sensor that a standard's name stands for: `/` and `:`, which no id has, become `.`.

    Args:
        name: of a record, a metric or a field, whole.

    Returns:
        None where no sensor can have such a name, because it is too long or holds other characters.
    """
    sensor_id = name.translate(_DOTS)
    return sensor_id if _ID.fullmatch(sensor_id) is not None and sensor_id not in {".", ".."} else None
