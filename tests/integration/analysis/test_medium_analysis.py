import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image

from analysis.medium_analysis import MAX_ATTEMPTS, Outcome, Workplace, analyse_medium
from analysis.preview import renew_previews
from domain.access import Principal, Role
from domain.clock import SystemClock
from domain.errors import Unavailable
from domain.media import Capture, Detection, MediaStatus, Medium, name_preview, name_thumbnail
from domain.project import ProjectClass, ProjectKind
from ingestion.intake import accept_upload
from storage.database import Database
from storage.finding import list_findings
from storage.media import claim_media, find_media, ring_waiting_media
from storage.media_store import DiskMediaStore
from storage.project import put_project
from storage.token import create_token
from tests.pictures import make_jpeg
from vision.detector import Sight
from vision.picture import Picture

PERSON = Detection("person", 0.9, (100.0, 20.0, 200.0, 230.0))
BARE_HEAD = Detection("no_hardhat", 0.8, (130.0, 22.0, 170.0, 60.0))


class SeeingDetector:
    """A detector that sees the same in every picture, after doing what the test wants to happen meanwhile."""

    model_name = "test 1"
    model_hashes: ClassVar = {"test": "0" * 64}

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Remember what is to happen."""
        self._meanwhile = meanwhile

    def look(self, picture: Picture) -> Sight:
        """A person with a bare head."""
        assert picture.pixels.ndim == 3
        self._meanwhile()
        return Sight((PERSON, BARE_HEAD))


@pytest.fixture
def workplace(database: Database, tmp_path: Path) -> Workplace:
    """A worker's place with the seeing detector."""
    return Workplace(database, DiskMediaStore(tmp_path / "media"), SeeingDetector(), SystemClock(), lease_s=30)


def receive(workplace: Workplace, content: bytes) -> UUID:
    """A photo that was uploaded a moment ago."""
    staging = workplace.store.stage(max_bytes=10**7)
    staging.write(content)
    with workplace.database.transaction() as connection:
        token, _ = create_token(connection, role=Role.FIELD, area="a", project_id=None, person=None, name=None)
        project, _, _ = put_project(
            connection,
            project_id="p",
            name="p",
            kind=ProjectKind.ROAD,
            area="a",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code="x",
        )
        medium, _ = accept_upload(
            connection,
            store=workplace.store,
            staged=staging.finish(),
            capture=Capture(),
            given_capture=None,
            project=project,
            token_id=token.id,
            received_at=datetime.now(UTC),
        )
    return medium.id


def read(workplace: Workplace, media_id: UUID) -> tuple[Medium, list[str]]:
    """The medium as it stands, and the codes of its findings."""
    principal = Principal(uuid4(), Role.INSPECTOR, "/", None, None, None)
    with workplace.database.transaction() as connection:
        medium = find_media(connection, media_id=media_id)
        findings = list_findings(connection, principal=principal, after=None, limit=100, media_id=media_id)
    assert medium is not None
    return medium, [each.code for each in findings.items]


def read_previews(workplace: Workplace, media_id: UUID) -> dict[str, bytes]:
    """The four pictures that an analysis leaves, by name."""
    previews = {}
    for annotated in (False, True):
        for blurred in (False, True):
            name = name_preview(annotated=annotated, blurred=blurred)
            previews[name] = read_derived(workplace, media_id, name)
            assert previews[name].startswith(b"\xff\xd8\xff")
    return previews


def read_derived(workplace: Workplace, media_id: UUID, name: str) -> bytes:
    """A picture that an analysis left."""
    file = workplace.store.find_derived(media_id, name=name)
    assert file is not None, name
    with file:
        return file.read()


def let_claims_run_out(workplace: Workplace) -> None:
    """As if every worker had been dead for a while."""
    with workplace.database.transaction() as connection:
        connection.execute("UPDATE media SET claimed_until = now() - interval '1 second'")


def test_analyse_medium__waiting__is_analysed_with_its_finding_and_pictures(workplace: Workplace) -> None:
    """One call brings detections, a finding, and both previews."""
    media_id = receive(workplace, make_jpeg())
    assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED
    medium, codes = read(workplace, media_id)
    assert (medium.status, medium.model, medium.attempts) == (MediaStatus.ANALYSED, "test 1", 1)
    assert (medium.width_px, medium.height_px, len(medium.detections)) == (320, 240, 2)
    assert codes == ["safety.no_hardhat"]
    assert medium.model_hashes == {"test": "0" * 64}


