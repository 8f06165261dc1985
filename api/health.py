"""Whether the service lives, whether it can work, and its figures for Prometheus."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from api.schemas import Shape
from api.services import Provided, Services, get_services
from domain.errors import SiteproofError
from domain.media import MediaStatus
from storage.media import count_media_by_status
from storage.migration import list_pending

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
    """Counts for Prometheus: media by status. No names, so it needs no token."""
    registry = CollectorRegistry()
    media = Gauge("siteproof_media", "Photos and clips by status.", ["status"], registry=registry)
    with services.database.transaction() as connection:
        counts = count_media_by_status(connection)
    for status in MediaStatus:
        media.labels(status=status.value).set(counts.get(status, 0))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
