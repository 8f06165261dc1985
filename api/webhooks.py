"""`/v1/webhooks`: where events are sent to, what became of each, and sending again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field

from api.access import Allowed, AreaForbidden, Asker, get_visible_project, see_nothing
from api.etag import make_etag, require_match
from api.idempotency import IdempotentRoute
from api.paging import After, Limit, make_collection
from api.schemas import CallerId, Collection, Shape
from domain.access import Principal, Role
from domain.errors import NotFound
from domain.identifier import covers_area, parse_uuid, require_area, require_caller_id
from domain.webhook import AttemptError, Delivery, DeliveryStatus, Webhook
from findings.webhook_address import require_reachable_url
from storage.database import Connection
from storage.webhook import (
    delete_webhook,
    find_webhook,
    list_webhooks,
    lock_webhooks,
    put_webhook,
    rewind_webhook,
    rotate_secret,
)
from storage.webhook_delivery import list_deliveries, replay_delivery

router = APIRouter(prefix="/v1", route_class=IdempotentRoute, tags=["webhooks"])
KEEPERS = frozenset({Role.CORE, Role.ADMIN})
EventType = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", max_length=100)]


class UnknownWebhook(NotFound):
    """There is no such webhook, or it is out of sight."""

    code = "webhook.not_found"


class UnknownDelivery(NotFound):
    """The webhook has no such delivery."""

    code = "webhook.delivery_not_found"


class WebhookBody(Shape):
    """What a keeper of a webhook gives."""

    url: Annotated[str, Field(max_length=2_000)]
    event_types: Annotated[
        list[EventType],
        Field(max_length=50, description="`siteproof.issue` also means every type below it; empty: all"),
    ] = Field(default_factory=list)
    area: Annotated[str | None, Field(description="this area and below; silent: the token's")] = None
    project_id: Annotated[CallerId | None, Field(description="this project only; silent: the token's, if any")] = None
    active: bool = True


class WebhookView(Shape):
    """A webhook; `secret` is there in the answer that made it, and never again."""

    id: str
    url: str
    event_types: list[str]
    area: str
    project_id: str | None
    active: bool
    disabled_reason: str | None
    created_at: datetime
    secret: str | None = None

    @classmethod
    def of(cls, webhook: Webhook, *, secret: str | None = None) -> "WebhookView":
        """The wire's shape."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            event_types=list(webhook.event_types),
            area=webhook.area,
            project_id=webhook.project_id,
            active=webhook.active,
            disabled_reason=webhook.disabled_reason,
            created_at=webhook.created_at,
            secret=secret,
        )


class SecretView(Shape):
    """A new secret, shown once."""

    secret: str
    previous_valid_until: datetime


class AttemptView(Shape):
    """One request to the endpoint."""

    at: datetime
    status_code: int | None
    error: AttemptError | None
    duration_ms: int


class DeliveryView(Shape):
    """One event on its way; `due_at` is the next attempt's time while it is pending."""

    id: UUID
    event_id: UUID
    event_type: str
    event_cursor: str
    status: DeliveryStatus
    tries: int
    due_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None
    attempts: list[AttemptView]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        """The wire's shape."""
        return cls(
            id=delivery.id,
            event_id=delivery.event_id,
            event_type=delivery.event_type,
            event_cursor=delivery.event_cursor,
            status=delivery.status,
            tries=delivery.tries,
            due_at=delivery.due_at if delivery.status is DeliveryStatus.PENDING else None,
            created_at=delivery.created_at,
            delivered_at=delivery.delivered_at,
            attempts=[AttemptView.model_validate(each) for each in delivery.attempts],
        )


def see_webhook(connection: Connection, principal: Principal, request: Request) -> Webhook:
    """The webhook of the path.

    Raises:
        UnknownWebhook: it is not there, or out of sight.
    """
    webhook = find_webhook(connection, webhook_id=request.path_params["webhook_id"])
    if webhook is None or not _sees(principal, webhook):
        raise UnknownWebhook("there is no such webhook")
    return webhook


def see_new_webhook(connection: Connection, principal: Principal, request: Request) -> Webhook | None:
    """The webhook of a PUT: None where it is new.

    Raises:
        UnknownWebhook: it is there, but out of sight.
    """
    if find_webhook(connection, webhook_id=request.path_params["webhook_id"]) is None:
        return None
    return see_webhook(connection, principal, request)


def _sees(principal: Principal, webhook: Webhook) -> bool:
    return covers_area(principal.area, webhook.area) and principal.project_id in {None, webhook.project_id}


