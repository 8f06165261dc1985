"""`siteproof watch`: an RTSP stream or a snapshot folder, sent as a field camera would."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final, Literal
from uuid import NAMESPACE_URL, uuid4, uuid5
from zoneinfo import ZoneInfo

from domain.errors import Invalid, SiteproofError, Unavailable
from ingestion.exif import read_metadata
from ingestion.file_format import HEAD_SIZE, sniff_format
from runtime.clock_skew import ClockSkew
from runtime.field_client import FieldClient, ShotRefused
from runtime.outbox import Outbox, OutboxFull
from runtime.snapshot_folder import Snapshot, SnapshotFolder
from vision.stream import ClipRecorder, MotionSense, StreamBroken, StreamPacket, Transport, encode_jpeg, read_stream

_LOG: Final = logging.getLogger(__name__)
REPORT_EVERY_S: Final = 60.0
NEXT_WITHIN_S: Final = 300.0
"""What a report promises: the camera counts as silent when nothing is heard of its watcher for so long. [s]"""

LONGEST_WAIT_S: Final = 60.0
UNREACHABLE_AFTER: Final = timedelta(seconds=30)
"""A camera that starts anew, or a cable that is pulled and put back, is no fault."""

_SCAN_EVERY_S: Final = 2.0
_STEADY: Final = timedelta(seconds=60)


class NoSource(Invalid):
    """The source is neither an rtsp:// address nor a folder."""

    code: ClassVar[str] = "watch.no_source"


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """What is watched, and how.

    Attributes:
        source: an address that begins with rtsp:// or rtsps://, or a folder.
        every_s: between two snapshots of a stream. [s]
        clip_s: the length of clips of a stream; 0 for none. [s]
        clip_every_s: the least time from the beginning of one clip to that of the next. [s]
        transport: of the stream.
        folder: where the queue and the record of what was sent are kept.
        max_bytes: of the queue on disk. [B]
    """

    source: str
    camera_id: str
    every_s: float
    clip_s: float
    clip_every_s: float
    transport: Transport | Literal["auto"]
    folder: Path
    max_bytes: int


def watch(plan: WatchPlan, *, client: FieldClient, stop: threading.Event) -> None:
    """Watch until `stop` is set.

    Raises:
        NoSource: there is no such folder.
        UnknownProjectOfToken: the token sees several projects, and none was named.
    """
    is_stream = plan.source.startswith(("rtsp://", "rtsps://"))
    if not is_stream and not Path(plan.source).is_dir():
        raise NoSource(f"{plan.source[:200]!r} is neither an rtsp:// address nor a folder")
    _retry(client.find_project, stop)
    if stop.is_set():
        return
    (StreamWatch if is_stream else FolderWatch)(plan, client, stop).run()


@dataclass
class Reporter:
    """Says once a minute whether the camera sends, and what its clock's skew is as soon as it is known."""

    client: FieldClient
    camera_id: str
    skew: ClockSkew
    _due_at: datetime | None = None
    _is_measured: bool = False

    def report(self, *, is_reachable: bool) -> None:
        """Say it, if it is time."""
        now, skew_s = self.client.clock.now(), self.skew.ahead_s
        is_news = skew_s is not None and not self._is_measured
        if self._due_at is not None and now < self._due_at and not is_news:
            return
        self._is_measured = skew_s is not None
        self._due_at = now + timedelta(seconds=REPORT_EVERY_S)
        try:
            self.client.report(
                self.camera_id,
                is_reachable=is_reachable,
                next_within_s=NEXT_WITHIN_S,
                clock_skew_s=skew_s,
            )
        except SiteproofError as error:
            _LOG.warning("the camera's status could not be told: %s", error.detail)


