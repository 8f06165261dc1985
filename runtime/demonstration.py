"""`siteproof simulate`: a sample road and bridge, a camera and gauges that go on as real ones would."""

import io
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, cycle
from typing import Any, Final
from uuid import uuid4

import httpx2
from PIL import ExifTags, Image

from iot.simulation import SettlementLaw, publish_series, settlement_series
from runtime.sensors import stop_on_signal
from runtime.settings import SAMPLE_MEDIA, Settings

_LOG: Final = logging.getLogger(__name__)
_CAMERA_SHOTS: Final = ("road-inside-safe.jpg", "road-no-hardhat.jpg", "road-machine.jpg", "road-no-vest.jpg")
_PAST: Final = timedelta(hours=6)  # of the gauge's record, published at once, so that there is something to see
_PAST_EVERY: Final = timedelta(minutes=1)
GAUGE: Final[dict[str, Any]] = {
    "project_id": "demo-bridge",
    "kind": "settlement",
    "unit": "mm",
    "range": {"min": -50, "max": 200},
    "alarms": [
        {
            "level": "yellow",
            "above": 8,
            "hysteresis": 0.5,
            "for_s": 60,
            "action": "监理当日复测 The supervisor re-levels today",
        },
        {
            "level": "red",
            "above": 15,
            "hysteresis": 0.5,
            "for_s": 60,
            "action": "立即停工并上报镇里 Stop work, call the town now",
        },
    ],
    "stale_after_s": 600,
}


@dataclass(frozen=True, slots=True)
class Pier:
    """A simulated gauge on a pier.

    Attributes:
        speed_up: the pier settles so many times faster than its law says, so that a demo sees something happen.
        seed: of the noise, so that the record can be made again.
    """

    sensor_id: str
    law: SettlementLaw
    speed_up: float
    seed: int


# One pier that behaves, and one that goes beyond its yellow level within the hours that are published at once.
PIERS: Final = (
    Pier("demo-pier-1", SettlementLaw(final_mm=5.0), speed_up=400.0, seed=1),
    Pier("demo-pier-2", SettlementLaw(final_mm=14.0), speed_up=400.0, seed=2),
)


def run_demonstration(
    settings: Settings,
    *,
    url: str,
    token: str,
    camera_every_s: float,
    gauge_every_s: float,
    tell: Callable[[str], None],
) -> None:
    """Set the samples up, then publish until a signal comes.

    Args:
        settings: for the broker's address.
        url: of the service.
        token: an admin's.
        camera_every_s: between two photos of the simulated camera. [s]
        gauge_every_s: between two readings of the simulated gauge. [s]
        tell: prints a line.
    """
    stop = stop_on_signal()
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for project in json.loads((SAMPLE_MEDIA / "demo.json").read_text(encoding="utf-8"))["projects"]:
            _set_up_project(client, project)
        for pier in PIERS:
            _put(client, f"/v1/sensors/{pier.sensor_id}", GAUGE)
        tell("the sample road and bridge are set up")
        gauges = [
            threading.Thread(target=_run_gauge, args=(settings, pier, gauge_every_s, stop), name=pier.sensor_id)
            for pier in PIERS
        ]
        for gauge in gauges:
            gauge.start()
        _send_samples(client, stop, tell)
        _run_camera(client, camera_every_s, stop)
        for gauge in gauges:
            gauge.join()


def _set_up_project(client: httpx2.Client, project: dict[str, Any]) -> None:
    path = f"/v1/projects/{project['id']}"
    parts = {"id", "boundary", "alignment", "milestones"}
    _put(client, path, {key: value for key, value in project.items() if key not in parts})
    for part in ("boundary", "alignment"):
        _put(client, f"{path}/{part}", project[part])
    for milestone in project["milestones"]:
        _put(client, f"{path}/milestones/{milestone['id']}", {k: v for k, v in milestone.items() if k != "id"})


