"""Previews of media analysed before there was a blur, or with an earlier one: made anew when somebody asks for one."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from analysis.examination import draw_previews, find_frame
from analysis.medium_analysis import Workplace
from domain.errors import SiteproofError, Unavailable
from domain.finding import Finding, Kind
from domain.media import MediaStatus, Medium, name_preview, name_thumbnail
from storage.finding import list_media_findings
from storage.media import find_media
from vision.annotation import PREVIEW_SIDE_PX
from vision.picture import Picture, load_picture
from vision.tiling import look_closely

_LOG: Final = logging.getLogger(__name__)
_SAME_FRAME_S: Final = 0.001  # findings keep their time to a millisecond


def renew_previews(workplace: Workplace, *, media_id: UUID) -> bool:
    """Make an analysed medium's previews where it has none with today's blur; marks are those that are recorded.

    Returns:
        Whether they were made; False also where the medium is not analysed, or can no longer be decoded.

    Raises:
        Unavailable: the database or the store does not answer.
    """
    with workplace.database.transaction() as connection:
        medium = find_media(connection, media_id=media_id)
        findings = list_media_findings(connection, media_id=media_id)
    if medium is None or medium.status is not MediaStatus.ANALYSED or _has_preview(workplace, media_id):
        return False
    hazards = [each for each in findings if each.kind is Kind.SAFETY]
    at_s = _best_at_s(hazards) if medium.format.is_clip else None
    try:
        picture = _load(workplace, medium, at_s)
    except Unavailable:
        raise
    except SiteproofError as error:
        _LOG.info("%s gets no new previews: %s", media_id, error.detail)
        return False
    detector = workplace.detector
    previews = draw_previews(
        picture,
        sight=look_closely(picture, detector) if at_s is None else detector.look(picture),
        detections=[each for each in medium.detections if at_s is None or _is_at(each.at_s, at_s)],
        hazards=[each for each in hazards if at_s is None or _is_at(each.details.get("at_s"), at_s)],
    )
    for name, content in previews.items():
        workplace.store.put_derived(media_id, name=name, content=content)
    return True


def _has_preview(workplace: Workplace, media_id: UUID) -> bool:
    # The thumbnail is the youngest of them: an earlier release made the others alone.
    for name in (name_preview(annotated=True, blurred=True), name_thumbnail()):
        file = workplace.store.find_derived(media_id, name=name)
        if file is None:
            return False
        file.close()
    return True


def _load(workplace: Workplace, medium: Medium, at_s: float | None) -> Picture:
    path = workplace.store.local_path(medium.sha256)
    if at_s is not None:
        return find_frame(path, at_s)
    return load_picture(path, media_format=medium.format, max_side_px=PREVIEW_SIDE_PX)


def _best_at_s(hazards: Sequence[Finding]) -> float:
    timed = [each.details for each in hazards if isinstance(each.details.get("at_s"), int | float)]
    return float(max(timed, key=lambda each: float(each.get("score", 0)))["at_s"]) if timed else 0.0


def _is_at(value: object, at_s: float) -> bool:
    return isinstance(value, int | float) and abs(value - at_s) <= _SAME_FRAME_S
