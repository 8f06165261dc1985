"""`siteproof serve`: the HTTP face under uvicorn."""

import logging
import sys
from contextlib import suppress
from typing import Final

import uvicorn

from api.application import create_application
from api.services import Services
from domain.clock import SystemClock
from domain.errors import SiteproofError
from runtime.assembly import make_log_keeper, make_media_store
from runtime.settings import PAGES, Settings
from runtime.task_queue import Doorbell, make_queue
from storage.database import Database
from vision.hazard_rules import load_hazard_rules
from vision.model_registry import list_models
from vision.weights import load_manifest

_LOG: Final = logging.getLogger(__name__)
_STARTUP_FAILED: Final = 3  # as uvicorn's own command exits, so that `up` sees it


def run_web(settings: Settings, *, database_url: str) -> None:
    """Answer requests, until a signal ends it."""
    database = Database(database_url, max_connections=16)
    log_keeper = make_log_keeper(settings, database)
    try:
        log_keeper.publish()
    except SiteproofError as error:
        _LOG.error("the evidence log is not signed: %s [%s]", error.detail, error.code)
    services = Services(
        database=database,
        media_store=make_media_store(settings),
        clock=SystemClock(),
        ring=Doorbell(make_queue(settings)).ring,
        max_upload_bytes=settings.max_upload_bytes,
        pages=PAGES,
        evidence_log=log_keeper,
        hazard_rules=load_hazard_rules(settings.hazard_rules),
        models=lambda: [load_manifest(settings.weights), *list_models(settings.models_folder)],
        webhook_networks=settings.allowed_networks,
        is_stopping=lambda: server.should_exit,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            create_application(services),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=4,
        )
    )
    try:
        # Ctrl-C ended it in order before it is raised once more.
        with suppress(KeyboardInterrupt):
            server.run()
    finally:
        database.close()
    if not server.started:
        sys.exit(_STARTUP_FAILED)
