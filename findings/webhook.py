"""What follows from an attempt to deliver an event: recorded, tried again, rested, or ended and told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Final
from uuid import UUID

from domain.webhook import JITTER, Attempt, DueDelivery, Webhook, judge_attempt
from storage.database import Connection
from storage.event import insert_event
from storage.webhook import find_webhook
from storage.webhook_delivery import disable_webhook, record_attempt, rest_webhook

_GONE: Final = "the endpoint answered 410"
_RANDOM: Final = SystemRandom()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request, as the sender tells it.

    Attributes:
        retry_after_s: of the answer's header. [s]
    """

    attempt: Attempt
    retry_after_s: float | None = None


def settle_attempt(
    connection: Connection, *, webhook_id: str, claim: UUID, due: DueDelivery, answer: Answer, now: datetime
) -> bool:
    """Record an attempt and what follows from it; false where the claim was lost meanwhile.

    Args:
        connection: of the caller's transaction.
        webhook_id: that it was sent to.
        claim: of who sent it.
        due: what was sent.
        answer: what came back.
        now: UTC; the next attempt is counted from here.
    """
    verdict = judge_attempt(
        tries=due.tries + 1,
        status_code=answer.attempt.status_code,
        retry_after_s=answer.retry_after_s,
        jitter=_RANDOM.uniform(-JITTER, JITTER),
    )
    recorded = record_attempt(
        connection,
        delivery_id=due.id,
        claim=claim,
        attempt=answer.attempt,
        status=verdict.status,
        due_at=now + timedelta(seconds=verdict.delay_s or 0.0),
    )
    if not recorded:
        return False
    if verdict.rest_s:
        rest_webhook(connection, webhook_id=webhook_id, claim=claim, until=now + timedelta(seconds=verdict.rest_s))
    if verdict.is_gone:
        _end(connection, webhook_id=webhook_id, claim=claim, now=now)
    return True


def _end(connection: Connection, *, webhook_id: str, claim: UUID, now: datetime) -> None:
    disable_webhook(connection, webhook_id=webhook_id, claim=claim, reason=_GONE)
    webhook = find_webhook(connection, webhook_id=webhook_id)
    if webhook is not None:
        tell_webhook(connection, webhook, event="disabled", now=now)


def tell_webhook(connection: Connection, webhook: Webhook, *, event: str, now: datetime) -> None:
    """Write the event `siteproof.webhook.<event>`."""
    insert_event(
        connection,
        type_=f"siteproof.webhook.{event}",
        project_id=webhook.project_id,
        area=webhook.area,
        subject=f"webhooks/{webhook.id}",
        occurred_at=now,
        data={"webhook_id": webhook.id, "active": webhook.active, "reason": webhook.disabled_reason},
    )
