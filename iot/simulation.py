"""A simulated settling bridge: a series with known truth, and its publication as a real gauge would do it."""

import json
import logging
import math
import random
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from iot.endpoint import parse_broker_url
from iot.topics import make_topic

_LOG: Final = logging.getLogger(__name__)
_DAY: Final = timedelta(days=1)
_WAIT_S: Final = 0.2
_LEAVE_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SettlementLaw:
    """How a pier settles: s(t) = final * (1 - exp(-t / time_constant)), the exponential law of consolidation.

    Attributes:
        final_mm: where it ends. [mm]
        time_constant: after so long 63 % of it are there.
        noise_mm: standard deviation of the gauge's own noise. [mm]
        temperature_mm: amplitude of the daily movement by temperature, greatest at 15 o'clock UTC+8. [mm]
    """

    final_mm: float = 20.0
    time_constant: timedelta = timedelta(days=30)
    noise_mm: float = 0.05
    temperature_mm: float = 0.2

    def settlement_mm(self, age: timedelta) -> float:
        """The true settlement so long after loading, without noise and temperature. [mm]."""
        return self.final_mm * (1 - math.exp(-max(age / self.time_constant, 0.0)))


@dataclass(frozen=True, slots=True)
class SimulatedReading:
    """One reading of the simulated gauge, with what it would be without noise and temperature.

    Attributes:
        t: the reading's own time. UTC.
        v: what the gauge says. [mm]
        seq: the gauge's counter.
        true_mm: the settlement alone. [mm]
    """

    t: datetime
    v: float
    seq: int
    true_mm: float


def settlement_series(
    law: SettlementLaw,
    *,
    loaded_at: datetime,
    start: datetime,
    every: timedelta,
    seed: int,
    count: int | None = None,
    speed_up: float = 1.0,
) -> Iterator[SimulatedReading]:
    """The gauge's readings: the same for the same arguments.

    Args:
        law: how the pier settles.
        loaded_at: when the load came on.
        start: of the first reading.
        every: between two readings, by their own times.
        seed: of the noise.
        count: how many; None goes on for ever.
        speed_up: the pier settles so many times faster than its law says, while the readings' times stay as given.

    Yields:
        Readings by time.
    """
    noise = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    number = 0
    while count is None or number < count:
        t = start + number * every
        true_mm = law.settlement_mm((t - loaded_at) * speed_up)
        daily = math.cos(2 * math.pi * ((t - datetime(2000, 1, 1, 7, tzinfo=UTC)) % _DAY) / _DAY)
        v = true_mm + law.temperature_mm * daily + noise.gauss(0.0, law.noise_mm)
        yield SimulatedReading(t=t, v=round(v, 4), seq=number, true_mm=true_mm)
        number += 1


def publish_series(
    url: str,
    *,
    project_id: str,
    sensor_id: str,
    readings: Iterable[SimulatedReading],
    stop: threading.Event,
    in_real_time: bool = True,
) -> int:
    """Publish readings with QoS 1, each when its own time has come, and those of the past at once.

    A broker that does not answer is waited for, and what it has not acknowledged is sent again.

    Args:
        url: of the broker.
        project_id: of the topic.
        sensor_id: of the topic.
        readings: by time.
        stop: ends it.
        in_real_time: False publishes everything at once, future times too.

    Returns:
        How many readings the broker has acknowledged.

    Raises:
        InvalidBrokerUrl: `url` names no broker.
    """
    endpoint = parse_broker_url(url)
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"siteproof-gauge-{sensor_id}"[:60], clean_session=False)
    endpoint.prepare(client)
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    topic = make_topic(project_id=project_id, sensor_id=sensor_id)
    acknowledged = _Count()
    client.on_publish = lambda *_: acknowledged.add()
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect_async(endpoint.host, endpoint.port)
    client.loop_start()
    sent = 0
    try:
        # What is given to paho before it is connected may be overtaken by what comes after, and a gauge tells in order.
        while not connected.wait(_WAIT_S) and not stop.is_set():
            pass
        for reading in readings:
            if in_real_time and stop.wait(max(0.0, (reading.t - datetime.now(UTC)).total_seconds())):
                break
            if stop.is_set():
                break
            payload = {"t": reading.t.isoformat().replace("+00:00", "Z"), "v": reading.v, "seq": reading.seq}
            info = client.publish(topic, json.dumps(payload), qos=1)
            if info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}:
                _LOG.warning("a reading of %s was not taken: %s", sensor_id, info.rc)
                continue
            sent += 1
        acknowledged.wait_for(sent, seconds=_LEAVE_WITHIN_S)
    finally:
        client.disconnect()
        client.loop_stop()
    return acknowledged.value


class _Count:
    """A number that one thread counts up and another waits for."""

    def __init__(self) -> None:
        self.value = 0
        self._changed = threading.Condition()

    def add(self) -> None:
        with self._changed:
            self.value += 1
            self._changed.notify_all()

    def wait_for(self, value: int, *, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.value >= value, timeout=seconds)
