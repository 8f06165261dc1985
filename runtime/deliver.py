"""`siteproof deliver`: events to webhooks. Several may run side by side; one at a time serves a webhook."""

import logging
import signal
import ssl
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from types import FrameType
from typing import Final
from uuid import UUID, uuid4

from domain.clock import Clock, SystemClock
from domain.errors import Unavailable
from domain.webhook import Network
from findings.webhook import settle_attempt
from runtime.settings import Settings
from runtime.webhook_sender import TIMEOUT_S, Resolve, WebhookSender, resolve_host
from storage.database import Database
from storage.webhook import list_behind, queue_events
from storage.webhook_delivery import claim_webhooks, delete_old_deliveries, release_claim, take_due_delivery

_LOG: Final = logging.getLogger(__name__)
THREADS: Final = 32  # endpoints that are sent to at once; a slow one holds no more than its own
# Longer than a request with its look-up of the name can take; after a kill, others wait so long.
LEASE: Final = timedelta(seconds=60)
SLOT_S: Final = 5.0  # a busy webhook goes to the end of the queue after it
KEPT: Final = timedelta(days=30)  # finished deliveries stay in the log so long
_POLL_S: Final = 0.5
_SWEEP_S: Final = 60.0
_SWEEP_ROWS: Final = 5_000


class Deliverer:
    """Queues events for webhooks and sends what is due, until it is told to stop."""

    def __init__(
        self,
        database: Database,
        *,
        networks: tuple[Network, ...] = (),
        clock: Clock | None = None,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
        lease: timedelta = LEASE,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Make a deliverer.

        Args:
            database: where events and webhooks are.
            networks: not public, and yet allowed.
            clock: of due times and leases.
            resolve: finds the addresses of a host.
            tls: whom to trust; silent: as the system does.
            lease: after which another one may take over a webhook.
            timeout_s: of a whole request. [s]
        """
        self._database, self._networks, self._clock = database, networks, clock or SystemClock()
        self._resolve, self._lease, self._timeout_s = resolve, lease, timeout_s
        self._tls = tls or ssl.create_default_context()
        self._stop = threading.Event()

    def request_stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End `run` after the requests that are under way; also a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until a stop is asked for; a database that does not answer is waited for."""
        sweep_at = 0.0
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as threads:
            busy: set[Future[None]] = set()
            while not self._stop.is_set():
                busy = {each for each in busy if not each.done()}
                is_more = False
                try:
                    is_more = self.queue()
                    for webhook_id, claim in self.claim(THREADS - len(busy)):
                        busy.add(threads.submit(self._serve_safely, webhook_id, claim))
                    if time.monotonic() >= sweep_at:
                        self.sweep()
                        sweep_at = time.monotonic() + _SWEEP_S
                except Unavailable as error:
                    _LOG.warning("%s", error.detail)
                if not is_more:
                    self._stop.wait(_POLL_S)

    def queue(self) -> bool:
        """Make deliveries of the next events for each webhook that is behind; whether one still is."""
        is_more = False
        with self._database.transaction() as connection:
            behind = list_behind(connection)
        for webhook_id in behind:
            with self._database.transaction() as connection:
                is_more |= queue_events(connection, webhook_id=webhook_id, now=self._clock.now())
        return is_more

    def claim(self, limit: int) -> list[tuple[str, UUID]]:
        """Take webhooks that have something due, each with the claim that it is held by."""
        if limit <= 0:
            return []
        claim, now = uuid4(), self._clock.now()
        with self._database.transaction() as connection:
            taken = claim_webhooks(connection, claim=claim, now=now, until=now + self._lease, limit=limit)
        return [(webhook_id, claim) for webhook_id in taken]

    def serve(self, webhook_id: str, claim: UUID) -> int:
        """Send what is due to a claimed webhook, one after the other, for a slot; how many attempts were made."""
        sender = WebhookSender(
            clock=self._clock, networks=self._networks, tls=self._tls, resolve=self._resolve, timeout_s=self._timeout_s
        )
        made, end = 0, time.monotonic() + SLOT_S
        try:
            while not self._stop.is_set() and time.monotonic() < end and self._send_one(sender, webhook_id, claim):
                made += 1
        finally:
            sender.close()
            with self._database.transaction() as connection:
                release_claim(connection, webhook_id=webhook_id, claim=claim)
        return made

    def sweep(self) -> None:
        """Forget what the log need not keep any more."""
        with self._database.transaction() as connection:
            delete_old_deliveries(connection, before=self._clock.now() - KEPT, limit=_SWEEP_ROWS)

    def _send_one(self, sender: WebhookSender, webhook_id: str, claim: UUID) -> bool:
        now = self._clock.now()
        with self._database.transaction() as connection:
            due = take_due_delivery(connection, webhook_id=webhook_id, claim=claim, now=now, until=now + self._lease)
        if due is None:
            return False
        # Between two transactions: nothing is held in the database while somebody else takes his time.
        answer = sender.send(due)
        with self._database.transaction() as connection:
            return settle_attempt(
                connection,
                webhook_id=webhook_id,
                claim=claim,
                due=due,
                answer=answer,
                now=self._clock.now(),
            )

    def _serve_safely(self, webhook_id: str, claim: UUID) -> None:
        try:
            self.serve(webhook_id, claim)
        except Unavailable as error:
            _LOG.warning("webhook %s: %s", webhook_id, error.detail)
        except Exception:  # noqa: BLE001 - a thread's edge; the lease runs out and another try is made
            _LOG.exception("webhook %s: a mistake of ours", webhook_id)


def run_deliver(settings: Settings, database: Database) -> None:
    """Deliver until a signal ends it."""
    deliverer = Deliverer(database, networks=settings.allowed_networks)
    signal.signal(signal.SIGINT, deliverer.request_stop)
    signal.signal(signal.SIGTERM, deliverer.request_stop)
    deliverer.run()
