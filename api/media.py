"""Photos and clips: upload, what is known of one, its bytes and its preview."""

from base64 import b64encode
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.access import EVERYBODY, Allowed, Asker, see_medium, see_project
from api.paging import After, Limit, make_collection
from api.schemas import Collection, MediumView
from api.strict_json import StrictRoute
from api.upload_form import UploadForm, receive_form
from domain.audit import AuditAction, may_see_uncovered
from domain.errors import Forbidden, NotFound
from domain.media import MediaStatus, Medium, name_preview
from domain.project import Project
from domain.report import VILLAGER_TOKEN_ID, may_know_reporter
from ingestion.capture import parse_capture
from ingestion.intake import accept_upload
from storage.audit import insert_audit
from storage.finding import list_finding_ids
from storage.media import list_media
from storage.media_store import read_chunks

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["media"])
# Its body streams, so it is not read by StrictRoute.
upload_router = APIRouter(prefix="/v1", tags=["media"])

_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, HEIC or MP4"},
                        "capture": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "description": "client_id, taken_at, position, milestone_id, camera_id; all optional",
                        },
                    },
                }
            }
        },
    }
}


class NoPreview(NotFound):
    """There is no preview, or not yet."""

    code = "media.no_preview"


class FacesCovered(Forbidden):
    """The asker sees the medium, but only with covered heads."""

    code = "media.faces_covered"


@upload_router.post(
    "/projects/{project_id}/media",
    status_code=201,
    responses={200: {"model": MediumView, "description": "the same bytes were sent before"}},
    openapi_extra=_UPLOAD_BODY,
)
async def upload_route(
    request: Request,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))],
) -> MediumView:
    """Send a photo or clip; what can be judged at once is in the answer, the rest comes with its analysis."""
    services = asker.services
    async with receive_form(request, services.media_store, max_bytes=services.max_upload_bytes) as form:
        # The one route that is a coroutine, because a body that streams in cannot be read from a thread.
        view, created = await run_in_threadpool(_accept, asker, form)
    response.status_code = 201 if created else 200
    return view


def _accept(asker: Asker[Project], form: UploadForm) -> tuple[MediumView, bool]:
    services = asker.services
    capture = parse_capture(form.capture)
    with asker.transaction() as connection:
        medium, created = accept_upload(
            connection,
            store=services.media_store,
            staged=form.file,
            capture=capture,
            given_capture=form.capture,
            project=asker.thing,
            token_id=asker.principal.token_id,
            received_at=services.clock.now(),
        )
        finding_ids = list_finding_ids(connection, media_id=medium.id)
    if created:
        services.ring(medium.id)
    return MediumView.of(medium, finding_ids), created


@router.get("/projects/{project_id}/media")
def list_media_route(
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))],
    limit: Limit,
    after: After = None,
    milestone_id: Annotated[str | None, Query(max_length=64)] = None,
    status: MediaStatus | None = None,
) -> Collection[MediumView]:
    """The project's photos and clips in the order of their arrival; a field token lists what it sent."""
    principal = asker.principal
    with asker.transaction() as connection:
        page = list_media(
            connection,
            project_id=asker.thing.id,
            own_media_of=principal.token_id if principal.sees_only_own_media else None,
            after=after,
            limit=limit,
            milestone_id=milestone_id,
            status=status,
            hidden_of=None if may_know_reporter(principal.role) else VILLAGER_TOKEN_ID,
        )
        views = [MediumView.of(each, list_finding_ids(connection, media_id=each.id)) for each in page.items]
    return make_collection(page, views)


@router.get("/media/{media_id}")
def get_medium_route(asker: Annotated[Asker[Medium], Depends(Allowed(EVERYBODY, see_medium))]) -> MediumView:
    """Everything known of a photo or clip."""
    with asker.transaction() as connection:
        finding_ids = list_finding_ids(connection, media_id=asker.thing.id)
    return MediumView.of(asker.thing, finding_ids)


@router.get(
    "/media/{media_id}/content",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def get_content_route(
    asker: Annotated[Asker[Medium], Depends(Allowed(EVERYBODY, see_medium))],
) -> StreamingResponse:
    """The original bytes, untouched: for inspectors, supervisors, admins, and the token that sent them; on record."""
    medium = asker.thing
    record_sight(asker, AuditAction.ORIGINAL_READ)
    return StreamingResponse(
        read_chunks(asker.services.media_store.open(medium.sha256)),
        media_type=medium.format,
        headers={
            "Content-Length": str(medium.size_bytes),
            "Content-Disposition": f'attachment; filename="{medium.id}.{EXTENSION_OF[medium.format.value]}"',
            # A copy in a browser's cache would outlive the token, and be read without a record.
            "Cache-Control": "no-store",
            # RFC 9530, so that a client can check what it received.
            "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(medium.sha256)).decode()}:",
        },
    )


EXTENSION_OF = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/heic": "heic",
    "video/mp4": "mp4",
}


@router.get(
    "/media/{media_id}/preview", response_class=StreamingResponse, responses={200: {"content": {"image/jpeg": {}}}}
)
def get_preview_route(
    asker: Annotated[Asker[Medium], Depends(Allowed(EVERYBODY, see_medium))],
    annotated: Annotated[bool, Query(description="with the marks")] = False,  # noqa: FBT002 - a query parameter
    blurred: Annotated[  # noqa: FBT002 - the same
        bool, Query(description="with covered heads; false is for those who may read the original, and on record")
    ] = True,
    measured: Annotated[  # noqa: FBT002 - the same
        bool, Query(description="with what was measured beside a board, instead of the marks")
    ] = False,
) -> StreamingResponse:
    """A reduced picture; it is made by the analysis, so it is not there before."""
    medium, services = asker.thing, asker.services
    if not blurred:
        record_sight(asker, AuditAction.UNBLURRED_PREVIEW_READ)
    name = name_preview(annotated=annotated, blurred=blurred, measured=measured)
    file = services.media_store.find_derived(medium.id, name=name)
    if file is None and measured and not medium.measurements:
        raise NoPreview("nothing was measured in it")
    if file is None:
        if medium.status is MediaStatus.ANALYSED:
            # Analysed by a release without this blur; a worker makes it now.
            services.ring(medium.id)
        raise NoPreview("there is no preview yet" if medium.status != "failed" else "it could not be decoded")
    cache = "private, max-age=3600" if blurred else "no-store"
    return StreamingResponse(read_chunks(file), media_type="image/jpeg", headers={"Cache-Control": cache})


def record_sight(asker: Asker[Medium], action: AuditAction) -> None:
    """Write down who is about to see faces.

    Raises:
        FacesCovered: they may not.
    """
    if not may_see_uncovered(asker.principal, asker.thing):
        raise FacesCovered("this token sees the picture with covered heads only: ask for its preview")
    with asker.transaction() as connection:
        now = asker.services.clock.now()
        insert_audit(connection, action=action, media_id=asker.thing.id, by=asker.principal, at=now)
