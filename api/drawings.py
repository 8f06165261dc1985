"""`/v1/projects/{project_id}/drawing`: bringing a design drawing in, and giving it back as GeoJSON."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.etag import make_etag, require_match
from api.projects import WRITERS
from api.schemas import Shape, Text
from api.upload_form import UploadForm, receive_form
from domain.errors import Invalid, NotFound, Unavailable
from domain.project import Project
from findings.conformance import update_project_conformance
from findings.project_event import tell_project
from geofence.alignment import format_chainage, parse_chainage
from geofence.drawing import Choice, Drawing, Part, parse_drawing
from geofence.drawing_structure import Structure
from storage.database import Connection
from storage.drawing import StoredDrawing, find_drawing, put_drawing
from storage.project import Zone, find_zone, lock_project, put_zone

router = APIRouter(prefix="/v1", tags=["drawings"])
MAX_DRAWING_BYTES: Final = 32 * 1024 * 1024  # 250,000 lines of ASCII DXF
# One at a time, because reading one takes all of a core and up to a gigabyte.
READ_WAIT_S: Final = 30.0
_READING: Final = threading.Lock()


class DrawingBusy(Unavailable):
    """Other drawings were read for too long; send it again."""

    code: ClassVar[str] = "drawing.busy"


class InvalidDrawingForm(Invalid):
    """A field beside the drawing's file is not what it should be; `field` names it."""

    code: ClassVar[str] = "drawing.invalid_form"


class NoDrawing(NotFound):
    """The project has neither a drawing nor a boundary or an alignment."""

    code: ClassVar[str] = "drawing.not_found"


Layer = Annotated[str, Field(min_length=1, max_length=255)]


class DrawingForm(Shape):
    """The fields beside `file`; each a text, `layers` a JSON object of lists of layers by part."""

    crs: Annotated[str, Field(max_length=64)] | None = None
    unit: Annotated[str, Field(max_length=16)] | None = None
    boundary_layer: Layer | None = None
    alignment_layer: Layer | None = None
    edge_layer: Layer | None = None
    structure_layer: Layer | None = None
    width_m: float | None = None
    start_chainage: Annotated[str, Field(max_length=32)] | None = None
    reversed: bool = False

    def to_choice(self, mapping: "LayerMapping") -> Choice:
        """What the reader of drawings wants to know.

        Raises:
            InvalidChainage: `start_chainage` is none.
        """
        single = {
            Part.BOUNDARY: self.boundary_layer,
            Part.ALIGNMENT: self.alignment_layer,
            Part.EDGES: self.edge_layer,
            Part.STRUCTURES: self.structure_layer,
        }
        several = mapping.model_dump()
        layers = {
            part: tuple(dict.fromkeys([*([] if single[part] is None else [single[part]]), *several[part.value]]))
            for part in Part
        }
        return Choice(
            crs=self.crs,
            unit=self.unit,
            layers={part: names for part, names in layers.items() if names},
            width_m=self.width_m,
            start_chainage_m=_read_chainage(self.start_chainage),
            is_reversed=self.reversed,
        )


Layers = Annotated[tuple[Layer, ...], Field(max_length=50)]


class LayerMapping(Shape):
    """The form's `layers`: several layers of the drawing for one part."""

    boundary: Layers = ()
    alignment: Layers = ()
    edges: Layers = ()
    structures: Layers = ()


_FIELDS: Final = (*DrawingForm.model_fields, "layers")


class DrawingSource(Shape):
    """The file that was brought in, and how it was read."""

    sha256: str
    size_bytes: int
    format: Literal["dxf", "geojson", "kml"]
    crs: str
    unit: str | None
    chosen: dict[str, list[str]]
    layers: dict[str, int]
    unread: dict[str, int]
    set_at: datetime
    set_by: str


class DrawnWidth(Shape):
    """How wide the work is drawn: as the sender says, and as measured between its edges."""

    given_m: float | None
    median_m: float | None
    min_m: float | None
    max_m: float | None
    sections: int


class DrawingView(Shape):
    """A drawing as GeoJSON in WGS 84; each Feature's `role` is boundary, alignment or structure."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]]
    source: DrawingSource | None
    width: DrawnWidth | None
    warnings: list[Text]


_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "DXF, GeoJSON or KML"},
                        "crs": {"type": "string", "description": "such as EPSG:4549; needed for a DXF"},
                        "unit": {"type": "string", "enum": ["m", "dm", "cm", "mm", "km", "ft", "us_ft", "in"]},
                        "boundary_layer": {"type": "string"},
                        "alignment_layer": {"type": "string"},
                        "edge_layer": {"type": "string", "description": "both edges: the width is measured"},
                        "structure_layer": {"type": "string"},
                        "layers": {"type": "string", "description": 'JSON, such as {"structures": ["CULVERT"]}'},
                        "width_m": {"type": "number"},
                        "start_chainage": {"type": "string", "description": "such as K0+150, or metres"},
                        "reversed": {"type": "boolean", "description": "chainage rises against the drawn direction"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/projects/{project_id}/drawing", status_code=201, responses={200: {"model": DrawingView}}, openapi_extra=_FORM
)
async def post_drawing_route(
    request: Request,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    if_match: Annotated[str | None, Header()] = None,
) -> DrawingView:
    """Bring a drawing in: its boundary and alignment become the project's."""
    store = asker.services.media_store
    async with receive_form(request, store, max_bytes=MAX_DRAWING_BYTES, fields=_FIELDS) as form:
        view, version, created = await run_in_threadpool(_accept, asker, form, if_match)
    response.status_code = 201 if created else 200
    response.headers["ETag"] = make_etag(version)
    return view