def _put(client: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    response = client.put(path, json=body)
    if response.is_error:
        _LOG.error("PUT %s: %s", path, response.text)
    response.raise_for_status()


def _send_samples(client: httpx2.Client, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Every sample once; sending one again is the same medium, so that a second start of the demo changes nothing."""
    for name, project_id, milestone_id in list_samples():
        if stop.is_set():
            return
        _upload(client, project_id, name, (SAMPLE_MEDIA / name).read_bytes(), {"milestone_id": milestone_id})
    tell("the sample photos are sent")


def list_samples() -> list[tuple[str, str, str]]:
    """What is sent, in this order: (file, project, milestone); the last one is sent for a second project, as reuse."""
    manifest = json.loads((SAMPLE_MEDIA / "manifest.json").read_text(encoding="utf-8"))
    samples = [(entry["file"], entry["project"], entry["milestone"]) for entry in manifest["media"]]
    again = manifest["reuse"]["again"]
    return [*samples, (manifest["reuse"]["file"], again["project"], again["milestone"])]


def _upload(client: httpx2.Client, project_id: str, name: str, content: bytes, capture: dict[str, Any]) -> None:
    files = {"file": (name, content)}
    data = {"capture": json.dumps(capture)}
    response = client.post(f"/v1/projects/{project_id}/media", files=files, data=data)
    if response.is_error:
        _LOG.error("%s: %s", name, response.text)


def _run_camera(client: httpx2.Client, every_s: float, stop: threading.Event) -> None:
    for name in cycle(_CAMERA_SHOTS):
        if stop.wait(every_s):
            return
        now = datetime.now(UTC)
        content = make_shot((SAMPLE_MEDIA / name).read_bytes(), taken_at=now)
        capture = {
            "client_id": str(uuid4()),
            "taken_at": now.isoformat().replace("+00:00", "Z"),
            "camera_id": "demo-camera",
            "milestone_id": "base",
        }
        try:
            _upload(client, "demo-road", name, content, capture)
        except httpx2.TransportError as error:
            _LOG.warning("the camera's photo did not go through and is taken anew: %s", error)


def make_shot(original: bytes, *, taken_at: datetime) -> bytes:
    """A sample as a fixed camera would send it now: its own EXIF, with this moment's time.

    Args:
        original: a JPEG of the samples.
        taken_at: aware. UTC.
    """
    with Image.open(io.BytesIO(original)) as picture:
        exif = picture.getexif()
        local = taken_at + timedelta(hours=8)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        details[ExifTags.Base.DateTimeOriginal] = local.strftime("%Y:%m:%d %H:%M:%S")
        details[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
        details[ExifTags.Base.SubsecTimeOriginal] = f"{taken_at.microsecond // 1000:03}"
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSDateStamp] = taken_at.strftime("%Y:%m:%d")
        gps[ExifTags.GPS.GPSTimeStamp] = (float(taken_at.hour), float(taken_at.minute), float(taken_at.second))
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=88, exif=exif)
    return written.getvalue()


def _run_gauge(settings: Settings, pier: Pier, every_s: float, stop: threading.Event) -> None:
    """Publish the last hours at once and then go on, reading by reading."""
    now = datetime.now(UTC).replace(microsecond=0)
    record = settlement_series(
        pier.law,
        loaded_at=now - _PAST,
        start=now - _PAST,
        every=_PAST_EVERY,
        seed=pier.seed,
        count=_PAST // _PAST_EVERY,
        speed_up=pier.speed_up,
    )
    present = settlement_series(
        pier.law,
        loaded_at=now - _PAST,
        start=now,
        every=timedelta(seconds=every_s),
        seed=pier.seed + 1,
        speed_up=pier.speed_up,
    )
    publish_series(
        settings.mqtt_url,
        project_id="demo-bridge",
        sensor_id=pier.sensor_id,
        readings=chain(record, present),
        stop=stop,
    )
