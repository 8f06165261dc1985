"""Bundles as the API makes them, judged by their bytes alone: whole, flipped, forged, of another key, erased."""

import io
import json
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from domain.access import Role
from domain.clock import SystemClock
from findings.bundle import CHECKPOINT, ENTRIES, FINDINGS, KEYS, MANIFEST, MEDIUM, PAGE, describe_manifest
from findings.bundle_verification import Broken, Intact, verify_bundle
from findings.checkpoint import Checkpoint
from findings.erasure import erase_bytes
from findings.evidence_log import read_checkpoint
from findings.merkle import hash_leaf
from findings.signed_note import PublicKey, SigningKey, parse_public_key, sign_note, split_note
from findings.stored_zip import store, write_zip
from runtime.command_line import main
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from storage.media_store import DiskMediaStore
from tests.integration.api.conftest import AREA, SQUARE, Api
from tests.pictures import make_jpeg

PHOTO = make_jpeg(lon=120.09, lat=30.29, size=(16, 16), software='<script>alert("x")</script>')


@dataclass
class Case:
    """A photo with a decided finding and an issue, and what its bundle is judged with."""

    api: Api
    media_id: str
    home: DiskLogHome

    def fetch(self, role: Role = Role.SUPERVISOR) -> bytes:
        """The bundle's bytes."""
        answer = self.api.client.get(f"/v1/media/{self.media_id}/bundle", headers=self.api.make_token(role))
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["content-length"]) == len(answer.content)
        return answer.content

    def list_keys(self) -> list[PublicKey]:
        """The log's public keys, as the API gives them."""
        answer = self.api.client.get("/v1/log/key", headers=self.api.make_token(Role.CORE)).json()
        return [parse_public_key(each["key"]) for each in answer["items"]]

    @property
    def keeper(self) -> LogKeeper:
        """The operator's hand on the log."""
        return LogKeeper(self.api.database, self.home, SystemClock())


@pytest.fixture
def case(api: Api, tmp_path: Path) -> Case:
    """A photo from outside the boundary, confirmed by an inspector as a matter for an issue."""
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=api.make_token(Role.CORE))
    sent = api.client.post(
        "/v1/projects/p1/media", files={"file": ("a.jpg", PHOTO)}, headers=api.make_token(Role.FIELD)
    ).json()
    body = {"decision": "confirmed", "reason": "不在<现场>", "issue": {"title": "重拍"}}
    headers = api.make_token(Role.INSPECTOR, person="王工")
    assert (
        api.client.post(f"/v1/findings/{sent['finding_ids'][0]}/review", json=body, headers=headers).status_code == 200
    )
    return Case(api, sent["id"], DiskLogHome(tmp_path / "evidence-log"))


def judge(content: bytes, keys: list[PublicKey] | None = None) -> Intact | Broken:
    """The verdict on a bundle's bytes."""
    return verify_bundle(io.BytesIO(content), keys=keys or [])


def find_code(content: bytes, keys: list[PublicKey] | None = None) -> str:
    """The code of what is wrong with a bundle; empty where nothing is."""
    verdict = judge(content, keys)
    return verdict.code if isinstance(verdict, Broken) else ""


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a zip, in its order, by Python's own reader."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {each: archive.read(each) for each in archive.namelist()}


def pack(files: dict[str, bytes]) -> bytes:
    """A canonical zip of these files, its checksums right."""
    return b"".join(write_zip([store(*each) for each in files.items()]))


def sign_again(files: dict[str, bytes], key: SigningKey) -> bytes:
    """As somebody would who has a key: a new manifest of whatever the files are now."""
    told = [(name, len(each), sha256(each).hexdigest()) for name, each in files.items() if name != MANIFEST]
    return pack(files | {MANIFEST: sign_note(describe_manifest(key.name, told), [key]).encode()})


def test_bundle__of_a_photo__is_intact_and_holds_what_is_known(case: Case) -> None:
    """Original, metadata, checks, decisions and steps, proven against a head signed by the log's key."""
    content = case.fetch()
    verdict = judge(content, case.list_keys())
    assert isinstance(verdict, Intact)
    assert (verdict.media_id, verdict.sha256) == (case.media_id, sha256(PHOTO).hexdigest())
    assert (verdict.trusted, verdict.erased) == (True, False)
    files = unpack(content)
    names = ["index.html", "original.jpg", "medium.json", "findings.json", "issues.json"]
    assert list(files) == [*names, "log/entries.json", "log/checkpoint.txt", "log/keys.txt", "manifest.txt"]
    assert files["original.jpg"] == PHOTO
    medium = json.loads(files["medium.json"])
    assert {"location", "time", "reuse", "editing"} <= {each["check"] for each in medium["checks"]}
    assert medium["metadata"]
    outside = json.loads(files["findings.json"])["findings"][0]
    assert (outside["status"], outside["reviewed_by"], outside["review_reason"]) == ("confirmed", "王工", "不在<现场>")
    assert [each["event"] for each in outside["log"]] == ["recorded", "reviewed"]
    (issue,) = json.loads(files["issues.json"])["issues"]
    assert (issue["title"], [each["event"] for each in issue["log"]]) == ("重拍", ["open"])
    untrusted = judge(content)
    assert isinstance(untrusted, Intact)
    assert not untrusted.trusted


