"""The pages, built from `web/`: files only; what they show, they ask of `/v1` as everybody does."""

from http import HTTPStatus
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from api.errors import make_problem

_PAGE_HEADERS: Final = {
    # Pictures come as blobs, because an <img> cannot send a bearer token.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
        " font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_TYPE_OF: Final = {".html": "text/html", ".js": "text/javascript", ".webmanifest": "application/manifest+json"}


def install_pages(application: FastAPI, folder: Path) -> None:
    """Serve the built pages from `folder`; where they were not built, `/` says so and the API works all the same."""
    _serve(application, "/", folder / "index.html")
    _serve(application, "/field", folder / "field.html")
    # These two keep their names: a service worker's address is its identity, and it may govern what lies below it.
    _serve(application, "/field-worker.js", folder / "field-worker.js")
    _serve(application, "/field.webmanifest", folder / "field.webmanifest")
    application.mount("/assets", StaticFiles(directory=folder / "assets", check_dir=False), name="assets")


def _serve(application: FastAPI, path: str, file: Path) -> None:
    @application.get(path, include_in_schema=False)
    def get_page() -> Response:
        if not file.is_file():
            return make_problem(
                status=HTTPStatus.NOT_FOUND, code="pages.not_built", detail="the pages were not built: run `make pages`"
            )
        return FileResponse(file, headers=_PAGE_HEADERS, media_type=_TYPE_OF[file.suffix])
