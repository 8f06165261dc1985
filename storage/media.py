"""Photos and clips as rows: their life from received to analysed, and the claims that workers hold on them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.evidence import Check, CheckName, Verdict
from domain.media import Detection, MediaFormat, MediaStatus, Medium
from domain.place import Position, position_from_json, position_to_json
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("media")


def insert_media(
    connection: Connection,
    *,
    media_id: UUID,
    project_id: str,
    milestone_id: str | None,
    camera_id: str | None,
    client_id: UUID | None,
    token_id: UUID,
    sha256: str,
    size_bytes: int,
    media_format: MediaFormat,
    received_at: datetime,
    taken_at: datetime | None,
    position: Position | None,
    width_px: int | None,
    height_px: int | None,
    capture: dict[str, Any],
    metadata: dict[str, Any],
    checks: tuple[Check, ...],
    grade: str,
    grade_reasons: tuple[str, ...],
) -> bool:
    """Store a received medium; False where the same token sent the same bytes to the same project before.

    Raises:
        UnknownMilestone: the project has no such milestone.
        ClientIdTaken: the shot's id was used for other bytes.
    """
    row = connection.execute(
        _QUERIES["insert_media"],
        {
            "id": media_id,
            "project_id": project_id,
            "milestone_id": milestone_id,
            "camera_id": camera_id,
            "client_id": client_id,
            "token_id": token_id,
            "sha256": sha256,
            "size_bytes": size_bytes,
            "format": media_format,
            "received_at": received_at,
            "taken_at": taken_at,
            "position": None if position is None else Jsonb(position_to_json(position)),
            "width_px": width_px,
            "height_px": height_px,
            "capture": Jsonb(capture),
            "metadata": Jsonb(metadata),
            "checks": _checks_to_json(checks),
            "grade": grade,
            "grade_reasons": list(grade_reasons),
        },
    ).fetchone()
    return row is not None


def find_media(connection: Connection, *, media_id: UUID) -> Medium | None:
    """The medium of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_media"], {"id": media_id}).fetchone()
    return None if row is None else _medium(row)


def find_media_by_bytes(connection: Connection, *, project_id: str, token_id: UUID, sha256: str) -> UUID | None:
    """The medium that this token sent to this project with these bytes."""
    values = {"project_id": project_id, "token_id": token_id, "sha256": sha256}
    row = connection.execute(_QUERIES["find_media_by_bytes"], values).fetchone()
    return None if row is None else row[0]


def find_media_by_client_id(
    connection: Connection, *, project_id: str, token_id: UUID, client_id: UUID
) -> tuple[UUID, str] | None:
    """The medium with the shot's id, as (id, sha256)."""
    values = {"project_id": project_id, "token_id": token_id, "client_id": client_id}
    row = connection.execute(_QUERIES["find_media_by_client_id"], values).fetchone()
    return None if row is None else (row[0], row[1])


def list_media(
    connection: Connection,
    *,
    project_id: str,
    own_media_of: UUID | None,
    after: str | None,
    limit: int,
    milestone_id: str | None = None,
    status: MediaStatus | None = None,
    hidden_of: UUID | None = None,
) -> Page[Medium]:
    """A project's media in the order of arrival: those of one token (`own_media_of`), none of another (`hidden_of`)."""
    values = {
        "hidden_of": hidden_of,
        "project_id": project_id,
        "own_media_of": own_media_of,
        "milestone_id": milestone_id,
        "status": status,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_media"], values).fetchall()
    return cut_page([(row.pop("seq"), _medium(row)) for row in rows], limit=limit)


def list_decided_media(
    connection: Connection, *, after: str | None, limit: int, project_id: str | None, since: datetime | None
) -> Page[UUID]:
    """Media with a finding that a person has decided upon (since then), in the order of their arrival."""
    values = {"after": decode_cursor(after)[0], "limit": limit + 1, "project_id": project_id, "since": since}
    rows = connection.execute(_QUERIES["list_decided_media"], values).fetchall()
    return cut_page([(row[1], row[0]) for row in rows], limit=limit)


def lock_bytes(connection: Connection, *, sha256: str) -> None:
    """Let one transaction at a time decide on these bytes; until it ends."""
    connection.execute(_QUERIES["lock_bytes"], {"sha256": sha256})


def list_earlier_uses(connection: Connection, *, sha256: str) -> list[tuple[UUID, str, UUID, datetime]]:
    """Where these bytes are in use, oldest first, at most 100: (media_id, project_id, token_id, received_at)."""
    rows = connection.execute(_QUERIES["list_earlier_uses"], {"sha256": sha256}).fetchall()
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def lock_media_of_bytes(connection: Connection, *, sha256: str) -> list[UUID]:
    """Every medium of these bytes, held until the transaction ends."""
    return [row[0] for row in connection.execute(_QUERIES["lock_media_of_bytes"], {"sha256": sha256})]


def erase_media(connection: Connection, *, media_id: UUID) -> None:
    """Empty what a medium's row says of people and places; its verdicts, findings and hash stay."""
    connection.execute(_QUERIES["erase_media"], {"id": media_id})


def claim_media(connection: Connection, *, media_id: UUID, claim: UUID, lease_s: float) -> Medium | None:
    """Take a medium for analysis; None where it is done, or another worker holds it."""
    values = {"id": media_id, "claim": claim, "lease_s": lease_s}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["claim_media"], values).fetchone()
    return None if row is None else _medium(row)


