"""Streams and motion; against a real RTSP server they are tried in `tests/acceptance/test_camera_is_watched.py`."""

from pathlib import Path

import numpy as np
import pytest

from domain.clock import SystemClock
from tests.scripted_clip import read_number, write_clip
from vision.picture import Picture
from vision.stream import MotionSense, StreamBroken, StreamPacket, read_stream


def test_read_stream__of_an_encoder_that_looks_ahead__gives_every_key_frame(tmp_path: Path) -> None:
    """A decoder holds frames back where pictures refer to later ones; its key frames come at once all the same."""
    clip = write_clip(tmp_path / "c.mp4", seconds=70, preset="superfast")
    packets: list[StreamPacket] = []
    with pytest.raises(StreamBroken):
        packets.extend(read_stream(str(clip), transport="tcp", clock=SystemClock()))
    # `extend` keeps what came before the stream broke: 70 s of 8 frames.
    assert len(packets) == 560
    keys = [packet for packet in packets if packet.packet.is_keyframe]
    assert len(keys) >= 3
    # x264 sets a key frame at the latest each 250 frames.
    assert [read_number(packet.picture) for packet in keys if packet.picture is not None][:3] == [0, 250, 500]


def test_motion_sense__moves__at_a_person_and_not_at_the_light() -> None:
    """A grey scene that grows lighter as a whole does not move; one in which a person stands up does."""
    sense = MotionSense()

    def show(grey: int, *, person: bool) -> bool:
        pixels = np.full((360, 640, 3), grey, np.uint8)
        if person:
            # 40 x 120 of 640 x 360 pixels: two of a hundred.
            pixels[200:320, 300:340] = 230
        return sense.moves(Picture(pixels, width_px=640, height_px=360))

    assert [show(90, person=False), show(120, person=False), show(120, person=True), show(120, person=True)] == [
        False,
        False,
        True,
        False,
    ]
