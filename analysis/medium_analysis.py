"""One medium's analysis from claim to findings: exactly once, whatever dies in between."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from analysis.examination import Examination, examine
from analysis.hazard_finding import HazardFinding, drop_told, make_hazard_findings
from analysis.near_reuse import PLAIN, check_near_reuse
from analysis.scene import Circumstances, gather_circumstances
from domain.clock import Clock
from domain.errors import SiteproofError, Unavailable
from domain.evidence import Check, CheckName, Verdict, grade_checks
from domain.finding import Severity
from domain.media import Medium
from domain.project import Project
from findings.camera_health import judge_camera_picture
from findings.conformance import update_conformance
from findings.project_event import tell_media
from findings.recording import record_findings
from ingestion.evidence_finding import EvidenceFinding
from ingestion.intake import make_evidence_finding
from ingestion.thumbnail_check import check_thumbnail, list_thumbnail_findings
from storage.database import Connection, Database
from storage.media import claim_media, fail_media, find_media, finish_media, release_media, renew_claim
from storage.media_store import MediaStore
from storage.project import find_project
from vision.detector import Detector
from vision.hazard_rules import HazardRules, load_default_rules

_LOG: Final = logging.getLogger(__name__)
MAX_ATTEMPTS: Final = 3  # a photo that killed three workers would kill a fourth
DEFAULT_LEASE_S: Final = 15.0
_TRUNCATED: Final = EvidenceFinding(
    "evidence.truncated",
    Severity.MINOR,
    {"zh": "照片文件不完整，只判读了已有部分。", "en": "The photo's file ends early; only what is there was judged."},
)
_NOT_ANALYSABLE: Final = EvidenceFinding(
    "evidence.not_analysable",
    Severity.MINOR,
    {"zh": "照片或视频无法判读，请人工查看原件。", "en": "The photo or clip cannot be judged; look at the original."},
)


class Outcome(StrEnum):
    """What became of a call to `analyse_medium`."""

    ANALYSED = "analysed"
    FAILED = "failed"
    NOT_WAITING = "not_waiting"
    CLAIM_LOST = "claim_lost"


@dataclass(frozen=True, slots=True)
class Workplace:
    """What an analysis works with.

    Attributes:
        lease_s: how long a claim lasts without being renewed; a dead worker's medium is free after that. [s]
        rules: the hazard rules on which a project's changes are laid.
    """

    database: Database
    store: MediaStore
    detector: Detector
    clock: Clock
    lease_s: float = DEFAULT_LEASE_S
    rules: HazardRules = field(default_factory=load_default_rules)


def analyse_medium(workplace: Workplace, *, media_id: UUID) -> Outcome:
    """Analyse a medium that waits; nothing happens where it is done, or another worker holds it.

    Raises:
        Unavailable: the database or the store does not answer; the claim is given back where that is possible.
    """
    claim = uuid4()
    with workplace.database.transaction() as connection:
        medium = claim_media(connection, media_id=media_id, claim=claim, lease_s=workplace.lease_s)
    if medium is None:
        return Outcome.NOT_WAITING
    if medium.attempts > MAX_ATTEMPTS:
        return _give_up(workplace, medium, claim, code="analysis.gave_up")
    try:
        with _keep_claim(workplace, media_id=media_id, claim=claim):
            path = workplace.store.local_path(medium.sha256)
            circumstances = _ask_circumstances(workplace, medium)
            seen = examine(
                path,
                media_format=medium.format,
                detector=workplace.detector,
                in_force=circumstances.in_force,
                scene=circumstances.scene,
                wanted=circumstances.wanted,
            )
            # Before the row, so that an analysed medium always has its previews; a lost claim leaves the same bytes.
            for name, content in seen.previews.items():
                workplace.store.put_derived(medium.id, name=name, content=content)
            judged = _judge_again(workplace, medium, path, claim=claim, seen=seen)
    except Unavailable:
        _release(workplace, media_id=media_id, claim=claim)
        raise
    except SiteproofError as error:
        _LOG.info("%s cannot be analysed: %s", media_id, error.detail)
        return _give_up(workplace, medium, claim, code=error.code)
    hazards = make_hazard_findings(seen.hazards, medium=medium, taken_at=circumstances.scene.taken_at)
    return _record(workplace, medium, claim, seen, judged, hazards, circumstances.scene.taken_at)


def _ask_circumstances(workplace: Workplace, medium: Medium) -> Circumstances:
    with workplace.database.transaction() as connection:
        project = _get_project(connection, medium)
        return gather_circumstances(connection, medium=medium, project=project, rules=workplace.rules)


def _record(
    workplace: Workplace,
    medium: Medium,
    claim: UUID,
    seen: Examination,
    judged: tuple[tuple[Check, ...], tuple[EvidenceFinding, ...]],
    hazards: list[HazardFinding],
    taken_at: datetime | None,
) -> Outcome:
    checks, evidence_findings = judged
    evidence = grade_checks(list(checks))
    with workplace.database.transaction() as connection:
        if not finish_media(
            connection,
            media_id=medium.id,
            claim=claim,
            detections=seen.detections,
            model=workplace.detector.model_name,
            model_hashes=workplace.detector.model_hashes,
            width_px=seen.width_px,
            height_px=seen.height_px,
            checks=checks,
            grade=evidence.grade,
            grade_reasons=evidence.reasons,
            measurements=seen.measurements,
        ):
            return Outcome.CLAIM_LOST
        project = _get_project(connection, medium)
        if seen.look is not None:
            at = taken_at or medium.received_at
            judge_camera_picture(connection, project=project, medium=medium, look=seen.look, at=at)
        findings = drop_told(connection, hazards, medium=medium)
        told = (*evidence_findings, *((_TRUNCATED,) if seen.truncated else ()))
        findings += [make_evidence_finding(each, medium=medium) for each in told]
        record_findings(connection, findings)
        analysed = find_media(connection, media_id=medium.id)
        if analysed is None:
            raise RuntimeError("a medium that was just finished is not there")
        now = workplace.clock.now()
        tell_media(connection, project, analysed, event="analysed", now=now)
        if medium.milestone_id is not None:
            update_conformance(
                connection, project=project, milestone_id=medium.milestone_id, now=now, media_id=medium.id
            )
    return Outcome.ANALYSED


def _get_project(connection: Connection, medium: Medium) -> Project:
    project = find_project(connection, project_id=medium.project_id)
    if project is None:
        # Not one of our errors: those are caught, and would be told of the medium.
        raise RuntimeError("a medium without its project")
    return project


def _judge_again(
    workplace: Workplace, medium: Medium, path: Path, *, claim: UUID, seen: Examination
) -> tuple[tuple[Check, ...], tuple[EvidenceFinding, ...]]:
    """The checks of intake with what only the pixels tell, and what that adds to the findings."""
    if medium.format.is_clip:
        return medium.checks, ()
    thumbnail = check_thumbnail(path, medium.format)
    reuse, findings = _judge_reuse(workplace, medium, claim, seen)
    replaced = {CheckName.EDITING: thumbnail, CheckName.REUSE: reuse}
    checks = tuple(
        (replaced.get(each.check) or each) if each.verdict not in {Verdict.WARN, Verdict.FAIL} else each
        for each in medium.checks
    )
    return checks, (*findings, *list_thumbnail_findings(thumbnail))


def _judge_reuse(
    workplace: Workplace, medium: Medium, claim: UUID, seen: Examination
) -> tuple[Check | None, tuple[EvidenceFinding, ...]]:
    with workplace.database.transaction() as connection:
        project = _get_project(connection, medium)
    reuse, findings = check_near_reuse(
        workplace.database,
        workplace.store,
        medium=medium,
        project=project,
        claim=claim,
        preview=seen.previews[PLAIN],
    )
    is_told = any(each.check is CheckName.REUSE and each.verdict is Verdict.FAIL for each in medium.checks)
    return (None, ()) if is_told else (reuse, findings)


def _give_up(workplace: Workplace, medium: Medium, claim: UUID, *, code: str) -> Outcome:
    with workplace.database.transaction() as connection:
        if not fail_media(connection, media_id=medium.id, claim=claim, failure=code):
            return Outcome.CLAIM_LOST
        record_findings(connection, [make_evidence_finding(_NOT_ANALYSABLE, medium=medium)])
        failed = find_media(connection, media_id=medium.id)
        project = find_project(connection, project_id=medium.project_id)
        if failed is not None and project is not None:
            tell_media(connection, project, failed, event="failed", now=workplace.clock.now())
    return Outcome.FAILED


def _release(workplace: Workplace, *, media_id: UUID, claim: UUID) -> None:
    try:
        with workplace.database.transaction() as connection:
            release_media(connection, media_id=media_id, claim=claim)
    except Unavailable:
        _LOG.info("the claim on %s could not be given back; it runs out by itself", media_id)


@contextmanager
def _keep_claim(workplace: Workplace, *, media_id: UUID, claim: UUID) -> Iterator[None]:
    """Renew the claim from a thread while the block runs, so that a long clip is not taken for a dead worker's."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(workplace.lease_s / 3):
            try:
                with workplace.database.transaction() as connection:
                    if not renew_claim(connection, media_id=media_id, claim=claim, lease_s=workplace.lease_s):
                        return
            except Unavailable:
                _LOG.info("the claim on %s could not be renewed just now", media_id)

    thread = threading.Thread(target=renew, name="keep-claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
