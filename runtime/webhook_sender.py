"""Requests to webhooks' endpoints: signed, bounded in time and size, and only to addresses that may be reached."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2
from standardwebhooks import Webhook as Signer

from domain.clock import Clock
from domain.event import make_envelope
from domain.webhook import AddressRefused, Attempt, AttemptError, DueDelivery, Network, require_allowed_address
from findings.webhook import Answer

TIMEOUT_S: Final = 20.0  # of a whole request; Standard Webhooks recommends 15 to 30 s
_CONNECT_TIMEOUT_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 64 * 1024  # read and thrown away, so that a connection can serve again
_CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"

# Which of the library's errors is told as which; the first that fits.
_ERRORS: Final[tuple[tuple[type[Exception], AttemptError], ...]] = (
    (AddressRefused, AttemptError.ADDRESS_REFUSED),
    (httpcore2.TimeoutException, AttemptError.TIMEOUT),
    (httpcore2.NetworkError, AttemptError.UNREACHABLE),
    (httpcore2.ProtocolError, AttemptError.PROTOCOL),
    (httpcore2.UnsupportedProtocol, AttemptError.PROTOCOL),
)
Resolve = Callable[[str, int], Sequence[str]]


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system finds them, in its order.

    Raises:
        OSError: it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Deadline:
    """A moment by which everything has to be done."""

    def __init__(self) -> None:
        self._end = 0.0

    def set(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def cut(self, timeout: float | None) -> float:
        """What is left, at most `timeout`; a moment where nothing is, which lets the call time out by itself."""
        left = max(self._end - time.monotonic(), 0.001)
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends with the request's deadline: a drip of bytes cannot hold it open."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        # The host's own name is verified, though the connection was made to an address.
        stream = self._stream.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout))
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's own signature
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore2.SyncBackend):
    """Connects to addresses that were looked at, never to a name: a second look-up could give another one."""

    def __init__(self, deadline: _Deadline, networks: Sequence[Network], resolve: Resolve) -> None:
        self.is_plain = False
        self._deadline, self._networks, self._resolve = deadline, networks, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} has no address") from error
        # All of them before the first is tried, so that a name which also leads inside is refused as a whole.
        for address in addresses:
            numeric = ip_address(address.partition("%")[0])
            require_allowed_address(numeric, networks=self._networks, is_plain=self.is_plain)
        last: httpcore2.NetworkError | httpcore2.TimeoutException = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = super().connect_tcp(address, port, self._deadline.cut(timeout), local_address, socket_options)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                last = error
                continue
            return _Stream(stream, self._deadline)
        raise last


class WebhookSender:
    """Sends to one endpoint at a time; connections are used again while it lives."""

    def __init__(
        self,
        *,
        clock: Clock,
        networks: Sequence[Network],
        tls: ssl.SSLContext,
        resolve: Resolve = resolve_host,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Make a sender.

        Args:
            clock: for the timestamp that is signed.
            networks: not public, and yet allowed.
            tls: whom to trust.
            resolve: finds the addresses of a host.
            timeout_s: of a whole request. [s]
        """
        self._clock, self._timeout_s, self._deadline = clock, timeout_s, _Deadline()
        self._backend = _GuardedBackend(self._deadline, networks, resolve)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls, max_connections=1, keepalive_expiry=5, network_backend=self._backend
        )

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def send(self, due: DueDelivery) -> Answer:
        """Make one attempt; what goes wrong is an answer too."""
        at, began = self._clock.now(), time.monotonic()
        status_code, error, retry_after_s = None, None, None
        self._deadline.set(self._timeout_s)
        try:
            status_code, retry_after_s = self._post(due, at)
        except tuple(kind for kind, _ in _ERRORS) as raised:
            error = next(name for kind, name in _ERRORS if isinstance(raised, kind))
            if _is_of_tls(raised):
                error = AttemptError.TLS
        duration_ms = round(1_000 * (time.monotonic() - began))
        return Answer(Attempt(at, status_code, error, duration_ms), retry_after_s)

    def _post(self, due: DueDelivery, at: datetime) -> tuple[int, float | None]:
        body = json.dumps(make_envelope(due.event), ensure_ascii=False, separators=(",", ":"))
        message_id = str(due.event.id)
        parts = urlsplit(due.url)
        self._backend.is_plain = parts.scheme == "http"
        headers = {
            "host": parts.netloc,
            "content-type": _CONTENT_TYPE,
            "user-agent": "Siteproof",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": sign(message_id, at, body, secrets=due.secrets),
        }
        timeouts = {"connect": _CONNECT_TIMEOUT_S, "read": TIMEOUT_S, "write": TIMEOUT_S, "pool": TIMEOUT_S}
        # Redirects are not followed: they are an answer like any other that is no success.
        with self._pool.stream(
            "POST",
            due.url,
            headers=[(name.encode(), value.encode()) for name, value in headers.items()],
            content=body.encode(),
            extensions={"timeout": timeouts},
        ) as response:
            size = 0
            for chunk in response.iter_stream():
                size += len(chunk)
                if size > _MAX_ANSWER_BYTES:
                    break
            return response.status, find_retry_after(response.headers, now=at)


def sign(message_id: str, at: datetime, body: str, *, secrets: Sequence[str]) -> str:
    """The header `webhook-signature`: one signature for each secret."""
    return " ".join(Signer(secret).sign(message_id, at, body) for secret in secrets)


def find_retry_after(headers: Sequence[tuple[bytes, bytes]], *, now: datetime) -> float | None:
    """What the header Retry-After asks for, in seconds or as a date (RFC 9110, 10.2.3), if anything.

    Returns:
        From `now` on. [s]
    """
    for name, value in headers:
        if name.lower() != b"retry-after":
            continue
        text = value.decode("ascii", "replace").strip()
        if text.isdecimal():
            return float(text[:9])
        try:
            asked = parsedate_to_datetime(text)
        except ValueError:
            return None
        asked = asked.replace(tzinfo=UTC) if asked.tzinfo is None else asked
        return max((asked - now).total_seconds(), 0.0)
    return None


def _is_of_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
