"""The worker judges by the project's rules and cameras, and tells a thing once within its cooldown."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from analysis.medium_analysis import Outcome, Workplace, analyse_medium
from domain.access import Principal, Role
from domain.camera import ExclusionZone
from domain.clock import SystemClock
from domain.finding import Finding
from domain.media import Capture, Detection
from domain.project import Project, ProjectClass, ProjectKind
from ingestion.intake import accept_upload
from storage.camera import put_camera
from storage.database import Database
from storage.finding import list_findings
from storage.hazard_rules import insert_hazard_rules
from storage.media_store import DiskMediaStore
from storage.project import put_project
from storage.token import create_token
from tests.pictures import make_jpeg
from vision.detector import Sight
from vision.picture import Picture

PERSON = Detection("person", 0.9, (100.0, 60.0, 160.0, 210.0))
BARE_HEAD = Detection("no_hardhat", 0.8, (118.0, 62.0, 142.0, 86.0))
SECOND = Detection("person", 0.9, (200.0, 60.0, 260.0, 210.0))
SECOND_HEAD = Detection("no_hardhat", 0.7, (218.0, 62.0, 242.0, 86.0))
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai


class ScriptedDetector:
    """A detector that sees what the test says."""

    model_name = "scripted 1"
    model_hashes: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        """See one person with a bare head until told otherwise."""
        self.seen: Sequence[Detection] = (PERSON, BARE_HEAD)

    def look(self, picture: Picture) -> Sight:
        """What was said."""
        assert picture.width_px == 320
        return Sight(tuple(self.seen))


class Site:
    """A project with a worker, photos sent to it and analysed one by one."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Create the project."""
        self.database = database
        self.detector = ScriptedDetector()
        self.workplace = Workplace(database, DiskMediaStore(folder), self.detector, SystemClock())
        self._shots = 0
        with database.transaction() as connection:
            self._token, _ = create_token(
                connection, role=Role.FIELD, area="a", project_id=None, person=None, name=None
            )
            self.project, _, _ = _put_project(connection)

    def change_rules(self, **given: dict[str, Any]) -> None:
        """Set the project's rules."""
        with self.database.transaction() as connection:
            insert_hazard_rules(connection, project_id="p", given=given, set_at=NOON, set_by="test")

    def shoot(
        self, *seen: Detection, after_s: float = 0, camera: str | None = "c1", sender_says: bool = True
    ) -> list[Finding]:
        """Send a photo of NOON + `after_s` [s] and analyse it; the safety findings of the project after that.

        The time is the sender's word, or where it is silent that of the camera's own clock, in the EXIF.
        """
        self._shots += 1
        self.detector.seen = seen
        staging = self.workplace.store.stage(max_bytes=10**7)
        taken_at = NOON + timedelta(seconds=after_s)
        local = None if sender_says else taken_at.astimezone(ZoneInfo("Asia/Shanghai"))
        staging.write(make_jpeg(colour=(30 * self._shots, 7, 7), taken_local=local))
        given = json.dumps({"taken_at": taken_at.isoformat()}).encode() if sender_says else None
        with self.database.transaction() as connection:
            medium, _ = accept_upload(
                connection,
                store=self.workplace.store,
                staged=staging.finish(),
                capture=Capture(taken_at=taken_at if sender_says else None, camera_id=camera),
                given_capture=given,
                project=self.project,
                token_id=self._token.id,
                received_at=NOON + timedelta(days=1),
            )
        assert analyse_medium(self.workplace, media_id=medium.id) is Outcome.ANALYSED
        return self.list_findings()

    def list_findings(self) -> list[Finding]:
        """The project's safety findings, oldest first."""
        principal = Principal(uuid4(), Role.INSPECTOR, "/", None, None, None)
        with self.database.transaction() as connection:
            page = list_findings(connection, principal=principal, after=None, limit=100)
        return [each for each in page.items if each.code.startswith("safety.")]


def _put_project(connection: Any) -> tuple[Project, bool, bool]:  # noqa: ANN401 - storage's connection
    return put_project(
        connection,
        project_id="p",
        name="p",
        kind=ProjectKind.BRIDGE,
        area="a",
        contractor=None,
        starts_on=None,
        ends_on=None,
        time_zone="Asia/Shanghai",
        position=None,
        project_class=ProjectClass.B,
        public_code="x",
    )


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    """A fresh site."""
    return Site(database, tmp_path / "media")


def test_rules__changed_by_the_project__are_what_the_worker_judges_by(site: Site) -> None:
    """Another severity, and the version that says so; then the rule is off."""
    site.change_rules(no_hardhat={"severity": "critical", "cooldown_s": 0})
    (finding,) = site.shoot(PERSON, BARE_HEAD)
    assert finding.severity == "critical"
    assert (finding.details["rule"], finding.details["rule_version"]) == ("no_hardhat", "1+1")
    assert finding.details["figures"]["cooldown_s"] == 0
    site.change_rules(no_hardhat={"enabled": False})
    assert len(site.shoot(PERSON, BARE_HEAD)) == 1


