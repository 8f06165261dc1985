"""Clips as they are written by encoders and turned by their track header, on disk."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest

from vision.clip import UndecodableClip, sample_frames
from vision.picture import Picture

_ONE: Final = 0x10000
_IDENTITY: Final = struct.pack(">9i", _ONE, 0, 0, 0, _ONE, 0, 0, 0, 1 << 30)


def _clip(path: Path, *, seconds: float, rate: int = 10, key_every: int = 10) -> Path:
    """Black, 64 x 32, its upper left quarter red; the lower right quarter grows lighter by 4 each frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.codec_context.gop_size = key_every
        for index in range(round(seconds * rate)):
            pixels = np.zeros((32, 64, 3), np.uint8)
            pixels[:16, :32, 0] = 255
            pixels[16:, 32:] = min(255, 4 * index)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def _turn(path: Path, upper_left: Sequence[int]) -> None:
    """Write a display matrix (a, b, c, d) into the track header, ISO/IEC 14496-12, 8.3.2."""
    a, b, c, d = (value * _ONE for value in upper_left)
    content = path.read_bytes()
    at = content.index(_IDENTITY, content.index(b"tkhd"))
    path.write_bytes(content[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + content[at + 36 :])


def _is_red(picture: Picture, x: int, y: int) -> bool:
    blue, green, red = (int(value) for value in picture.pixels[y, x])
    return red > 150 and max(blue, green) < 90


def test_sample_frames__every_second(tmp_path: Path) -> None:
    """Four seconds, one sample a second: at 0, 1, 2 and 3 s, each the frame of its time."""
    frames = list(sample_frames(_clip(tmp_path / "c.mp4", seconds=4), every_s=1, max_frames=100))
    assert [frame.at_s for frame in frames] == pytest.approx([0, 1, 2, 3])
    # Frame n of the clip has grey 4 n: 0, 40, 80, 120; the encoder loses a little.
    assert [int(frame.picture.pixels[24, 48, 1]) for frame in frames] == pytest.approx([0, 40, 80, 120], abs=8)


def test_sample_frames__fewer_than_the_clip_is_long(tmp_path: Path) -> None:
    """Two samples of four seconds are spread over all of it: at 0 and 2 s."""
    frames = list(sample_frames(_clip(tmp_path / "c.mp4", seconds=4), every_s=0.5, max_frames=2))
    assert [frame.at_s for frame in frames] == pytest.approx([0, 2])


@pytest.mark.parametrize("key_every", [5, 1000])
def test_sample_frames__jumps(tmp_path: Path, key_every: int) -> None:
    """Steps of 8 s are reached by jumping, whether key frames are near or there is only the first."""
    clip = _clip(tmp_path / "c.mp4", seconds=25, rate=2, key_every=key_every)
    frames = list(sample_frames(clip, every_s=8, max_frames=10))
    assert [frame.at_s for frame in frames] == pytest.approx([0, 8, 16, 24])
    assert [int(frame.picture.pixels[24, 48, 1]) for frame in frames] == pytest.approx([0, 64, 128, 192], abs=8)


@pytest.mark.parametrize(
    ("matrix", "size", "corner"),
    [
        ((1, 0, 0, 1), (64, 32), (3, 3)),
        ((0, 1, -1, 0), (32, 64), (-4, 3)),
        ((-1, 0, 0, -1), (64, 32), (-4, -4)),
        ((0, -1, 1, 0), (32, 64), (3, -4)),
        ((-1, 0, 0, 1), (64, 32), (-4, 3)),
    ],
)
def test_sample_frames__turned(
    tmp_path: Path, matrix: tuple[int, ...], size: tuple[int, int], corner: tuple[int, int]
) -> None:
    """The track's matrix sends (x, y) to (a x + c y, b x + d y): so the red corner lies where that puts it, once."""
    clip = _clip(tmp_path / "c.mp4", seconds=0.2)
    _turn(clip, matrix)
    (frame,) = sample_frames(clip, every_s=1, max_frames=1)
    assert (frame.picture.width_px, frame.picture.height_px) == size
    assert frame.picture.pixels.shape == (size[1], size[0], 3)
    corners = [(3, 3), (-4, 3), (-4, -4), (3, -4)]
    assert [place for place in corners if _is_red(frame.picture, *place)] == [corner]


def test_sample_frames__reduced(tmp_path: Path) -> None:
    """A frame of 64 x 32 reduced to 16 is 16 x 8, and knows its original size."""
    (frame,) = sample_frames(_clip(tmp_path / "c.mp4", seconds=0.1), every_s=1, max_frames=1, max_side_px=16)
    assert frame.picture.pixels.shape == (8, 16, 3)
    assert frame.picture.scale_xy == (4, 4)


def test_sample_frames__broken_off(tmp_path: Path) -> None:
    """A clip whose index stands first and whose end is missing gives the frames before the break."""
    clip = _clip(tmp_path / "c.mp4", seconds=4)
    moved = tmp_path / "moved.mp4"
    with av.open(str(clip)) as source, av.open(str(moved), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    content = moved.read_bytes()
    data = content.index(b"mdat")
    moved.write_bytes(content[: data + (len(content) - data) * 6 // 10])
    times = [frame.at_s for frame in sample_frames(moved, every_s=1, max_frames=10)]
    assert times[0] == 0
    assert 1 <= len(times) < 4


@pytest.mark.parametrize("content", [b"", b"no clip", b"\x00\x00\x00\x18ftypmp42" + bytes(200)])
def test_sample_frames__no_clip(tmp_path: Path, content: bytes) -> None:
    """What is no clip is refused with its code."""
    path = tmp_path / "c.mp4"
    path.write_bytes(content)
    with pytest.raises(UndecodableClip) as caught:
        next(sample_frames(path, every_s=1, max_frames=1))
    assert caught.value.code == "vision.undecodable_clip"


def test_sample_frames__sound_only(tmp_path: Path) -> None:
    """A file with sound and no picture is refused."""
    path = tmp_path / "c.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(UndecodableClip):
        next(sample_frames(path, every_s=1, max_frames=1))


def test_sample_frames__no_file(tmp_path: Path) -> None:
    """A file that is not there is nobody's clip."""
    with pytest.raises(FileNotFoundError):
        next(sample_frames(tmp_path / "none.mp4", every_s=1, max_frames=1))