def test_bundle__its_page__has_both_languages_and_no_script(case: Case) -> None:
    """Text that somebody sent stays text."""
    page = unpack(case.fetch())[PAGE].decode()
    assert "<script" not in page.lower()
    assert "&lt;script&gt;" in page
    assert "不在&lt;现场&gt;" in page
    assert "证据包" in page
    assert "Findings and decisions" in page
    assert 'src="original.jpg"' in page
    assert "http" not in page.lower().replace("http-equiv", "")


def test_bundle__any_byte_flipped__is_found(case: Case) -> None:
    """Every byte of the bundle with one of its bits flipped, and every bit of every header and of the directory."""
    content = case.fetch()
    keys = case.list_keys()
    assert find_code(content, keys) == ""
    random = Random(1)  # noqa: S311 - which bit, not a secret
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        headers = {
            at for each in archive.infolist() for at in range(each.header_offset, each.header_offset + 30)
        } | set(range(archive.start_dir, len(content)))
    for position in range(len(content)):
        bits = range(8) if position in headers else [random.randrange(8)]
        for bit in bits:
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            assert find_code(bytes(changed), keys), (position, bit)


def test_bundle__with_something_added_or_moved__is_found(case: Case) -> None:
    """Appended and prepended bytes, comments, other orders, further and missing files, another writer's zip."""
    content, keys = case.fetch(), case.list_keys()
    files = unpack(content)
    for changed in (content + b"\x00", b"\x00" + content, content[:-1], content + content, b""):
        assert find_code(changed, keys) == "bundle.not_canonical"
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"x"
    assert find_code(stream.getvalue(), keys) == "bundle.not_canonical"
    rewritten = io.BytesIO()
    with zipfile.ZipFile(rewritten, "w") as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    assert find_code(rewritten.getvalue(), keys) == "bundle.not_canonical"
    twice = b"".join(write_zip([store(*each) for each in [*files.items(), (PAGE, files[PAGE])]]))
    for wrong in (pack(dict(reversed(files.items()))), pack({"a": b"", **files}), twice):
        assert find_code(wrong, keys) == "bundle.files"
    for name in files:
        missing = pack({key: value for key, value in files.items() if key != name})
        assert find_code(missing, keys) == ("bundle.manifest" if name == "original.jpg" else "bundle.files")


def test_bundle__a_file_changed_with_its_checksum__is_found_by_the_signature(case: Case) -> None:
    """Who can write a zip, but has no key, gets no further than the manifest; its name is told."""
    content, keys = case.fetch(), case.list_keys()
    files = unpack(content)
    for name, each in files.items():
        changed = pack(files | {name: each[:-2] + bytes([each[-2] ^ 1]) + each[-1:]})
        verdict = judge(changed, keys)
        assert isinstance(verdict, Broken), name
        if name not in {MANIFEST, ENTRIES, KEYS}:
            assert verdict.code == "bundle.file_differs"
            assert name in verdict.en
            assert name in verdict.zh
    flipped = files[MANIFEST].replace(b"medium.json", b"nedium.json")
    assert find_code(pack(files | {MANIFEST: flipped}), keys) == "bundle.signature"


def test_bundle__signed_with_another_key__is_not_ours(case: Case) -> None:
    """A forger's own log, whole in itself: against our key it is nobody's, under our name too."""
    files, ours = unpack(case.fetch()), case.list_keys()
    for name in (ours[0].name, "siteproof/other"):
        forger = SigningKey(name, bytes(range(32)))
        size, root = 1, hash_leaf(b"x")
        forged = files | {
            CHECKPOINT: sign_note(Checkpoint(name, size, root).text, [forger]).encode(),
            KEYS: f"{forger.public.text}\n".encode(),
        }
        assert find_code(sign_again(forged, forger), ours) == "bundle.other_key"
    assert find_code(pack(files), [SigningKey("siteproof/other", bytes(32)).public]) == "bundle.other_key"


def change_entry(files: dict[str, bytes], change: Callable[[dict[str, Any]], None], *, kind: str) -> dict[str, bytes]:
    """The files with the first entry of a kind changed."""
    entries = json.loads(files[ENTRIES])
    change(next(each for each in entries["entries"] if json.loads(each["leaf"])["kind"] == kind))
    return files | {ENTRIES: json.dumps(entries, ensure_ascii=False).encode()}


