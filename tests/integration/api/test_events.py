import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from domain.access import Role
from storage.database import Database
from storage.event import insert_event, list_events
from tests.integration.api.conftest import AREA, Api


def test_list_events__after_a_cursor__goes_on_where_it_stopped(api: Api) -> None:
    """Following the cursor gives every event once, in CloudEvents' shape."""
    for number in range(5):
        api.put_project(f"p{number}")
    headers = api.make_token(Role.CORE)
    first = api.client.get("/v1/events?limit=3", headers=headers).json()
    rest = api.client.get(f"/v1/events?after={first['next']}", headers=headers).json()
    subjects = [event["subject"] for event in first["items"] + rest["items"]]
    assert subjects == [f"projects/p{number}" for number in range(5)]
    assert {event["specversion"] for event in first["items"]} == {"1.0"}
    assert {event["type"] for event in first["items"]} == {"siteproof.project.created"}


def test_list_events__at_the_end__still_gives_a_cursor_to_go_on_from(api: Api) -> None:
    """A follower never loses its place, not even before the first event."""
    headers = api.make_token(Role.CORE)
    page = api.client.get("/v1/events", headers=headers).json()
    assert page["items"] == []
    api.put_project()
    again = api.client.get(f"/v1/events?after={page['next']}", headers=headers).json()
    assert [event["subject"] for event in again["items"]] == ["projects/p1"]


def test_list_events__after_latest__gives_only_what_is_yet_to_come(api: Api) -> None:
    """A page that has just read everything follows from here, without walking the past."""
    api.put_project("p1")
    headers = api.make_token(Role.CORE)
    page = api.client.get("/v1/events?after=latest", headers=headers).json()
    assert page["items"] == []
    api.put_project("p2")
    after = api.client.get(f"/v1/events?after={page['next']}", headers=headers).json()
    assert [event["subject"] for event in after["items"]] == ["projects/p2"]


def test_list_events__of_another_area__are_not_shown(api: Api) -> None:
    """Events go by area as everything does."""
    api.put_project()
    headers = api.make_token(Role.SUPERVISOR, area="county/other")
    assert api.client.get("/v1/events", headers=headers).json()["items"] == []


def test_list_events__a_writer_that_commits_late__is_not_skipped(database: Database) -> None:
    """While an older transaction runs, what came after it is held back, so that no cursor passes it."""
    begun, go_on = threading.Event(), threading.Event()

    def write(number: int, *, wait: bool) -> None:
        with database.transaction() as connection:
            insert_event(
                connection,
                type_="siteproof.test",
                project_id="p",
                area=AREA,
                subject=f"s/{number}",
                occurred_at=datetime.now(UTC),
                data={},
            )
            if wait:
                begun.set()
                assert go_on.wait(20)

    def read(after: str | None) -> tuple[list[str], str | None]:
        with database.transaction() as connection:
            events = list_events(connection, area="/", project_id=None, after=after, limit=100).events
        return [event.subject for event in events], events[-1].cursor if events else after

    with ThreadPoolExecutor() as pool:
        late = pool.submit(write, 1, wait=True)
        assert begun.wait(20)
        write(2, wait=False)
        before, cursor = read(None)
        go_on.set()
        late.result()
        after, _ = read(cursor)
    assert before == []
    assert after == ["s/1", "s/2"]