def test_analyse_medium__previews__with_and_without_marks_and_heads_are_four_pictures(
    workplace: Workplace, repository: Path
) -> None:
    """The head that was seen is covered in two of them: there alone they differ from the others."""
    media_id = receive(workplace, (repository / "sample_media" / "road-no-hardhat.jpg").read_bytes())
    analyse_medium(workplace, media_id=media_id)
    previews = read_previews(workplace, media_id)
    assert len(set(previews.values())) == 4
    open_, covered = (
        np.asarray(Image.open(BytesIO(previews[name_preview(annotated=False, blurred=blurred)])), np.int64)
        for blurred in (False, True)
    )
    assert np.abs(open_ - covered).sum() > 0


def test_analyse_medium__thumbnail__is_the_covered_preview_made_small(workplace: Workplace, repository: Path) -> None:
    """480 px, nearer to the preview with covered heads than to the other, without metadata; made anew by itself."""
    media_id = receive(workplace, (repository / "sample_media" / "road-no-hardhat.jpg").read_bytes())
    analyse_medium(workplace, media_id=media_id)
    previews = read_previews(workplace, media_id)
    made = read_derived(workplace, media_id, name_thumbnail())
    small = Image.open(BytesIO(made))
    assert max(small.size) == 480
    assert len(small.getexif()) == 0

    def difference(name: str) -> float:
        reduced = Image.open(BytesIO(previews[name])).resize(small.size, Image.Resampling.BOX)
        return float(np.abs(np.asarray(reduced, np.int64) - np.asarray(small, np.int64)).sum())

    assert difference(name_preview(annotated=False, blurred=True)) < difference(
        name_preview(annotated=False, blurred=False)
    )
    workplace.store._derived_path(media_id, name_thumbnail()).unlink()  # type: ignore[attr-defined]
    assert renew_previews(workplace, media_id=media_id)
    assert read_derived(workplace, media_id, name_thumbnail()) == made


def test_renew_previews__made_before_there_was_a_blur__are_made_once_with_the_recorded_marks(
    workplace: Workplace,
) -> None:
    """The new ones are byte for byte what the analysis makes; who has them already, or waits, is left alone."""
    media_id, waiting = receive(workplace, make_jpeg()), receive(workplace, make_jpeg(colour=(1, 2, 3)))
    analyse_medium(workplace, media_id=media_id)
    made = read_previews(workplace, media_id)
    assert not renew_previews(workplace, media_id=media_id)
    assert not renew_previews(workplace, media_id=waiting)
    for name in made:
        workplace.store._derived_path(media_id, name).unlink()  # type: ignore[attr-defined]
    assert renew_previews(workplace, media_id=media_id)
    assert read_previews(workplace, media_id) == made


def test_renew_previews__of_a_clip__are_those_of_its_frame(workplace: Workplace, repository: Path) -> None:
    """A clip's preview is that of the frame in which its worst hazard shows best."""
    media_id = receive(workplace, (repository / "sample_media" / "road-clip.mp4").read_bytes())
    assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED
    made = read_previews(workplace, media_id)
    for name in made:
        workplace.store._derived_path(media_id, name).unlink()  # type: ignore[attr-defined]
    assert renew_previews(workplace, media_id=media_id)
    assert read_previews(workplace, media_id) == made


def test_analyse_medium__rung_for_twice__is_analysed_once(workplace: Workplace) -> None:
    """A second ring finds nothing waiting."""
    media_id = receive(workplace, make_jpeg())
    analyse_medium(workplace, media_id=media_id)
    assert analyse_medium(workplace, media_id=media_id) is Outcome.NOT_WAITING
    assert analyse_medium(workplace, media_id=uuid4()) is Outcome.NOT_WAITING
    assert read(workplace, media_id)[1] == ["safety.no_hardhat"]


def test_analyse_medium__held_by_another_worker__is_left_alone_until_the_claim_runs_out(workplace: Workplace) -> None:
    """Two workers never record the same medium; a dead one's is taken over."""
    media_id = receive(workplace, make_jpeg())
    with workplace.database.transaction() as connection:
        assert claim_media(connection, media_id=media_id, claim=uuid4(), lease_s=30) is not None
    assert analyse_medium(workplace, media_id=media_id) is Outcome.NOT_WAITING
    let_claims_run_out(workplace)
    assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED


