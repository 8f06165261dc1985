import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import cv2
import numpy as np
import pytest

from analysis.dataset_export import OtherExport, Selection, Summary, export_dataset, make_pseudonym
from analysis.medium_analysis import Workplace, analyse_medium
from domain.access import Principal, Role
from domain.clock import SystemClock
from domain.finding import Decision
from domain.media import Detection
from findings.recording import decide_finding
from storage.audit import list_audit
from storage.database import Database
from storage.finding import list_media_findings
from storage.media_store import DiskMediaStore
from tests.integration.analysis.test_medium_analysis import SeeingDetector, receive
from tests.pictures import make_jpeg
from vision.detector import Sight
from vision.picture import Picture
from vision.training.sources import list_pictures, read_class_names

CLASSES = ("person", "hardhat", "no_hardhat", "vest", "no_vest", "machinery", "vehicle", "cone")
KEY = b"k" * 32
# The photo is 320 x 240. Two people with bare heads, a third that nobody is asked about.
LEFT = Detection("person", 0.9, (20.0, 20.0, 100.0, 230.0), model="test")
LEFT_HEAD = Detection("no_hardhat", 0.8, (40.0, 24.0, 80.0, 60.0), model="test")
RIGHT = Detection("person", 0.9, (200.0, 20.0, 280.0, 230.0), model="test")
RIGHT_HEAD = Detection("no_hardhat", 0.7, (224.0, 24.0, 256.0, 60.0), model="test")


