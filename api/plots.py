"""Pictures of sensors and structures, as SVG or PNG."""

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime

from api.access import Allowed, Asker, UnknownSensor, see_project, see_sensor
from api.sensors import READERS, get_entry
from api.strict_json import StrictRoute
from domain.project import Project
from domain.sensor import Sensor
from iot.plot import PictureFormat, PictureSize
from iot.plot_picture import Picture, draw_sensor, draw_structure
from iot.plot_record import load_sensor_plot, load_structure_plot
from iot.plot_words import Language
from storage.project import find_project

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["plots"])

From = Annotated[AwareDatetime | None, Query(alias="from", description="included; silent: the first reading")]
To = Annotated[AwareDatetime | None, Query(description="not included; silent: now")]
Format = Annotated[PictureFormat, Query(alias="format")]
Lang = Annotated[Language, Query(description="of the words; a PNG is in English where no Chinese font is installed")]
Width = Annotated[int, Query(ge=PictureSize.MIN_WIDTH_PX, le=PictureSize.MAX_WIDTH_PX, description="[px]")]
Height = Annotated[int, Query(ge=PictureSize.MIN_HEIGHT_PX, le=PictureSize.MAX_HEIGHT_PX, description="[px]")]
IfNoneMatch = Annotated[str | None, Header()]
_PICTURES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture.",
        "content": {"image/svg+xml": {}, "image/png": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "It is still the one that If-None-Match names."},
}


@router.get("/sensors/{sensor_id}/plot", responses=_PICTURES, response_class=Response)
def get_sensor_plot_route(
    asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))],
    from_: From = None,
    to: To = None,
    format_: Format = PictureFormat.SVG,
    lang: Lang = Language.ZH,
    width_px: Width = 1200,
    height_px: Height = 800,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A sensor as a picture: readings with their gaps, alarm bands, events, findings, forecast, temperature."""
    with asker.transaction() as connection:
        project = find_project(connection, project_id=asker.thing.project_id)
        if project is None:
            raise UnknownSensor("there is no such sensor")
        entry = get_entry(connection, asker.thing.id)
        now = asker.services.clock.now()
        plot = load_sensor_plot(connection, entry=entry, project=project, now=now, from_=from_, to=to)
    picture = draw_sensor(plot, size=PictureSize(width_px, height_px), format_=format_, language=lang)
    return _answer(picture, if_none_match)


@router.get("/projects/{project_id}/structures/{structure}/plot", responses=_PICTURES, response_class=Response)
def get_structure_plot_route(
    structure: str,
    asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))],
    from_: From = None,
    to: To = None,
    format_: Format = PictureFormat.SVG,
    lang: Lang = Language.ZH,
    width_px: Width = 1200,
    height_px: Height = 960,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A structure as a picture: its settlement along it on several dates, its points' series, their differences."""
    with asker.transaction() as connection:
        now = asker.services.clock.now()
        plot = load_structure_plot(connection, project=asker.thing, structure=structure, now=now, from_=from_, to=to)
    picture = draw_structure(plot, size=PictureSize(width_px, height_px), format_=format_, language=lang)
    return _answer(picture, if_none_match)


def _answer(picture: Picture, if_none_match: str | None) -> Response:
    """The picture, or that it is still the same; as a page of its own it may load and run nothing."""
    tag = f'"{sha256(picture.content).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Content-Language": picture.language.value,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(picture.content, media_type=picture.media_type, headers=headers)
