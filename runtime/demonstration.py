"""`siteproof simulate`: a sample road and bridge, a camera and gauges that go on as real ones would."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any, Final
from uuid import uuid4

import httpx2
from PIL import ExifTags, Image

from iot.publication import publish_readings
from iot.simulation import (
    Failure,
    Fault,
    FaultKind,
    Gauge,
    SettlementLaw,
    SimulatedReading,
    Weather,
    merge_series,
    simulate_gauge,
    simulate_thermometer,
)
from runtime.sensors import stop_on_signal
from runtime.settings import SAMPLE_MEDIA, Settings

_LOG: Final = logging.getLogger(__name__)
_CUT: Final = 0.18  # of the width at both sides and of the height above
_CAMERA_SHOTS: Final = ("road-inside-safe.jpg", "road-no-hardhat.jpg", "road-machine.jpg", "road-no-vest.jpg")
BRIDGE: Final = "demo-bridge"
THERMOMETER: Final = "demo-air"
FAILING: Final = "demo-pier-2"
_HISTORY: Final = timedelta(days=200)  # of the record that is published at once; stability is judged over 100 days
_HISTORY_EVERY: Final = timedelta(hours=1)
_FAILURE: Final = timedelta(hours=48)  # of the readings' own time, the last of the history
_FAILURE_EVERY: Final = timedelta(minutes=20)
_FAILURE_WITHIN_S: Final = 150.0  # of the clock, so that somebody who looks can see it come
_FAILURE_MM: Final = 12.0
_ALARMS: Final = (
    ("yellow", 10.0, "监理当日复测 The supervisor re-levels today"),
    ("orange", 14.0, "镇里两小时内派人查看基础 The town sends someone to the footing within two hours"),
    ("red", 17.0, "立即停工、封闭并上报镇里 Stop work, close the bridge and call the town now"),
)
_SEED: Final = 20260701


@dataclass(frozen=True, slots=True)
class Point:
    """A gauge of the sample bridge.

    Attributes:
        along_m: from the first abutment. [m]
        final_mm: where it would end without the scripted failure. [mm]
        constant_days: of its consolidation. [d]
    """

    sensor_id: str
    along_m: float
    final_mm: float
    constant_days: float


POINTS: Final = (
    Point("demo-abutment-1", 0.0, 3.0, 20.0),
    Point("demo-pier-1", 12.5, 5.0, 25.0),
    Point(FAILING, 25.0, 7.0, 30.0),
    Point("demo-pier-3", 37.5, 6.0, 120.0),
    Point("demo-abutment-2", 50.0, 3.5, 20.0),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the gauges will say, the same for the same time of loading.

    Attributes:
        loaded_at: when the deck was cast.
        said_until: what earlier runs of the demo published already.
        now: the readings' time that is now.
    """

    loaded_at: datetime
    said_until: datetime | None
    now: datetime

    @property
    def fails_at(self) -> datetime:
        """When the scripted failure begins."""
        return self.loaded_at + _HISTORY - _FAILURE


def set_up_bridge(client: httpx2.Client, *, now: datetime) -> Plan:
    """Register the bridge's sensors; a second start of the demo goes on with the record of the first."""
    known = client.get(f"/v1/sensors/{FAILING}")
    loaded_at, said_until = now - _HISTORY, None
    if known.is_success and known.json()["events"]:
        loaded_at = datetime.fromisoformat(known.json()["events"][0]["at"])
        latest = client.get(f"/v1/sensors/{FAILING}/latest")
        said_until = datetime.fromisoformat(latest.json()["t"]) if latest.is_success else None
    thermometer = {"project_id": BRIDGE, "kind": "temperature", "unit": "Cel", "placement": _place(25.0)}
    _put(client, f"/v1/sensors/{THERMOMETER}", thermometer)
    for point in POINTS:
        _put(client, f"/v1/sensors/{point.sensor_id}", _describe(point, loaded_at))
    return Plan(loaded_at=loaded_at, said_until=said_until, now=now)


def make_readings(plan: Plan, *, start: datetime, end: datetime | None, every: timedelta) -> Iterator[SimulatedReading]:
    """What the bridge's sensors say in `[start, end)`, by time, without what was said already."""
    series = [
        simulate_gauge(make_gauge(point, plan), weather=_WEATHER, start=start, every=every, seed=_SEED, end=end)
        for point in POINTS
    ]
    series.append(simulate_thermometer(THERMOMETER, weather=_WEATHER, start=start, every=every, seed=_SEED, end=end))
    for reading in merge_series(series):
        if plan.said_until is None or reading.t > plan.said_until:
            yield reading