@router.put("/webhooks/{webhook_id}", responses={201: {"model": WebhookView}})
def put_webhook_route(
    webhook_id: str,
    body: WebhookBody,
    response: Response,
    asker: Annotated[Asker[Webhook | None], Depends(Allowed(KEEPERS, see_new_webhook))],
    if_match: Annotated[str | None, Header()] = None,
) -> WebhookView:
    """Make a webhook, or change it; one that was disabled goes on where it stopped once it is `active` again.

    A new one gets what happens from now on; `POST .../replay` sends what was before.
    """
    require_caller_id(webhook_id)
    require_reachable_url(body.url, networks=asker.services.webhook_networks)
    with asker.transaction() as connection:
        area, project_id = _choose_scope(connection, asker.principal, body)
        lock_webhooks(connection)
        # Read again behind the lock: somebody may have made it since the request was let in.
        stored = find_webhook(connection, webhook_id=webhook_id)
        if stored is not None and not _sees(asker.principal, stored):
            raise UnknownWebhook("there is no such webhook")
        require_match(if_match, None if stored is None else stored.version)
        webhook, secret = put_webhook(
            connection,
            webhook_id=webhook_id,
            url=body.url,
            event_types=tuple(body.event_types),
            area=area,
            project_id=project_id,
            active=body.active,
        )
    response.status_code = 200 if secret is None else 201
    response.headers["ETag"] = make_etag(webhook.version)
    return WebhookView.of(webhook, secret=secret)


def _choose_scope(connection: Connection, principal: Principal, body: WebhookBody) -> tuple[str, str | None]:
    area = principal.area if body.area is None else body.area
    if area != principal.area:
        require_area(area)
        if not covers_area(principal.area, area):
            raise AreaForbidden(f"the token's area is {principal.area}")
    project_id = body.project_id or principal.project_id
    if project_id is not None:
        get_visible_project(connection, principal, project_id)
    return area, project_id


@router.get("/webhooks/{webhook_id}")
def get_webhook_route(
    response: Response, asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))]
) -> WebhookView:
    """One webhook, without its secret."""
    response.headers["ETag"] = make_etag(asker.thing.version)
    return WebhookView.of(asker.thing)


@router.get("/webhooks")
def list_webhooks_route(
    asker: Annotated[Asker[None], Depends(Allowed(KEEPERS, see_nothing))], limit: Limit, after: After = None
) -> Collection[WebhookView]:
    """The webhooks within sight, in the order of their making."""
    principal = asker.principal
    with asker.transaction() as connection:
        page = list_webhooks(connection, area=principal.area, project_id=principal.project_id, after=after, limit=limit)
    return make_collection(page, [WebhookView.of(webhook) for webhook in page.items])


@router.delete("/webhooks/{webhook_id}", status_code=204)
def delete_webhook_route(
    asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))],
    if_match: Annotated[str | None, Header()] = None,
) -> None:
    """Send nothing more, and forget the log."""
    require_match(if_match, asker.thing.version)
    with asker.transaction() as connection:
        delete_webhook(connection, webhook_id=asker.thing.id)


@router.post("/webhooks/{webhook_id}/secret")
def rotate_secret_route(asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))]) -> SecretView:
    """A new secret; for 24 h the one before signs as well, so that no delivery is lost to the change."""
    with asker.transaction() as connection:
        secret, until = rotate_secret(connection, webhook_id=asker.thing.id, now=asker.services.clock.now())
    return SecretView(secret=secret, previous_valid_until=until)


@router.get("/webhooks/{webhook_id}/deliveries")
def list_deliveries_route(
    asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))],
    limit: Limit,
    after: After = None,
    status: DeliveryStatus | None = None,
) -> Collection[DeliveryView]:
    """What became of each event, in the order in which they were queued; finished ones are kept for 30 days."""
    with asker.transaction() as connection:
        page = list_deliveries(connection, webhook_id=asker.thing.id, after=after, limit=limit, status=status)
    return make_collection(page, [DeliveryView.of(delivery) for delivery in page.items])


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
def replay_delivery_route(
    delivery_id: str, asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))]
) -> DeliveryView:
    """Send one event again, under the same `webhook-id`."""
    parsed = parse_uuid(delivery_id)
    with asker.transaction() as connection:
        if parsed is None or not replay_delivery(
            connection, webhook_id=asker.thing.id, delivery_id=parsed, now=asker.services.clock.now()
        ):
            raise UnknownDelivery("the webhook has no such delivery")
        page = list_deliveries(connection, webhook_id=asker.thing.id, after=None, limit=1, delivery_id=parsed)
    return DeliveryView.of(page.items[0])


@router.post("/webhooks/{webhook_id}/replay", status_code=202)
def replay_webhook_route(
    asker: Annotated[Asker[Webhook], Depends(Allowed(KEEPERS, see_webhook))],
    after: Annotated[
        str | None, Query(max_length=200, description="a cursor of `GET /v1/events`; silent: from the first event")
    ] = None,
) -> WebhookView:
    """Send every event after a cursor again, those from before the webhook was made too."""
    with asker.transaction() as connection:
        rewind_webhook(connection, webhook_id=asker.thing.id, after=after)
    return WebhookView.of(asker.thing)
