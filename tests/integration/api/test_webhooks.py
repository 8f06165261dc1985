from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from domain.access import Role
from domain.webhook import MAX_WEBHOOKS
from runtime.deliver import Deliverer
from storage.database import Database
from storage.event import list_events
from tests.integration.api.conftest import AREA, Api

URL = "https://core.example/hook"


def put(api: Api, webhook_id: str = "w", *, headers: dict[str, str] | None = None, **changes: Any) -> httpx2.Response:  # noqa: ANN401 - members
    """PUT a webhook as the core system of the area."""
    body = {"url": URL, **changes}
    return api.client.put(f"/v1/webhooks/{webhook_id}", json=body, headers=headers or api.make_token(Role.CORE))


def queue(api: Api) -> None:
    """What `siteproof deliver` does before it sends."""
    deliverer = Deliverer(api.database)
    while deliverer.queue():
        pass


def test_put_webhook__new__shows_its_secret_once(api: Api) -> None:
    """201 with the secret; the same again is 200 without it, and nothing has changed."""
    made = put(api, event_types=["siteproof.issue"])
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert (made.json()["area"], made.json()["active"]) == (AREA, True)
    again = put(api, event_types=["siteproof.issue"])
    assert (again.status_code, again.json()["secret"]) == (200, None)
    assert again.headers["ETag"] == made.headers["ETag"]
    read = api.client.get("/v1/webhooks/w", headers=api.make_token(Role.ADMIN))
    assert read.json() == again.json()


def test_put_webhook__with_if_match_of_an_older_version__changes_nothing(api: Api) -> None:
    """Two keepers do not overwrite each other."""
    etag = put(api).headers["ETag"]
    changed = put(api, active=False)
    assert changed.headers["ETag"] != etag
    late = put(api, headers={**api.make_token(Role.CORE), "If-Match": etag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition.failed")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://[::1]/",
        "https://[::ffff:10.0.0.1]/", "https://169.254.169.254/latest/meta-data/", "https://localhost/",
        "https://x.localhost./", "http://8.8.8.8/",
    ],
)  # fmt: skip
def test_put_webhook__with_an_address_inside__is_refused(api: Api, url: str) -> None:
    """However it is spelt; and plain http only where the operator allows it."""
    refused = put(api, url=url)
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook.address_refused")


def test_put_webhook__outside_of_the_tokens_sight__is_refused(api: Api) -> None:
    """A webhook gets no more than its keeper may read."""
    api.put_project("far", area="county/other")
    wide = put(api, area="county")
    assert (wide.status_code, wide.json()["code"]) == (403, "access.area_forbidden")
    far = put(api, project_id="far")
    assert (far.status_code, far.json()["code"]) == (404, "project.not_found")
    below = put(api, area=f"{AREA}/group")
    assert (below.status_code, below.json()["area"]) == (201, f"{AREA}/group")


def test_put_webhook__by_a_token_of_one_project__is_of_that_project(api: Api) -> None:
    """What such a token makes is narrowed as the token is, and webhooks of the whole area are out of its sight."""
    api.put_project("p1")
    put(api, "whole")
    narrow = api.make_token(Role.CORE, project="p1")
    assert put(api, "own", headers=narrow).json()["project_id"] == "p1"
    listed = api.client.get("/v1/webhooks", headers=narrow).json()["items"]
    assert [each["id"] for each in listed] == ["own"]
    assert api.client.get("/v1/webhooks/whole", headers=narrow).status_code == 404
    assert put(api, "whole", headers=narrow).status_code == 404


def test_put_webhook__beyond_the_limit__is_refused(api: Api) -> None:
    """One hundred, and the others stay as they are."""
    headers = api.make_token(Role.CORE)
    codes = [put(api, f"w{number}", headers=headers).status_code for number in range(MAX_WEBHOOKS)]
    assert set(codes) == {201}
    refused = put(api, "more", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook.too_many")
    assert put(api, "w0", headers=headers).status_code == 200


def test_rotate_secret__gives_another_one_and_says_how_long_the_old_one_signs(api: Api) -> None:
    """24 hours for the change."""
    old = put(api).json()["secret"]
    before = datetime.now(UTC)
    answer = api.client.post("/v1/webhooks/w/secret", headers=api.make_token(Role.CORE)).json()
    hours = (datetime.fromisoformat(answer["previous_valid_until"]) - before).total_seconds() / 3_600
    assert answer["secret"] != old
    assert 24 <= hours < 24.1


def test_list_deliveries__shows_what_waits_and_replay_begins_anew(api: Api, database: Database) -> None:
    """The log names event, cursor and state; `replay?after=` brings what was before the webhook."""
    api.put_project("p1")
    put(api)
    api.put_project("p2")
    queue(api)
    core = api.make_token(Role.CORE)
    (delivery,) = api.client.get("/v1/webhooks/w/deliveries?status=pending", headers=core).json()["items"]
    assert (delivery["event_type"], delivery["status"], delivery["attempts"]) == (
        "siteproof.project.created",
        "pending",
        [],
    )
    with database.transaction() as connection:
        events = list_events(connection, area="/", project_id=None, after=None, limit=10).events
    assert delivery["event_cursor"] == events[1].cursor
    assert api.client.get("/v1/webhooks/w/deliveries?status=failed", headers=core).json()["items"] == []
    again = api.client.post(f"/v1/webhooks/w/deliveries/{delivery['id']}/replay", headers=core)
    assert (again.status_code, again.json()["tries"]) == (202, 0)
    unknown = api.client.post(f"/v1/webhooks/w/deliveries/{uuid4()}/replay", headers=core)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "webhook.delivery_not_found")
    assert api.client.post("/v1/webhooks/w/replay", headers=core).status_code == 202
    queue(api)
    listed = api.client.get("/v1/webhooks/w/deliveries", headers=core).json()["items"]
    assert {each["event_id"] for each in listed} == {str(event.id) for event in events}
    bad = api.client.post("/v1/webhooks/w/replay?after=made-up", headers=core)
    assert (bad.status_code, bad.json()["code"]) == (422, "page.invalid_cursor")


def test_delete_webhook__is_gone_with_its_log(api: Api) -> None:
    """Another of the same id begins anew, with another secret."""
    first = put(api).json()["secret"]
    core = api.make_token(Role.CORE)
    assert api.client.delete("/v1/webhooks/w", headers=core).status_code == 204
    assert api.client.get("/v1/webhooks/w", headers=core).status_code == 404
    assert put(api).json()["secret"] not in {None, first}


def test_metrics__tell_lag_and_failures_without_names(api: Api) -> None:
    """One webhook of each state; what waits for the active one has an age."""
    put(api, "secret-name")
    put(api, "off", active=False)
    api.put_project("p1")
    queue(api)
    text = api.client.get("/metrics").text
    assert 'siteproof_webhooks{state="active"} 1.0' in text
    assert 'siteproof_webhooks{state="off"} 1.0' in text
    assert 'siteproof_webhook_deliveries{status="pending"} 1.0' in text
    assert 'siteproof_webhook_deliveries{status="failed"} 0.0' in text
    (lag,) = [line for line in text.splitlines() if line.startswith("siteproof_webhook_lag_seconds ")]
    assert float(lag.split()[1]) > 0
    assert "secret-name" not in text
