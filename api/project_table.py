"""Many projects in one file, CSV or GeoJSON, as rows that are not believed yet."""

import csv
import io
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from api.strict_json import UnreadableBody, parse_strict_json
from domain.errors import Invalid

MAX_ROWS: Final = 500
CSV_TYPE: Final = "text/csv"
GEOJSON_TYPE: Final = "application/geo+json"
_POSITION: Final = ("lon", "lat", "crs")
COLUMNS: Final = ("id", "name", "kind", "area", "contractor", "starts_on", "ends_on", "time_zone", "class", *_POSITION)


class UnknownImportFormat(Invalid):
    """Neither CSV nor GeoJSON."""

    code: ClassVar[str] = "import.unknown_format"


class UnknownHeading(Invalid):
    """A heading that no project has, or a needed one that is missing."""

    code: ClassVar[str] = "import.unknown_heading"


class TooManyRows(Invalid):
    """More rows than one request may bring."""

    code: ClassVar[str] = "import.too_many_rows"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One project of a file.

    Attributes:
        number: of the line in a CSV file, of the feature in a GeoJSON one; the first is 1, a CSV's heading not counted.
        id: as it is written; empty where there is none.
        body: shaped like the body of `PUT /v1/projects/{id}`.
        feature: with a polygon or a line, to be its boundary or alignment.
    """

    number: int
    id: str
    body: dict[str, Any]
    feature: dict[str, Any] | None = None


def read_rows(content: bytes, *, media_type: str) -> list[ImportRow]:
    """The rows of a file.

    Raises:
        UnknownImportFormat: neither CSV nor a FeatureCollection.
        UnknownHeading: CSV with other headings.
        UnreadableBody: it says what it is, and is not.
        TooManyRows: more than MAX_ROWS.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind == CSV_TYPE:
        rows = _read_csv(content)
    elif kind in {GEOJSON_TYPE, "application/json"}:
        rows = _read_geojson(content)
    else:
        raise UnknownImportFormat(f"send {CSV_TYPE} or {GEOJSON_TYPE}, not {kind[:80]!r}")
    if len(rows) > MAX_ROWS:
        raise TooManyRows(f"{len(rows)} rows, and {MAX_ROWS} at most in one request", limit=MAX_ROWS)
    return rows


def _read_csv(content: bytes) -> list[ImportRow]:
    try:
        reader = csv.DictReader(io.StringIO(_decode(content), newline=""), strict=True)
        headings = [heading.strip() for heading in reader.fieldnames or ()]
        _require_columns(headings)
        reader.fieldnames = headings
        return [_read_csv_row(number, row) for number, row in enumerate(reader, 1)]
    except csv.Error as error:
        raise UnreadableBody(f"the file is not CSV that can be read: {error}") from error


def _decode(content: bytes) -> str:
    # Excel in China writes GB 18030 (or its part GBK), others UTF-8; bytes of the first are hardly ever the second.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise UnreadableBody("the file is neither UTF-8 nor GB 18030")


def _require_columns(headings: list[str]) -> None:
    unknown = [heading for heading in headings if heading not in COLUMNS]
    missing = [column for column in ("id", "name", "kind", "area") if column not in headings]
    if unknown or missing or len(set(headings)) != len(headings):
        raise UnknownHeading(
            f"columns are {', '.join(COLUMNS)}, each once, the first four needed", unknown=unknown[:20], missing=missing
        )


def _read_csv_row(number: int, row: dict[str | None, Any]) -> ImportRow:
    """A row; cells beyond the headings are kept under a name that no project has, so that the row is refused."""
    body: dict[str, Any] = {}
    for column, cell in row.items():
        text = cell.strip() if isinstance(cell, str) else cell
        if text:
            body[column or "beyond the last column"] = text
    position = {name: body.pop(name) for name in _POSITION if name in body}
    if position:
        body["position"] = position
    return ImportRow(number, str(body.pop("id", "")), body)


def _read_geojson(content: bytes) -> list[ImportRow]:
    collection = parse_strict_json(content)
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise UnknownImportFormat("a GeoJSON FeatureCollection is wanted")
    features = collection.get("features")
    if not isinstance(features, list):
        raise UnreadableBody("`features` is no list")
    return [_read_feature(number, feature) for number, feature in enumerate(features, 1)]


def _read_feature(number: int, feature: object) -> ImportRow:
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return ImportRow(number, "", {})
    properties: dict[str, Any] = dict(feature["properties"])
    given = {name: properties.pop(name) for name in ("crs", "start_chainage_m") if name in properties}
    project_id = str(properties.pop("id", feature.get("id", "")))
    geometry = feature.get("geometry")
    if geometry is None:
        return ImportRow(number, project_id, properties)
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        crs = {"crs": given["crs"]} if "crs" in given else {}
        return ImportRow(number, project_id, properties | {"position": geometry | crs})
    return ImportRow(number, project_id, properties, {"type": "Feature", "properties": given, "geometry": geometry})
