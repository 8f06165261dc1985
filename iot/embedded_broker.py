"""A broker in Python where Mosquitto is not installed: MQTT 3.1.1, on loopback, keeping nothing through a restart."""

import asyncio
import threading
from typing import Any

from amqtt.broker import Broker

from iot.mosquitto_configuration import require_loopback


def run_embedded_broker(host: str, port: int, stop: threading.Event) -> None:
    """Be a broker until `stop` is set. Anybody on this machine may publish and subscribe.

    Args:
        host: a loopback address.
        port: to listen on.
        stop: ends it.

    Raises:
        OpenBrokerOffLoopback: `host` is not loopback.
        OSError: the port is taken.
    """
    asyncio.run(_serve(require_loopback(host), port, stop))


async def _serve(host: str, port: int, stop: threading.Event) -> None:
    configuration: dict[str, Any] = {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = Broker(configuration)
    await broker.start()
    try:
        await asyncio.to_thread(stop.wait)
    finally:
        await broker.shutdown()