def test_rules__that_do_not_fit_this_release__leave_the_files_in_force(site: Site) -> None:
    """A field that a later file dropped must not keep a project's photos from being judged."""
    site.change_rules(no_hardhat={"dropped_later": 1})
    (finding,) = site.shoot(PERSON, BARE_HEAD)
    assert finding.details["rule_version"] == "1"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([0, 20, 40, 599], [0]),
        ([0, 600], [0, 600]),
        # The file's cooldown of 600 s is what counts, wherever a window of time happens to end.
        ([300, 350, 650, 899], [300]),
        ([300, 650, 900], [300, 900]),
        # Photos that come late: the older one is as near as the newer.
        ([600, 100, 0], [600, 0]),
    ],
)
def test_cooldown__of_one_camera__tells_the_same_once(site: Site, seconds: list[int], told: list[int]) -> None:
    """Not one finding a photo, and none within the cooldown of another."""
    for after_s in seconds:
        site.shoot(PERSON, BARE_HEAD, after_s=after_s)
    assert [(each.occurred_at - NOON).total_seconds() for each in site.list_findings()] == told


def test_cooldown__second_person__is_another_finding(site: Site) -> None:
    """As many findings as people are seen at once, whoever they are."""
    assert len(site.shoot(PERSON, BARE_HEAD)) == 1
    assert len(site.shoot(PERSON, BARE_HEAD, SECOND, SECOND_HEAD, after_s=20)) == 2
    assert len(site.shoot(PERSON, BARE_HEAD, SECOND, SECOND_HEAD, after_s=40)) == 2


def test_cooldown__other_camera_and_phone__tell_on_their_own(site: Site) -> None:
    """Another camera's view and a phone's photos are other evidence."""
    assert len(site.shoot(PERSON, BARE_HEAD, camera="c1")) == 1
    assert len(site.shoot(PERSON, BARE_HEAD, camera="c2")) == 2
    assert len(site.shoot(PERSON, BARE_HEAD, camera=None)) == 3
    assert len(site.shoot(PERSON, BARE_HEAD, camera=None)) == 4


def test_zone__drawn_on_the_camera__is_told_by_the_zones_name(site: Site) -> None:
    """The feet at (130, 210) of 320 x 240 are at (0.41, 0.875), inside; another camera has no zones."""
    zone = ExclusionZone("pit", "基坑", ((0.2, 0.5), (0.6, 0.5), (0.6, 1.0), (0.2, 1.0)))
    with site.database.transaction() as connection:
        put_camera(
            connection, project_id="p", camera_id="c1", name="g", zones=(zone,), ground_points=(), clock_skew_s=0
        )
    assert site.shoot(PERSON, camera="c2") == []
    (finding,) = site.shoot(PERSON, camera="c1", after_s=5)
    assert (finding.code, finding.title["zh"]) == ("safety.exclusion_zone", "有人进入禁入区“基坑”")
    assert (finding.details["camera_id"], finding.details["camera_version"]) == ("c1", 1)


def test_lone_worker__over_a_cameras_photos__is_told_when_it_has_lasted(site: Site) -> None:
    """Alone in photos five minutes apart: the one at 15 minutes tells it, the ones before do not."""
    for minutes in (0, 5, 10):
        assert site.shoot(PERSON, after_s=60 * minutes) == []
    (finding,) = site.shoot(PERSON, after_s=900)
    assert (finding.code, finding.details["lasts_s"]) == ("safety.lone_worker", 900)
    assert len(site.shoot(PERSON, after_s=1200)) == 1


def test_working_hours__in_the_projects_time_zone(site: Site) -> None:
    """NOON is 04:00 in UTC and 12:00 in Shanghai: hours until 11:59 leave it out, until 12:01 do not."""
    site.change_rules(no_hardhat={"working_hours": {"start": "06:00", "end": "11:59"}})
    assert site.shoot(PERSON, BARE_HEAD) == []
    site.change_rules(no_hardhat={"working_hours": {"start": "06:00", "end": "12:01"}})
    assert len(site.shoot(PERSON, BARE_HEAD)) == 1


def test_clock_skew__is_taken_off_the_cameras_own_clock_alone(site: Site) -> None:
    """A clock that is an hour ahead writes 13:00 at NOON; where the sender gives the time, that is it."""
    with site.database.transaction() as connection:
        put_camera(connection, project_id="p", camera_id="c1", name="g", zones=(), ground_points=(), clock_skew_s=3600)
    (by_clock,) = site.shoot(PERSON, BARE_HEAD, after_s=3600, sender_says=False)
    assert by_clock.occurred_at == NOON
    by_sender = site.shoot(PERSON, BARE_HEAD, after_s=7200)[-1]
    assert by_sender.occurred_at == NOON + timedelta(hours=2)
