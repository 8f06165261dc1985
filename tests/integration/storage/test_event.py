import threading
from datetime import UTC, datetime

import pytest

from storage import event as event_module
from storage.database import Database
from storage.event import insert_event, list_events

NEAR, FAR = "county/near", "county/far"
WRITERS, EACH = 8, 25


def write(database: Database, subject: str, *, area: str = NEAR) -> None:
    """One event in a transaction of its own."""
    with database.transaction() as connection:
        now = datetime.now(UTC)
        insert_event(
            connection,
            type_="siteproof.test",
            project_id="p",
            area=area,
            subject=subject,
            occurred_at=now,
            data={},
        )


def test_list_events__all_out_of_sight__moves_on_by_a_bounded_look(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page costs the same however many events of other areas lie before the next one that is seen."""
    monkeypatch.setattr(event_module, "WINDOW_ROWS", 3)
    for number in range(7):
        write(database, f"s/{number}", area=FAR)
    write(database, "s/near")
    after, pages = None, []
    while True:
        with database.transaction() as connection:
            page = list_events(connection, area=NEAR, project_id=None, after=after, limit=2)
        pages.append([event.subject for event in page.events])
        after = page.next
        if page.is_last:
            break
    # Eight rows, three a look: none, none, and the one behind seven others, which is where it ends.
    assert pages == [[], [], ["s/near"]]


def follow(database: Database, area: str, seen: list[str], done: threading.Event) -> None:
    """Read page by page until the writers are done and everything was looked at."""
    after = None
    while True:
        finished = done.is_set()
        with database.transaction() as connection:
            page = list_events(connection, area=area, project_id=None, after=after, limit=7)
        seen += [event.subject for event in page.events]
        after = page.next
        if finished and page.is_last:
            return


def write_many(database: Database, writer: int) -> None:
    """EACH events, one transaction each; every second writer is NEAR."""
    for number in range(EACH):
        write(database, f"{writer}/{number}", area=NEAR if writer % 2 else FAR)


def test_list_events__while_many_write__gives_each_once_in_order(database: Database) -> None:
    """Two readers, one of everything and one of an area, see every event once, each writer's in its order."""
    seen: dict[str, list[str]] = {"/": [], NEAR: []}
    done = threading.Event()
    readers = [threading.Thread(target=follow, args=(database, area, seen[area], done)) for area in seen]
    threads = [threading.Thread(target=write_many, args=(database, writer)) for writer in range(WRITERS)]
    for thread in readers + threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    for area, wanted in (("/", range(WRITERS)), (NEAR, range(1, WRITERS, 2))):
        told = [tuple(map(int, subject.split("/"))) for subject in seen[area]]
        assert sorted(told) == [(writer, number) for writer in wanted for number in range(EACH)]
        for writer in wanted:
            assert [number for who, number in told if who == writer] == list(range(EACH))
