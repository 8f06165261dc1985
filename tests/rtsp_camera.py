"""A camera for the tests: a real RTSP server (rtsp-rs) that is fed H.264 made here."""

import threading
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
import rtsp

_RATE: Final = 10
_TICKS: Final = 90_000 // _RATE
WIDTH: Final = 320
HEIGHT: Final = 240


@dataclass
class RtspCamera:
    """Ten frames a second, a key frame each second, from `start` to `stop`.

    Attributes:
        moves: whether a bright thing goes through the picture.
        hangs: whether it sends nothing, though it still answers.
    """

    port: int
    moves: threading.Event = field(default_factory=threading.Event)
    hangs: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def start(self) -> None:
        """Serve."""
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away for good."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        server: Any = rtsp.Server(f"127.0.0.1:{self.port}")
        server.start()
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        codec.time_base, codec.framerate, codec.gop_size = Fraction(1, _RATE), Fraction(_RATE), _RATE
        codec.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
        index = 0
        while not self._stop.wait(1 / _RATE):
            pixels = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
            if self.moves.is_set():
                left = index * 9 % (WIDTH - 60)
                pixels[80:200, left : left + 60] = 220
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, _RATE)
            for packet in () if self.hangs.is_set() else codec.encode(frame):
                server.send_frame(bytes(packet), _TICKS)
            index += 1
        server.stop()
