"""Makes the sample media of the rendered PNG files: JPEG, HEIC, PNG, WebP and MP4 with metadata, and the manifest.

Needs exiftool and ffmpeg on the PATH, and Pillow, pillow-heif, NumPy, OpenCV, pyproj and shapely:
`python -m sample_media.make.finish --renders FOLDER`. `verify.py` then fills in what the detector sees.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tempfile
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image

from sample_media.make import shots
from sample_media.make.board import COLUMNS, GAP_M, ROWS, SIDE_M
from sample_media.make.clip_timing import FRAMES_PER_SECOND
from sample_media.make.places import HERE
from sample_media.make.shots import CLIP, SHOTS, Shot

Pixels = NDArray[np.uint8]

QUALITY = 85
# The picture that is made of two renders, `-before` and `-after`.
EDITED = "road-edited"
THUMBNAIL_PX = (160, 120)
LICENCE = "AGPL-3.0-or-later"
RENDERED = "Rendered picture, not a photograph. Made for Siteproof's demo and tests."
EXIF_TIME = "%Y:%m:%d %H:%M:%S"
FORMATS = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".mp4": "video/mp4",
}


def run(*words: str) -> None:
    """Runs a program quietly; its failure is ours."""
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def read_render(folder: Path, name: str) -> Pixels:
    """One rendered picture, its grain smoothed as a phone does; (H, W, 3), red first."""
    blue_first = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_COLOR)
    if blue_first is None:
        raise FileNotFoundError(f"{folder / name}.png is not there or is no picture")
    calm = cv2.fastNlMeansDenoisingColored(blue_first, None, 3, 5, 5, 15)
    return np.asarray(calm[:, :, ::-1], dtype=np.uint8)


def clone_out(before: Pixels, after: Pixels) -> Pixels:
    """Lays the second picture over the first where they differ in earnest, with a soft border: a cloned-out worker."""
    differs = (np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 40).astype(np.uint8)  # noqa: PLR2004
    solid = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    mask = cv2.GaussianBlur(cv2.dilate(solid, np.ones((41, 41), np.uint8)).astype(np.float32), (0, 0), 5)[:, :, None]
    mixed: Pixels = (before * (1 - mask) + after * mask).round().astype(np.uint8)
    return mixed


def upright_pixels(shot: Shot, renders: Path) -> tuple[Pixels, Pixels]:
    """What a viewer shows, and what the preview inside the file shows."""
    if shot.picture != EDITED:
        pixels = read_render(renders, shot.picture)
        return pixels, pixels
    before = read_render(renders, f"{EDITED}-before")
    # An edited photo was compressed once by the camera before the editor compressed it again.
    with tempfile.TemporaryDirectory() as folder:
        camera = Path(folder) / "camera.jpg"
        Image.fromarray(before).save(camera, quality=92)
        before = np.asarray(Image.open(camera), dtype=np.uint8)
    return clone_out(before, read_render(renders, f"{EDITED}-after")), before


def stored_image(pixels: Pixels, shot: Shot) -> Image.Image:
    """The pixels as they lie in the file: turned against the orientation, reduced to the wanted size."""
    if shot.orientation == 6:  # noqa: PLR2004  (EXIF: to be turned clockwise by a quarter when shown)
        pixels = np.ascontiguousarray(np.rot90(pixels))
    image = Image.fromarray(pixels)
    scale = shot.long_side_px / max(image.size)
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    return image


def exif_words(shot: Shot, size_px: tuple[int, int]) -> list[str]:
    """Arguments of exiftool for what a phone would have written."""
    clock = (shot.clock or shot.taken_at).strftime(EXIF_TIME)
    changed = clock
    if shot.edited_minutes is not None:
        changed = (shots.TEN + timedelta(minutes=shot.edited_minutes)).strftime(EXIF_TIME)
    words = [
        "-IFD0:Make=Siteproof",
        "-IFD0:Model=Rendered scene",
        f"-IFD0:ImageDescription={RENDERED}",
        f"-IFD0:Software={shot.software}",
        f"-IFD0:Copyright=The Siteproof developers, {LICENCE}",
        f"-IFD0:ModifyDate={changed}",
        f"-IFD0:Orientation#={shot.orientation}",
        f"-ExifIFD:DateTimeOriginal={clock}",
        f"-ExifIFD:CreateDate={clock}",
        "-ExifIFD:OffsetTime=+08:00",
        "-ExifIFD:OffsetTimeOriginal=+08:00",
        "-ExifIFD:OffsetTimeDigitized=+08:00",
        "-ExifIFD:FocalLengthIn35mmFormat=26",
        "-ExifIFD:ColorSpace=sRGB",
        f"-ExifIFD:ExifImageWidth={size_px[0]}",
        f"-ExifIFD:ExifImageHeight={size_px[1]}",
    ]
    if shot.lonlat is None:
        return words
    satellites = shot.taken_at.astimezone(UTC)
    return [
        *words,
        f"-GPS:GPSLongitude={shot.lonlat[0]}",
        "-GPS:GPSLongitudeRef=E",
        f"-GPS:GPSLatitude={shot.lonlat[1]}",
        "-GPS:GPSLatitudeRef=N",
        "-GPS:GPSAltitude=12",
        "-GPS:GPSAltitudeRef#=0",
        f"-GPS:GPSDateStamp={satellites:%Y:%m:%d}",
        f"-GPS:GPSTimeStamp={satellites:%H:%M:%S}",
        f"-GPS:GPSHPositioningError={shot.accuracy_m}",
        f"-GPS:GPSImgDirection={shot.bearing_deg}",
        "-GPS:GPSImgDirectionRef=T",
        "-GPS:GPSMapDatum=WGS-84",
    ]


def write_jpeg(path: Path, image: Image.Image, preview: Image.Image, words: list[str]) -> None:
    """A JPEG with EXIF and an embedded preview."""
    image.save(path, quality=QUALITY, optimize=True)
    small = path.with_suffix(".preview.jpg")
    preview.resize(THUMBNAIL_PX, Image.Resampling.LANCZOS).save(small, quality=75)
    run("exiftool", "-q", "-overwrite_original", *words, f"-IFD1:ThumbnailImage<={small}", str(path))
    small.unlink()


def write_photo(shot: Shot, renders: Path) -> None:
    """One photo of the list, in its format."""
    upright, seen = upright_pixels(shot, renders)
    image, preview = stored_image(upright, shot), stored_image(seen, shot)
    path = HERE / shot.file
    words = exif_words(shot, image.size)
    if path.suffix == ".jpg":
        write_jpeg(path, image, preview, words)
        return
    with tempfile.TemporaryDirectory() as folder:
        carrier = Path(folder) / "carrier.jpg"
        write_jpeg(carrier, image, preview, words)
        block = Image.open(carrier).info["exif"]
    options: dict[str, dict[str, Any]] = {
        ".png": {"optimize": True},
        ".webp": {"quality": QUALITY, "method": 6},
        ".heic": {"quality": 62},
    }
    image.save(path, exif=block, **options[path.suffix])


def write_frames(renders: Path, out: Path) -> None:
    """Lays the rendered part of every frame over the empty place; what was not rendered is black."""
    background = read_render(renders / "clip", "background")
    for path in sorted((renders / "clip").glob("[0-9]*.png")):
        frame = read_render(renders / "clip", path.stem)
        rendered = cv2.morphologyEx(
            (frame.max(axis=2) > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)
        )
        y, x = np.nonzero(rendered)
        box = (slice(y.min() + 2, y.max() - 1), slice(x.min() + 2, x.max() - 1))
        whole = background.copy()
        whole[box] = frame[box]
        Image.fromarray(whole).save(out / path.name)


def write_clip(renders: Path) -> None:
    """The clip, with time and position where phones put them."""
    with tempfile.TemporaryDirectory() as folder:
        write_frames(renders, Path(folder))
        encode_clip(Path(folder))


def encode_clip(frames: Path) -> None:
    """Encodes numbered frames and writes the clip's metadata."""
    if CLIP.lonlat is None:
        raise ValueError("the clip has a position")
    path, taken = HERE / CLIP.file, CLIP.taken_at
    run(
        "ffmpeg", "-y", "-loglevel", "error", "-framerate", str(FRAMES_PER_SECOND),
        "-i", str(frames / "%03d.png"), "-vf", "hqdn3d=1:1:2:2", "-c:v", "libx264", "-preset", "slow",
        "-crf", "23", "-pix_fmt", "yuv420p", "-threads", "1", "-map_metadata", "-1", "-fflags", "+bitexact",
        "-flags:v", "+bitexact", "-metadata", f"creation_time={taken.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "-movflags", "+faststart", str(path),
    )  # fmt: skip
    where = f"{CLIP.lonlat[1]}, {CLIP.lonlat[0]}, 12"
    run(
        "exiftool", "-q", "-overwrite_original",
        f"-UserData:GPSCoordinates={where}",
        f"-Keys:GPSCoordinates={where}",
        f"-Keys:LocationAccuracyHorizontal={CLIP.accuracy_m}",
        f"-Keys:CreationDate={taken:%Y:%m:%d %H:%M:%S}+08:00",
        "-Keys:Make=Siteproof",
        "-Keys:Model=Rendered scene",
        f"-Keys:Software={CLIP.software}",
        f"-Keys:Description={RENDERED}",
        str(path),
    )  # fmt: skip


