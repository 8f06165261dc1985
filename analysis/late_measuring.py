"""Photos that were analysed before something was to be measured in them, or by another board: measured afterwards."""

import logging
from typing import Final
from uuid import UUID

from analysis.measuring import measure_medium
from analysis.medium_analysis import Workplace
from domain.errors import SiteproofError, Unavailable
from domain.measurement import Wanted, find_wanted, lacks_measurement
from domain.media import MediaStatus, Medium
from findings.conformance import update_conformance
from storage.database import Connection
from storage.media import find_media, put_measurements
from storage.project import find_milestone, find_project
from vision.annotation import PREVIEW_SIDE_PX
from vision.head_blur import find_heads
from vision.picture import load_picture
from vision.tiling import look_closely

_LOG: Final = logging.getLogger(__name__)


def measure_late(workplace: Workplace, *, media_id: UUID) -> bool:
    """Measure in an analysed photo what its milestone wants by now; whether anything was measured anew.

    Raises:
        Unavailable: the database or the store does not answer.
    """
    with workplace.database.transaction() as connection:
        medium = find_media(connection, media_id=media_id)
        wanted = None if medium is None else _find_lacking(connection, medium)
    if medium is None or wanted is None:
        return False
    try:
        path = workplace.store.local_path(medium.sha256)
        picture = load_picture(path, media_format=medium.format, max_side_px=PREVIEW_SIDE_PX)
        heads = find_heads(look_closely(picture, workplace.detector))
        measured = measure_medium(path, media_format=medium.format, wanted=wanted, heads=heads)
    except Unavailable:
        raise
    except SiteproofError as error:
        _LOG.info("%s is not measured: %s", media_id, error.detail)
        return False
    for name, content in measured.previews.items():
        workplace.store.put_derived(media_id, name=name, content=content)
    with workplace.database.transaction() as connection:
        if not put_measurements(connection, media_id=media_id, measurements=measured.measurements):
            return False
        project = find_project(connection, project_id=medium.project_id)
        if project is not None and medium.milestone_id is not None:
            now = workplace.clock.now()
            update_conformance(
                connection, project=project, milestone_id=medium.milestone_id, now=now, media_id=media_id
            )
    return True


def _find_lacking(connection: Connection, medium: Medium) -> Wanted | None:
    if medium.status is not MediaStatus.ANALYSED or medium.format.is_clip or medium.milestone_id is None:
        return None
    milestone = find_milestone(connection, project_id=medium.project_id, milestone_id=medium.milestone_id)
    wanted = None if milestone is None else find_wanted(milestone.requires)
    return wanted if wanted is not None and lacks_measurement(medium.measurements, wanted) else None