class FolderWatch:
    """Sends each file of a folder once; the folder itself is the queue."""

    def __init__(self, plan: WatchPlan, client: FieldClient, stop: threading.Event) -> None:
        self._plan, self._client, self._stop = plan, client, stop
        self._skew = ClockSkew()
        self._reporter = Reporter(client, plan.camera_id, self._skew)
        self._folder = SnapshotFolder(Path(plan.source), record=plan.folder / "sent.txt", clock=client.clock)

    def run(self) -> None:
        """Look, send, wait, until told to stop."""
        while not self._stop.is_set():
            for snapshot in self._folder.list_ready():
                _retry(partial(self._send, snapshot), self._stop)
                if self._stop.is_set():
                    return
            # Whether the camera still writes is for the server to tell by what comes; that we look we say here.
            self._reporter.report(is_reachable=True)
            self._stop.wait(_SCAN_EVERY_S)

    def _send(self, snapshot: Snapshot) -> None:
        try:
            self._client.send(snapshot.path, capture=self._make_capture(snapshot))
        except FileNotFoundError:
            return  # the camera took it away again
        except ShotRefused as error:
            _LOG.error("%s is refused: %s", snapshot.path, error.detail)
        self._folder.mark_sent(snapshot)

    def _make_capture(self, snapshot: Snapshot) -> dict[str, Any]:
        # The same file has the same id on every attempt, also after a kill.
        source = f"{self._client.project_id}/{self._plan.camera_id}/{snapshot.key}"
        capture: dict[str, Any] = {"client_id": str(uuid5(NAMESPACE_URL, source)), "camera_id": self._plan.camera_id}
        own = self._find_own_time(snapshot.path)
        if own is None:
            # Nothing in the file says when; it was written then.
            written_at = min(snapshot.modified_at + self._client.server_ahead, self._client.now())
            return capture | {"taken_at": written_at.isoformat()}
        if snapshot.appeared_at is not None:
            self._skew.see(camera_at=own, arrived_at=snapshot.appeared_at + self._client.server_ahead)
        return capture

    def _find_own_time(self, path: Path) -> datetime | None:
        """What the file itself says, by the camera's clock; None where it says nothing."""
        try:
            with path.open("rb") as file:
                media_format = sniff_format(file.read(HEAD_SIZE))
            metadata = read_metadata(path, media_format)
        except SiteproofError:
            return None
        if metadata.taken_local is None:
            return metadata.container_time
        if metadata.offset is not None:
            return (metadata.taken_local - metadata.offset).replace(tzinfo=UTC)
        return metadata.taken_local.replace(tzinfo=ZoneInfo(self._client.find_time_zone())).astimezone(UTC)


@dataclass
class _Recording:
    """A clip that is being written."""

    path: Path
    until: datetime


class StreamWatch:
    """Reads a stream in a thread of its own, and sends from a queue on disk, so that neither waits for the other."""

    def __init__(self, plan: WatchPlan, client: FieldClient, stop: threading.Event) -> None:
        self._plan, self._client, self._stop = plan, client, stop
        self._outbox = Outbox(plan.folder / "outbox", max_bytes=plan.max_bytes)
        self._skew = ClockSkew()
        self._reporter = Reporter(client, plan.camera_id, self._skew)
        self._last_packet_at = client.clock.now()
        self._camera = _StreamCamera(plan, client, self._outbox)

    def run(self) -> None:
        """Read and send until told to stop; what is accepted and not sent waits in the queue for the next start."""
        reader = threading.Thread(target=self._read, name="stream", daemon=True)
        reader.start()
        while not self._stop.is_set():
            is_reachable = self._client.clock.now() - self._last_packet_at <= UNREACHABLE_AFTER
            self._reporter.report(is_reachable=is_reachable)
            shot = self._outbox.find_oldest()
            if shot is None:
                self._stop.wait(1.0)
                continue
            try:
                self._client.send(shot.path, capture=shot.capture)
            except ShotRefused as error:
                _LOG.error("%s is refused and set aside: %s", shot.path.name, error.detail)
                self._outbox.set_aside(shot, reason=error.detail)
            except Unavailable as error:
                _LOG.warning("%d shots wait: %s", self._outbox.count(), error.detail)
                self._stop.wait(5.0)
            else:
                self._outbox.remove(shot)
        reader.join(timeout=5)

    def _read(self) -> None:
        waits = list_waits()
        for transport in self._list_transports():
            if self._stop.is_set():
                return
            connected_at = self._client.clock.now()
            try:
                for packet in read_stream(self._plan.source, transport=transport, clock=self._client.clock):
                    if self._stop.is_set():
                        return
                    self._last_packet_at = packet.at
                    self._take(packet)
            except StreamBroken as error:
                self._camera.give_up_clip()
                if self._client.clock.now() - connected_at > _STEADY:
                    waits = list_waits()
                wait_s = next(waits)
                _LOG.warning("%s; trying again in %g s", error.detail, wait_s)
                self._stop.wait(wait_s)

    def _list_transports(self) -> Iterator[Transport]:
        """What is tried, one after the other; `auto` stays with what gave packets."""
        if self._plan.transport != "auto":
            while True:
                yield self._plan.transport
        transport: Transport = "tcp"
        while True:
            before = self._last_packet_at
            yield transport
            if self._last_packet_at == before:
                transport = "udp" if transport == "tcp" else "tcp"

    def _take(self, packet: StreamPacket) -> None:
        if packet.camera_at is not None and packet.packet.is_keyframe:
            self._skew.see(camera_at=packet.camera_at, arrived_at=packet.at + self._client.server_ahead)
        try:
            self._camera.take(packet)
        except OutboxFull as error:
            _LOG.error("%s", error.detail)


