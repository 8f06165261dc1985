import hashlib
import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from api.uploads import PIECE_TYPE, parse_metadata
from domain.access import Role
from domain.upload import MAX_OPEN_UPLOADS
from ingestion.upload_sweep import sweep_uploads
from storage.partial_folder import PartialFolder
from tests.integration.api.conftest import MAX_UPLOAD_BYTES, SQUARE, Api
from tests.integration.api.test_media import upload as send_form
from tests.pictures import make_jpeg

TUS = {"Tus-Resumable": "1.0.0"}
INSIDE: dict[str, Any] = {"lon": 120.0605, "lat": 30.2905, "accuracy_m": 5}


class Phone:
    """Speaks tus with one token."""

    def __init__(self, api: Api, headers: dict[str, str] | None = None) -> None:
        self.api = api
        self.headers = headers or api.make_token(Role.FIELD)

    def create(self, content: bytes, capture: object = None, **headers: str) -> httpx2.Response:
        """Begin an upload of this content."""
        pairs = {"project_id": b"p1", "filename": "照片.jpg".encode()}
        if capture is not None:
            pairs["capture"] = json.dumps(capture).encode()
        metadata = ",".join(f"{key} {b64encode(value).decode()}" for key, value in pairs.items())
        given = {"Upload-Length": str(len(content)), "Upload-Metadata": metadata, **headers}
        body = content if "Content-Type" in headers else b""
        return self.api.client.post("/v1/uploads", headers=self.headers | TUS | given, content=body)

    def patch(self, url: str, offset: int, piece: bytes, **headers: str) -> httpx2.Response:
        """Send a piece."""
        given = {"Upload-Offset": str(offset), "Content-Type": PIECE_TYPE, **headers}
        return self.api.client.patch(url, headers=self.headers | TUS | given, content=piece)

    def head(self, url: str) -> httpx2.Response:
        """Ask for the offset."""
        return self.api.client.head(url, headers=self.headers | TUS)

    def send(self, content: bytes, capture: object = None, *, piece: int = 4000) -> httpx2.Response:
        """The whole of it in pieces; the answer to the last."""
        response = self.create(content, capture)
        url = response.headers["Location"]
        for offset in range(0, len(content), piece):
            response = self.patch(url, offset, content[offset : offset + piece])
            if not response.is_success:
                break
        return response


@pytest.fixture
def site(api: Api) -> Api:
    """A project with a boundary and a milestone."""
    headers = api.make_token(Role.CORE)
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=headers)
    api.client.put("/v1/projects/p1/milestones/base", json={"title": "基层"}, headers=headers)
    return api


def list_media(site: Api) -> list[dict[str, Any]]:
    """What the project has."""
    headers = site.make_token(Role.INSPECTOR)
    items: list[dict[str, Any]] = site.client.get("/v1/projects/p1/media", headers=headers).json()["items"]
    return items