def describe(shot: Shot) -> dict[str, Any]:
    """What the manifest says of one medium, but for what a detector sees."""
    path = HERE / shot.file
    has_gps = shot.lonlat is not None
    position = None
    if shot.lonlat is not None:
        lon, lat = shot.lonlat
        position = {"lon": lon, "lat": lat, "accuracy_m": shot.accuracy_m}
    distance_m = shot.distance_m
    return {
        "file": shot.file,
        "media_type": FORMATS[path.suffix],
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "about": shot.about,
        "picture": shot.picture,
        "project": shot.project,
        "milestone": shot.milestone,
        "written": {
            "camera_time": (shot.clock or shot.taken_at).isoformat(),
            "gps_time": shot.taken_at.astimezone(UTC).isoformat() if has_gps and path.suffix != ".mp4" else None,
            "position": position,
            "bearing_deg": shot.bearing_deg if has_gps and path.suffix != ".mp4" else None,
            "orientation": shot.orientation,
            "software": shot.software,
        },
        "truth": {
            "taken_at": shot.taken_at.astimezone(UTC).isoformat(),
            "distance_from_boundary_m": None if distance_m is None else round(distance_m, 2),
            "people": [{"helmet": who.helmet, "vest": who.vest} for who in shot.people],
            "things": shot.things,
            "preview_differs": shot.picture == EDITED,
        },
        "expected": {
            "checks": {
                "location": dict(zip(("verdict", "code"), shot.location, strict=True)),
                "time": dict(zip(("verdict", "code"), shot.time, strict=True)),
                "reuse": dict(zip(("verdict", "code"), shots.REUSE_UNIQUE, strict=True)),
                "editing": dict(zip(("verdict", "code"), shot.editing, strict=True)),
            },
        },
    }


