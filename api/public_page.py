"""`/p/{code}`: what everybody may see of a project, and the form by which a villager reports something.

Pages made here, without a script and without a cookie. The form needs no token against forged requests: there is no
session that one could borrow, so a page of somebody else's can send nothing that its author could not send himself.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.errors import find_status
from api.public_messages import choose_language
from api.public_view import FormState, Wording, render_not_found, render_notice, render_project, render_report
from api.services import Provided, Services
from api.throttle import WINDOW, name_address
from api.upload_form import MalformedForm, UploadForm, receive_form
from domain.errors import SiteproofError
from domain.identifier import parse_uuid
from domain.media import Capture, name_thumbnail
from domain.project import Project
from domain.report import (
    MAX_PHOTO_BYTES,
    VILLAGER_TOKEN_ID,
    Report,
    ReportPhotoOnly,
    TooManyReports,
    read_report,
    require_written,
)
from findings.public_page import gather_public_page
from findings.report import receive_report
from ingestion.file_format import sniff_format
from ingestion.intake import accept_upload
from storage.database import Connection
from storage.media_store import StagedFile, read_chunks
from storage.project import find_project_by_code
from storage.publication import is_public_picture
from storage.report import find_report

router = APIRouter(prefix="/p", include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "public"
_STYLE: Final = _FOLDER.joinpath("page.css").read_bytes()
_ICON: Final = _FOLDER.joinpath("icon.svg").read_bytes()
_STYLE_ADDRESS: Final = f"/p/page.css?v={hashlib.sha256(_STYLE).hexdigest()[:12]}"
_FIELDS: Final = ("text", "place", "contact", "website", "opened")
_MAX_FORM_BYTES: Final = 64 * 1024  # of a form without a photo: 2,000 characters of up to 12 bytes, percent-encoded
_VILLAGER_CAPTURE: Final = b'{"sent_by": "villager"}'
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Language",
}
# A minute: who reloads after an answer sees it, and a village that scans one code at once asks once a phone.
_SHORT: Final = {"Cache-Control": "public, max-age=60"}
# A picture that is taken off the page may be seen for so long by who had it.
_PICTURE: Final = {"Cache-Control": "public, max-age=300"}
_NEVER: Final = {"Cache-Control": "no-store"}

Lang = Annotated[str | None, Query(max_length=20)]
Accept = Annotated[str, Header(alias="accept-language")]


@router.get("/page.css")
def get_style_route() -> Response:
    """The pages' style sheet; its address changes with it."""
    return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})


@router.get("/icon.svg")
def get_icon_route() -> Response:
    """The mark that a browser shows beside the title; without it, each would ask for one that is not there."""
    return Response(_ICON, media_type="image/svg+xml", headers=_HEADERS | {"Cache-Control": "public, max-age=86400"})


@router.get("/{code}")
def get_page_route(services: Provided, code: str, lang: Lang = None, accept: Accept = "") -> Response:
    """The project's page."""
    with services.database.transaction() as connection:
        project = find_project_by_code(connection, public_code=code)
        if project is None:
            return _answer_not_found(lang, accept)
        return _answer_page(services, connection, project, _word(lang, accept, project))


@router.get("/{code}/notice")
def get_notice_route(
    request: Request, services: Provided, code: str, lang: Lang = None, accept: Accept = ""
) -> Response:
    """A sheet to print; its address is the one by which it was asked for, so it is nothing for a cache."""
    with services.database.transaction() as connection:
        project = find_project_by_code(connection, public_code=code)
        if project is None:
            return _answer_not_found(lang, accept)
        page = gather_public_page(connection, project, now=services.clock.now())
    address = f"{request.url.scheme}://{request.url.netloc}/p/{project.public_code}"
    content = render_notice(page, _word(lang, accept, project), address=address, style=_STYLE_ADDRESS)
    return HTMLResponse(content, headers=_HEADERS | _NEVER)


@router.get("/{code}/pictures/{media_id}.jpg")
def get_picture_route(services: Provided, code: str, media_id: str, lang: Lang = None, accept: Accept = "") -> Response:
    """A small picture with covered heads, where a person let it onto the page."""
    known = parse_uuid(media_id)
    with services.database.transaction() as connection:
        project = find_project_by_code(connection, public_code=code)
        shown = (
            project is not None
            and known is not None
            and is_public_picture(connection, project_id=project.id, media_id=known)
        )
    if known is None or not shown:
        return _answer_not_found(lang, accept)
    file = services.media_store.find_derived(known, name=name_thumbnail())
    if file is None:
        # Analysed by a release without thumbnails; a worker makes it now.
        services.ring(known)
        return _answer_not_found(lang, accept)
    return StreamingResponse(read_chunks(file), media_type="image/jpeg", headers=_HEADERS | _PICTURE)


@router.get("/{code}/reports/{report_id}")
def get_report_route(services: Provided, code: str, report_id: str, lang: Lang = None, accept: Accept = "") -> Response:
    """What became of a report; its address is known to who wrote it, and to everybody once it is answered."""
    known = parse_uuid(report_id)
    with services.database.transaction() as connection:
        project = find_project_by_code(connection, public_code=code)
        report = None if known is None else find_report(connection, report_id=known)
    if project is None or report is None or report.project_id != project.id:
        return _answer_not_found(lang, accept)
    content = render_report(report, project, _word(lang, accept, project), style=_STYLE_ADDRESS)
    return HTMLResponse(content, headers=_HEADERS | _NEVER)


