"""`/v1/uploads`: the way of `POST /v1/projects/{project_id}/media` in pieces, resumable, by tus 1.0 (tus.io)."""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.access import EVERYBODY, Allowed, Asker, get_visible_project
from api.errors import MEDIA_TYPE, PreconditionFailed, answer_expected
from api.schemas import Shape
from domain.access import Principal
from domain.errors import Invalid, SiteproofError, Unavailable
from domain.identifier import parse_uuid
from domain.project import Project
from domain.upload import ChecksumMismatch, OffsetMismatch, UnknownUpload, Upload
from ingestion.capture import parse_capture
from ingestion.file_format import UnsupportedFormat
from ingestion.intake import accept_upload, require_milestone
from storage.database import Connection
from storage.media_store import MediaTooLarge
from storage.partial_folder import PartialFile, PartialFolder, Piece
from storage.upload import begin_upload, delete_upload, extend_upload, find_upload, finish_upload

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,expiration,termination,checksum"
ALGORITHMS: Final = ("sha1", "sha256")  # tus asks for the first of every server
PIECE_TYPE: Final = "application/offset+octet-stream"
MAX_METADATA: Final = 32 * 1024  # characters; holds a capture of 16 KiB in base64
PATIENCE_S: Final = 20.0  # a phone that lost its network keeps no lock longer than this
_CHECKSUM_MISMATCH: Final = 460  # tus 1.0, Checksum; no status of HTTP


class UnsupportedTus(PreconditionFailed):
    """The request is not by a version of tus that we speak."""

    code: ClassVar[str] = "upload.tus_version"


class InvalidUploadHeader(Invalid):
    """A header of tus is missing or makes no sense."""

    code: ClassVar[str] = "upload.invalid_header"


class NotAPiece(UnsupportedFormat):
    """A body of another type than tus gives its pieces."""

    code: ClassVar[str] = "upload.not_a_piece"


class PieceCutOff(Unavailable):
    """The piece stopped before its end; what came is kept."""

    code: ClassVar[str] = "upload.cut_off"


@dataclass(frozen=True, slots=True)
class SentUpload:
    """An upload of the asker's own, and the project that it goes to."""

    upload: Upload
    project: Project


class UploadView(Shape):
    """A file that comes in pieces; `media_id` is null until it is whole and taken in."""

    id: UUID
    project_id: str
    size_bytes: int
    offset_bytes: int
    expires_at: datetime
    media_id: UUID | None


class TusRoute(APIRoute):
    """Says on every answer, refusals too, which tus it speaks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's own handler."""
        handle = super().get_route_handler()

        async def handle_tus(request: Request) -> Response:
            try:
                response = await handle(request)
            except ChecksumMismatch as error:
                response = _answer_mismatch(error)
            except SiteproofError as error:
                response = await answer_expected(request, error)
            response.headers["Tus-Resumable"] = VERSION
            response.headers["Tus-Version"] = VERSION
            return response

        return handle_tus


router = APIRouter(prefix="/v1", route_class=TusRoute, tags=["uploads"])


def see_addressed_project(connection: Connection, principal: Principal, request: Request) -> Project:
    """The project that a new upload's metadata names.

    Raises:
        UnknownProject: it is not there, or out of sight.
        InvalidUploadHeader: the metadata cannot be read, or names none.
        UnsupportedTus: another version.
    """
    _require_tus(request)
    project_id = parse_metadata(request.headers.get("upload-metadata", "")).get("project_id")
    if not project_id:
        raise InvalidUploadHeader("Upload-Metadata needs project_id")
    return get_visible_project(connection, principal, project_id.decode("utf-8", "replace"))