@dataclass
class _StreamCamera:
    """Makes snapshots and clips of a stream's packets, and puts them into the queue."""

    plan: WatchPlan
    client: FieldClient
    outbox: Outbox
    _motion: MotionSense = field(default_factory=MotionSense)
    _recorder: ClipRecorder = field(default_factory=ClipRecorder)
    _recording: _Recording | None = None
    _next_snapshot_at: datetime | None = None
    _next_clip_at: datetime | None = None

    def take(self, packet: StreamPacket) -> None:
        """Take the next packet.

        Raises:
            OutboxFull: what would be kept of it finds no room; it is left out.
        """
        try:
            self._recorder.feed(packet)
            if self._recording is not None and packet.at >= self._recording.until:
                self._finish_clip()
        except StreamBroken as error:
            _LOG.warning("a clip is given up: %s", error.detail)
            self.give_up_clip()
        if packet.picture is None:
            return
        moves = self._motion.moves(packet.picture)
        if self._next_snapshot_at is None or packet.at >= self._next_snapshot_at:
            self._next_snapshot_at = packet.at + timedelta(seconds=self.plan.every_s)
            path = self.outbox.reserve(".jpg", name=_name(packet.at))
            path.write_bytes(encode_jpeg(packet.picture))
            self._accept(path, taken_at=packet.at)
        if moves and self.plan.clip_s > 0 and self._recording is None:
            self._begin_clip(packet)

    def give_up_clip(self) -> None:
        """Throw away the clip that is being written: it is not whole, so it was not accepted."""
        self._recorder.give_up()
        if self._recording is not None:
            self._recording.path.unlink(missing_ok=True)
        self._recording = None

    def _begin_clip(self, packet: StreamPacket) -> None:
        if self._next_clip_at is not None and packet.at < self._next_clip_at:
            return
        path = self.outbox.reserve(".mp4", name=_name(packet.at))
        self._recording = _Recording(path, packet.at + timedelta(seconds=self.plan.clip_s))
        try:
            if self._recorder.begin(path):
                self._next_clip_at = packet.at + timedelta(seconds=self.plan.clip_every_s)
            else:
                self._recording = None
        except StreamBroken as error:
            _LOG.warning("no clip: %s", error.detail)
            self.give_up_clip()

    def _finish_clip(self) -> None:
        recording, began_at = self._recording, self._recorder.began_at
        if recording is None or began_at is None:
            return
        self._recorder.finish()
        self._recording = None
        self._accept(recording.path, taken_at=began_at)

    def _accept(self, path: Path, *, taken_at: datetime) -> None:
        capture = {
            "client_id": str(uuid4()),
            "camera_id": self.plan.camera_id,
            "taken_at": (taken_at + self.client.server_ahead).isoformat(),
        }
        self.outbox.accept(path, capture=capture)


def list_waits() -> Iterator[float]:
    """Seconds between attempts: 1, 2, 4, ... up to a minute [s]."""
    wait_s = 1.0
    while True:
        yield wait_s
        wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


def _retry(do: Callable[[], None], stop: threading.Event) -> None:
    """Do something until it succeeds, or until told to stop."""
    for wait_s in list_waits():
        if stop.is_set():
            return
        try:
            do()
        except Unavailable as error:
            _LOG.warning("%s; trying again in %g s", error.detail, wait_s)
            stop.wait(wait_s)
        else:
            return


def _name(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%S.%f").replace(".", "-")