def write_manifest() -> None:
    """`manifest.json`, as far as it is known without a detector."""
    manifest = {
        "note": RENDERED + " Nothing in it is a photograph of a person or a place.",
        "licence": LICENCE,
        "arrives_at": shots.ARRIVES_AT.isoformat(),
        "media": [describe(shot) for shot in (*SHOTS, CLIP)],
        "reuse": {
            "file": "road-inside-safe.jpg",
            "first": {"project": "demo-road", "milestone": "surface"},
            "again": {"project": "demo-bridge", "milestone": "deck"},
            "about": "The same bytes sent again for another project; the file is not kept twice.",
            "expected": {"checks": {"reuse": {"verdict": "fail", "code": "reuse.exact"}}},
        },
        "board": {
            "file": "bridge-board.jpg",
            "spec": f"aruco:DICT_6X6_1000:{COLUMNS}x{ROWS}:{SIDE_M * 1000:g}mm:{GAP_M * 1000:g}mm",
            "markers": COLUMNS * ROWS,
            "rebar_spacing_mm": {"bars_along_y": 200.0, "bars_along_x": 150.0},
            "rebar_diameter_mm": 12.0,
            "board_above_upper_bars_mm": 4.5,
            "about": "Bars along y run away from the camera. The board lies on the upper bars, which run along x.",
        },
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (HERE / "manifest.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Makes all media of a folder of renders, then the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=Path, required=True, help="what render.py wrote")
    arguments = parser.parse_args()
    pillow_heif.register_heif_opener()
    for shot in SHOTS:
        write_photo(shot, arguments.renders)
        print(f"{shot.file}: {(HERE / shot.file).stat().st_size / 1000:.0f} kB")
    write_clip(arguments.renders)
    print(f"{CLIP.file}: {(HERE / CLIP.file).stat().st_size / 1000:.0f} kB")
    write_manifest()


if __name__ == "__main__":
    main()