def see_upload(connection: Connection, principal: Principal, request: Request) -> SentUpload:
    """The upload of the path.

    Raises:
        UnknownUpload: it is not there, another token's, or its time ran out.
        UnknownProject: its project went out of sight.
    """
    upload_id = parse_uuid(request.path_params["upload_id"])
    now = request.app.state.services.clock.now()
    upload = None if upload_id is None else find_upload(connection, upload_id=upload_id, now=now)
    if upload is None or upload.token_id != principal.token_id:
        raise UnknownUpload("there is no such upload")
    return SentUpload(upload, get_visible_project(connection, principal, upload.project_id))


_OWN: Final = Allowed(EVERYBODY, see_upload)


@router.options("/uploads", status_code=204, response_class=Response)
def get_abilities_route(request: Request) -> Response:
    """What of tus is spoken here."""
    headers = {
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(request.app.state.services.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "/uploads",
    status_code=201,
    response_class=Response,
    openapi_extra={
        "parameters": [
            {"name": "Upload-Length", "in": "header", "required": True, "schema": {"type": "integer"}},
            {
                "name": "Upload-Metadata",
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "description": "project_id, and if wanted filename and capture (JSON as in the upload by form)",
            },
        ]
    },
)
async def create_upload_route(
    request: Request, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_addressed_project))]
) -> Response:
    """Begin an upload, or find the one of the same shot that was begun before; a first piece may be its body."""
    size_bytes = _read_count(request, "upload-length")
    upload = await run_in_threadpool(_create, asker, size_bytes, request.headers.get("upload-metadata", ""))
    sent = Asker(asker.principal, SentUpload(upload, asker.thing), asker.services)
    if request.headers.get("content-type") == PIECE_TYPE:
        upload, offset = await _receive(request, sent, offset=0)
    else:
        upload, offset = await run_in_threadpool(_look, sent)
    return Response(status_code=201, headers={"Location": f"/v1/uploads/{upload.id}", **_tell(upload, offset)})


@router.head("/uploads/{upload_id}", response_class=Response)
def get_offset_route(request: Request, asker: Annotated[Asker[SentUpload], Depends(_OWN)]) -> Response:
    """How much of it has come: where the next piece begins."""
    _require_tus(request)
    upload, offset = _look(asker)
    headers = {"Upload-Length": str(upload.size_bytes), "Upload-Metadata": upload.metadata, **_tell(upload, offset)}
    return Response(status_code=200, headers=headers)


@router.get("/uploads/{upload_id}")
def get_upload_route(asker: Annotated[Asker[SentUpload], Depends(_OWN)]) -> UploadView:
    """How much of it has come, and which medium it became."""
    upload, offset = _look(asker)
    return UploadView(
        id=upload.id,
        project_id=upload.project_id,
        size_bytes=upload.size_bytes,
        offset_bytes=offset,
        expires_at=upload.expires_at,
        media_id=upload.media_id,
    )


