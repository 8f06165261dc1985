"""Fixed cameras that go dark, freeze and fall silent, from upload to finding and back."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from analysis.medium_analysis import Outcome, Workplace, analyse_medium
from domain.access import Principal, Role
from domain.clock import SystemClock
from domain.finding import Finding, FindingStatus
from domain.media import Capture
from domain.project import Project, ProjectClass, ProjectKind
from findings.camera_health import sweep_silent_cameras
from ingestion.intake import accept_upload
from storage.camera import put_camera
from storage.camera_health import put_camera_report
from storage.database import Database
from storage.finding import list_findings
from storage.media_store import DiskMediaStore
from storage.project import put_project
from storage.token import create_token
from vision.detector import Sight
from vision.picture import Picture

# Today, because what is older than a day has its own findings; 12:00 in Shanghai, or a time before now as far away.
_NOON = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0) - timedelta(days=1)


class _Blind:
    """Sees nothing."""

    model_name = "test 1"
    model_hashes: ClassVar = {"test": "0" * 64}

    def look(self, picture: Picture) -> Sight:  # noqa: ARG002 - the port's
        """Nothing."""
        return Sight(())


class Site:
    """A project with one camera, and what it sends."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Register everything."""
        self.workplace = Workplace(database, DiskMediaStore(folder / "media"), _Blind(), SystemClock(), lease_s=30)
        with database.transaction() as connection:
            token, _ = create_token(connection, role=Role.FIELD, area="a", project_id=None, person=None, name=None)
            self.token_id = token.id
            self.project: Project = put_project(
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
            )[0]

    def send(self, grey: int, *, seed: int, at: datetime) -> None:
        """A photo of the camera `gate`, analysed if its bytes are new."""
        noise = np.random.default_rng(seed).integers(0, 8, (240, 320), np.uint8)
        file = BytesIO()
        Image.fromarray(noise + np.uint8(grey)).convert("RGB").save(file, "JPEG", quality=95)
        staging = self.workplace.store.stage(max_bytes=10**7)
        staging.write(file.getvalue())
        with self.workplace.database.transaction() as connection:
            medium, created = accept_upload(
                connection,
                store=self.workplace.store,
                staged=staging.finish(),
                capture=Capture(client_id=uuid4(), camera_id="gate", taken_at=at),
                given_capture=b'{"taken_at": "given"}',
                project=self.project,
                token_id=self.token_id,
                received_at=at + timedelta(seconds=5),
            )
        if created:
            assert analyse_medium(self.workplace, media_id=medium.id) is Outcome.ANALYSED

    def list_camera_findings(self) -> list[Finding]:
        """Those about the camera itself."""
        principal = Principal(uuid4(), Role.INSPECTOR, "/", None, None, None)
        with self.workplace.database.transaction() as connection:
            page = list_findings(connection, principal=principal, after=None, limit=100)
        return [each for each in page.items if each.code.startswith("camera.")]


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    """A project with one camera."""
    return Site(database, tmp_path)


def _minutes(count: float) -> datetime:
    return _NOON + timedelta(minutes=count)


def test_camera__dark_by_day__is_one_finding_resolved_when_it_sees_again(site: Site) -> None:
    """Four dark pictures at noon are one episode; the light that follows resolves it, the next dark is another."""
    for minute, grey in enumerate([100, 2, 2, 2, 2]):
        site.send(grey, seed=minute, at=_minutes(minute))
    (finding,) = site.list_camera_findings()
    assert (finding.kind, finding.code, finding.status) == ("evidence", "camera.dark", FindingStatus.OPEN)
    assert finding.occurred_at == _minutes(1)
    assert set(finding.title) == {"zh", "en"}
    site.send(100, seed=9, at=_minutes(9))
    (finding,) = site.list_camera_findings()
    assert finding.status is FindingStatus.RESOLVED
    assert finding.details["resolution"]["reason"] == "recovered"
    for minute in (10, 11):
        site.send(2, seed=minute, at=_minutes(minute))
    assert [each.status for each in site.list_camera_findings()] == [FindingStatus.RESOLVED, FindingStatus.OPEN]


def test_camera__dark_at_night__is_no_finding(site: Site) -> None:
    """At 22:00 of the project's day, ten hours after noon."""
    for minute in range(30):
        site.send(2, seed=minute, at=_minutes(600 + minute))
    assert site.list_camera_findings() == []


def test_camera__sends_the_same_file__is_frozen(site: Site) -> None:
    """The same bytes make no new medium, and are told all the same after ten minutes; a live picture resolves it."""
    for minute in (0, 4, 8, 12):
        site.send(100, seed=1, at=_minutes(minute))
    (finding,) = site.list_camera_findings()
    assert (finding.code, finding.status, finding.occurred_at) == ("camera.frozen", FindingStatus.OPEN, _minutes(0))
    site.send(100, seed=2, at=_minutes(16))
    assert [each.status for each in site.list_camera_findings()] == [FindingStatus.RESOLVED]


def test_camera__live__is_no_finding(site: Site) -> None:
    """A scene in which nothing moves, with a sensor's noise, for an hour."""
    for minute in range(0, 60, 5):
        site.send(100, seed=minute, at=_minutes(minute))
    assert site.list_camera_findings() == []


def test_camera__silent__is_one_finding_resolved_when_it_sends(site: Site) -> None:
    """Registered with ten minutes of patience: silent after that, once; the next photo ends it."""
    database = site.workplace.database
    with database.transaction() as connection:
        put_camera(
            connection,
            project_id="p",
            camera_id="gate",
            name="gate",
            zones=(),
            ground_points=(),
            clock_skew_s=0,
            silent_after_s=600,
        )
    site.send(100, seed=0, at=_minutes(0))
    assert sweep_silent_cameras(database, now=_minutes(10)) == 0
    assert sweep_silent_cameras(database, now=_minutes(11)) == 1
    assert sweep_silent_cameras(database, now=_minutes(30)) == 0
    (finding,) = site.list_camera_findings()
    assert (finding.code, finding.occurred_at) == ("camera.silent", _minutes(0) + timedelta(seconds=5))
    site.send(100, seed=1, at=_minutes(31))
    assert sweep_silent_cameras(database, now=_minutes(32)) == 1
    assert [each.status for each in site.list_camera_findings()] == [FindingStatus.RESOLVED]


def test_camera__that_its_sender_cannot_reach__is_silent_until_the_sender_takes_it_back(site: Site) -> None:
    """Photos that waited do not end it, for they were taken before."""
    database = site.workplace.database

    def report(minute: float, *, is_unreachable: bool) -> None:
        with database.transaction() as connection:
            put_camera_report(
                connection,
                project_id="p",
                camera_id="gate",
                at=_minutes(minute),
                due_at=_minutes(minute + 5),
                is_unreachable=is_unreachable,
                clock_skew_s=None,
            )

    report(0, is_unreachable=False)
    assert sweep_silent_cameras(database, now=_minutes(1)) == 0
    report(2, is_unreachable=True)
    assert sweep_silent_cameras(database, now=_minutes(2)) == 1
    site.send(100, seed=1, at=_minutes(3))
    assert sweep_silent_cameras(database, now=_minutes(3)) == 0
    report(4, is_unreachable=False)
    assert sweep_silent_cameras(database, now=_minutes(4)) == 1
    assert [each.status for each in site.list_camera_findings()] == [FindingStatus.RESOLVED]
    # And it promised to be heard of until minute 9.
    assert sweep_silent_cameras(database, now=_minutes(8.9)) == 0
    assert sweep_silent_cameras(database, now=_minutes(9.1)) == 1
