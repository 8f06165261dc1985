"""Writing decisions as a YOLO data set: a medium at a time, what is there left alone, files whole or not there."""

import csv
import hmac
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from analysis.dataset import DecidedBox, DecidedPicture, decide_pictures, find_decision
from analysis.examination import find_frame
from analysis.medium_analysis import Workplace
from domain.audit import AuditAction
from domain.errors import Conflict, SiteproofError, Unavailable
from domain.finding import Finding
from domain.media import BLUR_VERSION, Medium
from storage.audit import insert_audit
from storage.finding import list_media_findings
from storage.media import find_media, list_decided_media
from vision.annotation import annotate
from vision.head_blur import cover_heads, find_heads
from vision.picture import Picture, load_picture
from vision.tiling import look_closely

_LOG: Final = logging.getLogger(__name__)
SIDE_PX: Final = 1920
"""The longer side of an exported picture: three times what the network sees, so that it can be cropped. [px]"""

_PAGE: Final = 100
_COLUMNS: Final = (
    "finding_id",
    "code",
    "decision",
    "decided_by",
    "decided_at",
    "class",
    "box_cxcywh",
    "score",
    "model",
    "model_sha256",
    "media_sha256",
    "picture",
    "note",
)


class OtherExport(Conflict):
    """The folder holds something else, or an export of another selection, other classes or another blur."""

    code: ClassVar[str] = "dataset.other_export"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is exported, and how.

    Attributes:
        classes: labels in the order of their ids.
        project_id: of this project alone; None: of all.
        since: only media with a decision since then, but with all decisions upon them. UTC.
        with_faces: heads are not covered.
    """

    classes: tuple[str, ...]
    project_id: str | None = None
    since: datetime | None = None
    with_faces: bool = False


@dataclass(slots=True)
class Summary:
    """What an export came to: counts, those of an earlier run of the same export included."""

    pictures: int = 0
    written: int = 0
    boxes: dict[str, int] = field(default_factory=dict)
    left_out: int = 0


def export_dataset(
    workplace: Workplace, *, output: Path, selection: Selection, pseudonym_key: bytes, exported_by: str
) -> Summary:
    """Write decided findings into a folder; run again, it goes on where it stopped and adds what was decided since.

    Args:
        workplace: its detector finds the heads to cover.
        output: made if it is not there.
        selection: must be that of the folder's earlier runs.
        pseudonym_key: with which names become pseudonyms; the same key gives the same pseudonyms.
        exported_by: for the record of who took pictures with faces.

    Raises:
        OtherExport: the folder is another export's, or holds something else.
        Unavailable: the database or the store does not answer.
    """
    _open_folder(output, selection)
    summary = Summary()

    def write_rows(rows: "csv.DictWriter[str]") -> None:
        for medium, findings in _list_decided(workplace, selection):
            pictures = decide_pictures(medium, findings, classes=selection.classes)
            boxes = 0
            for picture in pictures:
                if _write_picture(workplace, medium, picture, output, selection, exported_by, summary):
                    rows.writerows(_origin(box, medium, picture, pseudonym_key) for box in picture.boxes)
                    boxes += len(picture.boxes)
                    _count(summary, picture)
            summary.left_out += sum(find_decision(each) is not None for each in findings) - boxes

    _write_csv(output / "origin.csv", write_rows)
    return summary


def _list_decided(workplace: Workplace, selection: Selection) -> Iterator[tuple[Medium, list[Finding]]]:
    cursor: str | None = None
    while True:
        with workplace.database.transaction() as connection:
            page = list_decided_media(
                connection, after=cursor, limit=_PAGE, project_id=selection.project_id, since=selection.since
            )
        for media_id in page.items:
            with workplace.database.transaction() as connection:
                medium = find_media(connection, media_id=media_id)
                findings = list_media_findings(connection, media_id=media_id)
            if medium is not None:
                yield medium, findings
        cursor = page.next
        if cursor is None:
            return


def _write_picture(
    workplace: Workplace,
    medium: Medium,
    picture: DecidedPicture,
    output: Path,
    selection: Selection,
    exported_by: str,
    summary: Summary,
) -> bool:
    """Whether the picture is in the folder now; its labels are written anew, for more may be decided by now."""
    image = output / "images" / f"{picture.stem}.jpg"
    if not image.exists():
        try:
            pixels = _load(workplace, medium, picture.at_s)
        except Unavailable:
            raise
        except (SiteproofError, OSError) as error:
            _LOG.warning("%s is left out: %s", picture.stem, error)
            return False
        if selection.with_faces:
            with workplace.database.transaction() as connection:
                insert_audit(
                    connection,
                    action=AuditAction.ORIGINAL_EXPORTED,
                    media_id=medium.id,
                    by=exported_by,
                    at=workplace.clock.now(),
                )
        else:
            pixels = cover_heads(pixels, find_heads(look_closely(pixels, workplace.detector)))
        _write(image, annotate(pixels, detections=(), max_side_px=SIDE_PX))
        summary.written += 1
    lines = "".join(f"{line}\n" for line in picture.list_labels(selection.classes))
    _write(output / "labels" / f"{picture.stem}.txt", lines.encode())
    _write(output / "known" / f"{picture.stem}.json", _json(picture.describe_known()))
    return True


def _load(workplace: Workplace, medium: Medium, at_s: float | None) -> Picture:
    path = workplace.store.local_path(medium.sha256)
    if at_s is not None:
        return find_frame(path, at_s)
    return load_picture(path, media_format=medium.format, max_side_px=SIDE_PX)


def _origin(box: DecidedBox, medium: Medium, picture: DecidedPicture, key: bytes) -> dict[str, object]:
    seen = box.detection
    model = seen.model if seen is not None else None
    if model is None and len(medium.model_hashes) == 1:
        (model,) = medium.model_hashes
    finding = box.finding
    return {
        "finding_id": finding.id,
        "code": finding.code,
        "decision": box.decision,
        "decided_by": make_pseudonym(finding.reviewed_by or "", key=key),
        "decided_at": None if finding.reviewed_at is None else finding.reviewed_at.isoformat(),
        "class": box.label,
        "box_cxcywh": " ".join(f"{value:.6f}" for value in box.box_cxcywh),
        "score": finding.details.get("score") if seen is None else round(seen.score, 4),
        "model": model or medium.model,
        "model_sha256": medium.model_hashes.get(model or "", ""),
        "media_sha256": medium.sha256,
        "picture": f"{picture.stem}.jpg",
        "note": box.note,
    }


def make_pseudonym(name: str, *, key: bytes) -> str:
    """The same for the same name and key; without the key no list of names tells whose it is (RFC 2104, SHA-256)."""
    return "reviewer-" + hmac.new(key, name.encode(), "sha256").hexdigest()[:16]


def _count(summary: Summary, picture: DecidedPicture) -> None:
    summary.pictures += 1
    for box in picture.boxes:
        summary.boxes[box.decision] = summary.boxes.get(box.decision, 0) + 1


def _open_folder(output: Path, selection: Selection) -> None:
    marker = output / "export.json"
    content = _json(
        {
            "classes": list(selection.classes),
            "project_id": selection.project_id,
            "since": None if selection.since is None else selection.since.isoformat(),
            "heads": "shown" if selection.with_faces else f"covered by blur {BLUR_VERSION}",
        }
    )
    if marker.exists():
        if marker.read_bytes() != content:
            raise OtherExport(f"{output} holds an export of another selection, other classes or another blur")
        return
    if output.exists() and any(output.iterdir()):
        raise OtherExport(f"{output} is not empty and no export")
    for name in ("images", "labels", "known"):
        (output / name).mkdir(parents=True, exist_ok=True)
    _write(output / "data.yaml", _data_yaml(selection.classes).encode())
    # Last, so that a folder with a marker is whole.
    _write(marker, content)


def _data_yaml(classes: Sequence[str]) -> str:
    # JSON's lists are YAML's; a label is plain by its pattern.
    return (
        "# Decisions upon findings, not whole pictures: what is not in labels/ is mostly not known. known/ says what\n"
        "# is, and `siteproof train --partly-labelled` reads it; other trainers would learn to miss.\n"
        f"train: images\nval: images\nnames: {json.dumps(list(classes))}\n"
    )


def _write_csv(target: Path, write_rows: Callable[["csv.DictWriter[str]"], None]) -> None:
    fresh = target.with_suffix(".writing")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, _COLUMNS)
        rows.writeheader()
        write_rows(rows)
    fresh.replace(target)


def _write(target: Path, content: bytes) -> None:
    # Hidden, so that no trainer takes half a picture for one after a kill.
    fresh = target.with_name(f".{target.name}.writing")
    fresh.write_bytes(content)
    fresh.replace(target)


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
