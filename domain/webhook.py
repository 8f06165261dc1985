"""Webhooks: where events are sent to, when an attempt is made again, and which addresses may be reached. No I/O."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import ClassVar, Final, TypeAlias
from urllib.parse import urlsplit
from uuid import UUID

from domain.errors import Invalid
from domain.event import Event

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# Standard Webhooks 1.0.0, "Deliverability and reliability": the delay before each attempt. [s]
SCHEDULE_S: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER: Final = 0.1  # a delay is so much longer or shorter, so that those that failed together do not come together
# Of a rotation, in which both secrets sign: a day to bring the new one to where it is needed.
BOTH_SECRETS: Final = timedelta(hours=24)
MAX_URL_LENGTH: Final = 2_000
MAX_WEBHOOKS: Final = 100  # one process sends to 32 at once
KEPT_ATTEMPTS: Final = 20  # of one delivery; two whole rounds of the schedule
_SECRET_BYTES: Final = 32  # the specification asks for 24 to 64
_THROTTLED: Final = frozenset({429, 502, 504})  # the same, "Delivery success and failure"
_REST_S: Final = 30.0
_LONGEST_REST_S: Final = 3_600.0
_GONE: Final = 410

# Ways to write an IPv4 address in an IPv6 one: NAT64 (RFC 6052), 6to4 (RFC 3056). Mapped ones Python knows itself.
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")


class InvalidWebhookUrl(Invalid):
    """A URL that events cannot be sent to."""

    code: ClassVar[str] = "webhook.invalid_url"


class AddressRefused(Invalid):
    """An address that is not public, and in none of the networks that the operator allows."""

    code: ClassVar[str] = "webhook.address_refused"


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class AttemptError(StrEnum):
    """Why no answer came."""

    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where events of an area are sent to.

    Attributes:
        event_types: `siteproof.issue` means every type below it as well; empty means all.
        area: events of this area and below.
        project_id: of this project only.
        disabled_reason: why we stopped sending; None where a person did, or nobody.
    """

    id: str
    url: str
    event_types: tuple[str, ...]
    area: str
    project_id: str | None
    active: bool
    disabled_reason: str | None
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to an endpoint.

    Attributes:
        at: when it began. UTC.
        status_code: of the answer; None where none came.
        error: why none came.
        duration_ms: until the answer or the error. [ms]
    """

    at: datetime
    status_code: int | None
    error: AttemptError | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook.

    Attributes:
        event_cursor: the event's place in the order of `GET /v1/events`.
        tries: attempts in the present round of the schedule.
        due_at: of the next attempt, while it is pending.
        attempts: the newest KEPT_ATTEMPTS, oldest first.
    """

    id: UUID
    webhook_id: str
    event_id: UUID
    event_type: str
    event_cursor: str
    status: DeliveryStatus
    tries: int
    due_at: datetime
    created_at: datetime
    delivered_at: datetime | None
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """What an attempt needs.

    Attributes:
        secrets: that sign, the newest first.
        tries: attempts made in this round.
    """

    id: UUID
    url: str
    secrets: tuple[str, ...]
    tries: int
    event: Event


@dataclass(frozen=True, slots=True)
class AttemptVerdict:
    """What an attempt means.

    Attributes:
        status: of the delivery from now on.
        delay_s: until the next attempt; None where there is none. [s]
        rest_s: how long nothing at all is sent to this webhook. [s]
        is_gone: the endpoint wants nothing any more.
    """

    status: DeliveryStatus
    delay_s: float | None = None
    rest_s: float = 0.0
    is_gone: bool = False


def judge_attempt(
    *, tries: int, status_code: int | None, retry_after_s: float | None = None, jitter: float = 0.0
) -> AttemptVerdict:
    """What follows from the answer to an attempt, by Standard Webhooks 1.0.0, "Operational considerations".

    Args:
        tries: attempts in this round, this one included.
        status_code: None where no answer came.
        retry_after_s: what the answer asks for. [s]
        jitter: share of the delay that is added, in [-JITTER, JITTER].
    """
    if status_code is not None and 200 <= status_code < 300:  # noqa: PLR2004 - the class of HTTP's successes
        return AttemptVerdict(DeliveryStatus.DELIVERED)
    if status_code == _GONE:
        # It waits: a person who switches the webhook on again misses nothing.
        return AttemptVerdict(DeliveryStatus.PENDING, delay_s=0.0, is_gone=True)
    asked_s = retry_after_s or 0.0
    rest_s = min(max(_REST_S, asked_s), _LONGEST_REST_S) if status_code in _THROTTLED else 0.0
    if tries >= len(SCHEDULE_S):
        return AttemptVerdict(DeliveryStatus.FAILED, rest_s=rest_s)
    delay_s = max(SCHEDULE_S[tries] * (1 + jitter), min(asked_s, SCHEDULE_S[-1]))
    return AttemptVerdict(DeliveryStatus.PENDING, delay_s=delay_s, rest_s=rest_s)


def make_secret() -> str:
    """A new signing secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def require_webhook_url(url: str) -> str:
    """Return `url` if events can be sent to it.

    Raises:
        InvalidWebhookUrl: not http or https, without a host, with a user, a fragment or white space, or too long.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidWebhookUrl(f"not a URL: {error}") from error
    if len(url) > MAX_URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidWebhookUrl(f"a URL is at most {MAX_URL_LENGTH} printable ASCII characters without blanks")
    if parts.scheme not in {"https", "http"} or not parts.hostname or port == 0:
        raise InvalidWebhookUrl("a URL begins with https:// (or http:// within an allowed network) and names a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidWebhookUrl("a URL holds no user, password or fragment")
    return url


def require_allowed_address(address: Address, *, networks: Sequence[Network], is_plain: bool) -> None:
    """Let an address pass if it is public, or in a network that the operator allows.

    Args:
        address: that would be connected to.
        networks: the operator's exceptions; there plain http passes too.
        is_plain: whether http without TLS is meant.

    Raises:
        AddressRefused: it may not be reached.
    """
    real = _unwrap(address)
    if any(real.version == network.version and real in network for network in networks):
        return
    if real.is_multicast or not real.is_global or (isinstance(real, IPv6Address) and real in _TEREDO):
        raise AddressRefused(f"{address} is not a public address: see SITEPROOF_WEBHOOK_NETWORKS", address=str(address))
    if is_plain:
        raise AddressRefused("http without TLS only within SITEPROOF_WEBHOOK_NETWORKS", address=str(address))


def _unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or address in _NAT64_LOCAL:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    if int(address) >> 32 == 0 and int(address) > 1:  # the compatible form that RFC 4291 deprecates
        return IPv4Address(int(address))
    return address