@router.get("/projects/{project_id}/drawing")
def get_drawing_route(
    response: Response, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> DrawingView:
    """The drawing as it is in force: boundary and alignment as they are now, and the drawing's structures."""
    with asker.transaction() as connection:
        view, version = _load_view(connection, asker.thing.id)
    if version:
        response.headers["ETag"] = make_etag(version)
    return view


def _accept(asker: Asker[Project], form: UploadForm, if_match: str | None) -> tuple[DrawingView, int, bool]:
    services, project = asker.services, asker.thing
    choice = _read_choice(form)
    with _hold_reader():
        drawing = parse_drawing(form.file.path.read_bytes(), choice=choice, near=project.position)
    services.media_store.keep(form.file)
    with asker.transaction() as connection:
        lock_project(connection, project_id=project.id)
        stored = find_drawing(connection, project_id=project.id)
        require_match(if_match, None if stored is None else stored.version)
        now = services.clock.now()
        new = _make_row(drawing, choice, form, project.id, now, asker.principal.label)
        _put_zones(connection, project.id, drawing)
        if drawing.alignment is not None:
            update_project_conformance(connection, project=project, now=now)
        if stored is None or (stored.sha256, stored.choice) != (new.sha256, new.choice):
            put_drawing(connection, drawing=new)
            tell_project(connection, project, event="drawing_changed", now=now)
        view, version = _load_view(connection, project.id)
    return view, version, stored is None


@contextmanager
def _hold_reader() -> Iterator[None]:
    if not _READING.acquire(timeout=READ_WAIT_S):
        raise DrawingBusy("other drawings are being read just now")
    try:
        yield
    finally:
        _READING.release()


def _read_choice(form: UploadForm) -> Choice:
    texts: dict[str, Any] = {}
    for name, content in form.fields.items():
        try:
            texts[name] = content.decode()
        except UnicodeDecodeError as error:
            raise InvalidDrawingForm(f"{name} is not UTF-8", field=name) from error
    layers = texts.pop("layers", "{}")
    try:
        mapping = LayerMapping.model_validate_json(layers)
        # An empty field of a page's form is a silent one.
        return DrawingForm.model_validate({name: text for name, text in texts.items() if text}).to_choice(mapping)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "layers"
        raise InvalidDrawingForm(f"{field}: {first['msg']}", field=field) from error


def _read_chainage(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        return float(text)
    except ValueError:
        return parse_chainage(text)


def _make_row(
    drawing: Drawing, choice: Choice, form: UploadForm, project_id: str, now: datetime, by: str
) -> StoredDrawing:
    return StoredDrawing(
        project_id=project_id,
        sha256=form.file.sha256,
        size_bytes=form.file.size_bytes,
        format=drawing.format.value,
        crs=drawing.crs,
        unit=drawing.unit,
        choice={
            "crs": choice.crs,
            "unit": choice.unit,
            "layers": {part.value: list(names) for part, names in drawing.chosen.items()},
            "width_m": choice.width_m,
            "start_chainage_m": choice.start_chainage_m,
            "reversed": choice.is_reversed,
        },
        layers=dict(drawing.layers),
        unread=dict(drawing.unread),
        width=None if drawing.width is None else asdict(drawing.width),
        structures=[_make_feature(each) for each in drawing.structures],
        warnings=list(drawing.warnings),
        set_at=now,
        set_by=by,
    )


def _put_zones(connection: Connection, project_id: str, drawing: Drawing) -> None:
    boundary, alignment = drawing.boundary, drawing.alignment
    if boundary is not None:
        put_zone(
            connection,
            project_id=project_id,
            role="boundary",
            geometry=boundary.geometry_geojson(),
            given=boundary.given,
            crs=boundary.crs,
        )
    if alignment is not None:
        put_zone(
            connection,
            project_id=project_id,
            role="alignment",
            geometry=alignment.geometry_geojson(),
            given=alignment.given,
            crs=alignment.crs,
            start_chainage_m=alignment.start_chainage_m,
        )


def _make_feature(structure: Structure) -> dict[str, Any]:
    properties: dict[str, Any] = {"role": "structure", "layer": structure.layer, "name": structure.name}
    if structure.chainage_m is not None:
        properties["chainage_m"] = [round(each, 3) for each in structure.chainage_m]
        properties["chainage"] = [format_chainage(each) for each in structure.chainage_m]
        properties["offset_m"] = None if structure.offset_m is None else round(structure.offset_m, 3)
    return {"type": "Feature", "properties": properties, "geometry": structure.geometry}


def _load_view(connection: Connection, project_id: str) -> tuple[DrawingView, int]:
    """The drawing as it is in force, and its version; 0 where there are zones alone."""
    stored = find_drawing(connection, project_id=project_id)
    zones = {role: find_zone(connection, project_id=project_id, role=role) for role in ("boundary", "alignment")}
    features = [_view_zone(role, zone) for role, zone in zones.items() if zone is not None]
    if stored is None and not features:
        raise NoDrawing("the project has no drawing, boundary or alignment yet")
    if stored is None:
        return DrawingView(features=features, source=None, width=None, warnings=[]), 0
    source = {name: getattr(stored, name) for name in DrawingSource.model_fields if name != "chosen"}
    view = DrawingView(
        features=[*features, *stored.structures],
        source=DrawingSource(**source, chosen=stored.choice["layers"]),
        width=None if stored.width is None else DrawnWidth(**stored.width),
        warnings=stored.warnings,
    )
    return view, stored.version


def _view_zone(role: str, zone: Zone) -> dict[str, Any]:
    properties: dict[str, Any] = {"role": role, "crs": "wgs84", "given_crs": zone.crs}
    if zone.start_chainage_m is not None:
        properties["start_chainage_m"] = zone.start_chainage_m
    return {"type": "Feature", "properties": properties, "geometry": zone.geometry}
