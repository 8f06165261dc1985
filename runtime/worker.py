"""`siteproof worker` and `siteproof beat`: Celery around the analysis."""

import logging
import os
from collections.abc import Callable
from functools import cache
from typing import Any, Final
from uuid import UUID

from celery import Celery

from analysis.late_measuring import measure_late
from analysis.medium_analysis import Outcome, Workplace, analyse_medium
from analysis.preview import renew_previews
from domain.clock import SystemClock
from domain.errors import SiteproofError, Unavailable
from findings.camera_health import sweep_silent_cameras
from findings.conformance import survey_milestones
from findings.reminder import remind
from ingestion.upload_sweep import sweep_uploads
from iot.gauge_sweep import sweep_drift, sweep_silence
from iot.recomputation import recompute_waiting
from iot.rejudgement import rejudge_waiting
from runtime.assembly import make_log_keeper, make_media_store
from runtime.detectors import load_detectors
from runtime.settings import Settings
from runtime.task_queue import (
    ANALYSE,
    COMPARE,
    LISTEN,
    PUBLISH_LOG,
    RECOMPUTE,
    REJUDGE,
    REMIND,
    RETAIN,
    SURVEY,
    SWEEP,
    SWEEP_UPLOADS,
    Doorbell,
    make_queue,
)
from storage.database import Database
from storage.media import ring_waiting_media
from storage.partial_folder import PartialFolder
from storage.reading import drop_expired_readings
from vision.hazard_rules import load_hazard_rules

_LOG: Final = logging.getLogger(__name__)
_SWEEP_LIMIT: Final = 1000
_RETRY_AFTER_S: Final = 5
_RECOMPUTE_PAGES: Final = 20  # of 5,000 readings, some ten seconds; photos wait no longer behind them
_REMIND_LIMIT: Final = 500
_SURVEY_LIMIT: Final = 500
_REJUDGE_PAGES: Final = 20  # of 10,000 readings, some ten seconds
_MAX_MEMORY_KB: Final = 1_500_000  # a leak in a decoder ends with its process, not with the machine


def run_worker(settings: Settings, *, database_url: str) -> None:
    """Analyse what waits, until a signal ends it."""
    app = make_queue(settings)
    register_tasks(app, settings, database_url=database_url)
    app.worker_main(
        [
            "worker",
            "--loglevel=INFO",
            f"--concurrency={settings.worker_processes}",
            f"--max-memory-per-child={_MAX_MEMORY_KB}",
            f"--hostname=siteproof-{os.getpid()}@%h",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


def run_beat(settings: Settings) -> None:
    """Ring for the sweep, until a signal ends it."""
    app = make_queue(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    app.Beat(loglevel="INFO", schedule=str(settings.home / "beat-schedule"), quiet=True, socket_timeout=30).run()


def register_tasks(app: Celery, settings: Settings, *, database_url: str) -> None:
    """Let the application do its tasks. Each process loads database and weights when its first task comes."""

    @cache
    def get_workplace() -> Workplace:
        return make_workplace(settings, Database(database_url, max_connections=3))

    def analyse(task: Any, *, media_id: str) -> str:  # noqa: ANN401 - Celery's bound task
        try:
            return _analyse(get_workplace(), UUID(media_id)).value
        except Unavailable as error:
            # Nothing else is retried: what is not Unavailable would fail the same way again.
            raise task.retry(exc=error, countdown=_RETRY_AFTER_S, max_retries=None) from error

    def sweep() -> int:
        with get_workplace().database.transaction() as connection:
            waiting = ring_waiting_media(connection, rung_before_s=settings.ring_again_s, limit=_SWEEP_LIMIT)
        doorbell = Doorbell(app)
        for media_id in waiting:
            doorbell.ring(media_id)
        if waiting:
            _LOG.info("rang again for %d media", len(waiting))
        return len(waiting)

    app.task(analyse, name=ANALYSE, bind=True)

    def retain() -> int:
        with get_workplace().database.transaction() as connection:
            return drop_expired_readings(connection)

    def recompute() -> int:
        return recompute_waiting(get_workplace().database, max_pages=_RECOMPUTE_PAGES)

    app.task(sweep, name=SWEEP)
    app.task(recompute, name=RECOMPUTE)
    app.task(retain, name=RETAIN)
    _register_milestone_tasks(app, get_workplace)
    _register_alarm_tasks(app, get_workplace)
    _register_log_task(app, settings, get_workplace)
    _register_upload_sweep(app, get_workplace)


def _register_milestone_tasks(app: Celery, get_workplace: Callable[[], Workplace]) -> None:
    def remind_all() -> int:
        workplace = get_workplace()
        with workplace.database.transaction() as connection:
            return remind(connection, now=workplace.clock.now(), limit=_REMIND_LIMIT)

    def survey() -> int:
        workplace = get_workplace()
        with workplace.database.transaction() as connection:
            return survey_milestones(connection, now=workplace.clock.now(), limit=_SURVEY_LIMIT)

    app.task(remind_all, name=REMIND)
    app.task(survey, name=SURVEY)


def _register_alarm_tasks(app: Celery, get_workplace: Callable[[], Workplace]) -> None:
    def rejudge() -> int:
        return rejudge_waiting(get_workplace().database, max_pages=_REJUDGE_PAGES)

    def listen() -> int:
        workplace = get_workplace()
        now = workplace.clock.now()
        return sweep_silence(workplace.database, now=now) + sweep_silent_cameras(workplace.database, now=now)

    def compare() -> int:
        workplace = get_workplace()
        return sweep_drift(workplace.database, now=workplace.clock.now())

    app.task(rejudge, name=REJUDGE)
    app.task(listen, name=LISTEN)
    app.task(compare, name=COMPARE)


def _register_log_task(app: Celery, settings: Settings, get_workplace: Callable[[], Workplace]) -> None:
    told = ""

    def publish_log() -> None:
        nonlocal told
        try:
            make_log_keeper(settings, get_workplace().database).publish()
            told = ""
        except SiteproofError as error:
            # Once a cause, for it is tried every few seconds.
            if told != error.code:
                _LOG.error("the evidence log is not signed: %s [%s]", error.detail, error.code)
            told = error.code

    app.task(publish_log, name=PUBLISH_LOG)


def _register_upload_sweep(app: Celery, get_workplace: Callable[[], Workplace]) -> None:
    def sweep_partial() -> int:
        workplace = get_workplace()
        folder = PartialFolder(workplace.store.partial_folder)
        return sweep_uploads(workplace.database, folder, now=workplace.clock.now())

    app.task(sweep_partial, name=SWEEP_UPLOADS)


def _analyse(workplace: Workplace, media_id: UUID) -> Outcome:
    outcome = analyse_medium(workplace, media_id=media_id)
    if outcome is Outcome.NOT_WAITING:
        # It may be rung for because somebody misses its preview.
        renew_previews(workplace, media_id=media_id)
        # Or because its milestone wants something measured that it did not want when the photo came.
        measure_late(workplace, media_id=media_id)
    return outcome


def make_workplace(settings: Settings, database: Database) -> Workplace:
    """What a worker works with; loads the weights.

    Raises:
        WeightsMissing: they are not there.
        WeightsMismatch: they are not the manifest's.
        UnreadableHazardRules: the rules' file is not there, or is not YAML.
        MalformedHazardRules: a rule in it is missing, unknown or senseless.
    """
    return Workplace(
        database=database,
        store=make_media_store(settings),
        detector=load_detectors(settings),
        clock=SystemClock(),
        lease_s=settings.lease_s,
        rules=load_hazard_rules(settings.hazard_rules),
    )