class TwoPeople(SeeingDetector):
    """Sees two bare heads in every picture."""

    model_hashes: ClassVar = {"test": "ab" * 32}

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`."""
        assert picture.pixels.size
        return Sight((LEFT, RIGHT, LEFT_HEAD, RIGHT_HEAD))


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Workplace:
    """A worker's place that sees two bare heads."""
    return Workplace(database, DiskMediaStore(tmp_path / "media"), TwoPeople(), SystemClock(), lease_s=30)


def noisy_jpeg(seed: int = 0) -> bytes:
    """A photo in which every covered head shows."""
    pixels = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def receive_decided(site: Workplace, decisions: tuple[Decision | None, Decision | None], *, seed: int = 0) -> UUID:
    """An analysed photo; left and right head decided upon."""
    media_id = receive(site, noisy_jpeg(seed))
    analyse_medium(site, media_id=media_id)
    with site.database.transaction() as connection:
        found = sorted(list_media_findings(connection, media_id=media_id), key=lambda each: each.details["score"])
        for finding, decision in zip(reversed(found), decisions, strict=True):
            if decision is not None:
                decide_finding(
                    connection, finding_id=finding.id, decision=decision, reviewed_by="王工", reason="看过原图"
                )
    return media_id


def export(site: Workplace, output: Path, **selected: object) -> Summary:
    """Export with the test's key."""
    selection = Selection(CLASSES, **selected)  # type: ignore[arg-type]
    return export_dataset(site, output=output, selection=selection, pseudonym_key=KEY, exported_by="test")


def read_files(folder: Path) -> dict[str, bytes]:
    """Every file of an export."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_export__confirmed_and_dismissed__are_labels_and_known_absence(site: Workplace, tmp_path: Path) -> None:
    """The left head is a box, the right one a place without bare heads, and nothing else is said to be known."""
    media_id = receive_decided(site, (Decision.CONFIRMED, Decision.DISMISSED))
    output = tmp_path / "data"
    summary = export(site, output)
    assert (summary.pictures, summary.boxes, summary.left_out) == (1, {"confirmed": 1, "dismissed": 1}, 0)
    # Centre 60, 42 and size 40 x 36 of 320 x 240.
    assert (output / "labels" / f"{media_id}.txt").read_text() == "2 0.187500 0.175000 0.125000 0.150000\n"
    known = json.loads((output / "known" / f"{media_id}.json").read_text())
    assert known["known"] == []
    # Centre 240, 42 and size 32 x 36.
    assert known["absent"] == [{"class": "no_hardhat", "box_cxcywh": [0.75, 0.175, 0.1, 0.15]}]
    assert [each["class"] for each in known["undecided"]] == ["person", "person"]
    rows = list(csv.DictReader((output / "origin.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["decision"], row["class"], row["score"], row["model"]) for row in rows] == [
        ("confirmed", "no_hardhat", "0.8", "test"),
        ("dismissed", "no_hardhat", "0.7", "test"),
    ]
    assert {row["model_sha256"] for row in rows} == {"ab" * 32}
    assert {row["decided_by"] for row in rows} == {make_pseudonym("王工", key=KEY)}
    assert "王工" not in (output / "origin.csv").read_text(encoding="utf-8")
    assert "dismissed by a person" in rows[1]["note"]


def test_export__read_by_training__says_what_is_known(site: Workplace, tmp_path: Path) -> None:
    """The folder is one that `siteproof train --partly-labelled` takes."""
    receive_decided(site, (Decision.CONFIRMED, Decision.DISMISSED))
    export(site, tmp_path / "data")
    assert read_class_names(tmp_path / "data") == CLASSES
    (picture,) = list_pictures(folder=tmp_path / "data", class_names=CLASSES, known=["no_hardhat"])
    assert (picture.class_ids.tolist(), picture.known_classes) == ([2], frozenset())
    assert picture.absent_ids.tolist() == [2]


def test_export__run_again__changes_nothing_and_adds_what_was_decided_since(site: Workplace, tmp_path: Path) -> None:
    """Idempotent, byte for byte; a later decision adds its picture, and a lost picture is written anew."""
    first = receive_decided(site, (Decision.CONFIRMED, None))
    output = tmp_path / "data"
    export(site, output)
    before = read_files(output)
    assert export(site, output).written == 0
    assert read_files(output) == before
    (output / "images" / f"{first}.jpg").unlink()
    receive_decided(site, (Decision.DISMISSED, Decision.DISMISSED), seed=1)
    receive_decided(site, (None, None), seed=2)
    summary = export(site, output)
    assert (summary.pictures, summary.written) == (2, 2)
    after = read_files(output)
    assert {name: after[name] for name in before if name != "origin.csv"} == {
        name: content for name, content in before.items() if name != "origin.csv"
    }


def test_export__heads__are_covered_unless_faces_are_asked_for_which_is_on_record(
    site: Workplace, tmp_path: Path
) -> None:
    """Covered, a head's pixels are few colours; shown, they differ everywhere, and a line says who took them."""
    media_id = receive_decided(site, (Decision.CONFIRMED, None))
    admin = Principal(UUID(int=0), Role.ADMIN, "/", None, None, None)

    def contrast(folder: Path) -> float:
        pixels = cv2.imread(str(folder / "images" / f"{media_id}.jpg"))
        assert pixels is not None
        # Within one of the cells: the whole head with its margins is 30 to 90 by 9 to 98.
        return float(np.std(pixels[12:36, 53:67].astype(float)))

    export(site, tmp_path / "covered")
    with site.database.transaction() as connection:
        assert list_audit(connection, principal=admin, after=None, limit=9).items == []
    export(site, tmp_path / "shown", with_faces=True)
    export(site, tmp_path / "shown", with_faces=True)
    assert contrast(tmp_path / "covered") < 10
    assert contrast(tmp_path / "shown") > 40
    with site.database.transaction() as connection:
        (entry,) = list_audit(connection, principal=admin, after=None, limit=9).items
    assert (entry.action, entry.media_id, entry.by, entry.role) == ("original_exported", media_id, "test", None)


def test_export__other_selection_or_folder__is_refused(site: Workplace, tmp_path: Path) -> None:
    """Two exports never mix: covered and shown heads, or one project's and all."""
    output = tmp_path / "data"
    export(site, output)
    for other in ({"with_faces": True}, {"project_id": "p"}, {"since": datetime(2026, 1, 1, tzinfo=UTC)}):
        with pytest.raises(OtherExport):
            export(site, output, **other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(OtherExport):
        export(site, tmp_path / "full")


def test_export__selected__takes_the_project_and_the_time(site: Workplace, tmp_path: Path) -> None:
    """Another project's, and what was decided before, stay out."""
    receive_decided(site, (Decision.CONFIRMED, None))
    later = datetime.now(UTC) + timedelta(hours=1)
    assert export(site, tmp_path / "a", project_id="other").pictures == 0
    assert export(site, tmp_path / "b", project_id="p").pictures == 1
    assert export(site, tmp_path / "c", since=later).pictures == 0
    assert export(site, tmp_path / "d", since=later - timedelta(hours=2)).pictures == 1


def test_export__without_the_original__is_left_out_and_counted(site: Workplace, tmp_path: Path) -> None:
    """One lost file does not end the export."""
    media_id = receive_decided(site, (Decision.CONFIRMED, None))
    receive_decided(site, (Decision.CONFIRMED, None), seed=1)
    with site.database.transaction() as connection:
        connection.execute("UPDATE media SET sha256 = repeat('0', 64) WHERE id = %s", [media_id])
    summary = export(site, tmp_path / "data")
    assert (summary.pictures, summary.left_out) == (1, 1)


def test_export__finding_of_no_class__is_left_out(site: Workplace, tmp_path: Path) -> None:
    """A dismissed doubt about a position teaches a detector nothing."""
    media_id = receive(site, make_jpeg())
    analyse_medium(site, media_id=media_id)
    with site.database.transaction() as connection:
        connection.execute(
            "UPDATE finding SET kind = 'evidence', details = '{}', status = 'dismissed', reviewed_at = now()"
        )
    summary = export(site, tmp_path / "data")
    assert (summary.pictures, summary.left_out) == (0, 2)