def test_bundle__lied_about_by_who_holds_the_key__is_found_by_the_log(case: Case) -> None:
    """The manifest signed anew by the log's own key: then the entries and the tree speak against it."""
    files, keys = unpack(case.fetch()), case.list_keys()
    (key,) = case.home.list_keys()

    def find(changed: dict[str, bytes]) -> str:
        return find_code(sign_again(changed, key), keys)

    assert find(files) == ""
    assert find(files | {"original.jpg": PHOTO + b"\x00"}) == "bundle.original_differs"
    assert find(files | {MEDIUM: files[MEDIUM].replace(b'"grade":"D"', b'"grade":"A"')}) == "bundle.told_differs"
    dismissed = files[FINDINGS].replace(b'"confirmed"', b'"dismissed"')
    assert find(files | {FINDINGS: dismissed}) == "bundle.told_differs"

    def lie(entry: dict[str, Any]) -> None:
        entry["content"] = entry["content"].replace("confirmed", "dismissed")

    def lie_deeper(entry: dict[str, Any]) -> None:
        lie(entry)
        leaf = json.loads(entry["leaf"])
        leaf["content_sha256"] = sha256(entry["content"].encode()).hexdigest()
        entry["leaf"] = json.dumps(leaf)

    def forget(entry: dict[str, Any]) -> None:
        entry["content"] = None

    def shorten(entry: dict[str, Any]) -> None:
        entry["path"] = entry["path"][:-1]

    def move(entry: dict[str, Any]) -> None:
        entry["index"] += 1

    def turn(entry: dict[str, Any]) -> None:
        entry["path"] = [
            b64encode(bytes([b64decode(each)[0] ^ 1]) + b64decode(each)[1:]).decode() for each in entry["path"]
        ]

    for change, code in (
        (lie, "content_differs"),
        (forget, "content_missing"),
        (lie_deeper, "entry_not_in_log"),
        (shorten, "entry_not_in_log"),
        (move, "entry_not_in_log"),
        (turn, "entry_not_in_log"),
    ):
        assert find(change_entry(files, change, kind="finding.reviewed")) == f"bundle.{code}", change
    note = files[CHECKPOINT].decode()
    smaller = Checkpoint(key.name, read_checkpoint(note).size - 1, read_checkpoint(note).root).text
    assert find(files | {CHECKPOINT: sign_note(smaller, [key]).encode()}) == "bundle.entry_not_in_log"
    elsewhere = Checkpoint("siteproof/other", read_checkpoint(note).size, read_checkpoint(note).root).text
    assert find(files | {CHECKPOINT: sign_note(elsewhere, [key]).encode()}) == "bundle.other_key"
    assert find(files | {CHECKPOINT: split_note(note)[0].encode()}) == "bundle.signature"
    for garbage in (
        b"",
        b"[]",
        b"{}",
        b'{"entries":[{}]}',
        b'{"entries":[{"index":Infinity}]}',
        b"[" * 100_000,
        b'{"entries":[]}',
    ):
        assert find(files | {ENTRIES: garbage}) in {"bundle.malformed", "bundle.other_medium"}


def test_bundle__after_the_key_rotated__holds_by_the_old_and_by_the_new_key(case: Case) -> None:
    """The hand-over in the bundle leads from a key that was known to the one that signs; not the other way."""
    before, (old,) = case.fetch(), case.list_keys()
    new = case.keeper.rotate_key()
    case.keeper.publish()
    after = case.fetch()
    assert case.list_keys() == [old, new]
    assert find_code(after, [old]) == find_code(after, [new]) == find_code(after, [old, new]) == ""
    assert find_code(before, [old, new]) == find_code(before, [old]) == ""
    assert find_code(before, [new]) == "bundle.other_key"


def erase(case: Case) -> None:
    """What `siteproof erase` does."""
    case.keeper.publish()
    digest = sha256(PHOTO).hexdigest()
    basis = "个人信息保护法 第四十七条"
    with case.api.database.transaction() as connection:
        erased = erase_bytes(connection, sha256=digest, basis=basis, by="operator", now=SystemClock().now())
    DiskMediaStore(case.api.media_folder).erase(digest, media_ids=erased)


