"""Measured quantities from the photo to finding, overlay and gate, through the routes and the worker's analysis.

The photos are rendered: a board of 207.5 x 165 mm on a mesh whose spacing is known, 0.9 m before a camera of 27 mm.
"""

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from analysis.late_measuring import measure_late
from analysis.medium_analysis import Workplace, analyse_medium
from domain.access import Role
from domain.clock import SystemClock
from storage.media_store import DiskMediaStore
from tests.integration.api.conftest import Api
from tests.pictures import make_jpeg
from vision.board import parse_board
from vision.detector import Sight
from vision.picture import Picture
from vision.rendered_scene import Conditions, Mesh, PlacedBoard, TrueLine, View, render

SPEC = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm"
MILESTONE = "/v1/projects/p1/milestones/steel"
STEEL = {"quantity": "rebar_spacing", "nominal_mm": 200, "tolerance_mm": 20, "source": "GB 50204-2015, 5.5.3"}


class Blind:
    """A detector that sees nothing."""

    model_name = "test 1"
    model_hashes: ClassVar = {"test": "0" * 64}

    def look(self, picture: Picture) -> Sight:
        """Nothing."""
        assert picture.pixels.ndim == 3
        return Sight(())


@cache
def photograph_mesh(spacing_mm: float) -> Image.Image:
    """Bars of 12 mm this far apart in both directions, seen from 25 degrees off."""
    places = [spacing_mm * (step - 2.5) for step in range(6)]
    ways = (np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    layers = [tuple(TrueLine(place * np.array([-way[1], way[0]]), way) for place in places) for way in ways]
    tilt = np.radians(25)
    rotation = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    # 1560 px on 2000 x 1500 px: 1560 / 2500 x 43.27 = 27.0 mm.
    view = View(rotation, np.array([0.0, 0.0, 900.0]), 1560.0, 0.0, 0.0, 1.0, np.zeros(3))
    mesh = Mesh((layers[0], layers[1]), 12.0, (150.0, 60.0))
    board = PlacedBoard(parse_board(SPEC))
    grey = render(view, (board,), paint=mesh.paint, conditions=Conditions(), rng=np.random.default_rng(3))
    return Image.fromarray(grey).convert("RGB")


class Site:
    """A milestone of steel that is to be measured, and a worker beside it."""

    def __init__(self, api: Api) -> None:
        """With a project and nothing required yet."""
        self.api = api
        api.put_project(position={"lon": 120.0, "lat": 30.0})
        self.core = api.make_token(Role.CORE)
        self.inspector = api.make_token(Role.INSPECTOR, person="wang")
        self.phone = api.make_token(Role.FIELD)
        store = DiskMediaStore(api.media_folder)
        self.workplace = Workplace(api.database, store, Blind(), SystemClock(), lease_s=30)

    def require(self, *measurements: dict[str, Any], **more: object) -> Any:  # noqa: ANN401 - a response
        """Set what is to be measured."""
        body = {"title": "钢筋", "requires": {"measurements": list(measurements), "board": SPEC, **more}}
        return self.api.client.put(MILESTONE, json=body, headers=self.core)

    def send(self, picture: Image.Image | None) -> UUID:
        """A photo from the site, analysed."""
        taken = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=7)
        content = make_jpeg(lon=120.0, lat=30.0, accuracy_m=5, taken_local=taken, picture=picture, focal_35mm=27)
        sent = self.api.client.post(
            "/v1/projects/p1/media",
            files={"file": ("a.jpg", content)},
            data={"capture": '{"milestone_id": "steel"}'},
            headers=self.phone,
        )
        media_id = UUID(sent.json()["id"])
        analyse_medium(self.workplace, media_id=media_id)
        return media_id

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401 - JSON
        """What an inspector reads."""
        return self.api.client.get(path, params=query, headers=self.inspector).raise_for_status().json()  # type: ignore[arg-type]

    def gate(self) -> list[dict[str, Any]]:
        """Why it holds."""
        reasons = self.get(f"{MILESTONE}/gate")["reasons"]
        assert isinstance(reasons, list)
        return reasons

    def findings(self) -> list[dict[str, Any]]:
        """Those about the spacing."""
        found = self.get("/v1/findings", milestone_id="steel")["items"]
        return [each for each in found if each["code"] == "conformance.rebar_spacing"]


@pytest.fixture
def site(api: Api) -> Site:
    """A mesh of 200 mm within 20 mm is required."""
    made = Site(api)
    made.require(STEEL).raise_for_status()
    return made


