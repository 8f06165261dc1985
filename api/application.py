"""The application: its routes, its error answers, its headers. Everything that it works with is handed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from api import (
    alarms,
    audit,
    bundle,
    cameras,
    checkins,
    dead_letters,
    drawings,
    events,
    evidence_log,
    findings,
    hazard_rules,
    health,
    issues,
    media,
    milestone_templates,
    milestones,
    models,
    plans,
    plots,
    project_imports,
    projects,
    public_page,
    publication,
    reports,
    sensors,
    settlement,
    uploads,
    webhooks,
    whoami,
)
from api.errors import install_error_handlers
from api.openapi import describe
from api.pages import install_pages
from api.services import Services

ROUTERS: Final = (
    projects.router,
    project_imports.router,
    drawings.router,
    plans.router,
    milestones.router,
    milestone_templates.router,
    hazard_rules.router,
    cameras.router,
    checkins.router,
    media.router,
    media.upload_router,
    publication.router,
    bundle.router,
    uploads.router,
    findings.router,
    issues.router,
    reports.router,
    sensors.router,
    settlement.router,
    plots.router,
    alarms.router,
    dead_letters.router,
    events.router,
    evidence_log.router,
    webhooks.router,
    models.router,
    audit.router,
    whoami.router,
    health.router,
)


# Uploads of slow disks and long reports hold a thread each; the 40 of the default would soon be theirs alone.
_THREADS: Final = 150


@asynccontextmanager
async def _prepare_threads(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    yield


def find_version() -> str:
    """The installed release; `0` in a tree that was not installed."""
    try:
        return version("siteproof")
    except PackageNotFoundError:
        return "0"


def list_routes() -> list[APIRoute]:
    """Every route of the API, in the order of openapi.json."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def create_application(services: Services) -> FastAPI:
    """The web application on these services."""
    application = FastAPI(
        title="Siteproof",
        version=find_version(),
        description="Site monitoring for small public works.",
        docs_url=None,
        lifespan=_prepare_threads,
        redoc_url=None,
        license_info={"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
    )
    application.state.services = services
    for router in ROUTERS:
        application.include_router(router)
    application.include_router(public_page.router)
    install_error_handlers(application)
    install_pages(application, services.pages)
    describe(application, list_routes())

    @application.middleware("http")
    async def set_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        # Assets have a hash of their content in their names; everything else is a person's to see, not a cache's.
        lasting = request.url.path.startswith("/assets/") and response.status_code == HTTPStatus.OK
        response.headers.setdefault("Cache-Control", "public, max-age=31536000, immutable" if lasting else "no-store")
        return response

    return application