def list_files(site: Api) -> list[Path]:
    """What lies in the folder of unfinished files."""
    folder = site.media_folder / "partial"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def code(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["code"]


def test_options__without_a_token__tells_what_is_spoken(api: Api) -> None:
    """By tus 1.0, OPTIONS: version, extensions, largest size, and sha1 among the checksums."""
    response = api.client.options("/v1/uploads")
    assert response.status_code == 204
    assert response.headers["Tus-Version"] == "1.0.0"
    assert response.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination,checksum"
    assert response.headers["Tus-Max-Size"] == str(MAX_UPLOAD_BYTES)
    assert response.headers["Tus-Checksum-Algorithm"].split(",") == ["sha1", "sha256"]


def test_upload__in_pieces__becomes_the_medium_that_the_form_would_make(site: Api) -> None:
    """The very same intake: bytes untouched, capture kept, milestone, judged at once, a worker rung for once."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    capture = {"client_id": str(uuid4()), "milestone_id": "base", "bearing_deg": 12}
    response = phone.send(content, capture, piece=len(content) // 3)
    assert response.status_code == 204
    medium = site.client.get(f"/v1/media/{response.headers['Siteproof-Media-Id']}", headers=phone.headers).json()
    assert medium["sha256"] == hashlib.sha256(content).hexdigest()
    assert (medium["milestone_id"], medium["capture"]) == ("base", capture)
    assert [each["code"] for each in medium["checks"] if each["check"] == "location"] == ["location.inside"]
    read = site.client.get(f"/v1/media/{medium['id']}/content", headers=phone.headers)
    assert read.content == content
    assert site.rung == [UUID(medium["id"])]
    assert list_files(site) == []


def test_upload__cut_between_pieces__goes_on_where_the_file_ends(site: Api) -> None:
    """HEAD tells the offset; a piece that begins elsewhere is refused and changes nothing."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]
    assert phone.patch(url, 0, content[:100]).headers["Upload-Offset"] == "100"
    assert code(phone.patch(url, 50, content[50:])) == (409, "upload.offset_mismatch")
    head = phone.head(url)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == ("100", str(len(content)))
    assert head.headers["Cache-Control"] == "no-store"
    assert "Siteproof-Media-Id" not in head.headers
    assert phone.patch(url, 100, content[100:]).status_code == 204
    view = site.client.get(url, headers=phone.headers).json()
    assert view["offset_bytes"] == view["size_bytes"] == len(content)
    assert view["media_id"] == phone.head(url).headers["Siteproof-Media-Id"] == list_media(site)[0]["id"]


def test_create__with_the_whole_file__is_one_request(site: Api) -> None:
    """creation-with-upload: the answer has the offset and the medium."""
    content = make_jpeg(**INSIDE)
    response = Phone(site).create(content, **{"Content-Type": PIECE_TYPE})
    assert response.status_code == 201
    assert response.headers["Upload-Offset"] == str(len(content))
    assert response.headers["Siteproof-Media-Id"] == list_media(site)[0]["id"]


def test_upload__the_same_shot_again__is_the_same_medium(site: Api) -> None:
    """By tus twice and by the form once: one medium."""
    content, phone, capture = make_jpeg(**INSIDE), Phone(site), {"client_id": str(uuid4())}
    first = phone.send(content, capture).headers["Siteproof-Media-Id"]
    assert phone.send(content, capture).headers["Siteproof-Media-Id"] == first
    assert send_form(site, content, phone.headers, capture).json()["id"] == first
    assert len(list_media(site)) == 1
    assert len(site.rung) == 1


def test_upload__the_same_client_id_with_other_bytes__is_refused_and_forgotten(site: Api) -> None:
    """A shot has one picture; what was refused for good takes no room."""
    phone, capture = Phone(site), {"client_id": str(uuid4())}
    phone.send(make_jpeg(colour=(1, 2, 3)), capture)
    assert code(phone.send(make_jpeg(colour=(200, 2, 3)), capture)) == (409, "media.client_id_taken")
    assert len(list_media(site)) == 1
    assert list_files(site) == []


def test_upload__of_no_picture__is_refused_when_it_is_whole(site: Api) -> None:
    """The intake's own refusal, with its own status."""
    response = Phone(site).send(b"this is a text" * 40)
    assert code(response) == (415, "media.unsupported_format")
    assert response.headers["Tus-Resumable"] == "1.0.0"
    assert list_files(site) == []


def test_post__in_the_place_of_patch__is_a_piece(site: Api) -> None:
    """By tus 1.0, X-HTTP-Method-Override: some networks and mini-programs have no PATCH."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]
    given = phone.headers | TUS | {"Upload-Offset": "0", "Content-Type": PIECE_TYPE}
    assert code(site.client.post(url, headers=given, content=content)) == (422, "upload.invalid_header")
    overridden = site.client.post(url, headers=given | {"X-HTTP-Method-Override": "PATCH"}, content=content)
    assert (overridden.status_code, overridden.headers["Upload-Offset"]) == (204, str(len(content)))


def test_patch__while_another_one_writes__is_locked(site: Api) -> None:
    """Two writers would mix their bytes; the second is told to wait."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]
    held = PartialFolder(site.media_folder / "partial").open(UUID(url.rpartition("/")[2]))
    assert code(phone.patch(url, 0, content)) == (423, "upload.locked")
    held.append(content[:10])
    held.close()
    assert phone.head(url).headers["Upload-Offset"] == "10"
    assert phone.patch(url, 10, content[10:]).status_code == 204


def test_upload__whole_but_the_intake_was_killed__is_taken_in_at_the_next_question(site: Api) -> None:
    """After a kill between the last byte and the commit the client asks for the offset, and has its medium."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]
    file = PartialFolder(site.media_folder / "partial").open(UUID(url.rpartition("/")[2]))
    file.append(content)
    staged = file.stage()
    file.close()
    # As far as an intake can come before its transaction: the original is in its place already, and read-only.
    original = site.media_folder / staged.sha256[:2] / staged.sha256[2:4] / staged.sha256
    original.parent.mkdir(parents=True)
    staged.path.chmod(0o440)
    staged.path.replace(original)
    assert phone.head(url).headers["Siteproof-Media-Id"] == list_media(site)[0]["id"]
    assert original.read_bytes() == content
    assert list_files(site) == []


def test_patch__with_a_wrong_checksum__keeps_nothing_of_the_piece(site: Api) -> None:
    """By tus 1.0, Checksum: 460 for a mismatch, and the offset is as before; sha1 and sha256 are proven."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]

    def checksum(name: str, piece: bytes) -> dict[str, str]:
        return {"Upload-Checksum": f"{name} {b64encode(hashlib.new(name, piece).digest()).decode()}"}

    wrong = phone.patch(url, 0, content[:100], **checksum("sha256", content[:99]))
    assert code(wrong) == (460, "upload.checksum_mismatch")
    assert phone.head(url).headers["Upload-Offset"] == "0"
    unknown = phone.patch(url, 0, content[:100], **{"Upload-Checksum": "crc32 AAAA"})
    assert code(unknown) == (422, "upload.invalid_header")
    assert phone.patch(url, 0, content[:100], **checksum("sha1", content[:100])).status_code == 204
    last = phone.patch(url, 100, content[100:], **checksum("sha256", content[100:]))
    assert (last.status_code, list_media(site)[0]["sha256"]) == (204, hashlib.sha256(content).hexdigest())


def test_patch__longer_than_the_file__keeps_nothing_of_the_piece(site: Api) -> None:
    """The length was promised at the beginning."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    url = phone.create(content).headers["Location"]
    phone.patch(url, 0, content[:100])
    assert code(phone.patch(url, 100, content)) == (413, "upload.piece_too_long")
    assert phone.head(url).headers["Upload-Offset"] == "100"


def test_create__what_can_be_known_at_once__is_refused_at_once(site: Api) -> None:
    """Nobody sends megabytes only to hear that the project is not there."""
    phone, content = Phone(site), b"x" * 10
    too_large = str(MAX_UPLOAD_BYTES + 1)
    assert code(phone.create(content, **{"Upload-Length": too_large})) == (413, "media.too_large")
    assert code(phone.create(content, **{"Upload-Length": "0"})) == (422, "upload.invalid_header")
    assert code(phone.create(content, **{"Upload-Length": "-1"})) == (422, "upload.invalid_header")
    assert code(phone.create(content, **{"Upload-Metadata": ""})) == (422, "upload.invalid_header")
    assert code(phone.create(content, **{"Upload-Metadata": "project_id c!"})) == (422, "upload.invalid_header")
    assert code(phone.create(content, **{"Upload-Metadata": "project_id cDI="})) == (404, "project.not_found")
    assert code(phone.create(content, {"milestone_id": "roof"})) == (422, "milestone.unknown")
    assert code(phone.create(content, {"client_id": "1"})) == (422, "capture.invalid_client_id")
    wrong_version = phone.create(content, **{"Tus-Resumable": "0.2.2"})
    assert code(wrong_version) == (412, "upload.tus_version")
    assert wrong_version.headers["Tus-Version"] == "1.0.0"
    assert code(phone.create(content, {"client_id": "x" * 30_000})) == (422, "upload.invalid_header")


def test_create__beyond_the_bound__is_told_with_a_code_and_ending_one_makes_room(site: Api) -> None:
    """A broken client cannot fill the table; another token is not hindered."""
    phone = Phone(site)
    urls = [phone.create(b"x").headers["Location"] for _ in range(MAX_OPEN_UPLOADS)]
    assert code(phone.create(b"x")) == (429, "upload.too_many")
    assert Phone(site).create(b"x").status_code == 201
    assert site.client.delete(urls[0], headers=phone.headers | TUS).status_code == 204
    assert phone.head(urls[0]).status_code == 404
    assert phone.create(b"x").status_code == 201


def test_create__again_after_a_lost_answer__is_the_upload_that_was_begun(site: Api) -> None:
    """A phone in bad reception leaves no heap of uploads behind; a nameless one is always new."""
    content, phone, capture = make_jpeg(**INSIDE), Phone(site), {"client_id": str(uuid4())}
    url = phone.create(content, capture).headers["Location"]
    phone.patch(url, 0, content[:100])
    again = phone.create(content, capture)
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (url, "100")
    assert phone.create(content).headers["Location"] != phone.create(content).headers["Location"]


def test_upload__of_another_token__is_not_there(site: Api) -> None:
    """Who did not begin it cannot see, continue or end it, whatever its role."""
    content = make_jpeg(**INSIDE)
    url = Phone(site).create(content).headers["Location"]
    for role in Role:
        other = Phone(site, site.make_token(role))
        assert other.head(url).status_code == 404
        assert code(other.patch(url, 0, content)) == (404, "upload.not_found")
        assert code(site.client.delete(url, headers=other.headers | TUS)) == (404, "upload.not_found")


def test_sweep__expired_and_ownerless__go_and_what_is_needed_stays(site: Api) -> None:
    """The folder holds the files of open uploads and nothing else."""
    content, phone = make_jpeg(**INSIDE), Phone(site)
    kept, expired = (phone.create(content).headers["Location"] for _ in range(2))
    for url in (kept, expired):
        phone.patch(url, 0, content[:100])
    folder = site.media_folder / "partial"
    (folder / str(uuid4())).write_bytes(b"of a row that went")
    with site.database.transaction() as connection:
        connection.execute(
            "UPDATE upload SET expires_at = now() - interval '1 second' WHERE id = %s", [expired.rpartition("/")[2]]
        )
    assert phone.head(expired).status_code == 404
    assert sweep_uploads(site.database, PartialFolder(folder), now=datetime.now(UTC)) == 2
    assert [path.name for path in list_files(site)] == [kept.rpartition("/")[2]]
    assert phone.head(kept).headers["Upload-Offset"] == "100"


def test_parse_metadata__of_the_protocol__gives_its_pairs() -> None:
    """The example of tus 1.0: a value in base64, and a key that has none."""
    assert parse_metadata("filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential") == {
        "filename": b"world_domination_plan.pdf",
        "is_confidential": b"",
    }
    assert parse_metadata("") == {}