@router.post("/{code}/reports")
async def post_report_route(
    request: Request, services: Provided, code: str, lang: Lang = None, accept: Accept = ""
) -> Response:
    """Take a report in, and lead to its page; what cannot be taken comes back with what was written, and the reason."""
    project = await run_in_threadpool(_find_project, services, code)
    if project is None:
        return _answer_not_found(lang, accept)
    wording = _word(lang, accept, project)
    written: dict[str, str] = {}
    try:
        _require_room(services, project, host=request.client.host if request.client else None)
        if request.headers.get("content-type", "").startswith("multipart/"):
            async with receive_form(
                request, services.media_store, max_bytes=MAX_PHOTO_BYTES, fields=_FIELDS, needs_file=False
            ) as form:
                written = _read_fields(form)
                report = await run_in_threadpool(_accept, services, project, written, form.file)
        else:
            written = _parse_plain(await _read_plain(request))
            report = await run_in_threadpool(_accept, services, project, written, None)
    except SiteproofError as error:
        return await run_in_threadpool(_answer_refusal, services, project, wording, written, error)
    page = f"/p/{project.public_code}" + ("" if report is None else f"/reports/{report.id}")
    return RedirectResponse(page + wording.query, status_code=HTTPStatus.SEE_OTHER, headers=_HEADERS | _NEVER)


def _find_project(services: Services, code: str) -> Project | None:
    with services.database.transaction() as connection:
        return find_project_by_code(connection, public_code=code)


def _require_room(services: Services, project: Project, *, host: str | None) -> None:
    now = services.clock.now()
    by_address, by_project = services.reports_by_address, services.reports_by_project
    if not by_address.take(name_address(host), now=now) or not by_project.take(project.id, now=now):
        raise TooManyReports("too many reports within an hour")


def _read_fields(form: UploadForm) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in form.fields.items()}
    except UnicodeDecodeError as error:
        raise MalformedForm("the form is not in UTF-8") from error


async def _read_plain(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_FORM_BYTES:
                raise MalformedForm(f"the form is larger than {_MAX_FORM_BYTES} bytes")
    except ClientDisconnect as error:
        raise MalformedForm("the form was cut off") from error
    return bytes(body)


def _parse_plain(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise MalformedForm("the body is no form that can be read") from error
    return {name: value for name, value in pairs if name in _FIELDS}


def _accept(
    services: Services, project: Project, written: Mapping[str, str], photo: StagedFile | None
) -> Report | None:
    """Keep the report and its photo; None where a program filled in what people do not see."""
    if written.get("website"):
        return None
    now = services.clock.now()
    form = read_report(text=written.get("text", ""), place=written.get("place", ""), contact=written.get("contact", ""))
    require_written(opened_at=_parse_opened(written.get("opened", "")), now=now)
    media_id, is_new = None, False
    with services.database.transaction() as connection:
        if photo is not None and photo.size_bytes:
            if sniff_format(photo.head).is_clip:
                raise ReportPhotoOnly("a photo can be sent along, but no clip")
            medium, is_new = accept_upload(
                connection,
                store=services.media_store,
                staged=photo,
                capture=Capture(),
                given_capture=_VILLAGER_CAPTURE,
                project=project,
                token_id=VILLAGER_TOKEN_ID,
                received_at=now,
            )
            media_id = medium.id
        report = receive_report(connection, project=project, form=form, media_id=media_id, now=now)
    if media_id is not None and is_new:
        services.ring(media_id)
    return report


def _parse_opened(text: str) -> datetime | None:
    # 11 digits reach the year 5138.
    return datetime.fromtimestamp(int(text), UTC) if text.isascii() and text.isdigit() and len(text) <= 11 else None  # noqa: PLR2004


def _answer_refusal(
    services: Services, project: Project, wording: Wording, written: Mapping[str, str], error: SiteproofError
) -> Response:
    status = find_status(type(error))
    with services.database.transaction() as connection:
        response = _answer_page(services, connection, project, wording, written=written, error=error.code)
    response.status_code = status
    response.headers["Cache-Control"] = _NEVER["Cache-Control"]
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
    return response


def _answer_page(
    services: Services,
    connection: Connection,
    project: Project,
    wording: Wording,
    *,
    written: Mapping[str, str] | None = None,
    error: str | None = None,
) -> Response:
    now = services.clock.now()
    page = gather_public_page(connection, project, now=now)
    form = FormState(opened_at=now, values=written or {}, error=error)
    return HTMLResponse(render_project(page, wording, form=form, style=_STYLE_ADDRESS), headers=_HEADERS | _SHORT)


def _answer_not_found(lang: str | None, accept: str) -> Response:
    content = render_not_found(_word(lang, accept, None), style=_STYLE_ADDRESS)
    return HTMLResponse(content, status_code=HTTPStatus.NOT_FOUND, headers=_HEADERS | _NEVER)


def _word(lang: str | None, accept: str, project: Project | None) -> Wording:
    return Wording.of(choose_language(asked=lang, accept=accept), time_zone=project.time_zone if project else None)