@router.patch(
    "/uploads/{upload_id}",
    status_code=204,
    response_class=Response,
    openapi_extra={
        "parameters": [{"name": "Upload-Offset", "in": "header", "required": True, "schema": {"type": "integer"}}],
        "requestBody": {"content": {PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    },
)
async def append_route(request: Request, asker: Annotated[Asker[SentUpload], Depends(_OWN)]) -> Response:
    """Send the next piece; with the last one the file is taken in, and `Siteproof-Media-Id` names the medium."""
    _require_tus(request)
    if request.headers.get("content-type") != PIECE_TYPE:
        raise NotAPiece(f"the Content-Type of a piece is {PIECE_TYPE}")
    upload, offset = await _receive(request, asker, offset=_read_count(request, "upload-offset"))
    return Response(status_code=204, headers=_tell(upload, offset))


@router.post("/uploads/{upload_id}", status_code=204, response_class=Response)
async def append_by_post_route(request: Request, asker: Annotated[Asker[SentUpload], Depends(_OWN)]) -> Response:
    """The next piece, from where PATCH does not come through (a mini-program): with X-HTTP-Method-Override: PATCH."""
    if request.headers.get("x-http-method-override") != "PATCH":
        raise InvalidUploadHeader("a POST to an upload needs the header X-HTTP-Method-Override: PATCH")
    return await append_route(request, asker)


@router.delete("/uploads/{upload_id}", status_code=204, response_class=Response)
def end_upload_route(request: Request, asker: Annotated[Asker[SentUpload], Depends(_OWN)]) -> Response:
    """Forget an upload and what came of it; a medium that it became stays."""
    _require_tus(request)
    upload = asker.thing.upload
    file = _open_folder(asker).open(upload.id)
    try:
        _forget(asker, upload)
    finally:
        file.close()
    return Response(status_code=204)


def parse_metadata(text: str) -> dict[str, bytes]:
    """The pairs of an Upload-Metadata header (tus 1.0, Creation).

    Raises:
        InvalidUploadHeader: too long, a key twice, or a value that is not base64.
    """
    if len(text) > MAX_METADATA:
        raise InvalidUploadHeader(f"Upload-Metadata is longer than {MAX_METADATA} characters")
    pairs: dict[str, bytes] = {}
    for pair in text.split(",") if text.strip() else []:
        key, _, value = pair.strip().partition(" ")
        if not key or key in pairs:
            raise InvalidUploadHeader("Upload-Metadata has a key twice, or an empty one")
        pairs[key] = _decode(value.strip(), "Upload-Metadata")
    return pairs


def _decode(value: str, header: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidUploadHeader(f"{header} holds a value that is not base64") from error


def _require_tus(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise UnsupportedTus(f"the header Tus-Resumable must be {VERSION}")


def _read_count(request: Request, name: str) -> int:
    value = request.headers.get(name, "")
    if not (value.isascii() and value.isdigit()) or len(value) > 18:  # noqa: PLR2004 - digits of a 64-bit integer
        raise InvalidUploadHeader(f"the header {name.title()} must be a whole number")
    return int(value)


def _create(asker: Asker[Project], size_bytes: int, metadata: str) -> Upload:
    """What can be refused before a byte is sent is refused here."""
    limit = asker.services.max_upload_bytes
    if size_bytes > limit:
        raise MediaTooLarge(f"the file is larger than {limit} bytes", limit_bytes=limit)
    if size_bytes == 0:
        raise InvalidUploadHeader("Upload-Length is 0: an empty file is no photo")
    capture = parse_capture(parse_metadata(metadata).get("capture"))
    with asker.transaction() as connection:
        if capture.milestone_id is not None:
            require_milestone(connection, project_id=asker.thing.id, milestone_id=capture.milestone_id)
        return begin_upload(
            connection,
            token_id=asker.principal.token_id,
            project_id=asker.thing.id,
            metadata=metadata,
            size_bytes=size_bytes,
            is_named=capture.client_id is not None,
            now=asker.services.clock.now(),
        )


async def _receive(request: Request, asker: Asker[SentUpload], *, offset: int) -> tuple[Upload, int]:
    """Take in a piece; the upload after it, and its offset."""
    upload = asker.thing.upload
    if upload.media_id is not None:
        _require_offset(upload.size_bytes, offset)
        return upload, upload.size_bytes
    file = await run_in_threadpool(_open_folder(asker).open, upload.id)
    try:
        _require_offset(file.offset, offset)
        await _append(request, file, room=upload.size_bytes - offset)
        return await run_in_threadpool(_settle, asker, file)
    finally:
        file.close()


def _require_offset(actual: int, given: int) -> None:
    if actual != given:
        raise OffsetMismatch(f"the next piece begins at {actual}, not at {given}", offset_bytes=actual)


async def _append(request: Request, file: PartialFile, *, room: int) -> None:
    algorithm, digest = _read_checksum(request.headers)
    piece = Piece(file, room=room, algorithm=algorithm, digest=digest)
    chunks = request.stream()
    try:
        while chunk := await asyncio.wait_for(_next(chunks), PATIENCE_S):
            await run_in_threadpool(piece.write, chunk)
        await run_in_threadpool(piece.finish)
    except (ClientDisconnect, TimeoutError) as error:
        await run_in_threadpool(file.sync)
        raise PieceCutOff("the piece was cut off: ask for the offset, then go on", offset_bytes=file.offset) from error
    finally:
        piece.close()


async def _next(chunks: Any) -> bytes:  # noqa: ANN401 - Starlette's generator
    """The next bytes of a body; empty at its end, although the framework gives an empty chunk there too."""
    async for chunk in chunks:
        if chunk:
            return bytes(chunk)
    return b""


def _read_checksum(headers: Mapping[str, str]) -> tuple[str | None, bytes]:
    given = headers.get("upload-checksum")
    if given is None:
        return None, b""
    algorithm, _, digest = given.partition(" ")
    if algorithm not in ALGORITHMS:
        raise InvalidUploadHeader(f"the algorithm of Upload-Checksum must be one of {', '.join(ALGORITHMS)}")
    return algorithm, _decode(digest.strip(), "Upload-Checksum")


def _settle(asker: Asker[SentUpload], file: PartialFile) -> tuple[Upload, int]:
    """After a piece: the file is taken in if it is whole, else its time begins anew."""
    upload, offset = asker.thing.upload, file.offset
    if offset == upload.size_bytes:
        return _take_in(asker, file), offset
    with asker.transaction() as connection:
        return extend_upload(connection, upload_id=upload.id, now=asker.services.clock.now()), offset


def _look(asker: Asker[SentUpload]) -> tuple[Upload, int]:
    """The upload and its offset. One that is whole, but whose intake was killed, is taken in now."""
    upload = asker.thing.upload
    if upload.media_id is not None:
        return upload, upload.size_bytes
    folder = _open_folder(asker)
    offset = folder.measure(upload.id)
    if offset < upload.size_bytes:
        return upload, offset
    file = folder.open(upload.id)
    try:
        return _settle(asker, file)
    finally:
        file.close()


def _take_in(asker: Asker[SentUpload], file: PartialFile) -> Upload:
    """Let the whole file go the way of every photo; one that is refused for good is forgotten."""
    upload, project, services = asker.thing.upload, asker.thing.project, asker.services
    given_capture = parse_metadata(upload.metadata).get("capture")
    now = services.clock.now()
    staged = file.stage()
    try:
        with asker.transaction() as connection:
            medium, created = accept_upload(
                connection,
                store=services.media_store,
                staged=staged,
                capture=parse_capture(given_capture),
                given_capture=given_capture,
                project=project,
                token_id=asker.principal.token_id,
                received_at=now,
            )
            upload = finish_upload(connection, upload_id=upload.id, media_id=medium.id, now=now)
    except SiteproofError as error:
        if not isinstance(error, Unavailable):
            _forget(asker, upload)
        raise
    finally:
        with suppress(OSError):
            staged.path.unlink(missing_ok=True)
    _open_folder(asker).remove(upload.id)
    if created:
        services.ring(medium.id)
    return upload


def _forget(asker: Asker[SentUpload], upload: Upload) -> None:
    with asker.transaction() as connection:
        delete_upload(connection, upload_id=upload.id)
    _open_folder(asker).remove(upload.id)


def _open_folder(asker: Asker[SentUpload]) -> PartialFolder:
    return PartialFolder(asker.services.media_store.partial_folder)


def _tell(upload: Upload, offset: int) -> dict[str, str]:
    headers = {"Upload-Offset": str(offset), "Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}
    if upload.media_id is not None:
        headers["Siteproof-Media-Id"] = str(upload.media_id)
    return headers


def _answer_mismatch(error: ChecksumMismatch) -> JSONResponse:
    body = {
        "type": f"urn:siteproof:problem:{error.code}",
        "title": "Checksum Mismatch",
        "status": _CHECKSUM_MISMATCH,
        "detail": error.detail,
        "code": error.code,
    }
    return JSONResponse(body, status_code=_CHECKSUM_MISMATCH, media_type=MEDIA_TYPE)
