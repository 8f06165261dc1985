"""Webhooks as rows: the endpoints themselves, and the way of events into their deliveries."""

from datetime import datetime
from typing import Any, ClassVar, Final

from psycopg.rows import dict_row

from domain.errors import Conflict
from domain.webhook import BOTH_SECRETS, MAX_WEBHOOKS, Webhook, make_secret
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("webhook")
_EVENT_QUERIES: Final = load_queries("event")
_WINDOW_ROWS: Final = 1_000


class TooManyWebhooks(Conflict):
    """There are MAX_WEBHOOKS already."""

    code: ClassVar[str] = "webhook.too_many"


def find_webhook(connection: Connection, *, webhook_id: str) -> Webhook | None:
    """The webhook of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_webhook"], {"id": webhook_id}).fetchone()
    return None if row is None else _webhook(row)


def list_webhooks(
    connection: Connection, *, area: str, project_id: str | None, after: str | None, limit: int
) -> Page[Webhook]:
    """The webhooks within an area, and with a project only those of it, in the order of their making."""
    values = {"area": area, "token_project_id": project_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_webhooks"], values).fetchall()
    return cut_page([(row.pop("seq"), _webhook(row)) for row in rows], limit=limit)


def lock_webhooks(connection: Connection) -> None:
    """Let nobody else make or change a webhook until the transaction ends."""
    connection.execute(_QUERIES["lock_webhooks"])


def put_webhook(
    connection: Connection,
    *,
    webhook_id: str,
    url: str,
    event_types: tuple[str, ...],
    area: str,
    project_id: str | None,
    active: bool,
) -> tuple[Webhook, str | None]:
    """Make or change a webhook; gives back its secret where it is new. Call `lock_webhooks` before.

    Raises:
        TooManyWebhooks: it would be one too many.
        UnknownProject: there is no such project.
    """
    values = {
        "id": webhook_id,
        "url": url,
        "event_types": list(event_types),
        "area": area,
        "project_id": project_id,
        "active": active,
    }
    secret = None
    if find_webhook(connection, webhook_id=webhook_id) is None:
        count = connection.execute(_QUERIES["count_webhooks"]).fetchone()
        if count is not None and count[0] >= MAX_WEBHOOKS:
            raise TooManyWebhooks(f"there are {MAX_WEBHOOKS} webhooks already", limit=MAX_WEBHOOKS)
        secret = make_secret()
        connection.execute(_QUERIES["insert_webhook"], values | {"secret": secret})
    else:
        connection.execute(_QUERIES["update_webhook"], values)
    webhook = find_webhook(connection, webhook_id=webhook_id)
    if webhook is None:
        raise RuntimeError("the webhook that was just written is not there")
    return webhook, secret


def delete_webhook(connection: Connection, *, webhook_id: str) -> None:
    """Forget a webhook and its log."""
    connection.execute(_QUERIES["delete_webhook"], {"id": webhook_id})


def rotate_secret(connection: Connection, *, webhook_id: str, now: datetime) -> tuple[str, datetime]:
    """Give a webhook a new secret; returns it, and until when the one before signs as well."""
    secret, until = make_secret(), now + BOTH_SECRETS
    connection.execute(_QUERIES["rotate_secret"], {"id": webhook_id, "secret": secret, "until": until})
    return secret, until


def rewind_webhook(connection: Connection, *, webhook_id: str, after: str | None) -> None:
    """Let every event after a cursor be sent again; a cursor that lies ahead changes nothing.

    Raises:
        InvalidCursor: `after` is not one of ours.
    """
    after_tx, after_seq = decode_cursor(after, count=2)
    connection.execute(_QUERIES["rewind"], {"id": webhook_id, "after_tx": after_tx, "after_seq": after_seq})


def list_behind(connection: Connection) -> list[str]:
    """Active webhooks for which there are events that were not looked through yet."""
    return [row[0] for row in connection.execute(_QUERIES["list_behind"])]


def queue_events(connection: Connection, *, webhook_id: str, now: datetime) -> bool:
    """Make deliveries of the next window of events; whether there is more to look through.

    In one transaction with the webhook's cursor, so that no event is passed over and none is queued twice.
    """
    locked = connection.execute(_QUERIES["lock_behind"], {"id": webhook_id}).fetchone()
    if locked is None:
        return False
    start = {"after_tx": locked[0], "after_seq": locked[1]}
    rows = {"rows": _WINDOW_ROWS}
    # Never prepared, as in `storage.event`: a plan without the values would read the whole table.
    window = connection.execute(_EVENT_QUERIES["find_window"], start | rows, prepare=False).fetchone()
    if window is None or window[1] is None:
        return False
    values = {"id": webhook_id, "end_tx": window[1][0], "end_seq": window[1][1], "now": now}
    connection.execute(_QUERIES["insert_deliveries"], start | values | rows, prepare=False)
    connection.execute(_QUERIES["move_cursor"], values)
    return bool(window[0] == _WINDOW_ROWS)


def _webhook(row: dict[str, Any]) -> Webhook:
    return Webhook(**row | {"event_types": tuple(row["event_types"])})
