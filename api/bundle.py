"""`/v1/media/{id}/bundle`: everything that is known of a photo or clip, with its proofs, to be judged without us."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from api.access import Allowed, Asker, see_medium
from api.media import EXTENSION_OF, record_sight
from domain.audit import UNCOVERED_FOR, AuditAction
from domain.media import Medium
from findings.bundle import ERASED, ORIGINAL, gather_bundle
from findings.bundle_composition import Original, compose_bundle
from findings.stored_zip import measure_zip, write_zip
from storage.media_store import read_chunks

router = APIRouter(prefix="/v1", tags=["media"])


@router.get(
    "/media/{media_id}/bundle",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def get_bundle_route(
    asker: Annotated[Asker[Medium], Depends(Allowed(UNCOVERED_FOR, see_medium))],
) -> StreamingResponse:
    """The evidence bundle: original, checks, detections, findings, decisions, proofs; on record like the original."""
    medium, services = asker.thing, asker.services
    record_sight(asker, AuditAction.ORIGINAL_READ)
    checkpoint = services.evidence_log.publish()
    with asker.transaction() as connection:
        bundle = gather_bundle(connection, media_id=medium.id, checkpoint=checkpoint)
    erased = any(each.facts["kind"] == ERASED for each in bundle.entries)
    original = Original(
        f"{ORIGINAL}{EXTENSION_OF[medium.format.value]}",
        medium.sha256,
        lambda: read_chunks(services.media_store.open(medium.sha256)),
    )
    files = compose_bundle(bundle, original=None if erased else original, sign=services.evidence_log.sign)
    return StreamingResponse(
        write_zip(files),
        media_type="application/zip",
        headers={
            "Content-Length": str(measure_zip(files)),
            "Content-Disposition": f'attachment; filename="{medium.id}.zip"',
            "Cache-Control": "no-store",
        },
    )
