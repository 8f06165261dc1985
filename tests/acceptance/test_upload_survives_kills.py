import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from domain.access import Role
from tests.acceptance.conftest import Service, is_ready, set_up_road, wait_for

PHOTO = Path(__file__).parent.parent.parent / "sample_media" / "road-inside-safe.jpg"
SLICE = 5 * 1024
SLICES_BEFORE_A_KILL = (1, 4, 9, 12)


def test_upload__api_killed_in_the_middle_of_pieces__goes_on_and_is_one_medium(service: Service) -> None:
    """Each kill comes while a piece is under way; what was written counts; one medium is there."""
    set_up_road(service, "kill-upload")
    content = PHOTO.read_bytes()
    assert len(content) > SLICE * (sum(SLICES_BEFORE_A_KILL) + 1)
    phone = service.make_client(Role.FIELD)
    phone.headers["Tus-Resumable"] = "1.0.0"
    capture = json.dumps({"client_id": str(uuid4())}).encode()
    metadata = f"project_id {b64encode(b'kill-upload').decode()},capture {b64encode(capture).decode()}"
    url = phone.post("/v1/uploads", headers={"Upload-Length": str(len(content)), "Upload-Metadata": metadata}).headers[
        "Location"
    ]
    sent = 0
    for slices in SLICES_BEFORE_A_KILL:
        start, sent = sent, sent + slices * SLICE
        with _piece_under_way(service, phone, url, content, start=start, end=sent):
            service.kill_part("serve")
        wait_for(lambda: is_ready(str(phone.base_url)))
        assert int(phone.head(url).headers["Upload-Offset"]) == sent
    piece = {"Upload-Offset": str(sent), "Content-Type": "application/offset+octet-stream"}
    last = phone.patch(url, headers=piece, content=content[sent:])
    media_id = last.headers["Siteproof-Media-Id"]
    assert phone.get(f"/v1/media/{media_id}").json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert phone.get(f"/v1/media/{media_id}/content").content == content
    assert [each["id"] for each in phone.get("/v1/projects/kill-upload/media").json()["items"]] == [media_id]
    assert phone.head(url).headers["Siteproof-Media-Id"] == media_id
    assert list((service.home / "media" / "partial").iterdir()) == []


@contextmanager
def _piece_under_way(
    service: Service, phone: httpx2.Client, url: str, content: bytes, *, start: int, end: int
) -> Iterator[None]:
    """Begin a piece of all that is left and send it as far as `end`; inside, the file has that."""
    with closing(HTTPConnection(urlsplit(str(phone.base_url)).netloc, timeout=30)) as connection:
        connection.putrequest("PATCH", url)
        for name, value in {
            "Authorization": phone.headers["Authorization"],
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(start),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(content) - start),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(content[start:end])
        file = service.home / "media" / "partial" / url.rpartition("/")[2]
        wait_for(lambda: file.exists() and file.stat().st_size == end)
        yield
