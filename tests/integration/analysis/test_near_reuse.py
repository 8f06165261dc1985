from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.medium_analysis import Outcome, Workplace, analyse_medium
from analysis.near_reuse import check_near_reuse
from domain.access import Role
from domain.clock import SystemClock
from domain.evidence import CheckName, Verdict
from domain.media import Capture, MediaStatus, Medium
from domain.project import ProjectClass, ProjectKind
from findings.erasure import erase_bytes
from ingestion.intake import accept_upload
from storage.database import Database
from storage.finding import list_media_findings
from storage.media import find_media
from storage.media_store import DiskMediaStore
from storage.project import put_project
from storage.token import create_token
from vision.detector import Sight
from vision.picture import Picture


class BlindDetector:
    """A detector that sees nothing."""

    model_name = "test 1"
    model_hashes: dict[str, str] = {}  # noqa: RUF012 - as the port has it

    def look(self, _picture: Picture) -> Sight:
        """Nothing."""
        return Sight(())


@pytest.fixture
def workplace(database: Database, tmp_path: Path) -> Workplace:
    """A worker's place."""
    return Workplace(database, DiskMediaStore(tmp_path / "media"), BlindDetector(), SystemClock(), lease_s=30)


@pytest.fixture
def photo(repository: Path) -> NDArray[np.uint8]:
    """One of the sample photos, decoded."""
    pixels = cv2.imread(str(repository / "sample_media" / "road-inside-safe.jpg"))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def encode(pixels: NDArray[np.uint8], quality: int = 90) -> bytes:
    """A JPEG without metadata."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def send(workplace: Workplace, content: bytes, *, project_id: str = "p", camera_id: str | None = None) -> UUID:
    """Upload."""
    staging = workplace.store.stage(max_bytes=10**8)
    staging.write(content)
    with workplace.database.transaction() as connection:
        token, _ = create_token(connection, role=Role.FIELD, area="a", project_id=None, person=None, name=None)
        project, _, _ = put_project(
            connection,
            project_id=project_id,
            name=project_id,
            kind=ProjectKind.ROAD,
            area="a",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code=project_id,
        )
        medium, _ = accept_upload(
            connection,
            store=workplace.store,
            staged=staging.finish(),
            capture=Capture(camera_id=camera_id),
            given_capture=None,
            project=project,
            token_id=token.id,
            received_at=datetime.now(UTC),
        )
    return medium.id


def analyse(workplace: Workplace, media_id: UUID) -> tuple[Medium, Verdict, str, dict[str, object]]:
    """Analyse, and read the medium, its reuse check and the details of the finding of near reuse, if there is one."""
    assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED
    return read(workplace, media_id)


def read(workplace: Workplace, media_id: UUID) -> tuple[Medium, Verdict, str, dict[str, object]]:
    """The medium as it stands."""
    with workplace.database.transaction() as connection:
        medium = find_media(connection, media_id=media_id)
        findings = list_media_findings(connection, media_id=media_id)
    assert medium is not None
    reuse = next(each for each in medium.checks if each.check is CheckName.REUSE)
    details = [each.details for each in findings if each.code == "evidence.near_reuse"]
    assert len(details) <= 1
    return medium, reuse.verdict, reuse.code, details[0] if details else {}


def test_analyse_medium__a_cut_brightened_copy_for_another_project__fails_and_names_the_other(
    workplace: Workplace, photo: NDArray[np.uint8]
) -> None:
    """The grade is D; the first photo stays as it was."""
    first = send(workplace, encode(photo))
    assert analyse(workplace, first)[1:] == (Verdict.PASS, "reuse.unique", {})
    height, width = photo.shape[:2]
    part = photo[: round(0.92 * height), round(0.08 * width) :]
    brighter = np.asarray(cv2.convertScaleAbs(part, None, 1.05, 12), np.uint8)
    copy = send(workplace, encode(brighter, 70), project_id="q")
    medium, verdict, code, details = analyse(workplace, copy)
    assert (verdict, code, medium.grade) == (Verdict.FAIL, "reuse.near", "D")
    assert (details["other_media_id"], details["this_project"]) == (str(first), False)
    assert read(workplace, first)[1] is Verdict.PASS


def test_analyse_medium__recompressed_for_the_same_purpose__warns(
    workplace: Workplace, photo: NDArray[np.uint8]
) -> None:
    """What a messenger made of the same photo may be a slip: grade C."""
    analyse(workplace, send(workplace, encode(photo)))
    medium, verdict, code, _ = analyse(workplace, send(workplace, encode(photo, 60)))
    assert (verdict, code, medium.grade) == (Verdict.WARN, "reuse.near", "C")


def test_analyse_medium__a_fixed_cameras_next_picture__is_no_reuse_but_anothers_copy_of_it_is(
    workplace: Workplace, photo: NDArray[np.uint8]
) -> None:
    """The camera sees the same place every day; a phone that sends its picture does not."""
    analyse(workplace, send(workplace, encode(photo), camera_id="gate"))
    again = analyse(workplace, send(workplace, encode(photo, 80), camera_id="gate"))
    assert again[1:] == (Verdict.PASS, "reuse.unique", {})
    assert analyse(workplace, send(workplace, encode(photo, 70)))[2] == "reuse.near"


def test_analyse_medium__another_photo__is_unique(workplace: Workplace, repository: Path) -> None:
    """Two shots of one road, by another file each."""
    for name in ("road-inside-safe.jpg", "road-machine.jpg", "bridge-pier.jpg"):
        content = (repository / "sample_media" / name).read_bytes()
        assert analyse(workplace, send(workplace, content))[1:] == (Verdict.PASS, "reuse.unique", {}), name


def test_analyse_medium__the_copy_is_analysed_first__is_judged_once_more_and_the_first_is_not_accused(
    workplace: Workplace, photo: NDArray[np.uint8]
) -> None:
    """Two workers may take the photos of one upload in any order; whichever came first is the original."""
    height, width = photo.shape[:2]
    first = send(workplace, encode(photo))
    copy = send(workplace, encode(photo[: round(0.9 * height), : round(0.9 * width)], 70), project_id="q")
    other = send(workplace, encode(photo[::-1].copy()), project_id="q")
    for each in (copy, other):
        assert analyse(workplace, each)[1] is Verdict.PASS
    assert analyse(workplace, first)[1] is Verdict.PASS
    assert read(workplace, copy)[0].status is MediaStatus.RECEIVED
    assert read(workplace, other)[0].status is MediaStatus.ANALYSED
    assert analyse(workplace, copy)[1:3] == (Verdict.FAIL, "reuse.near")
    assert read(workplace, first)[0].status is MediaStatus.ANALYSED


def test_analyse_medium__the_original_comes_up_while_the_copy_is_being_recorded__the_copy_is_judged_once_more(
    workplace: Workplace, photo: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy's search was over before the original's hash was there; its worker loses the claim."""
    first = send(workplace, encode(photo))
    copy = send(workplace, encode(photo, 60), project_id="q")

    def search_and_be_overtaken(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        judged = check_near_reuse(*given, **named)
        monkeypatch.undo()
        analyse(workplace, first)
        return judged

    monkeypatch.setattr("analysis.medium_analysis.check_near_reuse", search_and_be_overtaken)
    assert analyse_medium(workplace, media_id=copy) is Outcome.CLAIM_LOST
    assert analyse(workplace, copy)[1:3] == (Verdict.FAIL, "reuse.near")


def test_erase_bytes__forgets_the_hash(workplace: Workplace, photo: NDArray[np.uint8]) -> None:
    """What is erased is found no more, and is no ground to accuse another photo."""
    first = send(workplace, encode(photo))
    medium = analyse(workplace, first)[0]
    with workplace.database.transaction() as connection:
        erase_bytes(connection, sha256=medium.sha256, basis="test", by="test", now=datetime.now(UTC))
    with workplace.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM picture_band").fetchone() == (0,)
    assert analyse(workplace, send(workplace, encode(photo, 60)))[1] is Verdict.PASS