def make_gauge(point: Point, plan: Plan) -> Gauge:
    """The gauge of a point, with what happens to it: one pier fails, one gauge was away, one was hit by a crane."""
    loaded_at = plan.loaded_at
    failure = Failure(begins_at=plan.fails_at, lasts=_FAILURE, size_mm=_FAILURE_MM)
    faults = {
        "demo-pier-1": (Fault(FaultKind.GAP, loaded_at + timedelta(days=60), loaded_at + timedelta(days=64)),),
        "demo-abutment-2": (
            Fault(FaultKind.SPIKES, loaded_at + timedelta(days=120), loaded_at + timedelta(days=122), size_mm=25.0),
        ),
    }
    return Gauge(
        sensor_id=point.sensor_id,
        law=SettlementLaw(point.final_mm, timedelta(days=point.constant_days)),
        loaded_at=loaded_at,
        failure=failure if point.sensor_id == FAILING else None,
        faults=faults.get(point.sensor_id, ()),
    )


_WEATHER: Final = Weather()


def _place(along_m: float) -> dict[str, Any]:
    return {"structure": "qingxi", "along_m": along_m}


def _describe(point: Point, loaded_at: datetime) -> dict[str, Any]:
    return {
        "project_id": BRIDGE,
        "kind": "settlement",
        "unit": "mm",
        "range": {"min": -50, "max": 200},
        "resolution": 0.0001,
        "placement": _place(point.along_m),
        "events": [{"at": loaded_at.isoformat(), "text": "桥面浇筑 Deck cast", "is_loading": True}],
        "alarms": [
            {"level": level, "above": above, "hysteresis": 0.5, "for_s": 60, "action": action}
            for level, above, action in _ALARMS
        ],
        "stale_after_s": 86_400,
    }


def _run_gauges(settings: Settings, plan: Plan, every_s: float, stop: threading.Event) -> None:
    """Publish the record at once, the failure so fast that one can watch it, and then go on in real time."""
    failed_at = plan.fails_at + _FAILURE
    publish = partial(
        publish_readings, settings.mqtt_url, project_id=BRIDGE, stop=stop, client_id="siteproof-demo-gauges"
    )
    make = partial(make_readings, plan)
    publish(readings=make(start=plan.loaded_at, end=plan.fails_at, every=_HISTORY_EVERY), speed_up=None)
    publish(
        readings=make(start=plan.fails_at, end=failed_at, every=_FAILURE_EVERY),
        speed_up=_FAILURE / timedelta(seconds=_FAILURE_WITHIN_S) if plan.said_until is None else None,
    )
    publish(readings=make(start=failed_at, end=plan.now, every=_HISTORY_EVERY), speed_up=None)
    publish(readings=make(start=plan.now, end=None, every=timedelta(seconds=every_s)), begin=datetime.now(UTC))


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
        plan = set_up_bridge(client, now=datetime.now(UTC).replace(microsecond=0))
        tell("the sample road and bridge are set up")
        gauges = threading.Thread(target=_run_gauges, args=(settings, plan, gauge_every_s, stop), name="gauges")
        gauges.start()
        _send_samples(client, stop, tell)
        _run_camera(client, camera_every_s, stop)
        gauges.join()


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
    """A sample as a fixed camera would send it now: a narrower view, its own EXIF, with this moment's time.

    The whole view was sent by a phone before, and the camera's would be a copy of it.

    Args:
        original: a JPEG of the samples.
        taken_at: aware. UTC.
    """
    with Image.open(io.BytesIO(original)) as picture:
        exif = picture.getexif()
        width, height = picture.size
        view = picture.crop((round(_CUT * width), round(_CUT * height), round((1 - _CUT) * width), height))
        local = taken_at + timedelta(hours=8)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        details[ExifTags.Base.DateTimeOriginal] = local.strftime("%Y:%m:%d %H:%M:%S")
        details[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
        details[ExifTags.Base.SubsecTimeOriginal] = f"{taken_at.microsecond // 1000:03}"
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        gps[ExifTags.GPS.GPSDateStamp] = taken_at.strftime("%Y:%m:%d")
        gps[ExifTags.GPS.GPSTimeStamp] = (float(taken_at.hour), float(taken_at.minute), float(taken_at.second))
        written = io.BytesIO()
        view.save(written, "JPEG", quality=88, exif=exif)
    return written.getvalue()
