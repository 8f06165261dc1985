"""What the routes work with, handed in by `runtime`: plain values and ports, no settings of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import Depends, Request

from api.throttle import Throttle
from domain.clock import Clock
from domain.webhook import Network
from findings.evidence_log import LogPublisher
from storage.database import Database
from storage.media_store import MediaStore
from vision.hazard_rules import HazardRules
from vision.weights import ModelManifest

DEFAULT_MAX_UPLOAD_BYTES: Final = 512 * 1024 * 1024  # a clip of 10 minutes at the rate of an ordinary phone (7 Mbit/s)

MAX_STREAMS: Final = 100  # at once, of one web process; each costs a look at the events every second


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a request may use.

    Attributes:
        ring: tells a worker that a medium waits; may fail silently, for the row is the truth and a sweep rings again.
        evidence_log: its head and its signature.
        max_upload_bytes: limit of one file. [B]
        pages: the folder of the built pages.
        hazard_rules: on which a project's changes are laid.
        models: the models that look at media, by their manifests: the shipped one first.
        is_stopping: whether the process was told to end, so that who waits is sent away.
        stream_lifetime_s: after which a follower of events has to come again. [s]
        stream_slots: places for followers of events.
        webhook_networks: not public, and yet allowed for webhooks.
        reports_by_address: how many villagers' reports one address may send.
        reports_by_project: how many may come about one project.
    """

    database: Database
    media_store: MediaStore
    clock: Clock
    ring: Callable[[UUID], None]
    evidence_log: LogPublisher
    max_upload_bytes: int
    pages: Path
    hazard_rules: HazardRules
    models: Callable[[], Sequence[ModelManifest]] = tuple
    is_stopping: Callable[[], bool] = lambda: False
    stream_lifetime_s: float = 900.0
    stream_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_STREAMS))
    webhook_networks: Sequence[Network] = ()
    reports_by_address: Throttle = field(default_factory=lambda: Throttle(limit=20))
    reports_by_project: Throttle = field(default_factory=lambda: Throttle(limit=120))

    @property
    def known_classes(self) -> frozenset[str]:
        """What the registered models can see."""
        return frozenset(label for each in self.models() for label in each.labels if label is not None)


def get_services(request: Request) -> Services:
    """The services of the application that answers this request."""
    return cast("Services", request.app.state.services)


Provided = Annotated[Services, Depends(get_services)]
