import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from domain.access import Role
from domain.media import name_preview
from storage.media_store import DiskMediaStore
from tests.integration.api.conftest import MAX_UPLOAD_BYTES, SQUARE, Api
from tests.pictures import make_jpeg

INSIDE: dict[str, Any] = {"lon": 120.0605, "lat": 30.2905, "accuracy_m": 5}
TAKEN = datetime(2026, 11, 20, 10, 0, 0)  # noqa: DTZ001 - EXIF's clock has no zone


@pytest.fixture
def site(api: Api) -> Api:
    """A project with a boundary and a milestone."""
    headers = api.make_token(Role.CORE)
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=headers)
    api.client.put("/v1/projects/p1/milestones/base", json={"title": "基层"}, headers=headers)
    return api


def upload(api: Api, content: bytes, headers: dict[str, str], capture: object = None) -> httpx2.Response:
    """Send a file as a phone would."""
    data = {} if capture is None else {"capture": capture if isinstance(capture, str) else json.dumps(capture)}
    return api.client.post("/v1/projects/p1/media", files={"file": ("a.jpg", content)}, data=data, headers=headers)


def verdicts(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Verdict and code by check."""
    return {check["check"]: (check["verdict"], check["code"]) for check in body["checks"]}


def test_upload__inside__is_stored_untouched_and_judged_at_once(site: Api) -> None:
    """The original's bytes come back as they were sent, under their hash, and a worker is rung for."""
    content = make_jpeg(**INSIDE, taken_local=TAKEN)
    headers = site.make_token(Role.FIELD)
    response = upload(site, content, headers, {"milestone_id": "base"})
    body = response.json()
    assert response.status_code == 201
    assert body["sha256"] == sha256(content).hexdigest()
    assert body["status"] == "received"
    assert verdicts(body)["location"] == ("pass", "location.inside")
    assert verdicts(body)["reuse"] == ("pass", "reuse.unique")
    assert body["taken_at"] == "2026-11-20T02:00:00Z"
    assert site.client.get(f"/v1/media/{body['id']}/content", headers=headers).content == content
    assert [str(each) for each in site.rung] == [body["id"]]


def test_upload__outside__is_stored_and_is_a_finding_of_its_milestone(site: Api) -> None:
    """A failed check is a finding of kind evidence; the photo is kept all the same."""
    response = upload(
        site, make_jpeg(lon=120.09, lat=30.29, taken_local=TAKEN), site.make_token(Role.FIELD), {"milestone_id": "base"}
    )
    body = response.json()
    assert verdicts(body)["location"] == ("fail", "location.outside")
    assert body["evidence"]["grade"] == "D"
    found = site.client.get("/v1/findings?milestone_id=base", headers=site.make_token(Role.INSPECTOR)).json()["items"]
    assert [(each["code"], each["kind"], each["media_id"]) for each in found] == [
        ("evidence.location_outside", "evidence", body["id"])
    ]


def test_upload__no_position__is_unknown_and_never_a_finding(site: Api) -> None:
    """A missing position is unknown, never fraud."""
    body = upload(site, make_jpeg(taken_local=TAKEN), site.make_token(Role.FIELD)).json()
    assert verdicts(body)["location"] == ("unknown", "location.no_position")
    assert body["finding_ids"] == []


def test_upload__null_island__is_unknown(site: Api) -> None:
    """0, 0 is what a receiver without a fix writes."""
    body = upload(site, make_jpeg(lon=0.0, lat=0.0, taken_local=TAKEN), site.make_token(Role.FIELD)).json()
    assert verdicts(body)["location"][0] == "unknown"


def test_upload__same_bytes_by_the_same_token__is_the_same_medium(site: Api) -> None:
    """Sending again after a lost answer is no second photo and no reuse."""
    content, headers = make_jpeg(**INSIDE, taken_local=TAKEN), site.make_token(Role.FIELD)
    first = upload(site, content, headers)
    second = upload(site, content, headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["id"] == first.json()["id"]
    assert len(site.rung) == 1


def test_upload__same_bytes_for_another_project__is_exact_reuse(site: Api) -> None:
    """One photo cannot be evidence for two works."""
    site.put_project("p2")
    content, headers = make_jpeg(**INSIDE, taken_local=TAKEN), site.make_token(Role.FIELD)
    upload(site, content, headers)
    response = site.client.post("/v1/projects/p2/media", files={"file": ("a.jpg", content)}, headers=headers)
    assert response.status_code == 201
    assert verdicts(response.json())["reuse"] == ("fail", "reuse.exact")
    assert "p1" not in json.dumps(response.json()["checks"])


def test_upload__same_client_id_with_other_bytes__is_a_conflict(site: Api) -> None:
    """A shot has one picture."""
    headers, capture = site.make_token(Role.FIELD), {"client_id": str(uuid4())}
    upload(site, make_jpeg(colour=(1, 2, 3)), headers, capture)
    response = upload(site, make_jpeg(colour=(200, 2, 3)), headers, capture)
    assert (response.status_code, response.json()["code"]) == (409, "media.client_id_taken")


def test_upload__capture_and_exif_in_different_places__is_a_finding_of_its_own(site: Api) -> None:
    """Where both give a position, disagreement is told."""
    capture = {"position": {"lon": 120.0605, "lat": 30.2905, "accuracy_m": 5}}
    body = upload(site, make_jpeg(lon=120.09, lat=30.29), site.make_token(Role.FIELD), capture).json()
    found = site.client.get(f"/v1/findings?media_id={body['id']}", headers=site.make_token(Role.INSPECTOR)).json()
    assert {"evidence.location_outside", "evidence.location_disagreement"} <= {each["code"] for each in found["items"]}


BAD_FILES = {
    "empty": (b"", 415),
    "zip named jpg": (b"PK\x03\x04" + bytes(100), 415),
    "text": (b"hello", 415),
    "jpeg without a frame": (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(9), 422),
    # A PNG header of 30,000 x 30,000 pixels and nothing behind it.
    "huge png": (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x75\x30\x00\x00\x75\x30\x08\x02\x00\x00\x00" + bytes(4),
        422,
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_upload__bad_file__is_refused_with_a_code_and_leaves_nothing(site: Api, name: str) -> None:
    """What is no photo or clip is refused, and its bytes are thrown away."""
    content, status = BAD_FILES[name]
    response = upload(site, content, site.make_token(Role.FIELD))
    assert response.status_code in {status, 422}
    assert response.json()["code"].startswith("media.")
    assert not [path for path in site.media_folder.rglob("*") if path.is_file()]


def test_upload__over_the_limit__is_refused_and_leaves_nothing(site: Api) -> None:
    """The limit is told and enforced, also where the length is not announced."""
    headers = site.make_token(Role.FIELD)
    response = upload(site, b"\xff\xd8\xff" + bytes(MAX_UPLOAD_BYTES), headers)
    assert (response.status_code, response.json()["code"]) == (413, "media.too_large")
    assert response.json()["limit_bytes"] == MAX_UPLOAD_BYTES

    def chunks() -> Any:  # noqa: ANN401 - a generator without a length
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(MAX_UPLOAD_BYTES // 65536 + 2):
            yield bytes(65536)

    headers |= {"Content-Type": "multipart/form-data; boundary=x"}
    response = site.client.post("/v1/projects/p1/media", content=chunks(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "media.too_large")
    assert not [path for path in site.media_folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("capture", "code"),
    [
        ("{", "capture.malformed"),
        ("[]", "capture.malformed"),
        ('{"client_id": "x"}', "capture.invalid_client_id"),
        ('{"taken_at": "2026-11-20 10:00"}', "capture.invalid_time"),
        ('{"position": {"lon": 120, "lat": 91}}', "geofence.invalid_position"),
        ('{"milestone_id": "nothing"}', "milestone.unknown"),
        ('{"position": {"lon": NaN, "lat": 1}}', "capture.malformed"),
        (" " * 20_000, "upload.capture_too_large"),
    ],
)
def test_upload__bad_capture__is_refused_with_its_code(site: Api, capture: str, code: str) -> None:
    """Each way in which a capture can be wrong has its own code."""
    response = upload(site, make_jpeg(), site.make_token(Role.FIELD), capture)
    assert (response.status_code, response.json()["code"]) == (422, code)


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", "text/plain", ""])
def test_upload__no_form__is_refused(site: Api, content_type: str) -> None:
    """A body that is no multipart form is told as such."""
    headers = site.make_token(Role.FIELD) | {"Content-Type": content_type}
    response = site.client.post("/v1/projects/p1/media", content=b"x" * 10, headers=headers)
    assert response.status_code == 422
    assert response.json()["code"].startswith("upload.")


def test_upload__cut_off__is_refused_and_leaves_nothing(site: Api) -> None:
    """A form that ends too early is not taken for a photo."""
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + make_jpeg()[:500]
    headers = site.make_token(Role.FIELD) | {"Content-Type": "multipart/form-data; boundary=x"}
    response = site.client.post("/v1/projects/p1/media", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "upload.malformed_form")
    assert not [path for path in site.media_folder.rglob("*") if path.is_file()]


def test_get_media__sent_by_another_field_token__is_not_found(site: Api) -> None:
    """A phone sees only what it sent, by every route."""
    body = upload(site, make_jpeg(lon=120.09, lat=30.29), site.make_token(Role.FIELD)).json()
    other = site.make_token(Role.FIELD)
    for path in (f"/v1/media/{body['id']}", f"/v1/media/{body['id']}/content", f"/v1/media/{body['id']}/preview"):
        assert site.client.get(path, headers=other).status_code == 404
    assert site.client.get(f"/v1/findings/{body['finding_ids'][0]}", headers=other).status_code == 404
    assert site.client.get("/v1/findings", headers=other).json()["items"] == []
    assert site.client.get("/v1/projects/p1/media", headers=other).json()["items"] == []


def test_review__confirmed_twice_then_dismissed__is_kept_and_then_a_conflict(site: Api) -> None:
    """A decision is made once; the same word again changes nothing, another one is refused."""
    finding = upload(site, make_jpeg(lon=120.09, lat=30.29), site.make_token(Role.FIELD)).json()["finding_ids"][0]
    headers = site.make_token(Role.INSPECTOR, person="王工")
    path = f"/v1/findings/{finding}/review"
    first = site.client.post(path, json={"decision": "confirmed", "reason": "看过原图"}, headers=headers)
    assert (first.status_code, first.json()["status"], first.json()["reviewed_by"]) == (200, "confirmed", "王工")
    assert (
        site.client.post(path, json={"decision": "confirmed", "reason": "again"}, headers=headers).json()
        == first.json()
    )
    response = site.client.post(path, json={"decision": "dismissed", "reason": "no"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (409, "finding.already_reviewed")


def test_review__by_an_admin__is_forbidden(site: Api) -> None:
    """The operator decides nothing."""
    finding = upload(site, make_jpeg(lon=120.09, lat=30.29), site.make_token(Role.FIELD)).json()["finding_ids"][0]
    response = site.client.post(
        f"/v1/findings/{finding}/review",
        json={"decision": "confirmed", "reason": "x"},
        headers=site.make_token(Role.ADMIN, area="/"),
    )
    assert (response.status_code, response.json()["code"]) == (403, "access.role_forbidden")


def test_media_folder__after_an_upload__holds_the_original_alone(site: Api, tmp_path: Path) -> None:
    """No staged copy stays behind."""
    content = make_jpeg()
    upload(site, content, site.make_token(Role.FIELD))
    files = [path for path in site.media_folder.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [sha256(content).hexdigest()]
    assert files[0].read_bytes() == content
    assert tmp_path in files[0].parents


def put_previews(api: Api, media_id: str) -> None:
    """Previews as an analysis leaves them: each says what it is."""
    store = DiskMediaStore(api.media_folder)
    for annotated in (False, True):
        for blurred in (False, True):
            content = f"{annotated} {blurred}".encode()
            store.put_derived(UUID(media_id), name=name_preview(annotated=annotated, blurred=blurred), content=content)


def read_audit(api: Api, media_id: str) -> list[tuple[str, str, str | None]]:
    """(action, by, role) of what is on record about a medium."""
    admin = api.make_token(Role.ADMIN)
    items = api.client.get(f"/v1/audit?media_id={media_id}", headers=admin).json()["items"]
    assert all(each["media_id"] == media_id and each["project_id"] == "p1" for each in items)
    return [(each["action"], each["by"], each["role"]) for each in items]


@pytest.mark.parametrize("role", [Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN])
def test_faces__to_who_decides_or_oversees__are_shown_and_it_is_on_record(site: Api, role: Role) -> None:
    """The original and the unblurred preview each leave a line; the blurred preview, which is the default, none."""
    content = make_jpeg()
    media_id = upload(site, content, site.make_token(Role.FIELD)).json()["id"]
    put_previews(site, media_id)
    headers = site.make_token(role, person="王工")
    path = f"/v1/media/{media_id}"
    assert site.client.get(f"{path}/preview?annotated=true", headers=headers).text == "True True"
    assert read_audit(site, media_id) == []
    unblurred = site.client.get(f"{path}/preview?blurred=false", headers=headers)
    assert (unblurred.text, unblurred.headers["cache-control"]) == ("False False", "no-store")
    original = site.client.get(f"{path}/content", headers=headers)
    assert (original.content, original.headers["cache-control"]) == (content, "no-store")
    assert read_audit(site, media_id) == [
        ("unblurred_preview_read", "王工", role.value),
        ("original_read", "王工", role.value),
    ]


@pytest.mark.parametrize("role", [Role.CONTRACTOR, Role.CORE])
def test_faces__to_a_contractor_or_the_core_system__are_covered(site: Api, role: Role) -> None:
    """They see previews with covered heads; what is refused is no read, and leaves no line."""
    media_id = upload(site, make_jpeg(), site.make_token(Role.FIELD)).json()["id"]
    put_previews(site, media_id)
    headers, path = site.make_token(role), f"/v1/media/{media_id}"
    assert site.client.get(f"{path}/preview", headers=headers).text == "False True"
    for refused in (f"{path}/content", f"{path}/preview?blurred=false", f"{path}/preview?annotated=true&blurred=0"):
        response = site.client.get(refused, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "media.faces_covered"), refused
    assert read_audit(site, media_id) == []


@pytest.mark.parametrize("role", [Role.FIELD, Role.CONTRACTOR, Role.CORE])
def test_faces__to_the_token_that_sent_them__are_shown_and_on_record(site: Api, role: Role) -> None:
    """Who took the photo has it already, and may compare."""
    content, headers = make_jpeg(), site.make_token(role)
    media_id = upload(site, content, headers).json()["id"]
    assert site.client.get(f"/v1/media/{media_id}/content", headers=headers).content == content
    assert read_audit(site, media_id) == [("original_read", f"test {role}", role.value)]


def test_preview__from_before_there_was_a_blur__is_not_shown_but_made_anew(site: Api) -> None:
    """An old preview shows faces: who may not see them gets none until a worker, who is rung for, has made one."""
    media_id = upload(site, make_jpeg(), site.make_token(Role.FIELD)).json()["id"]
    for name in ("preview", "annotated", "preview-blurred-0"):
        DiskMediaStore(site.media_folder).put_derived(UUID(media_id), name=name, content=b"faces")
    headers = site.make_token(Role.CONTRACTOR)
    assert site.client.get(f"/v1/media/{media_id}/preview", headers=headers).json()["code"] == "media.no_preview"
    assert len(site.rung) == 1, "it waits for its analysis anyway"
    with site.database.transaction() as connection:
        connection.execute("UPDATE media SET status = 'analysed'")
    for annotated in ("false", "true"):
        response = site.client.get(f"/v1/media/{media_id}/preview?annotated={annotated}", headers=headers)
        assert (response.status_code, response.json()["code"]) == (404, "media.no_preview")
    assert [str(each) for each in site.rung[1:]] == [media_id, media_id]


def test_audit__of_another_area__is_out_of_sight(site: Api) -> None:
    """An operator of one village sees its record alone, page by page, and nobody can change a line."""
    headers = site.make_token(Role.INSPECTOR)
    media_id = upload(site, make_jpeg(), headers).json()["id"]
    for _ in range(3):
        site.client.get(f"/v1/media/{media_id}/content", headers=headers)
    far = site.make_token(Role.ADMIN, area="county/other")
    assert site.client.get(f"/v1/audit?media_id={media_id}", headers=far).json() == {"items": [], "next": None}
    admin = site.make_token(Role.ADMIN, area="county")
    first = site.client.get("/v1/audit?limit=2", headers=admin).json()
    rest = site.client.get(f"/v1/audit?limit=2&after={first['next']}", headers=admin).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    for statement in ("DELETE FROM audit", "UPDATE audit SET by = 'nobody'"):
        with pytest.raises(psycopg.Error, match="never changed"), psycopg.connect(site.database.url) as connection:
            connection.execute(statement)
