"""The log over HTTP: what each deed leaves in it, and who sees how much."""

import json
from base64 import b64decode
from typing import Any

import pytest

from domain.access import Role
from findings.evidence_log import read_checkpoint
from findings.merkle import hash_leaf, verify_consistency, verify_inclusion
from findings.signed_note import open_note, parse_public_key
from storage.database import Connection
from tests.integration.api.conftest import AREA, SQUARE, Api
from tests.pictures import make_jpeg


@pytest.fixture
def site(api: Api) -> Api:
    """A road with a boundary."""
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=api.make_token(Role.CORE))
    return api


def send(api: Api, *, colour: tuple[int, int, int] = (120, 130, 140)) -> dict[str, Any]:
    """A photo from 2.8 km east of the site, as its sender is told of it."""
    answer = api.client.post(
        "/v1/projects/p1/media",
        files={"file": ("a.jpg", make_jpeg(lon=120.09, lat=30.29, colour=colour))},
        headers=api.make_token(Role.FIELD),
    )
    body: dict[str, Any] = answer.json()
    return body


def read_log(api: Api, role: Role = Role.ADMIN, area: str = "/") -> list[dict[str, Any]]:
    """Every entry, after the log was asked for its head."""
    headers = api.make_token(role, area=area)
    assert api.client.get("/v1/log/checkpoint", headers=headers).status_code == 200
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        page = api.client.get(f"/v1/log/entries?limit=3&after={after}", headers=headers).json()
        items += page["items"]
        after = page["next"]
        if after is None:
            return items


def test_log__of_a_photo_and_what_follows__has_each_deed_once_in_order(site: Api) -> None:
    """Original, findings, decision, issue and its steps: each with its content, bound by the leaf's digest."""
    photo = send(site)
    finding_id = photo["finding_ids"][0]
    inspector = site.make_token(Role.INSPECTOR, person="王工")
    review = {"decision": "confirmed", "reason": "不在现场", "issue": {"title": "重拍"}}
    for _ in range(2):
        site.client.post(f"/v1/findings/{finding_id}/review", json=review, headers=inspector)
    issue = site.client.get("/v1/issues", headers=inspector).json()["items"][0]
    step = {"to": "assigned", "assigned_to": "甲队"}
    site.client.post(f"/v1/issues/{issue['id']}/transitions", json=step, headers=inspector)
    entries = [each for each in read_log(site) if json.loads(each["leaf"])["project_id"] == "p1"]
    leaves = [json.loads(each["leaf"]) for each in entries]
    of_finding, of_issue = f"findings/{finding_id}", f"issues/{issue['id']}"
    subjects = (of_finding, f"media/{photo['id']}", of_finding, of_issue, of_issue)
    kinds = ("finding.recorded", "media.received", "finding.reviewed", "issue.open", "issue.assigned")
    assert [(each["kind"], each["subject"]) for each in leaves] == list(zip(kinds, subjects, strict=True))
    received, reviewed, assigned = (entries[at]["content"] for at in (1, 2, 4))
    assert (received["sha256"], received["grade"], received["project_id"]) == (photo["sha256"], "D", "p1")
    assert [each["code"] for each in received["checks"]] == [each["code"] for each in photo["checks"]]
    assert (reviewed["reviewed_by"], reviewed["review_reason"], reviewed["status"]) == ("王工", "不在现场", "confirmed")
    assert (assigned["step"]["number"], assigned["step"]["from_"], assigned["step"]["by"]) == (2, "open", "王工")


def test_log__rolled_back_deed__leaves_nothing(site: Api) -> None:
    """A decision that is refused is no fact."""
    photo = send(site)
    path = f"/v1/findings/{photo['finding_ids'][0]}/review"
    headers = site.make_token(Role.INSPECTOR)
    before = len(read_log(site))
    other = {"decision": "confirmed", "reason": "x", "issue": {"title": "t", "milestone_id": "nothing"}}
    assert site.client.post(path, json=other, headers=headers).status_code == 422
    assert len(read_log(site)) == before


def test_log__from_another_area__shows_hashes_and_nothing_else(site: Api) -> None:
    """Who may not see a project can still compute the root of all."""
    send(site)
    near, far = read_log(site), read_log(site, Role.SUPERVISOR, AREA + "-2")
    assert [each["leaf_hash"] for each in near] == [each["leaf_hash"] for each in far]
    own = [json.loads(each["leaf"])["kind"] for each in far if each["leaf"] is not None]
    assert own == ["log.started"]
    assert all(each["content"] is None for each in far if each["leaf"] is None)
    for each in near:
        assert hash_leaf(each["leaf"].encode()) == b64decode(each["leaf_hash"])


def test_proofs__over_http__hold_between_signed_heads(site: Api) -> None:
    """Any token can follow the log: each head's signature, inclusion, and consistency with the head before."""
    headers = site.make_token(Role.FIELD)
    notes = []
    for colour in (0, 90, 180):
        send(site, colour=(colour, 0, 0))
        notes.append(site.client.get("/v1/log/checkpoint", headers=headers).text)
    keys = site.client.get("/v1/log/key", headers=headers).json()["items"]
    assert [each["from_size"] for each in keys] == [0]
    key = parse_public_key(keys[0]["key"])
    assert all(open_note(each, [key])[1] == [key] for each in notes)
    first, second = read_checkpoint(notes[0]), read_checkpoint(notes[2])
    # log.started, and for each photo its receipt and the finding of its place.
    assert (first.size, second.size) == (3, 7)
    query = f"from={first.size}&to={second.size}"
    proof = site.client.get(f"/v1/log/proof/consistency?{query}", headers=headers).json()["proof"]
    assert verify_consistency(
        first=first.size,
        second=second.size,
        first_root=first.root,
        second_root=second.root,
        proof=[b64decode(each) for each in proof],
    )
    included = site.client.get("/v1/log/proof/inclusion?index=4&size=7", headers=headers).json()
    assert verify_inclusion(
        leaf=b64decode(included["leaf_hash"]),
        index=4,
        size=7,
        path=[b64decode(each) for each in included["path"]],
        root=second.root,
    )
    for path in ("inclusion?index=7&size=7", "inclusion?index=0&size=8", "consistency?from=3&to=2"):
        refused = site.client.get(f"/v1/log/proof/{path}", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "log.size_out_of_range")


def test_checkpoint__of_a_restored_database__is_refused_with_its_code(site: Api) -> None:
    """What was published is gone: the log says so, and uploads go on."""
    send(site)
    headers = site.make_token(Role.ADMIN)
    site.client.get("/v1/log/checkpoint", headers=headers)
    with site.database.transaction() as connection:
        _forget_entries(connection)
    refused = site.client.get("/v1/log/checkpoint", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "log.restored")
    assert send(site, colour=(1, 2, 3))["status"] == "received"


def _forget_entries(connection: Connection) -> None:
    """As if the database were of the day before."""
    for table in ("log_content", "log_entry", "log_node", "log_checkpoint", "log_key"):
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - names from above
