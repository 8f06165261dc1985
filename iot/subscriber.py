"""The network side of the collector: one thread that owns the connection to the broker.

It reads only while there is room, acknowledges only what it is told to and only on the connection that delivered it,
and connects again by itself. What a message says is not its business.
"""

import logging
import random
import select
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from iot.buffered_socket import BufferedClient, BufferedSocket
from iot.endpoint import Endpoint

_LOG: Final = logging.getLogger(__name__)
KEEPALIVE_S: Final = 60
CONNECT_TIMEOUT_S: Final = 5.0
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 10.0
_READS_AT_ONCE: Final = 200  # messages between two looks at what is to be acknowledged
_SELECT_S: Final = 0.5  # the longest that a stop or a full inbox goes unnoticed
_MAX_OUTGOING: Final = 1_000  # commands that wait for a connection; the oldest are dropped
_SESSION_EXPIRY_S: Final = 7 * 86_400  # MQTT 5 asks for a figure; 3.1.1 keeps a session for ever


class Delivery(NamedTuple):
    """What the broker calls a message, on the connection that it came by."""

    generation: int
    mid: int
    qos: int


Receive = Callable[[str, bytes, bool, Delivery], None]


class Subscriber:
    """One persistent session with QoS 1 and acknowledgement by hand."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        client_id: str,
        subscriptions: Sequence[str],
        receive: Receive,
        has_room: Callable[[], bool],
        use_mqtt5: bool = False,
    ) -> None:
        """Make one; `run` connects.

        Args:
            endpoint: of the broker.
            client_id: always the same, because the broker keeps what was not acknowledged by it.
            subscriptions: the topic filters; one that the broker refuses is told of, and the others serve.
            receive: called in the network thread with topic, payload, whether it is a redelivery, and the delivery.
            has_room: whether another message may be received; while not, nothing is read from the socket, and the
                broker keeps the rest.
            use_mqtt5: speak MQTT 5 instead of 3.1.1; slower, because its properties are built for each message.
        """
        self._endpoint, self._subscriptions = endpoint, subscriptions
        self._receive, self._has_room = receive, has_room
        self._use_mqtt5 = use_mqtt5
        self._generation = 0
        self._received = 0
        self._is_subscribed = False
        self._acknowledged: deque[Delivery] = deque()
        # Of this connection, in the order of arrival, in which MQTT wants the acknowledgements too (MQTT-4.6.0-2).
        self._outstanding: deque[Delivery] = deque()
        self._settled: set[Delivery] = set()
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=_MAX_OUTGOING)
        self._stop_reading = threading.Event()
        self._close = threading.Event()
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.settimeout(0)
        self._wake_out.settimeout(0)
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> Client:
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._use_mqtt5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self._use_mqtt5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._endpoint.prepare(client)
        return client

    @property
    def is_subscribed(self) -> bool:
        """Whether messages can come just now."""
        return self._is_subscribed

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Have these acknowledged; those of an earlier connection are passed over, the broker sends them again."""
        self._acknowledged.extend(deliveries)
        self._wake()

    def publish(self, topic: str, payload: bytes) -> None:
        """Have this published with QoS 0, once there is a connection."""
        self._outgoing.append((topic, payload))
        self._wake()

    def stop_reading(self) -> None:
        """Receive nothing more; acknowledgements still go out."""
        self._stop_reading.set()
        self._wake()

    def close(self) -> None:
        """Send what is acknowledged, take leave of the broker, and let `run` return."""
        self._close.set()
        self._wake()

    def run(self) -> None:
        """Stay connected until `close`."""
        delay_s = FIRST_RETRY_S
        try:
            while not self._close.is_set():
                if self._stop_reading.is_set() or not self._has_room():
                    # No use for a connection; a lost one is not opened again while the inbox is full.
                    self._close.wait(FIRST_RETRY_S)
                    continue
                if self._connect():
                    self._serve()
                    if self._is_subscribed:
                        delay_s = FIRST_RETRY_S
                self._is_subscribed = False
                self._close.wait(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnections, hides nothing
                delay_s = min(2 * delay_s, LONGEST_RETRY_S)
        finally:
            self._wake_in.close()
            self._wake_out.close()

    def _connect(self) -> bool:
        self._generation += 1
        self._outstanding.clear()
        self._settled.clear()
        self._is_subscribed = False
        properties = None
        if self._use_mqtt5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_EXPIRY_S
        try:
            self._client.connect(
                self._endpoint.host,
                self._endpoint.port,
                keepalive=KEEPALIVE_S,
                clean_start=False if self._use_mqtt5 else 3,
                properties=properties,
            )
        except OSError as error:
            _LOG.warning("the broker %s does not answer: %s", self._endpoint, error)
            return False
        return True

    def _serve(self) -> None:
        """Everything that happens on one connection, until it ends."""
        while True:
            self._send_acknowledgements()
            self._send_outgoing()
            if self._close.is_set():
                self._client.disconnect()
            sock = self._find_socket()
            if sock is None:
                return
            may_read = self._has_room() and not self._stop_reading.is_set()
            pending = may_read and sock.pending() > 0  # bytes that select does not see
            ours: list[Any] = [self._wake_in]
            theirs: list[Any] = [sock]
            try:
                readable, writable, _ = select.select(
                    ours + theirs if may_read else ours,
                    theirs if sock.has_unsent or self._client.want_write() else [],
                    [],
                    0 if pending else _SELECT_S,
                )
            except (OSError, ValueError):  # the socket was closed by the client itself
                return
            if self._wake_in in readable:
                self._drain_wake()
            if pending or sock in readable:
                self._read()
            if sock in writable:
                with suppress(OSError):
                    sock.flush()
                self._client.loop_write()
            if self._client.loop_misc() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def _read(self) -> None:
        """Read what has come. One call of paho reads one packet; asking select before each would cost as much again."""
        for _ in range(_READS_AT_ONCE):
            before = self._received
            if self._client.loop_read() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            if self._received == before or not self._has_room():
                return

    def _find_socket(self) -> BufferedSocket | None:
        sock = self._client.socket()
        return sock if isinstance(sock, BufferedSocket) else None

    def _send_acknowledgements(self) -> None:
        sock = self._find_socket()
        if sock is None:
            self._acknowledged.clear()  # the broker sends those messages again
            return
        for _ in range(len(self._acknowledged)):
            delivery = self._acknowledged.popleft()
            # On another connection the same number may belong to another message.
            if delivery.generation == self._generation:
                self._settled.add(delivery)
        with sock.gathering():
            while self._outstanding and self._outstanding[0] in self._settled:
                delivery = self._outstanding.popleft()
                self._settled.remove(delivery)
                self._client.ack(delivery.mid, delivery.qos)
        with suppress(OSError):  # a full one is tried again when it is writable, a lost one is seen by reading
            sock.flush()

    def _send_outgoing(self) -> None:
        while self._outgoing and self._is_subscribed:
            topic, payload = self._outgoing.popleft()
            self._client.publish(topic, payload, qos=0)

    def _wake(self) -> None:
        with suppress(OSError):  # it is awake already, or gone
            self._wake_out.send(b"\0")

    def _drain_wake(self) -> None:
        with suppress(BlockingIOError):
            while self._wake_in.recv(4096):
                pass

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if reason.is_failure:
            _LOG.error("the broker %s refuses the collector: %s", self._endpoint, reason)
            return
        _LOG.info("connected to %s, %s session", self._endpoint, "known" if flags.session_present else "new")
        client.subscribe([(each, 1) for each in self._subscriptions])

    def _on_subscribe(
        self,
        client: Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: object,
    ) -> None:
        refused = [each for each, reason in zip(self._subscriptions, reasons, strict=False) if reason.is_failure]
        for each in refused:
            _LOG.error("the broker %s does not let the collector subscribe to %s", self._endpoint, each)
        if len(refused) == len(self._subscriptions):
            client.disconnect()
            return
        self._is_subscribed = True

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: object,
    ) -> None:
        if not self._close.is_set():
            _LOG.warning("the connection to %s ended: %s", self._endpoint, reason)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._received += 1
        delivery = Delivery(self._generation, message.mid, message.qos)
        if message.qos > 0:
            self._outstanding.append(delivery)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is not UTF-8)"
        self._receive(topic, bytes(message.payload), message.dup, delivery)
