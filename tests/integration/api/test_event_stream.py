import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
import uvicorn

from api.application import create_application
from api.services import MAX_STREAMS, Services
from domain.access import Role
from storage.token import list_tokens, revoke_token
from tests.integration.api.conftest import Api

STREAM = "/v1/events/stream"


def parse_stream(text: str) -> list[tuple[str, dict[str, Any]]]:
    """(id, data) of every message, by the rules of the HTML standard that matter here."""
    messages = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if "data" in fields:
            messages.append((fields["id"], json.loads(fields["data"])))
    return messages


@contextmanager
def serve(services: Services) -> Iterator[tuple[uvicorn.Server, str]]:
    """The application on a real port, stopped as a signal would stop it."""
    server: uvicorn.Server
    application = create_application(replace(services, is_stopping=lambda: server.should_exit, stream_lifetime_s=60))
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, timeout_graceful_shutdown=20))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield server, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def test_stream__has_the_events_of_the_list_in_its_order(api: Api) -> None:
    """Data and cursors are the list's, so that a client may change from one to the other."""
    for number in range(5):
        api.put_project(f"p{number}")
    headers = api.make_token(Role.CORE)
    response = api.client.get(STREAM, headers=headers)
    listed = api.client.get("/v1/events", headers=headers).json()
    assert response.headers["content-type"].startswith("text/event-stream")
    messages = parse_stream(response.text)
    assert [data for _, data in messages] == listed["items"]
    assert messages[-1][0] == listed["next"]


def test_stream__with_last_event_id__goes_on_behind_it(api: Api) -> None:
    """What a browser sends when it comes again counts before the address that it came to first."""
    for number in range(3):
        api.put_project(f"p{number}")
    headers = api.make_token(Role.CORE)
    first, second, third = parse_stream(api.client.get(STREAM, headers=headers).text)
    again = api.client.get(f"{STREAM}?after={first[0]}", headers=headers)
    assert parse_stream(again.text) == [second, third]
    resumed = api.client.get(f"{STREAM}?after={first[0]}", headers={**headers, "Last-Event-ID": second[0]})
    assert parse_stream(resumed.text) == [third]


def test_stream__of_another_area__shows_nothing(api: Api) -> None:
    """A stream is scoped as the list is, and by project as well."""
    api.put_project("p1")
    api.put_project("p2")
    far = api.client.get(STREAM, headers=api.make_token(Role.SUPERVISOR, area="county/other"))
    assert parse_stream(far.text) == []
    one = api.client.get(STREAM, headers=api.make_token(Role.SUPERVISOR, project="p2"))
    assert [data["subject"] for _, data in parse_stream(one.text)] == ["projects/p2"]


def test_stream__with_a_cursor_of_somebody_else__is_refused(api: Api) -> None:
    """A refusal has a status, which a stream that has begun could not give."""
    response = api.client.get(f"{STREAM}?after=made-up", headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (422, "page.invalid_cursor")


def test_stream__beyond_the_limit__is_refused_and_gives_its_place_back(api: Api) -> None:
    """No more than MAX_STREAMS follow at once; the one that ended makes room."""
    headers = api.make_token(Role.CORE)
    slots = api.application.state.services.stream_slots
    for _ in range(MAX_STREAMS - 1):
        assert slots.acquire(blocking=False)
    for _ in range(2):
        assert api.client.get(STREAM, headers=headers).status_code == HTTPStatus.OK
    assert slots.acquire(blocking=False)
    refused = api.client.get(STREAM, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "events.too_many_streams")
    assert "Retry-After" in refused.headers


def test_stream__open__brings_what_happens_and_ends_with_the_service(api: Api) -> None:
    """An event comes while the connection is open; at the service's end the answer is whole, not cut off."""
    headers = api.make_token(Role.CORE)
    with (
        serve(api.application.state.services) as (server, address),
        httpx2.stream("GET", address + STREAM, headers=headers, timeout=30) as response,
    ):
        blocks = response.iter_text()
        assert next(blocks).startswith("retry:")
        api.put_project("live")
        assert parse_stream(next(blocks))[0][1]["subject"] == "projects/live"
        server.should_exit = True
        # A body that is cut off raises RemoteProtocolError here.
        assert list(blocks) == []


def test_stream__whose_token_is_revoked__ends(api: Api) -> None:
    """A follower that was let in a while ago is sent away like everybody else."""
    headers = api.make_token(Role.CORE)
    with (
        serve(api.application.state.services) as (_, address),
        httpx2.stream("GET", address + STREAM, headers=headers, timeout=30) as response,
    ):
        blocks = response.iter_text()
        assert next(blocks).startswith("retry:")
        with api.database.transaction() as connection:
            for token in list_tokens(connection):
                revoke_token(connection, token_id=token.id)
        assert parse_stream("".join(blocks)) == []


def test_stream__more_followers_than_threads__leave_the_api_answering(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Followers hold no thread while nothing happens, so an ordinary request is answered between them."""
    monkeypatch.setattr("api.application._THREADS", 5)
    headers = api.make_token(Role.CORE)
    with serve(api.application.state.services) as (_, address), httpx2.Client(base_url=address, timeout=30) as client:
        opened = [client.stream("GET", STREAM, headers=headers) for _ in range(20)]
        responses = [each.__enter__() for each in opened]
        assert {each.status_code for each in responses} == {HTTPStatus.OK}
        assert client.get("/v1/whoami", headers=headers).status_code == HTTPStatus.OK
        for each in opened:
            each.__exit__(None, None, None)