def finish_media(
    connection: Connection,
    *,
    media_id: UUID,
    claim: UUID,
    detections: tuple[Detection, ...],
    model: str,
    model_hashes: Mapping[str, str],
    width_px: int,
    height_px: int,
    checks: tuple[Check, ...],
    grade: str,
    grade_reasons: tuple[str, ...],
    measurements: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """Write an analysis; False where the claim was lost, and then nothing is written."""
    values = {
        "id": media_id,
        "claim": claim,
        "detections": Jsonb([asdict(detection) for detection in detections]),
        "model": model,
        "model_hashes": Jsonb(dict(model_hashes)),
        "width_px": width_px,
        "height_px": height_px,
        "checks": _checks_to_json(checks),
        "grade": grade,
        "grade_reasons": list(grade_reasons),
        "measurements": Jsonb(list(measurements)),
    }
    return connection.execute(_QUERIES["finish_media"], values).fetchone() is not None


def put_measurements(connection: Connection, *, media_id: UUID, measurements: Sequence[Mapping[str, Any]]) -> bool:
    """Write what was measured in an analysed photo; False where it is none any more, or erased."""
    values = {"id": media_id, "measurements": Jsonb(list(measurements))}
    return connection.execute(_QUERIES["put_measurements"], values).fetchone() is not None


def list_analysed_photos(
    connection: Connection, *, project_id: str, milestone_id: str, limit: int
) -> list[tuple[UUID, list[dict[str, Any]]]]:
    """A milestone's analysed photos with what was measured in each, the newest first."""
    values = {"project_id": project_id, "milestone_id": milestone_id, "limit": limit}
    return [(row[0], row[1]) for row in connection.execute(_QUERIES["list_analysed_photos"], values)]


def fail_media(connection: Connection, *, media_id: UUID, claim: UUID, failure: str) -> bool:
    """Give a medium up, with the code of the reason; False where the claim was lost."""
    values = {"id": media_id, "claim": claim, "failure": failure}
    return connection.execute(_QUERIES["fail_media"], values).fetchone() is not None


def release_media(connection: Connection, *, media_id: UUID, claim: UUID) -> bool:
    """Give a claim back for another attempt; False where it was lost."""
    return connection.execute(_QUERIES["release_media"], {"id": media_id, "claim": claim}).fetchone() is not None


def renew_claim(connection: Connection, *, media_id: UUID, claim: UUID, lease_s: float) -> bool:
    """Hold a claim for longer; False where it was lost."""
    values = {"id": media_id, "claim": claim, "lease_s": lease_s}
    return connection.execute(_QUERIES["renew_claim"], values).fetchone() is not None


def ring_waiting_media(connection: Connection, *, rung_before_s: float, limit: int) -> list[UUID]:
    """Media that wait with nobody working on them; they count as rung for now, and the caller rings after its commit.

    Args:
        connection: of the caller's transaction.
        rung_before_s: how long ago they must have been rung for last. [s]
        limit: at most so many, the oldest.
    """
    values = {"rung_before_s": rung_before_s, "limit": limit}
    return [row[0] for row in connection.execute(_QUERIES["ring_waiting_media"], values)]


def count_media_by_status(connection: Connection) -> dict[MediaStatus, int]:
    """How many media are in each status; a status without any is missing."""
    return {MediaStatus(row[0]): row[1] for row in connection.execute(_QUERIES["count_media_by_status"])}


def _checks_to_json(checks: tuple[Check, ...]) -> Jsonb:
    return Jsonb([asdict(check) for check in checks])


def _medium(row: dict[str, Any]) -> Medium:
    position = row["position"]
    row["position"] = None if position is None else position_from_json(position)
    row["format"] = MediaFormat(row["format"])
    row["status"] = MediaStatus(row["status"])
    row["grade_reasons"] = tuple(row["grade_reasons"])
    row["measurements"] = tuple(row["measurements"])
    row["checks"] = tuple(
        Check(CheckName(each["check"]), Verdict(each["verdict"]), each["code"], each["detail"], each["facts"])
        for each in row["checks"]
    )
    row["detections"] = tuple(
        Detection(each["label"], each["score"], tuple(each["box_xyxy_px"]), each["at_s"], each.get("model"))
        for each in row["detections"]
    )
    return Medium(**row)
