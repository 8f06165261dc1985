"""The deliverer on the real database, towards real endpoints on loopback."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
import trustme
from standardwebhooks import Webhook as Verifier

from domain.webhook import DeliveryStatus
from runtime.deliver import Deliverer
from storage.database import Database
from storage.event import insert_event, list_events
from storage.webhook import delete_webhook, find_webhook, put_webhook, rewind_webhook, rotate_secret
from storage.webhook_delivery import list_deliveries, measure_webhooks

LOOPBACK = (ip_network("127.0.0.0/8"),)
AREA = "county/town"


class FixedClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        """What the test says."""
        return self.time

    def pass_(self, seconds: float) -> None:
        """Let time go by."""
        self.time += timedelta(seconds=seconds)


@dataclass
class Endpoint:
    """A receiver on loopback: what it got, and what it answers."""

    port: int
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def subjects(self) -> list[str]:
        """Of what it got, in order."""
        return [json.loads(body)["subject"] for _, body in self.requests]


@contextmanager
def listen() -> Iterator[Endpoint]:
    """An endpoint, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.before()
            made.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            for name, value in {"content-length": "0", **made.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Endpoint(server.server_port)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A receiver that takes everything."""
    with listen() as made:
        yield made


@pytest.fixture
def clock() -> FixedClock:
    """A clock that stands still."""
    return FixedClock()


@pytest.fixture
def deliverer(database: Database, clock: FixedClock) -> Deliverer:
    """One that may send to loopback."""
    return Deliverer(database, networks=LOOPBACK, clock=clock)


def tell(database: Database, *subjects: str, area: str = AREA, type_: str = "siteproof.issue.raised") -> None:
    """One event each, in a transaction each."""
    for subject in subjects:
        with database.transaction() as connection:
            insert_event(
                connection,
                type_=type_,
                project_id="p",
                area=area,
                subject=subject,
                occurred_at=datetime.now(UTC),
                data={"名": subject},
            )


def make(database: Database, url: str, webhook_id: str = "w", **changes: Any) -> str:  # noqa: ANN401 - columns
    """A webhook; gives back its secret."""
    columns: dict[str, Any] = {"event_types": (), "area": AREA, "project_id": None, "active": True}
    with database.transaction() as connection:
        _, secret = put_webhook(connection, webhook_id=webhook_id, url=url, **columns | changes)
    return secret or ""


def work(deliverer: Deliverer) -> int:
    """Queue and send all that is due; how many attempts were made."""
    while deliverer.queue():
        pass
    return sum(deliverer.serve(webhook_id, claim) for webhook_id, claim in deliverer.claim(32))


def read_log(database: Database, webhook_id: str = "w") -> list[tuple[DeliveryStatus, list[int | str | None]]]:
    """Status and attempts of each delivery."""
    with database.transaction() as connection:
        page = list_deliveries(connection, webhook_id=webhook_id, after=None, limit=500)
    return [(each.status, [one.error or one.status_code for one in each.attempts]) for each in page.items]


def test_deliver__what_happens__arrives_once_in_order_signed(
    database: Database, deliverer: Deliverer, endpoint: Endpoint
) -> None:
    """An integrator's library of Standard Webhooks accepts each request; what was before the webhook is not sent."""
    tell(database, "before")
    secret = make(database, endpoint.url)
    tell(database, "a", "b", "c")
    assert work(deliverer) == 3
    assert work(deliverer) == 0
    assert endpoint.subjects == ["a", "b", "c"]
    for headers, body in endpoint.requests:
        envelope = json.loads(body)
        assert headers["webhook-id"] == envelope["id"]
        assert headers["content-type"].startswith("application/cloudevents+json")
        assert Verifier(secret).verify(body, headers) == envelope
    assert read_log(database) == 3 * [(DeliveryStatus.DELIVERED, [200])]


def test_deliver__with_filters__sends_what_they_name(
    database: Database, deliverer: Deliverer, endpoint: Endpoint
) -> None:
    """By area and below, and by type and below, at whole names."""
    make(database, endpoint.url, event_types=("siteproof.issue", "siteproof.finding.recorded"))
    tell(database, "near")
    tell(database, "below", area=f"{AREA}/village")
    tell(database, "beside", area=f"{AREA}-2")
    tell(database, "exact", type_="siteproof.finding.recorded")
    tell(database, "other", type_="siteproof.finding.reviewed")
    tell(database, "longer", type_="siteproof.issues.raised")
    work(deliverer)
    assert endpoint.subjects == ["near", "below", "exact"]


def test_deliver__to_an_endpoint_that_fails__comes_again_by_the_schedule(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """The same id comes again with a new timestamp; after ten attempts it is given up and counted."""
    make(database, endpoint.url)
    tell(database, "a")
    endpoint.status = 500
    made = 0
    # The specification's delays, each with the tenth that jitter may add.
    for delay_s in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400):
        clock.pass_(0.89 * delay_s)
        assert work(deliverer) == (delay_s == 0), "before its time"
        clock.pass_(0.22 * delay_s)
        made += 1 if delay_s == 0 else work(deliverer)
    assert made == len(endpoint.requests) == 10
    clock.pass_(1_000_000)
    assert work(deliverer) == 0
    assert read_log(database) == [(DeliveryStatus.FAILED, 10 * [500])]
    assert len({headers["webhook-id"] for headers, _ in endpoint.requests}) == 1
    assert len({headers["webhook-timestamp"] for headers, _ in endpoint.requests}) == 10


def test_deliver__one_that_failed__does_not_hold_up_the_next(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """What comes behind is sent at once; the failed one follows when its time has come."""
    make(database, endpoint.url)
    tell(database, "a")
    endpoint.status = 500
    work(deliverer)
    endpoint.status = 200
    tell(database, "b")
    work(deliverer)
    clock.pass_(6)
    work(deliverer)
    assert endpoint.subjects == ["a", "b", "a"]


def test_deliver__to_one_that_is_gone__ends_and_is_told(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """410 disables the webhook; others are told of it; switched on again it goes on where it stopped."""
    make(database, endpoint.url)
    tell(database, "a")
    endpoint.status = 410
    assert work(deliverer) == 1
    tell(database, "b")
    clock.pass_(100_000)
    assert work(deliverer) == 0
    with database.transaction() as connection:
        webhook = find_webhook(connection, webhook_id="w")
        events = list_events(connection, area=AREA, project_id=None, after=None, limit=10).events
    assert webhook is not None
    assert (webhook.active, webhook.disabled_reason) == (False, "the endpoint answered 410")
    assert [event.subject for event in events if event.type == "siteproof.webhook.disabled"] == ["webhooks/w"]
    endpoint.status = 200
    make(database, endpoint.url, event_types=("siteproof.issue",))
    work(deliverer)
    assert endpoint.subjects == ["a", "a", "b"]


def test_deliver__to_one_under_load__rests(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """429 with Retry-After 60: nothing goes there for a minute, be it due or not."""
    make(database, endpoint.url)
    tell(database, "a", "b")
    endpoint.status, endpoint.headers = 429, {"retry-after": "60"}
    assert work(deliverer) == 1
    endpoint.status = 200
    clock.pass_(59)
    assert work(deliverer) == 0
    clock.pass_(2)
    work(deliverer)
    assert sorted(endpoint.subjects) == ["a", "a", "b"]


def test_deliver__a_redirect__is_not_followed(database: Database, deliverer: Deliverer, endpoint: Endpoint) -> None:
    """Where it leads to is not asked for: it might lead inside."""
    with listen() as other:
        make(database, endpoint.url)
        tell(database, "a")
        endpoint.status, endpoint.headers = 307, {"location": other.url}
        work(deliverer)
        assert other.requests == []
    assert read_log(database) == [(DeliveryStatus.PENDING, [307])]


def test_deliver__rotated_secret__both_sign_for_a_day(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """A receiver has 24 hours to change over; afterwards the old secret is of no use."""
    old = make(database, endpoint.url)
    with database.transaction() as connection:
        new, _ = rotate_secret(connection, webhook_id="w", now=clock.now())
    tell(database, "a")
    work(deliverer)
    clock.pass_(24 * 3_600 + 1)
    tell(database, "b")
    work(deliverer)
    (first, body), (second, _) = endpoint.requests
    assert new != old
    for secret in (new, old):
        assert Verifier(secret).verify(body, first)
    assert first["webhook-signature"].count("v1,") == 2
    assert second["webhook-signature"].count("v1,") == 1


def test_deliver__replay__sends_again_under_the_same_ids(
    database: Database, deliverer: Deliverer, endpoint: Endpoint
) -> None:
    """Rewound to the start, everything comes again in order, what was before the webhook too; ahead changes nothing."""
    tell(database, "before")
    make(database, endpoint.url)
    tell(database, "a", "b")
    work(deliverer)
    with database.transaction() as connection:
        cursor = list_events(connection, area="/", project_id=None, after=None, limit=2).next
        rewind_webhook(connection, webhook_id="w", after=cursor)
    work(deliverer)
    with database.transaction() as connection:
        rewind_webhook(connection, webhook_id="w", after=None)
    work(deliverer)
    assert endpoint.subjects == ["a", "b", "b", "before", "a", "b"]
    ids = {
        (subject, headers["webhook-id"])
        for subject, (headers, _) in zip(endpoint.subjects, endpoint.requests, strict=True)
    }
    assert len(ids) == 3


def test_deliver__killed_between_request_and_record__comes_again(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """A claim that was never given back runs out, and another process sends again what was not recorded."""
    make(database, endpoint.url)
    tell(database, "a")
    deliverer.queue()
    assert [webhook_id for webhook_id, _ in deliverer.claim(1)] == ["w"]  # and then the power went
    assert work(deliverer) == 0
    clock.pass_(61)
    assert work(deliverer) == 1
    assert endpoint.subjects == ["a"]


def test_deliver__taken_over_meanwhile__is_counted_once(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """Who slept beyond its lease finds that another one sent, and records nothing more."""
    make(database, endpoint.url)
    tell(database, "a")
    second = Deliverer(database, networks=LOOPBACK, clock=clock)
    attempts = []

    def take_over() -> None:
        endpoint.before = lambda: None
        clock.pass_(61)
        attempts.append(work(second))

    endpoint.before = take_over
    work(deliverer)
    assert attempts == [1]
    assert endpoint.subjects == ["a", "a"]  # at least once
    assert read_log(database) == [(DeliveryStatus.DELIVERED, [200])]


def test_deliver__side_by_side__share_and_send_nothing_twice(database: Database, clock: FixedClock) -> None:
    """Three processes and four webhooks: each event arrives at each once and in order."""
    with listen() as one, listen() as two, listen() as three, listen() as four:
        endpoints = [one, two, three, four]
        for number, each in enumerate(endpoints):
            make(database, each.url, f"w{number}")
        subjects = [f"s{number:02}" for number in range(20)]
        tell(database, *subjects)
        deliverers = [Deliverer(database, networks=LOOPBACK, clock=clock) for _ in range(3)]
        threads = [threading.Thread(target=each.run) for each in deliverers]
        for thread in threads:
            thread.start()
        wait = threading.Event()
        for _ in range(600):
            if all(len(each.requests) >= len(subjects) for each in endpoints):
                break
            wait.wait(0.05)
        for deliverer in deliverers:
            deliverer.request_stop()
        for thread in threads:
            thread.join(30)
        assert [each.subjects for each in endpoints] == 4 * [subjects]


def test_deliver__a_slow_endpoint__does_not_hold_the_others_up(
    database: Database, deliverer: Deliverer, endpoint: Endpoint
) -> None:
    """While one answers nothing, another gets everything."""
    with listen() as slow:
        go_on, reached = threading.Event(), threading.Event()

        def hang() -> None:
            reached.set()
            go_on.wait(30)

        slow.before = hang
        make(database, slow.url, "slow")
        make(database, endpoint.url, "quick")
        tell(database, "a", "b", "c")
        thread = threading.Thread(target=deliverer.run)
        thread.start()
        try:
            assert reached.wait(30)
            for _ in range(600):
                if len(endpoint.requests) == 3:
                    break
                threading.Event().wait(0.05)
            assert endpoint.subjects == ["a", "b", "c"]
            assert slow.requests == []
        finally:
            go_on.set()
            deliverer.request_stop()
            thread.join(60)


def test_deliver__to_an_address_inside__is_refused_at_the_connection(
    database: Database, endpoint: Endpoint, clock: FixedClock
) -> None:
    """Without the operator's word nothing on loopback is reached, and the log says why."""
    make(database, endpoint.url)
    tell(database, "a")
    assert work(Deliverer(database, clock=clock)) == 1
    assert endpoint.requests == []
    assert read_log(database) == [(DeliveryStatus.PENDING, ["address_refused"])]


def test_deliver__to_a_name_that_leads_inside__is_refused(
    database: Database, endpoint: Endpoint, clock: FixedClock
) -> None:
    """What a name stands for is judged when it is connected to, and it is asked for once: no rebinding in between."""
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        # Public when it was looked at, inside when it is connected to, would be the attack.
        return ["8.8.8.8", "127.0.0.1"] if len(asked) == 1 else ["::ffff:127.0.0.1"]

    make(database, f"https://rebind.example:{endpoint.port}/")
    tell(database, "a", "b")
    assert work(Deliverer(database, clock=clock, resolve=resolve)) == 2
    assert asked == 2 * [("rebind.example", endpoint.port)]
    assert endpoint.requests == []
    assert read_log(database) == 2 * [(DeliveryStatus.PENDING, ["address_refused"])]


def test_deliver__over_tls__verifies_the_name_and_not_the_address(database: Database, clock: FixedClock) -> None:
    """The certificate must be for the host of the URL, though the connection goes to an address that was checked."""
    authority = trustme.CA()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("core.example").configure_cert(serving)
    with listen_tls(serving) as port:
        make(database, f"https://core.example:{port}/", "right")
        make(database, f"https://other.example:{port}/", "wrong")
        tell(database, "a")
        work(
            Deliverer(
                database, networks=LOOPBACK, clock=clock, tls=trusting, resolve=lambda _host, _port: ["127.0.0.1"]
            )
        )
    assert read_log(database, "right") == [(DeliveryStatus.DELIVERED, [204])]
    assert read_log(database, "wrong") == [(DeliveryStatus.PENDING, ["tls"])]


@contextmanager
def listen_tls(context: ssl.SSLContext) -> Iterator[int]:
    """An endpoint with a certificate; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A handshake that the other side broke off."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_deliver__an_endpoint_that_drips__is_cut_off(database: Database, clock: FixedClock) -> None:
    """A byte now and then keeps no connection alive beyond the deadline of the whole request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nx-endless: ")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"a")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        make(database, f"http://127.0.0.1:{server.getsockname()[1]}/")
        tell(database, "a")
        assert work(Deliverer(database, networks=LOOPBACK, clock=clock, timeout_s=0.5)) == 1
        stop.set()
        thread.join()
    assert read_log(database) == [(DeliveryStatus.PENDING, ["timeout"])]


def test_deliver__nobody_listens__is_unreachable(database: Database, deliverer: Deliverer) -> None:
    """A closed port is told apart from an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    make(database, f"http://127.0.0.1:{port}/")
    tell(database, "a")
    work(deliverer)
    assert read_log(database) == [(DeliveryStatus.PENDING, ["unreachable"])]


def test_deliver__deleted_webhook__takes_its_log_along(
    database: Database, deliverer: Deliverer, endpoint: Endpoint
) -> None:
    """What was due to it is not sent any more."""
    make(database, endpoint.url)
    tell(database, "a")
    deliverer.queue()
    with database.transaction() as connection:
        delete_webhook(connection, webhook_id="w")
    assert work(deliverer) == 0
    assert endpoint.requests == []


def test_sweep__old_deliveries__leave_the_log(
    database: Database, deliverer: Deliverer, endpoint: Endpoint, clock: FixedClock
) -> None:
    """Finished ones go after 30 days; what still waits stays."""
    make(database, endpoint.url)
    tell(database, "a")
    work(deliverer)
    clock.pass_(31 * 86_400)
    endpoint.status = 500
    tell(database, "b")
    work(deliverer)
    deliverer.sweep()
    assert read_log(database) == [(DeliveryStatus.PENDING, [500])]


def test_measure_webhooks__what_waits__has_an_age(database: Database, deliverer: Deliverer, endpoint: Endpoint) -> None:
    """The lag begins when the event is written, queued or not, and ends with its delivery."""
    make(database, endpoint.url)
    before = datetime.now(UTC)
    tell(database, "a")
    for _ in range(2):
        with database.transaction() as connection:
            (figures,) = measure_webhooks(connection)
        assert figures.waits_since is not None
        assert before <= figures.waits_since <= datetime.now(UTC)
        deliverer.queue()
    work(deliverer)
    with database.transaction() as connection:
        (figures,) = measure_webhooks(connection)
    assert (figures.waits_since, figures.pending, figures.failed) == (None, 0, 0)