def test_bundle__of_an_erased_original__still_verifies(case: Case) -> None:
    """Bytes, metadata and position are gone from everywhere; the tombstone says why, and everything is still proven."""
    twin = case.api.client.post(
        "/v1/projects/p1/media", files={"file": ("b.jpg", PHOTO)}, headers=case.api.make_token(Role.CONTRACTOR)
    ).json()
    before, keys = case.fetch(), case.list_keys()
    for _ in range(2):
        erase(case)
    bundle = case.fetch()
    verdict = judge(bundle, keys)
    assert isinstance(verdict, Intact)
    assert (verdict.erased, verdict.sha256) == (True, sha256(PHOTO).hexdigest())
    files = unpack(bundle)
    assert "original.jpg" not in files
    assert "个人信息保护法" in files[PAGE].decode()
    assert "script" not in files[MEDIUM].decode()
    assert not [each for each in case.api.media_folder.rglob("*") if each.is_file()]
    entries = [json.loads(each["leaf"]) for each in json.loads(files[ENTRIES])["entries"]]
    assert [each["kind"] for each in entries if each["subject"].startswith("media/")] == [
        "media.received",
        "media.erased",
    ]
    assert case.keeper.examine(every_leaf=True)[1] == 0
    # A bundle that left the house before is what it was.
    assert find_code(before, keys) == ""
    headers = case.api.make_token(Role.ADMIN)
    for media_id in (case.media_id, twin["id"]):
        medium = case.api.client.get(f"/v1/media/{media_id}", headers=headers).json()
        assert (medium["failure"], medium["metadata"], medium["position"]) == ("media.erased", {}, None)
        assert [each["verdict"] for each in medium["checks"]]
        assert case.api.client.get(f"/v1/media/{media_id}/content", headers=headers).status_code == 404


def test_bundle__with_an_original_beside_a_tombstone__is_found(case: Case) -> None:
    """And a content that is missing without a tombstone."""
    before = unpack(case.fetch())
    erase(case)
    after, keys = unpack(case.fetch()), case.list_keys()
    (key,) = case.home.list_keys()
    both = {PAGE: after[PAGE], "original.jpg": PHOTO} | after
    assert find_code(sign_again(both, key), keys) == "bundle.original_differs"
    without = {name: each for name, each in before.items() if name != "original.jpg"}
    assert find_code(sign_again(without, key), keys) == "bundle.original_differs"


def test_bundle__for_each_role__is_for_those_who_may_see_originals_and_on_record(case: Case) -> None:
    """Inspectors, supervisors and admins; each read stands in the audit."""
    path = f"/v1/media/{case.media_id}/bundle"
    for role in (Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN):
        assert find_code(case.fetch(role), case.list_keys()) == ""
    for role in (Role.CONTRACTOR, Role.CORE):
        assert case.api.client.get(path, headers=case.api.make_token(role)).status_code == 403
    assert case.api.client.get(path, headers=case.api.make_token(Role.ADMIN, area=AREA + "-2")).status_code == 404
    audit = case.api.client.get("/v1/audit", headers=case.api.make_token(Role.ADMIN)).json()["items"]
    assert [(each["action"], each["role"]) for each in audit] == [
        ("original_read", role) for role in ("inspector", "supervisor", "admin")
    ]


def test_bundle__of_bytes_that_changed_in_the_store__is_refused(case: Case) -> None:
    """A bundle never vouches for what is not the original."""
    (path,) = [each for each in case.api.media_folder.rglob("*") if each.is_file()]
    path.chmod(0o600)
    path.write_bytes(PHOTO[:-1] + b"\x00")
    headers = case.api.make_token(Role.ADMIN)
    refused = case.api.client.get(f"/v1/media/{case.media_id}/bundle", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "bundle.original_changed")


def test_verify__on_the_command_line__says_what_is_wrong_and_exits_with_it(case: Case, tmp_path: Path) -> None:
    """0 intact, 1 not, 2 where the key's file is none."""
    bundle, keys, lines = tmp_path / "bundle.zip", tmp_path / "key.json", tmp_path / "keys.txt"
    bundle.write_bytes(case.fetch())
    keys.write_text(case.api.client.get("/v1/log/key", headers=case.api.make_token(Role.CORE)).text, encoding="utf-8")
    lines.write_text("".join(f"{each.text}\n" for each in case.list_keys()), encoding="utf-8")
    runner = CliRunner()
    for key_file in (keys, lines):
        done = runner.invoke(main, ["verify", str(bundle), "--key", str(key_file)])
        assert done.exit_code == 0
        assert "完整 intact" in done.output
        assert "Give --key" not in done.output
    done = runner.invoke(main, ["verify", str(bundle)])
    assert (done.exit_code, "Give --key" in done.output) == (0, True)
    content = bytearray(bundle.read_bytes())
    content[content.find(PHOTO) + 100] ^= 4
    bundle.write_bytes(content)
    done = runner.invoke(main, ["verify", str(bundle), "--key", str(keys)])
    assert done.exit_code == 1
    assert "original.jpg" in done.output
    lines.write_text("nothing", encoding="utf-8")
    assert runner.invoke(main, ["verify", str(bundle), "--key", str(lines)]).exit_code == 2
