"""A Mosquitto with TLS, passwords and an ACL by project, and the collector on it."""

import gc
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from iot.collector import Collector
from iot.endpoint import InvalidBrokerUrl, parse_broker_url
from iot.mosquitto_configuration import COLLECTOR, NETWORK_SERVER, Listener, write_guarded_configuration
from storage.database import Database
from tests.integration.iot.conftest import DEADLINE_S, can_connect, count_rows, find_free_port, wait_until
from tests.sparkplug_payloads import encode

FAILURES = 128  # MQTT 5, section 2.4: reason codes from here on are failures
NOT_AUTHORISED = 135
READING = b'{"t": "2026-07-01T00:00:00Z", "v": 1.0}'


@dataclass(frozen=True)
class Guarded:
    """A running broker and who may use it."""

    port: int
    authority: Path
    passwords: dict[str, str]
    folder: Path

    def make_url(self, user: str, password: str | None = None) -> str:
        """The URL by which a user comes."""
        secret = self.passwords[user] if password is None else password
        return f"mqtts://{quote(user)}:{quote(secret)}@localhost:{self.port}?ca={quote(str(self.authority))}"

    def listen(self, user: str, topic_filter: str, tell: Callable[[str], None]) -> Client:
        """A client that tells the topics of what its user may hear; to be disconnected."""
        client = Client(CallbackAPIVersion.VERSION2)
        endpoint = parse_broker_url(self.make_url(user))
        endpoint.prepare(client)
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda _client, _userdata, message: tell(message.topic)
        client.connect(endpoint.host, endpoint.port)
        client.loop_start()
        client.subscribe(topic_filter, qos=1)
        assert subscribed.wait(DEADLINE_S)
        return client

    def may_publish(self, user: str, topic: str, payload: bytes = READING) -> bool:
        """Publish with MQTT 5, and return whether the broker took it; it says 135 to who is not authorised."""
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        endpoint = parse_broker_url(self.make_url(user))
        endpoint.prepare(client)
        reasons: list[int] = []
        answered = threading.Event()

        def on_publish(*given: object) -> None:
            reasons.append(int(given[3].value))  # type: ignore[attr-defined]
            answered.set()

        client.on_publish = on_publish
        client.connect(endpoint.host, endpoint.port)
        client.loop_start()
        client.publish(topic, payload, qos=1)
        assert answered.wait(DEADLINE_S)
        client.disconnect()
        client.loop_stop()
        assert reasons[0] < FAILURES or reasons[0] == NOT_AUTHORISED
        return reasons[0] < FAILURES


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    """A broker of an authority of its own, with projects b1 and b2."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(tmp_path / "cert.pem"), append=True)
    port = find_free_port()
    folder = tmp_path / "broker"
    listener = Listener("127.0.0.1", port, tmp_path / "cert.pem", tmp_path / "key.pem")
    passwords = write_guarded_configuration(folder, listener=listener, projects=["b1", "b2"])
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program is not None
    process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: can_connect(port), what="mosquitto")
        yield Guarded(port, tmp_path / "ca.pem", passwords, folder)
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def test_guarded_broker__a_project_writes_its_own_topics_alone(guarded: Guarded) -> None:
    """A gateway with one project's password reaches no other project, no uplinks and no collector's business."""
    assert guarded.may_publish("b1", "siteproof/v1/b1/s1")
    for topic in ("siteproof/v1/b1/senml", "spBv1.0/b1/NDATA/node", "spBv1.0/b1/DBIRTH/node/device"):
        assert guarded.may_publish("b1", topic)
    for topic in (
        "siteproof/v1/b2/s1",
        "siteproof/v1/b2/senml",
        "spBv1.0/b2/NDATA/node",
        "spBv1.0/b2/NCMD/node",
        "spBv1.0/STATE/host",
        "application/a/device/d/event/up",
        "other",
    ):
        assert not guarded.may_publish("b1", topic)
    assert guarded.may_publish(NETWORK_SERVER, "application/a/device/d/event/up")
    for topic in ("siteproof/v1/b1/s1", "siteproof/v1/b1/senml", "spBv1.0/b1/NDATA/node"):
        assert not guarded.may_publish(NETWORK_SERVER, topic)
    assert guarded.may_publish(COLLECTOR, "spBv1.0/b1/NCMD/node")
    for topic in ("siteproof/v1/b1/s1", "spBv1.0/b1/NDATA/node", "spBv1.0/b1/DCMD/node/device", "application/a"):
        assert not guarded.may_publish(COLLECTOR, topic)


def test_guarded_broker__a_node_hears_its_own_commands_alone(guarded: Guarded, registered: Database) -> None:
    """Data without a birth makes the collector ask: the project's user hears it, another project's does not."""
    heard: dict[str, list[str]] = {"b1": [], "b2": []}
    clients = [guarded.listen(user, "spBv1.0/#", heard[user].append) for user in heard]
    collector = Collector(registered, url=guarded.make_url(COLLECTOR), client_id="c")
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: collector.is_subscribed, what="the subscription")
        assert guarded.may_publish(NETWORK_SERVER, "application/a/device/d/event/up", b"junk")
        assert guarded.may_publish("b1", "siteproof/v1/b1/senml", b"junk")
        assert guarded.may_publish("b1", "spBv1.0/b1/NDATA/gw", encode({"alias": 1, "double_value": 1.0}, seq=3))
        wait_until(lambda: collector.counters.dead == 3, what="3 dead letters")
        wait_until(lambda: heard["b1"] == ["spBv1.0/b1/NCMD/gw"], what="the command")
        # Whatever came for b2 before this comes before it.
        assert guarded.may_publish(COLLECTOR, "spBv1.0/b2/NCMD/last", b"")
        wait_until(lambda: heard["b2"] == ["spBv1.0/b2/NCMD/last"], what="b2's own")
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        for client in clients:
            client.disconnect()
            client.loop_stop()


@pytest.mark.parametrize("use_mqtt5", [False, True])
def test_collector__tls_and_password(guarded: Guarded, registered: Database, *, use_mqtt5: bool) -> None:
    """The collector comes by TLS with its password, and stores what a project's gateway published."""
    collector = Collector(registered, url=guarded.make_url(COLLECTOR), client_id="c", use_mqtt5=use_mqtt5)
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: collector.is_subscribed, what="the subscription")
        guarded.may_publish("b1", "siteproof/v1/b1/s1")
        guarded.may_publish("b1", "siteproof/v1/b2/s1")
        wait_until(lambda: collector.counters.stored == 1, what="the reading")
    finally:
        stop.set()
        thread.join(DEADLINE_S)
    assert count_rows(registered, "reading") == 1
    assert count_rows(registered, "dead_letter") == 0


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore:unclosed:ResourceWarning")
def test_endpoint__wrong_authority_or_password(guarded: Guarded) -> None:
    """A certificate of an unknown authority ends the connection, a wrong password is refused by the broker."""
    client = Client(CallbackAPIVersion.VERSION2)
    parse_broker_url(f"mqtts://localhost:{guarded.port}").prepare(client)
    with pytest.raises(ssl.SSLCertVerificationError):
        client.connect("localhost", guarded.port)
    del client
    gc.collect()
    with pytest.raises(InvalidBrokerUrl):
        parse_broker_url(f"mqtts://localhost:{guarded.port}?ca=/none.pem").prepare(Client(CallbackAPIVersion.VERSION2))
    refused = Client(CallbackAPIVersion.VERSION2)
    endpoint = parse_broker_url(guarded.make_url("b1", password="wrong"))
    endpoint.prepare(refused)
    answers: list[bool] = []
    answered = threading.Event()

    def on_connect(*given: object) -> None:
        answers.append(bool(given[3].is_failure))  # type: ignore[attr-defined]
        answered.set()

    refused.on_connect = on_connect
    refused.connect("localhost", guarded.port)
    refused.loop_start()
    assert answered.wait(DEADLINE_S)
    refused.loop_stop()
    assert answers[0]


def test_write_guarded_configuration__again(guarded: Guarded) -> None:
    """A new project gets a password, the others keep theirs, and nobody else may read the file."""
    before = (guarded.folder / "passwords").read_text(encoding="utf-8")
    listener = Listener("127.0.0.1", guarded.port, guarded.authority, guarded.authority)
    fresh = write_guarded_configuration(guarded.folder, listener=listener, projects=["b1", "b3"])
    after = (guarded.folder / "passwords").read_text(encoding="utf-8")
    assert list(fresh) == ["b3"]
    assert after.startswith(before)
    assert fresh["b3"] not in after
    assert (guarded.folder / "passwords").stat().st_mode & 0o077 == 0