def test_spacing__a_mesh_as_drawn_and_one_too_wide__let_the_gate_pass_and_hold(site: Site) -> None:
    """200 mm passes; 230 mm is a finding with its figures, holds, and is let go when the inspector dismisses it."""
    (missing,) = site.gate()
    assert (missing["code"], missing["quantity"]) == ("gate.measurement_missing", "rebar_spacing")

    good = site.send(photograph_mesh(200))
    assert site.gate() == []
    told = site.get(f"/v1/media/{good}")["measurements"]
    assert [each["direction"] for each in told] == ["1", "2"]
    for each in told:
        assert (each["quantity"], each["verdict"], each["code"]) == ("rebar_spacing", "pass", None)
        assert (each["board"], each["camera"]) == (SPEC, "exif")
        low, high = each["interval_mm"]
        assert low < 200 < high
        assert each["u_mm"] == pytest.approx((high - low) / 2 / 1.96, abs=0.01)

    wide = site.send(photograph_mesh(230))
    (reason,) = site.gate()
    (finding,) = site.findings()
    assert (reason["code"], reason["finding_id"]) == ("gate.measurement_failed", finding["id"])
    assert (reason["quantity"], reason["media_id"]) == ("rebar_spacing", str(wide))
    assert reason["value_mm"] == pytest.approx(230, rel=0.03)
    # Beyond 220 mm, its uncertainty counted: 95 % of the distribution lies over 1.645 standard uncertainties below.
    assert reason["value_mm"] - 1.645 * reason["u_mm"] > 220
    assert (finding["kind"], finding["severity"], finding["media_id"]) == ("conformance", "major", str(wide))
    assert finding["details"]["value_mm"] == reason["value_mm"]
    assert "200 ± 20 mm" in finding["title"]["zh"]

    review = {"decision": "dismissed", "reason": "另一部位"}
    site.api.client.post(f"/v1/findings/{finding['id']}/review", json=review, headers=site.inspector).raise_for_status()
    assert site.gate() == []


def test_spacing__another_tolerance_is_set__is_judged_anew_without_a_new_photo(site: Site) -> None:
    """What was measured stays; of 230 mm within 20 mm the mesh of 200 mm is none, until 200 is wanted again."""
    site.send(photograph_mesh(200))
    assert site.findings() == []
    site.require(STEEL | {"nominal_mm": 230}).raise_for_status()
    (finding,) = site.findings()
    assert finding["status"] == "open"
    assert [each["code"] for each in site.gate()] == ["gate.measurement_failed"]
    site.require(STEEL).raise_for_status()
    assert [each["status"] for each in site.findings()] == ["resolved"]
    assert site.gate() == []


def test_spacing__a_photo_without_the_board__is_no_finding_and_the_gate_says_why(site: Site) -> None:
    """Cannot tell is an answer: the photo's code, no finding."""
    photo = site.send(None)
    (told,) = site.get(f"/v1/media/{photo}")["measurements"]
    assert (told["verdict"], told["code"]) == ("cannot_tell", "board.not_found")
    assert set(told["detail"]) == {"zh", "en"}
    (reason,) = site.gate()
    assert (reason["code"], reason["measurement_code"]) == ("gate.measurement_open", "board.not_found")
    assert (reason["media_id"], reason["photos"]) == (str(photo), 1)
    assert site.findings() == []


def test_measured_preview__is_there_where_something_was_to_be_measured(site: Site) -> None:
    """The overlay at the photo's size, which is less than 2400 px; a photo that nothing was asked of has none."""
    photo = site.send(photograph_mesh(200))
    path = f"/v1/media/{photo}/preview"
    shown = site.api.client.get(path, params={"measured": True}, headers=site.inspector).raise_for_status()
    picture = Image.open(io.BytesIO(shown.content)).convert("RGB")
    assert (picture.format, picture.size) == (None, (2000, 1500))
    # The scene is grey: green is the mark of what passes.
    red, green, blue = (np.asarray(picture, int)[:, :, each] for each in range(3))
    assert ((green > red + 60) & (green > blue + 60)).sum() > 1000

    site.api.client.put(MILESTONE, json={"title": "钢筋"}, headers=site.core).raise_for_status()
    plain = site.send(None)
    assert site.get(f"/v1/media/{plain}")["measurements"] == []
    refused = site.api.client.get(f"/v1/media/{plain}/preview", params={"measured": True}, headers=site.inspector)
    assert (refused.status_code, refused.json()["code"]) == (404, "media.no_preview")


def test_measurement__required_after_the_photo_came__is_made_afterwards(api: Api) -> None:
    """The route rings for what was not measured, once; the worker measures it, and the finding is there."""
    site = Site(api)
    api.client.put(MILESTONE, json={"title": "钢筋"}, headers=site.core).raise_for_status()
    photo = site.send(photograph_mesh(230))
    assert site.get(f"/v1/media/{photo}")["measurements"] == []
    api.rung.clear()
    site.require(STEEL).raise_for_status()
    assert api.rung == [photo]
    assert measure_late(site.workplace, media_id=photo)
    (reason,) = site.gate()
    assert (reason["code"], reason["media_id"]) == ("gate.measurement_failed", str(photo))
    assert len(site.findings()) == 1
    assert not measure_late(site.workplace, media_id=photo)
    site.require(STEEL | {"tolerance_mm": 21}).raise_for_status()
    assert api.rung == [photo]


@pytest.mark.parametrize(
    ("requires", "code"),
    [
        ({"measurements": [STEEL | {"quantity": "pipe_diameter"}], "board": SPEC}, "milestone.unknown_quantity"),
        ({"measurements": [STEEL, STEEL], "board": SPEC}, "milestone.quantity_twice"),
        ({"measurements": [STEEL]}, "milestone.board_missing"),
        ({"measurements": [STEEL], "board": "aruco:DICT_9X9_50:5x4:37.5mm:5mm"}, "board.invalid_spec"),
        ({"board": SPEC, "camera": {"width_px": 2000}}, "camera.invalid_calibration"),
    ],
)
def test_requires__what_no_photo_can_fulfil__is_refused_when_it_is_set(
    api: Api, requires: dict[str, Any], code: str
) -> None:
    """Not when the photos come."""
    api.put_project()
    answer = api.client.put(MILESTONE, json={"title": "钢筋", "requires": requires}, headers=api.make_token(Role.CORE))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