def test_analyse_medium__taken_over_while_it_worked__records_nothing(workplace: Workplace) -> None:
    """A worker that was thought dead cannot write a second time."""
    media_id = receive(workplace, make_jpeg())

    def be_taken_over() -> None:
        let_claims_run_out(workplace)
        assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED

    slow = replace(workplace, detector=SeeingDetector(be_taken_over))
    assert analyse_medium(slow, media_id=media_id) is Outcome.CLAIM_LOST
    medium, codes = read(workplace, media_id)
    assert (medium.status, codes) == (MediaStatus.ANALYSED, ["safety.no_hardhat"])


def test_analyse_medium__done_once_or_tried_twice__is_in_the_log_once(workplace: Workplace) -> None:
    """What was seen, by which weights and what came of it; a second try, or a lost claim, leaves no entry."""
    media_id = receive(workplace, make_jpeg())

    def be_taken_over() -> None:
        let_claims_run_out(workplace)
        analyse_medium(workplace, media_id=media_id)

    slow = replace(workplace, detector=SeeingDetector(be_taken_over))
    for _ in range(2):
        analyse_medium(slow, media_id=media_id)
    with workplace.database.transaction() as connection:
        rows = connection.execute("SELECT kind, content FROM log_pending ORDER BY seq").fetchall()
    assert [row[0] for row in rows] == ["media.received", "finding.recorded", "media.analysed"]
    told = json.loads(rows[-1][1])
    assert [each["label"] for each in told["detections"]] == ["person", "no_hardhat"]
    assert (told["model"], told["model_hashes"], told["status"]) == ("test 1", {"test": "0" * 64}, "analysed")
    assert told["detections"][0]["box_xyxy_px"] == [100, 20, 200, 230]


def test_analyse_medium__store_out_of_reach__gives_the_claim_back(workplace: Workplace) -> None:
    """What is Unavailable is tried again later, by anybody."""
    media_id = receive(workplace, make_jpeg())

    def fail() -> None:
        raise Unavailable("the store does not answer")

    with pytest.raises(Unavailable):
        analyse_medium(replace(workplace, detector=SeeingDetector(fail)), media_id=media_id)
    assert read(workplace, media_id)[0].status is MediaStatus.RECEIVED
    assert analyse_medium(workplace, media_id=media_id) is Outcome.ANALYSED


def test_analyse_medium__undecodable__fails_with_a_finding(workplace: Workplace) -> None:
    """A photo whose pixels cannot be read is told to a person, not tried for ever."""
    whole = make_jpeg()
    start_of_scan = whole.index(b"\xff\xda")
    media_id = receive(workplace, whole[: start_of_scan + 2])
    assert analyse_medium(workplace, media_id=media_id) is Outcome.FAILED
    medium, codes = read(workplace, media_id)
    assert (medium.status, medium.failure) == (MediaStatus.FAILED, "vision.undecodable_picture")
    assert codes == ["evidence.not_analysable"]


def test_analyse_medium__that_killed_its_workers__is_given_up(workplace: Workplace) -> None:
    """After three dead workers a fourth is spared."""
    media_id = receive(workplace, make_jpeg())
    for _ in range(MAX_ATTEMPTS):
        with workplace.database.transaction() as connection:
            assert claim_media(connection, media_id=media_id, claim=uuid4(), lease_s=30) is not None
        let_claims_run_out(workplace)
    assert analyse_medium(workplace, media_id=media_id) is Outcome.FAILED
    medium, codes = read(workplace, media_id)
    assert (medium.failure, codes) == ("analysis.gave_up", ["evidence.not_analysable"])


def test_ring_waiting_media__lost_or_abandoned__are_rung_for_once_a_while(workplace: Workplace) -> None:
    """A sweep finds what nobody works on, and does not ring for it again at once."""
    lost, abandoned = receive(workplace, make_jpeg()), receive(workplace, make_jpeg(colour=(1, 2, 3)))
    done = receive(workplace, make_jpeg(colour=(9, 9, 9)))
    analyse_medium(workplace, media_id=done)
    with workplace.database.transaction() as connection:
        claim_media(connection, media_id=abandoned, claim=uuid4(), lease_s=30)
        connection.execute("UPDATE media SET rung_at = now() - interval '1 minute'")
    with workplace.database.transaction() as connection:
        assert ring_waiting_media(connection, rung_before_s=20, limit=10) == [lost]
    let_claims_run_out(workplace)
    with workplace.database.transaction() as connection:
        assert ring_waiting_media(connection, rung_before_s=20, limit=10) == [abandoned]
        assert ring_waiting_media(connection, rung_before_s=20, limit=10) == []
