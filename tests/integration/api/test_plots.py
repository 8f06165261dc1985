"""Pictures over HTTP, on the record of a simulated bridge."""

import io
from http import HTTPStatus
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from domain.access import Role
from tests.integration.api.conftest import Api
from tests.integration.api.test_settlement import bridge as _bridge

bridge = _bridge
SENSOR = "/v1/sensors/p1/plot"
STRUCTURE = "/v1/projects/b1/structures/bridge/plot"


@pytest.mark.parametrize("path", [SENSOR, STRUCTURE])
def test_plot__as_svg_and_png(bridge: Api, path: str) -> None:
    """Both formats in the size asked for, not to be run as a page; the same picture again is not sent again."""
    headers = bridge.make_token(Role.SUPERVISOR)
    query = "to=2026-11-01T00:00:00Z&width_px=900&height_px=700"
    response = bridge.client.get(f"{path}?{query}&lang=en", headers=headers)
    assert response.status_code == HTTPStatus.OK
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["content-language"] == "en"
    root = ET.fromstring(response.content)  # noqa: S314 - our own
    assert (root.get("width"), root.get("height")) == ("900", "700")
    again = bridge.client.get(f"{path}?{query}&lang=en", headers={**headers, "If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")
    png = bridge.client.get(f"{path}?{query}&format=png", headers=headers)
    assert png.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(png.content)).size == (900, 700)
    assert png.headers["etag"] != response.headers["etag"]


def test_plot__of_a_sensor__has_the_forecast_the_event_and_the_temperature(bridge: Api) -> None:
    """What the bridge is known to do is in the picture."""
    headers = bridge.make_token(Role.INSPECTOR)
    text = bridge.client.get(f"{SENSOR}?to=2026-11-01T00:00:00Z&lang=en", headers=headers).text
    for part in ('id="forecast"', 'id="interval"', 'id="temperature"', 'id="event"', "loaded (loading)"):
        assert part in text, part


def test_plot__of_a_narrow_window__draws_its_readings(bridge: Api) -> None:
    """One day of readings every two hours: twelve good ones, and no gap between them."""
    headers = bridge.make_token(Role.INSPECTOR)
    query = "from=2026-09-01T00:00:00Z&to=2026-09-02T00:00:00Z&lang=en"
    response = bridge.client.get(f"{SENSOR}?{query}", headers=headers)
    assert response.status_code == HTTPStatus.OK
    root = ET.fromstring(response.content)  # noqa: S314 - our own
    (group,) = [each for each in root.iter("{http://www.w3.org/2000/svg}g") if each.get("id") == "mean"]
    line = group.findall("{http://www.w3.org/2000/svg}path")[0].get("d") or ""
    assert (line.count("M"), line.count("L")) == (1, 11)


def test_plot__what_cannot_be_drawn(bridge: Api) -> None:
    """Sizes and windows out of limits and things that are not there are refused; a silent gauge is an empty picture."""
    headers = bridge.make_token(Role.INSPECTOR)
    for path, status, code in (
        (f"{SENSOR}?width_px=5000", HTTPStatus.UNPROCESSABLE_ENTITY, "request.invalid"),
        (f"{SENSOR}?height_px=10", HTTPStatus.UNPROCESSABLE_ENTITY, "request.invalid"),
        (f"{SENSOR}?format=gif", HTTPStatus.UNPROCESSABLE_ENTITY, "request.invalid"),
        (
            f"{SENSOR}?from=2026-10-02T00:00:00Z&to=2026-10-01T00:00:00Z",
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "plot.empty_window",
        ),
        (f"{STRUCTURE}?from=2027-10-02T00:00:00Z", HTTPStatus.UNPROCESSABLE_ENTITY, "plot.empty_window"),
        ("/v1/projects/b1/structures/none/plot", HTTPStatus.NOT_FOUND, "structure.not_found"),
        (f"{STRUCTURE}?to=2020-01-01T00:00:00Z", HTTPStatus.CONFLICT, "sensor.no_settlement"),
    ):
        response = bridge.client.get(path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)
    silent = bridge.client.get("/v1/sensors/p3/plot?lang=en", headers=headers)
    assert silent.status_code == HTTPStatus.OK
    assert "No data in this time" in silent.text
    thermometer = bridge.client.get("/v1/sensors/air/plot?lang=en", headers=headers)
    assert "Temperature (°C)" in thermometer.text
