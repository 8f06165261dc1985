import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from domain.access import Role
from storage.database import Database
from tests.integration.api.conftest import Api

ISSUE = {"project_id": "p1", "title": "裂缝"}


def raise_issue(api: Api, headers: dict[str, str], key: str = "k1", **changes: object) -> httpx2.Response:
    """POST an issue with a key."""
    return api.client.post("/v1/issues", json={**ISSUE, **changes}, headers={**headers, "Idempotency-Key": key})


def count_issues(api: Api) -> int:
    """How many there are."""
    return len(api.client.get("/v1/issues", headers=api.make_token(Role.INSPECTOR)).json()["items"])


def test_post__twice_with_one_key__is_done_once_and_answered_twice(api: Api) -> None:
    """Status, body and ETag are those of the first answer, and a header says so."""
    api.put_project()
    headers = api.make_token(Role.INSPECTOR)
    first, second = raise_issue(api, headers), raise_issue(api, headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["ETag"] == second.headers["ETag"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert count_issues(api) == 1


def test_post__one_key_for_another_body__is_refused(api: Api) -> None:
    """A key is one request's; another path counts as another request too."""
    api.put_project()
    headers = api.make_token(Role.INSPECTOR)
    issue = raise_issue(api, headers).json()
    other = raise_issue(api, headers, title="空鼓")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.key_reused")
    path = f"/v1/issues/{issue['id']}/transitions"
    elsewhere = api.client.post(path, json={"to": "assigned"}, headers={**headers, "Idempotency-Key": "k1"})
    assert elsewhere.json()["code"] == "idempotency.key_reused"
    assert count_issues(api) == 1


def test_post__one_key_of_two_tokens__are_two_requests(api: Api) -> None:
    """Nobody gets another one's answer by guessing a key."""
    api.put_project()
    raise_issue(api, api.make_token(Role.INSPECTOR))
    assert "Idempotency-Replayed" not in raise_issue(api, api.make_token(Role.INSPECTOR)).headers
    assert count_issues(api) == 2
    assert raise_issue(api, {}).status_code == 401


def test_post__refused__leaves_the_key_free(api: Api) -> None:
    """Nothing was done, so the same key serves once the cause is mended."""
    headers = api.make_token(Role.INSPECTOR)
    assert raise_issue(api, headers).status_code == 404
    api.put_project()
    done = raise_issue(api, headers)
    assert (done.status_code, "Idempotency-Replayed" in done.headers) == (201, False)


def test_post__many_at_once_with_one_key__is_done_once(api: Api) -> None:
    """Those that come while the first is under way are told so, or get its answer."""
    api.put_project()
    headers = api.make_token(Role.INSPECTOR)
    barrier = threading.Barrier(6)

    def send(_: int) -> httpx2.Response:
        barrier.wait(20)
        return raise_issue(api, headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert {(each.status_code, each.json().get("code")) for each in answers} <= {
        (201, None),
        (409, "idempotency.under_way"),
        (409, "idempotency.answer_lost"),
    }
    assert any(each.status_code == 201 for each in answers)
    assert count_issues(api) == 1


def test_post__whose_answer_was_lost__is_not_done_again(api: Api, database: Database) -> None:
    """A crash between the deed and the keeping of its answer is told, and nothing is doubled."""
    api.put_project()
    headers = api.make_token(Role.INSPECTOR)
    raise_issue(api, headers)
    with database.transaction() as connection:
        connection.execute("UPDATE idempotency_key SET status = NULL, headers = NULL, body = NULL")
    again = raise_issue(api, headers)
    assert (again.status_code, again.json()["code"]) == (409, "idempotency.answer_lost")
    assert count_issues(api) == 1


def test_post__a_day_later__the_key_is_new(api: Api, database: Database) -> None:
    """Answers are kept for 24 hours."""
    api.put_project()
    headers = api.make_token(Role.INSPECTOR)
    raise_issue(api, headers)
    with database.transaction() as connection:
        past = datetime.now(UTC) - timedelta(hours=24, seconds=1)
        connection.execute("UPDATE idempotency_key SET created_at = %s", (past,))
    assert "Idempotency-Replayed" not in raise_issue(api, headers, title="空鼓").headers
    assert count_issues(api) == 2


@pytest.mark.parametrize("key", ["a b", 256 * "k", "\x7f"])
def test_post__with_a_malformed_key__is_refused(api: Api, key: str) -> None:
    """1 to 255 printable characters without blanks."""
    refused = raise_issue(api, api.make_token(Role.INSPECTOR), key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency.invalid_key")
