"""MQTT topics: what we subscribe to, and what a topic says about its payload. Payloads are decoded elsewhere.

`siteproof/v1/{project_id}/{sensor_id}` carries one sensor's readings as JSON, `siteproof/v1/{project_id}/senml` a SenML
pack of several sensors: a sensor whose id is literally `senml` cannot be reached by a topic of its own.
`spBv1.0/{group}/{verb}/{node}[/{device}]` is Sparkplug B (Sparkplug 3.0, chapter 4), whose group is the project's id.
`application/{id}/device/{dev_eui}/event/up` is an uplink event of ChirpStack v4; it names no project, so that the
project is the sensor's own, and the broker's access list lets nobody but the network server write there.
"""

from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

from domain.errors import Invalid
from domain.identifier import InvalidIdentifier, require_caller_id

READINGS: Final = "siteproof/v1/+/+"
SUBSCRIPTIONS: Final = (READINGS, "spBv1.0/#", "application/+/device/+/event/up")
SENML: Final = "senml"
MAX_SOURCE_NAME: Final = 128  # characters of an edge node's or device's name; PostgreSQL's index holds 2,700 bytes
_MAX_TOPIC: Final = 512  # characters; the longest that can be ours has 345
_PREFIX: Final = ("siteproof", "v1")
_SPARKPLUG: Final = "spBv1.0"
_STATE: Final = "STATE"  # of host applications: spBv1.0/STATE/<host>; no edge node may have such a group
_NODE_VERBS: Final = frozenset({"NBIRTH", "NDATA", "NDEATH"})
_DEVICE_VERBS: Final = frozenset({"DBIRTH", "DDATA", "DDEATH"})
_COMMANDS: Final = frozenset({"NCMD", "DCMD"})
_UPLINK_PARTS: Final = 6


class UnknownTopic(Invalid):
    """A topic of none of the forms that carry readings."""

    code: ClassVar[str] = "topic.unknown"


class SensorTopic(NamedTuple):
    """Whose readings a topic carries."""

    project_id: str
    sensor_id: str


class SenmlTopic(NamedTuple):
    """The project whose sensors a SenML pack is about."""

    project_id: str


class EdgeNode(NamedTuple):
    """An edge node of Sparkplug."""

    group_id: str
    node_id: str


class SparkplugTopic(NamedTuple):
    """Who says what in Sparkplug.

    Attributes:
        verb: NBIRTH, NDATA, NDEATH, DBIRTH, DDATA or DDEATH.
        device_id: empty where the edge node speaks for itself.
    """

    node: EdgeNode
    verb: str
    device_id: str


class UplinkTopic(NamedTuple):
    """The device that a LoRaWAN uplink came from, in hexadecimal digits."""

    dev_eui: str


class SilentTopic(NamedTuple):
    """A topic of Sparkplug that carries no readings: commands, our own among them, and the states of hosts."""


Topic = SensorTopic | SenmlTopic | SparkplugTopic | UplinkTopic | SilentTopic
_SILENT: Final = SilentTopic()


@lru_cache(maxsize=65_536)  # each message names one, and a site has some thousands at most
def parse_topic(topic: str) -> Topic:
    """What a topic says about its payload.

    Raises:
        UnknownTopic: it is of none of the forms above, or an id is not one that a caller may give.
    """
    if len(topic) > _MAX_TOPIC:
        raise UnknownTopic(f"a topic of readings has at most {_MAX_TOPIC} characters")
    parts = topic.split("/")
    if parts[0] == _SPARKPLUG:
        return _parse_sparkplug(parts)
    if len(parts) == _UPLINK_PARTS and (parts[0], parts[2], *parts[4:]) == ("application", "device", "event", "up"):
        return UplinkTopic(parts[3])
    if len(parts) != len(_PREFIX) + 2 or tuple(parts[:2]) != _PREFIX:
        raise UnknownTopic(f"a topic of readings is siteproof/v1/<project>/<sensor>, not {topic[:200]!r}")
    project_id, sensor_id = _require_id(parts[2]), _require_id(parts[3])
    return SenmlTopic(project_id) if sensor_id == SENML else SensorTopic(project_id, sensor_id)


def _parse_sparkplug(parts: list[str]) -> Topic:
    _, group_id, verb, *names = [*parts, "", ""][: max(3, len(parts))]
    if group_id == _STATE or verb in _COMMANDS:
        return _SILENT
    has_names = len(names) == (2 if verb in _DEVICE_VERBS else 1) and all(map(_is_source_name, names))
    if verb not in _NODE_VERBS | _DEVICE_VERBS or not has_names:
        raise UnknownTopic("a topic of Sparkplug is spBv1.0/<group>/<verb>/<node>, with /<device> for a device's verb")
    return SparkplugTopic(EdgeNode(_require_id(group_id), names[0]), verb, "".join(names[1:]))


def _is_source_name(name: str) -> bool:
    return 0 < len(name) <= MAX_SOURCE_NAME and "\0" not in name


def _require_id(given: str) -> str:
    try:
        return require_caller_id(given)
    except InvalidIdentifier as error:
        raise UnknownTopic(error.detail) from error


def make_topic(*, project_id: str, sensor_id: str) -> str:
    """The topic under which a sensor of a project publishes."""
    return "/".join((*_PREFIX, project_id, sensor_id))


def make_command_topic(node: EdgeNode) -> str:
    """The topic by which an edge node takes commands."""
    return f"{_SPARKPLUG}/{node.group_id}/NCMD/{node.node_id}"


def make_subscriptions(group: str | None) -> tuple[str, ...]:
    """The filters for everything that carries readings; with a group, several collectors share the load."""
    return SUBSCRIPTIONS if group is None else tuple(f"$share/{group}/{each}" for each in SUBSCRIPTIONS)
