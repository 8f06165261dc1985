"""Deliveries of events to webhooks as rows: who sends which, what came of it, and the log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.event import Event
from domain.webhook import KEPT_ATTEMPTS, Attempt, AttemptError, Delivery, DeliveryStatus, DueDelivery
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor, encode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("webhook")


@dataclass(frozen=True, slots=True)
class WebhookFigures:
    """Where one webhook stands.

    Attributes:
        is_disabled: by us, because the endpoint said that it is gone.
        pending: deliveries that wait for an attempt.
        failed: deliveries that were given up.
        waits_since: since when the oldest event waits that it has not had; None where none does, or it is not active.
    """

    active: bool
    is_disabled: bool
    pending: int
    failed: int
    waits_since: datetime | None


def claim_webhooks(connection: Connection, *, claim: UUID, now: datetime, until: datetime, limit: int) -> list[str]:
    """Take webhooks that have something due and that nobody else sends to, at most `limit`."""
    values = {"claim": claim, "now": now, "until": until, "limit": limit}
    return [row[0] for row in connection.execute(_QUERIES["claim_webhooks"], values)]


def take_due_delivery(
    connection: Connection, *, webhook_id: str, claim: UUID, now: datetime, until: datetime
) -> DueDelivery | None:
    """The next delivery that is due, and the claim renewed; None where none is, or the claim was lost."""
    values = {"id": webhook_id, "claim": claim, "now": now, "until": until}
    endpoint = connection.execute(_QUERIES["renew_claim"], values).fetchone()
    if endpoint is None:
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_due"], values).fetchone()
    if row is None:
        return None
    url, *secrets = endpoint
    delivery_id, tries = row.pop("delivery_id"), row.pop("tries")
    event = Event(cursor=encode_cursor(row.pop("tx"), row.pop("seq")), **row)
    return DueDelivery(delivery_id, url, tuple(each for each in secrets if each is not None), tries, event)


def record_attempt(
    connection: Connection,
    *,
    delivery_id: UUID,
    claim: UUID,
    attempt: Attempt,
    status: DeliveryStatus,
    due_at: datetime,
) -> bool:
    """Write what came of an attempt; false where the claim was lost, and another one counts."""
    values = {
        "id": delivery_id,
        "claim": claim,
        "status": status,
        "due_at": due_at,
        "at": attempt.at,
        "kept": KEPT_ATTEMPTS,
        "attempt": Jsonb(
            {
                "at": attempt.at.isoformat(),
                "status_code": attempt.status_code,
                "error": attempt.error,
                "duration_ms": attempt.duration_ms,
            }
        ),
    }
    return connection.execute(_QUERIES["record_attempt"], values).fetchone() is not None


def rest_webhook(connection: Connection, *, webhook_id: str, claim: UUID, until: datetime) -> None:
    """Send nothing to a webhook for a while."""
    connection.execute(_QUERIES["rest_webhook"], {"id": webhook_id, "claim": claim, "until": until})


def disable_webhook(connection: Connection, *, webhook_id: str, claim: UUID, reason: str) -> None:
    """Send nothing to a webhook until a person switches it on again."""
    connection.execute(_QUERIES["disable_webhook"], {"id": webhook_id, "claim": claim, "reason": reason})


def release_claim(connection: Connection, *, webhook_id: str, claim: UUID) -> None:
    """Give a webhook back."""
    connection.execute(_QUERIES["release_claim"], {"id": webhook_id, "claim": claim})


def list_deliveries(
    connection: Connection,
    *,
    webhook_id: str,
    after: str | None,
    limit: int,
    status: DeliveryStatus | None = None,
    delivery_id: UUID | None = None,
) -> Page[Delivery]:
    """A webhook's log, in the order in which deliveries were queued."""
    values = {
        "webhook_id": webhook_id,
        "id": delivery_id,
        "status": status,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_deliveries"], values).fetchall()
    return cut_page([(row.pop("place"), _delivery(row)) for row in rows], limit=limit)


def replay_delivery(connection: Connection, *, webhook_id: str, delivery_id: UUID, now: datetime) -> bool:
    """Let a delivery begin anew; whether the webhook has it."""
    values = {"webhook_id": webhook_id, "id": delivery_id, "now": now}
    return connection.execute(_QUERIES["replay_delivery"], values).rowcount == 1


def delete_old_deliveries(connection: Connection, *, before: datetime, limit: int) -> int:
    """Forget finished deliveries that were queued before; how many went, at most `limit`."""
    return connection.execute(_QUERIES["delete_old_deliveries"], {"before": before, "limit": limit}).rowcount


def measure_webhooks(connection: Connection) -> Sequence[WebhookFigures]:
    """Where every webhook stands."""
    return [WebhookFigures(*row) for row in connection.execute(_QUERIES["measure_webhooks"])]


def _delivery(row: dict[str, Any]) -> Delivery:
    row["event_cursor"] = encode_cursor(row.pop("tx"), row.pop("seq"))
    row["status"] = DeliveryStatus(row["status"])
    row["attempts"] = tuple(
        Attempt(
            datetime.fromisoformat(each["at"]),
            each["status_code"],
            None if each["error"] is None else AttemptError(each["error"]),
            each["duration_ms"],
        )
        for each in row["attempts"]
    )
    return Delivery(**row)
