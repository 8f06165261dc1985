"""Dead letters over HTTP."""

from base64 import b64decode
from datetime import UTC, datetime
from http import HTTPStatus

from domain.access import Role
from domain.identifier import EVERYWHERE
from domain.sensor import DeadLetter
from storage.dead_letter import store_dead_letters
from tests.integration.api.conftest import AREA, Api

CAME_AT = datetime(2026, 7, 1, tzinfo=UTC)


def bury(api: Api, *letters: tuple[str, str, bytes]) -> None:
    """Keep these (topic, code, payload)."""
    kept = [DeadLetter(topic, payload, code, "a reason", CAME_AT) for topic, code, payload in letters]
    with api.database.transaction() as connection:
        store_dead_letters(connection, dead_letters=kept)


def test_dead_letters__any_bytes__come_back_as_they_came(api: Api) -> None:
    """Bytes that are no text are told whole, page by page, each once."""
    bury(api, ("a/1", "payload.not_json", b"\x00\xff"), ("b/1", "x.y", b""), ("a/2", "x.y", b"{}"))
    headers = api.make_token(Role.ADMIN, area=EVERYWHERE)
    first = api.client.get("/v1/dead-letters?limit=2", headers=headers).json()
    second = api.client.get(f"/v1/dead-letters?limit=2&after={first['next']}", headers=headers).json()
    assert second["next"] is None
    told = [(each["topic"], each["code"], b64decode(each["payload"])) for each in first["items"] + second["items"]]
    assert told == [("a/1", "payload.not_json", b"\x00\xff"), ("b/1", "x.y", b""), ("a/2", "x.y", b"{}")]
    assert first["items"][0]["received_at"] == "2026-07-01T00:00:00Z"


def test_dead_letters__of_one_code_and_topic(api: Api) -> None:
    """A percent sign in the prefix is a percent sign."""
    bury(api, ("a/1", "x.y", b"1"), ("b/1", "x.y", b"2"), ("a/2", "x.z", b"3"))
    headers = api.make_token(Role.ADMIN, area=EVERYWHERE)

    def ask(**parameters: str) -> list[str]:
        items = api.client.get("/v1/dead-letters", params=parameters, headers=headers).json()["items"]
        return [each["topic"] for each in items]

    assert ask(code="x.y", topic_prefix="a/") == ["a/1"]
    assert ask(topic_prefix="a/") == ["a/1", "a/2"]
    assert ask(topic_prefix="%") == []


def test_dead_letters__by_a_token_of_one_area_or_project__are_forbidden(api: Api) -> None:
    """A topic proves nothing about an area, so only who sees all areas sees dead letters."""
    api.put_project()
    near, narrow = api.make_token(Role.ADMIN, area=AREA), api.make_token(Role.ADMIN, area=EVERYWHERE, project="p1")
    for headers in (near, narrow):
        answer = api.client.get("/v1/dead-letters", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, "access.area_forbidden")
