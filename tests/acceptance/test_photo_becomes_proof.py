import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2

from domain.access import Role
from tests.acceptance.conftest import Service, set_up_road, wait_for


def test_photo_becomes_proof(service: Service, repository: Path, tmp_path: Path) -> None:
    """A photo is sent, analysed and reviewed; its bundle is judged offline, and one flipped byte is found."""
    set_up_road(service, "proof-road")
    field = service.make_client(Role.FIELD)
    photo = repository / "sample_media" / "road-no-hardhat.jpg"
    sent = field.post("/v1/projects/proof-road/media", files={"file": (photo.name, photo.read_bytes())})
    media_id = sent.json()["id"]
    wait_for(lambda: _is_analysed(field, media_id))
    inspector = service.make_client(Role.INSPECTOR, person="王工")
    found = inspector.get("/v1/findings", params={"media_id": media_id}).json()["items"]
    (bare,) = [each for each in found if each["code"] == "safety.no_hardhat"]
    review = {"decision": "confirmed", "reason": "未戴安全帽", "issue": {"title": "戴好安全帽"}}
    assert inspector.post(f"/v1/findings/{bare['id']}/review", json=review).status_code == 200

    key_file, bundle_file = tmp_path / "key.json", tmp_path / "bundle.zip"
    key_file.write_text(inspector.get("/v1/log/key").text, encoding="utf-8")
    fetched = inspector.get(f"/v1/media/{media_id}/bundle")
    assert fetched.status_code == 200
    bundle_file.write_bytes(fetched.content)
    printed = service.run("verify", str(bundle_file), "--key", str(key_file))
    assert "intact" in printed
    assert sha256(photo.read_bytes()).hexdigest() in printed

    with zipfile.ZipFile(bundle_file) as archive:
        assert archive.read("original.jpg") == photo.read_bytes()
        medium = json.loads(archive.read("medium.json"))
        findings = json.loads(archive.read("findings.json"))["findings"]
        issues = json.loads(archive.read("issues.json"))["issues"]
    assert medium["status"] == "analysed"
    assert "person" in {each["label"] for each in medium["detections"]}
    decided = next(each for each in findings if each["id"] == bare["id"])
    assert (decided["status"], decided["reviewed_by"]) == ("confirmed", "王工")
    assert [each["title"] for each in issues] == ["戴好安全帽"]

    changed = bytearray(fetched.content)
    changed[len(changed) // 2] ^= 1
    bundle_file.write_bytes(changed)
    printed = service.run("verify", str(bundle_file), "--key", str(key_file), expect=1)
    assert "NOT INTACT" in printed
    assert "original.jpg" in printed
    assert "entries are those that were signed" in service.run("log", "check")


def _is_analysed(client: httpx2.Client, media_id: str) -> bool:
    medium: dict[str, Any] = client.get(f"/v1/media/{media_id}").json()
    return bool(medium["status"] == "analysed")
