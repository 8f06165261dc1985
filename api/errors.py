"""From our errors to HTTP: one table from kind to status, and the body of RFC 9457."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.strict_json import BodyTooLarge
from domain.errors import Conflict, Forbidden, Invalid, NotFound, SiteproofError, Unavailable
from domain.report import TooManyReports
from domain.upload import PieceTooLong, TooManyUploads, UploadLocked
from ingestion.file_format import UnsupportedFormat
from storage.media_store import MediaTooLarge, StoreFull

_LOG: Final = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"


class Unauthenticated(SiteproofError):
    """No token came, or one that is unknown or revoked."""

    code: ClassVar[str] = "token.unknown"


class PreconditionFailed(SiteproofError):
    """If-Match names another version than the one that is stored."""

    code: ClassVar[str] = "precondition.failed"


# Looked up along the class's ancestors, so the nearest entry counts and the five kinds catch the rest.
STATUS_OF: Final[dict[type[SiteproofError], HTTPStatus]] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MediaTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedFormat: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    UploadLocked: HTTPStatus.LOCKED,
    PieceTooLong: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyUploads: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyReports: HTTPStatus.TOO_MANY_REQUESTS,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_HEADERS_OF: Final[dict[HTTPStatus, dict[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}


def find_status(error: type[SiteproofError]) -> HTTPStatus:
    """The status of an error: that of its nearest ancestor in the table.

    Raises:
        KeyError: it descends from none of the five kinds, which is a mistake of ours.
    """
    for ancestor in error.__mro__:
        if ancestor in STATUS_OF:
            return STATUS_OF[ancestor]
    raise KeyError(error.__name__)


def make_problem(
    *,
    status: HTTPStatus,
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document of RFC 9457 with our stable `code` and the error's facts beside it."""
    body: dict[str, object] = dict(facts or {})
    body |= {"type": f"urn:siteproof:problem:{code}", "title": status.phrase, "status": status.value}
    body |= {"detail": detail, "code": code}
    return JSONResponse(
        body, status_code=status, media_type=MEDIA_TYPE, headers={**_HEADERS_OF.get(status, {}), **(headers or {})}
    )


def install_error_handlers(application: FastAPI) -> None:
    """Let every refusal, the framework's own too, be a problem document."""
    application.add_exception_handler(SiteproofError, answer_expected)
    application.add_exception_handler(RequestValidationError, _answer_validation)
    application.add_exception_handler(HTTPException, _answer_framework)
    application.add_exception_handler(Exception, _answer_bug)


async def answer_expected(_: Request, error: Exception) -> JSONResponse:
    """The problem document of one of our errors."""
    if not isinstance(error, SiteproofError):
        raise TypeError("registered for our errors only")
    _LOG.info("%s: %s", error.code, error.detail)
    return make_problem(status=find_status(type(error)), code=error.code, detail=error.detail, facts=error.facts)


async def _answer_validation(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for validation errors only")
    errors: list[dict[str, Any]] = [
        {"at": ".".join(str(part) for part in each["loc"]), "message": each["msg"]} for each in error.errors()[:20]
    ]
    first = errors[0] if errors else {"at": "body", "message": "invalid"}
    return make_problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="request.invalid",
        detail=f"{first['at']}: {first['message']}",
        facts={"errors": errors},
    )


async def _answer_framework(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError("registered for the framework's errors only")
    status = HTTPStatus(error.status_code)
    code = f"http.{status.name.lower()}"
    return make_problem(status=status, code=code, detail=str(error.detail), headers=error.headers)


async def _answer_bug(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return make_problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR, code="siteproof.bug", detail="that is a mistake of ours; it is logged"
    )
