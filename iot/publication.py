"""Publishing readings as gauges do: QoS 1, in order, each when its time has come, at any speed."""

import json
import logging
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from time import monotonic
from typing import Final, Protocol

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from iot.endpoint import parse_broker_url
from iot.topics import make_topic

_LOG: Final = logging.getLogger(__name__)
_WAIT_S: Final = 0.2
_LEAVE_WITHIN_S: Final = 30.0
MAX_IN_MESSAGE: Final = 200  # readings; a record of the past goes out in lists, as a logger's does that was offline
_MAX_UNACKNOWLEDGED: Final = 2_000  # messages that the client keeps for the broker


class Publishable(Protocol):
    """A reading of a sensor."""

    @property
    def sensor_id(self) -> str:
        """Whose."""
        ...

    @property
    def t(self) -> datetime:
        """Its own time. UTC."""
        ...

    @property
    def v(self) -> float:
        """Its value."""
        ...

    @property
    def seq(self) -> int:
        """The gauge's counter."""
        ...


def publish_readings(
    url: str,
    *,
    project_id: str,
    readings: Iterable[Publishable],
    stop: threading.Event,
    client_id: str,
    speed_up: float | None = 1.0,
    begin: datetime | None = None,
) -> int:
    """Publish readings with QoS 1.

    A broker that does not answer is waited for, and what it has not acknowledged is sent again.

    Args:
        url: of the broker.
        project_id: of the topics.
        readings: of any sensors, by time; those before `begin` go out at once, in lists.
        stop: ends it.
        client_id: of the session.
        speed_up: so many seconds of the readings' time pass in a second; None sends everything at once.
        begin: the readings' time that is now; None for the first reading's.

    Returns:
        How many readings the broker has acknowledged.

    Raises:
        InvalidBrokerUrl: `url` names no broker.
    """
    endpoint = parse_broker_url(url)
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id[:60], clean_session=False)
    endpoint.prepare(client)
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    unacknowledged = _Unacknowledged()
    client.on_publish = lambda _client, _userdata, mid, *_: unacknowledged.remove(mid)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect_async(endpoint.host, endpoint.port)
    client.loop_start()
    try:
        # What is given to paho before it is connected may be overtaken by what comes after, and a gauge tells in order.
        while not connected.wait(_WAIT_S) and not stop.is_set():
            pass
        for sensor_id, group in _pace(readings, stop=stop, speed_up=speed_up, begin=begin):
            payload = json.dumps([{"t": _iso(each.t), "v": each.v, "seq": each.seq} for each in group])
            unacknowledged.wait_below(_MAX_UNACKNOWLEDGED, stop=stop)
            info = client.publish(make_topic(project_id=project_id, sensor_id=sensor_id), payload, qos=1)
            if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
                _LOG.warning("%d readings of %s were not taken: %s", len(group), sensor_id, info.rc)
                continue
            unacknowledged.add(info.mid, len(group))
        unacknowledged.wait_below(1, stop=threading.Event(), seconds=_LEAVE_WITHIN_S)
    finally:
        client.disconnect()
        client.loop_stop()
    return unacknowledged.acknowledged


def _pace(
    readings: Iterable[Publishable], *, stop: threading.Event, speed_up: float | None, begin: datetime | None
) -> Iterator[tuple[str, list[Publishable]]]:
    """What goes into one message, when its time has come: a list of the past of one sensor, or one reading."""
    past: dict[str, list[Publishable]] = {}
    started = monotonic()
    for reading in readings:
        if stop.is_set():
            return
        if speed_up is None or (begin is not None and reading.t < begin):
            group = past.setdefault(reading.sensor_id, [])
            group.append(reading)
            if len(group) >= MAX_IN_MESSAGE:
                yield reading.sensor_id, past.pop(reading.sensor_id)
            continue
        yield from past.items()
        past = {}
        begin = begin or reading.t
        due = started + (reading.t - begin).total_seconds() / speed_up
        if stop.wait(max(0.0, due - monotonic())):
            return
        yield reading.sensor_id, [reading]
    yield from past.items()


def _iso(t: datetime) -> str:
    return t.isoformat().replace("+00:00", "Z")


class _Unacknowledged:
    """What was given to the client and not yet acknowledged by the broker, by packet number."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self._sizes: dict[int, int] = {}
        self._early: set[int] = set()
        self._changed = threading.Condition()

    def add(self, mid: int, size: int) -> None:
        with self._changed:
            if mid in self._early:  # the broker was faster than we
                self._early.discard(mid)
                self.acknowledged += size
            else:
                self._sizes[mid] = size

    def remove(self, mid: int) -> None:
        with self._changed:
            size = self._sizes.pop(mid, None)
            if size is None:
                self._early.add(mid)
            else:
                self.acknowledged += size
            self._changed.notify_all()

    def wait_below(self, count: int, *, stop: threading.Event, seconds: float | None = None) -> None:
        deadline = None if seconds is None else monotonic() + seconds
        with self._changed:
            while len(self._sizes) >= count and not stop.is_set() and (deadline is None or monotonic() < deadline):
                self._changed.wait(_WAIT_S)
