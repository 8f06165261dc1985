"""Whether the service lives, whether it can work, and its figures for Prometheus."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from api.schemas import Shape
from api.services import Provided, Services, get_services
from domain.errors import SiteproofError
from domain.media import MediaStatus
from storage.media import count_media_by_status
from storage.migration import list_pending
from storage.webhook_delivery import WebhookFigures, measure_webhooks

router = APIRouter(tags=["health"])


class Health(Shape):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(Shape):
    """What the service needs, each with `ok` or what is wrong."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str]


@router.get("/healthz")
def get_health_route() -> Health:
    """The process answers; nothing else is asked."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
def get_readiness_route(services: Provided, response: Response) -> Readiness:
    """Whether the database, its schema and the media store can be worked with."""
    parts = {"database": "ok", "media_store": "ok"}
    try:
        pending = list_pending(services.database.url)
        if pending:
            parts["database"] = f"migrations are missing: {', '.join(pending)}"
    except SiteproofError as error:
        parts["database"] = error.detail
    try:
        services.media_store.check()
    except SiteproofError as error:
        parts["media_store"] = error.detail
    ready = all(part == "ok" for part in parts.values())
    response.status_code = 200 if ready else 503
    return Readiness(status="ok" if ready else "unavailable", parts=parts)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics_route(services: Annotated[Services, Depends(get_services)]) -> Response:
    """Figures for Prometheus: media by status, webhooks. No names, so it needs no token."""
    registry = CollectorRegistry()
    media = Gauge("siteproof_media", "Photos and clips by status.", ["status"], registry=registry)
    with services.database.transaction() as connection:
        counts = count_media_by_status(connection)
        webhooks = measure_webhooks(connection)
    for status in MediaStatus:
        media.labels(status=status.value).set(counts.get(status, 0))
    _measure_webhooks(registry, webhooks, now=services.clock.now())
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _measure_webhooks(registry: CollectorRegistry, webhooks: Sequence[WebhookFigures], *, now: datetime) -> None:
    count = Gauge("siteproof_webhooks", "Webhooks by state.", ["state"], registry=registry)
    deliveries = Gauge("siteproof_webhook_deliveries", "Deliveries not done.", ["status"], registry=registry)
    lag = Gauge(
        "siteproof_webhook_lag_seconds",
        "Age of the oldest event that an active webhook has not had.",
        registry=registry,
    )
    states = Counter("active" if each.active else "disabled" if each.is_disabled else "off" for each in webhooks)
    for state in ("active", "disabled", "off"):
        count.labels(state=state).set(states[state])
    deliveries.labels(status="pending").set(sum(each.pending for each in webhooks))
    deliveries.labels(status="failed").set(sum(each.failed for each in webhooks))
    waits = [(now - each.waits_since).total_seconds() for each in webhooks if each.waits_since is not None]
    lag.set(max(0.0, *waits) if waits else 0.0)
