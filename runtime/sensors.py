"""`siteproof collect` and `siteproof broker`: the parts that speak MQTT, until a signal ends them."""

import signal
import threading
from urllib.parse import urlsplit

from iot.collector import Collector
from iot.embedded_broker import run_embedded_broker
from runtime.settings import Settings
from storage.database import Database


def run_collector(settings: Settings, database: Database) -> None:
    """Store readings until a signal comes; what was stored is acknowledged before the process ends."""
    collector = Collector(
        database,
        url=settings.mqtt_url,
        client_id=settings.collector_id,
        group=settings.mqtt_group or None,
    )
    collector.run(stop_on_signal())


def run_broker(settings: Settings) -> None:
    """An embedded broker on loopback, at the port of `mqtt_url`."""
    parts = urlsplit(settings.mqtt_url)
    run_embedded_broker(parts.hostname or "127.0.0.1", parts.port or 1883, stop_on_signal())


def stop_on_signal() -> threading.Event:
    """An event that Ctrl-C and TERM set."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _number, _frame: stop.set())
    return stop
