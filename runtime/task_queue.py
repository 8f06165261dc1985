"""Celery: the doorbell. The row's state is the truth, so a lost message costs a few seconds and nothing else."""

import logging
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from celery import Celery
from kombu.exceptions import OperationalError

from runtime.settings import Settings

_LOG: Final = logging.getLogger(__name__)
ANALYSE: Final = "siteproof.analyse_medium"
SWEEP: Final = "siteproof.sweep"
RETAIN: Final = "siteproof.retain"
RECOMPUTE: Final = "siteproof.recompute"
REMIND: Final = "siteproof.remind"
REJUDGE: Final = "siteproof.rejudge"
LISTEN: Final = "siteproof.listen"
COMPARE: Final = "siteproof.compare"
PUBLISH_LOG: Final = "siteproof.publish_log"
SURVEY: Final = "siteproof.survey"
_SURVEY_EVERY_S: Final = 3600.0
SWEEP_UPLOADS: Final = "siteproof.sweep_uploads"
_LISTEN_EVERY_S: Final = 60.0
_COMPARE_EVERY_S: Final = 3600.0
_RETAIN_EVERY_S: Final = 3600.0
_SWEEP_UPLOADS_EVERY_S: Final = 600.0
_REMIND_EVERY_S: Final = 60.0
QUEUE: Final = "siteproof"


def make_queue(settings: Settings) -> Celery:
    """The Celery application on the broker of the settings, without tasks: enough to send and to receive."""
    app = Celery("siteproof", broker=settings.celery_broker_url or "filesystem://", set_as_current=False)
    app.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        # With RabbitMQ a killed worker's message comes back at once; with the others the sweep rings again.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=2,
        enable_utc=True,
        timezone="UTC",
        broker_transport_options=_make_transport_options(settings),
        beat_schedule={
            "sweep": {
                "task": SWEEP,
                "schedule": settings.sweep_every_s,
                # An older sweep says nothing that the next one does not.
                "options": {"expires": settings.sweep_every_s},
            },
            "recompute": {
                "task": RECOMPUTE,
                "schedule": settings.sweep_every_s,
                "options": {"expires": settings.sweep_every_s},
            },
            "rejudge": {
                "task": REJUDGE,
                "schedule": settings.sweep_every_s,
                "options": {"expires": settings.sweep_every_s},
            },
            "publish_log": {
                "task": PUBLISH_LOG,
                "schedule": settings.sweep_every_s,
                "options": {"expires": settings.sweep_every_s},
            },
            "listen": {"task": LISTEN, "schedule": _LISTEN_EVERY_S, "options": {"expires": _LISTEN_EVERY_S}},
            "compare": {"task": COMPARE, "schedule": _COMPARE_EVERY_S, "options": {"expires": _COMPARE_EVERY_S}},
            "retain": {"task": RETAIN, "schedule": _RETAIN_EVERY_S, "options": {"expires": _RETAIN_EVERY_S}},
            "survey": {"task": SURVEY, "schedule": _SURVEY_EVERY_S, "options": {"expires": _SURVEY_EVERY_S}},
            "sweep_uploads": {
                "task": SWEEP_UPLOADS,
                "schedule": _SWEEP_UPLOADS_EVERY_S,
                "options": {"expires": _SWEEP_UPLOADS_EVERY_S},
            },
            "remind": {"task": REMIND, "schedule": _REMIND_EVERY_S, "options": {"expires": _REMIND_EVERY_S}},
        },
    )
    return app


class Doorbell:
    """Tells a worker that a medium waits."""

    def __init__(self, app: Celery) -> None:
        """Ring through this application's broker."""
        self._app = app

    def ring(self, media_id: UUID) -> None:
        """Ring once; a broker that does not answer is logged and otherwise ignored, because a sweep rings again."""
        try:
            self._app.send_task(ANALYSE, kwargs={"media_id": str(media_id)}, retry=False)
        except (OperationalError, OSError) as error:
            _LOG.warning("the broker does not answer, a sweep will ring for %s: %s", media_id, error)


def _make_transport_options(settings: Settings) -> dict[str, Any]:
    if settings.celery_broker_url:
        return {}
    folder: Path = settings.home / "queue"
    messages, control = folder / "messages", folder / "control"
    for each in (messages, control):
        each.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": 0.1,
    }
