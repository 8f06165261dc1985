"""`siteproof collect` and `siteproof broker`: the parts that speak MQTT, until a signal ends them; and dead letters."""

import signal
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from domain.identifier import EVERYWHERE
from iot.collector import Collector
from iot.embedded_broker import run_embedded_broker
from runtime.assembly import open_database
from runtime.settings import Settings
from storage.database import Database
from storage.dead_letter import list_dead_letters
from storage.project import list_projects

_SHOWN_BYTES: Final = 200


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


def list_project_ids(settings: Settings) -> list[str]:
    """The ids of all projects."""
    found: list[str] = []
    after: str | None = None
    with open_database(settings) as database, database.transaction() as connection:
        while True:
            page = list_projects(connection, area=EVERYWHERE, project_id=None, after=after, limit=1000)
            found += [project.id for project in page.items]
            after = page.next
            if after is None:
                return found


def stop_on_signal() -> threading.Event:
    """An event that Ctrl-C and TERM set."""
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _number, _frame: stop.set())
    return stop


def show_dead_letters(
    database: Database, *, code: str | None, topic_prefix: str | None, tell: Callable[[str], None]
) -> None:
    """Tell each dead letter in a line: when it came, its code, topic and reason, and how its bytes begin."""
    after: str | None = None
    while True:
        with database.transaction() as connection:
            page = list_dead_letters(connection, after=after, limit=500, code=code, topic_prefix=topic_prefix)
        for letter in page.items:
            shown = letter.payload[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
            fields = (letter.received_at.isoformat(), letter.code, letter.topic, letter.detail, shown)
            tell("\t".join(map(_make_printable, fields)))
        if page.next is None:
            return
        after = page.next


def _make_printable(text: str) -> str:
    """What a stranger sent must neither steer the terminal nor break the line."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
