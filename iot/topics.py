"""MQTT topics: what we subscribe to, and which project and sensor a topic names. Payloads are decoded elsewhere."""

from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

from domain.errors import Invalid
from domain.identifier import InvalidIdentifier, require_caller_id

READINGS: Final = "siteproof/v1/+/+"
_PREFIX: Final = ("siteproof", "v1")


class UnknownTopic(Invalid):
    """A topic that is not `siteproof/v1/{project_id}/{sensor_id}`."""

    code: ClassVar[str] = "topic.unknown"


class SensorTopic(NamedTuple):
    """Whose readings a topic carries."""

    project_id: str
    sensor_id: str


@lru_cache(maxsize=65_536)  # each message names one, and a site has some thousands at most
def parse_topic(topic: str) -> SensorTopic:
    """The project and the sensor of `siteproof/v1/{project_id}/{sensor_id}`.

    Raises:
        UnknownTopic: it is not of that form, or an id is not one that a caller may give.
    """
    parts = topic.split("/")
    if len(parts) != len(_PREFIX) + 2 or tuple(parts[:2]) != _PREFIX:
        raise UnknownTopic(f"a topic of readings is siteproof/v1/<project>/<sensor>, not {topic[:200]!r}")
    try:
        return SensorTopic(require_caller_id(parts[2]), require_caller_id(parts[3]))
    except InvalidIdentifier as error:
        raise UnknownTopic(error.detail) from error


def make_topic(*, project_id: str, sensor_id: str) -> str:
    """The topic under which a sensor of a project publishes."""
    return "/".join((*_PREFIX, project_id, sensor_id))


def make_subscription(group: str | None) -> str:
    """The filter for every sensor's readings; with a group, several collectors share the load."""
    return READINGS if group is None else f"$share/{group}/{READINGS}"
