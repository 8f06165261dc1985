"""A network camera's stream (RTSP): its packets, its key frames as pictures, short clips as they were sent.

Only key frames are decoded, which any machine can for several cameras; clips are the camera's own packets, not encoded
anew. Reconnecting is the caller's.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from domain.clock import Clock
from domain.errors import Unavailable
from vision.picture import Picture

Transport = Literal["tcp", "udp"]
TIMEOUT_S: Final = 15.0
"""Without an answer or a packet for so long, the stream is taken for broken. [s]"""

MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
"""The most that is kept of what was sent before a clip begins: half a minute at 8 Mbit/s. [B]"""

_MOTION_SIZE: Final = (64, 36)
_MOTION_GREY: Final = 12.0
_MOTION_SHARE: Final = 0.004
_JPEG_QUALITY: Final = 90


class StreamBroken(Unavailable):
    """The camera does not answer, refuses, or stopped sending."""

    code: ClassVar[str] = "stream.broken"


@dataclass(frozen=True, slots=True)
class StreamPacket:
    """A packet of the stream's picture track.

    Attributes:
        at: when it came, by this machine's clock. UTC.
        camera_at: when it was taken by the camera's clock, which RTCP tells; None where it does not. UTC.
        picture: of a key frame; None for the others, and for one that cannot be decoded.
        packet: PyAV's, for `ClipRecorder`.
    """

    at: datetime
    camera_at: datetime | None
    picture: Picture | None
    packet: Any


def read_stream(url: str, *, transport: Transport, clock: Clock) -> Iterator[StreamPacket]:
    """Connect, and give packets for as long as they come.

    Args:
        url: `rtsp://...`, with user and password if the camera has them.
        transport: `tcp` passes routers and loses nothing; `udp` for cameras that know no other.
        clock: this machine's.

    Raises:
        StreamBroken: whatever ends it, the camera's own end of the stream included.
    """
    try:
        with av.open(url, options={"rtsp_transport": transport}, timeout=(TIMEOUT_S, TIMEOUT_S)) as container:
            if not container.streams.video:
                raise StreamBroken("the stream has no picture track")
            yield from _read(container, clock)
    except (av.FFmpegError, OSError) as error:
        # The address may hold a password, so it is not told.
        reason = (
            f"nothing came for {TIMEOUT_S:g} s" if isinstance(error, av.ExitError) else error.strerror or str(error)
        )
        raise StreamBroken(f"the stream broke: {reason}") from error
    raise StreamBroken("the camera ended the stream")


def _read(container: Any, clock: Clock) -> Iterator[StreamPacket]:  # noqa: ANN401 - PyAV's
    stream = container.streams.video[0]
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        at = clock.now()
        camera_at = _find_camera_time(container, packet)
        yield StreamPacket(at, camera_at, _decode(packet) if packet.is_keyframe else None, packet)


def _decode(packet: Any) -> Picture | None:  # noqa: ANN401 - PyAV's
    decoder = packet.stream.codec_context
    try:
        # A decoder that waits for what follows a key frame never gets it here, so it is asked for all that it has.
        frames = [*decoder.decode(packet), *decoder.decode(None)]
    except av.FFmpegError:
        return None
    finally:
        decoder.flush_buffers()
    if not frames:
        return None
    pixels = np.asarray(frames[-1].to_ndarray(format="bgr24"), np.uint8)
    return Picture(pixels, width_px=pixels.shape[1], height_px=pixels.shape[0])


def _find_camera_time(container: Any, packet: Any) -> datetime | None:  # noqa: ANN401 - PyAV's
    if container.start_time_realtime is None or packet.pts is None:
        return None
    since_s = float(packet.pts * packet.time_base)
    return datetime.fromtimestamp(container.start_time_realtime / 1_000_000, UTC) + timedelta(seconds=since_s)


def encode_jpeg(picture: Picture) -> bytes:
    """A picture as a JPEG, to be sent as a snapshot."""
    _, encoded = cv2.imencode(".jpg", picture.pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(encoded, np.uint8).tobytes()


class MotionSense:
    """Tells whether something moved between two key frames.

    A change of the light as a whole is none; a person of a hundredth of the picture is one.
    """

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None

    def moves(self, picture: Picture) -> bool:
        """Whether the picture differs from the one before; False for the first."""
        grey = cv2.cvtColor(cv2.resize(picture.pixels, _MOTION_SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        now = np.asarray(grey, np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        change = now - before
        return float(np.mean(np.abs(change - np.median(change)) > _MOTION_GREY)) >= _MOTION_SHARE


class ClipRecorder:
    """Writes packets into an MP4, from the key frame before it was asked to begin.

    Memory holds one group of pictures, at most `MAX_KEPT_BYTES`; the clip itself goes to the disk as it comes.
    """

    def __init__(self) -> None:
        self._kept: deque[StreamPacket] = deque()
        self._kept_bytes = 0
        self._container: Any = None
        self._stream: Any = None
        self._first_pts: int | None = None
        self.began_at: datetime | None = None

    @property
    def is_recording(self) -> bool:
        """Whether a clip is being written."""
        return self._container is not None

    def feed(self, packet: StreamPacket) -> None:
        """Take the next packet; it goes into the clip that is being written, if one is.

        Raises:
            StreamBroken: the clip cannot be written on; it is given up.
        """
        if packet.packet.is_keyframe:
            self._kept.clear()
            self._kept_bytes = 0
        if self._kept or packet.packet.is_keyframe:
            self._kept.append(packet)
            self._kept_bytes += packet.packet.size
        if self._kept_bytes > MAX_KEPT_BYTES:
            self._kept.clear()
            self._kept_bytes = 0
        if self.is_recording:
            self._write(packet)

    def begin(self, path: Path) -> bool:
        """Begin a clip with what is kept; False where there is no key frame to begin with.

        Raises:
            StreamBroken: the packets cannot be written into an MP4.
        """
        if not self._kept:
            return False
        try:
            self._container = av.open(str(path), "w", format="mp4")
            self._stream = self._container.add_stream_from_template(self._kept[0].packet.stream)
        except (av.FFmpegError, ValueError) as error:
            self.give_up()
            raise StreamBroken("the stream cannot be written into an MP4") from error
        self._first_pts = None
        self.began_at = self._kept[0].at
        for packet in list(self._kept):
            self._write(packet)
        return True

    def finish(self) -> None:
        """Close the clip.

        Raises:
            StreamBroken: it cannot be written.
        """
        container, self._container = self._container, None
        try:
            container.close()
        except (av.FFmpegError, ValueError) as error:
            raise StreamBroken("the clip cannot be written") from error

    def give_up(self) -> None:
        """Leave the clip as it is; the caller removes the file."""
        container, self._container = self._container, None
        if container is not None:
            try:
                container.close()
            except (av.FFmpegError, ValueError):
                return

    def _write(self, kept: StreamPacket) -> None:
        packet = kept.packet
        if packet.pts is None or packet.dts is None:
            return
        if self._first_pts is None:
            self._first_pts = packet.dts
        # A copy, because the packet is kept for another clip, and its times are changed for this one.
        copy = av.Packet(bytes(packet))
        copy.pts, copy.dts = packet.pts - self._first_pts, packet.dts - self._first_pts
        copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
        copy.stream = self._stream
        try:
            self._container.mux(copy)
        except (av.FFmpegError, ValueError) as error:
            self.give_up()
            raise StreamBroken("the clip cannot be written on") from error
