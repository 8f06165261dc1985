"""The phone page as a clerk uses it: a real Chromium against the API, with a network that breaks."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, Playwright, expect

from geofence.boundary import parse_boundary, place
from geofence.position import parse_position
from tests.integration.web.conftest import Site
from tests.phone import Network, open_phone, wait_for

PHOTOS = 10
INSIDE = (120.0605, 30.2901)  # lon, lat
# Serious enough that somebody could not use the page (axe-core's own words).
GRAVE = {"serious", "critical"}
WEB = Path(__file__).parent.parent.parent.parent / "web"
REQUIRES = {
    "photos": {"min": 3, "every_m": 50},
    "elements": [{"label": "cone", "min": 2}, {"label": "person", "absent": True}],
}


def set_up(site: Site, project_id: str) -> str:
    """A road that asks for photos, and the text of a field token for it alone."""
    site.put_road(project_id, requires=REQUIRES)
    return site.make_token(project_id)[1]


def open_camera(page: Page) -> None:
    """Open it and wait for its picture."""
    page.get_by_role("button", name="打开相机").click()
    expect(page.get_by_role("button", name="拍照")).to_be_enabled(timeout=30_000)


def shoot(page: Page, number: int) -> None:
    """Press the shutter; the page has this many photos then."""
    page.get_by_role("button", name="拍照").click()
    expect(page.locator("[data-shot]")).to_have_count(number, timeout=30_000)


def test_ten_photos__network_cut_and_browser_killed_between__each_arrives_once(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path
) -> None:
    """Cut in the middle of an upload, killed with a flat battery, opened without network: ten photos, ten media."""
    token = set_up(site, "field-cut")
    address = f"{network.address}/field"
    with open_phone(playwright, tmp_path / "profile", at=INSIDE) as phone:
        phone.page.goto(f"{address}#token={token}")
        expect(phone.page.get_by_role("status").first).to_contain_text("在项目范围内")
        phone.page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
        assert "token" not in phone.page.url
        open_camera(phone.page)
        network.up_bytes_per_s = 30_000
        for number in range(1, PHOTOS + 1):
            shoot(phone.page, number)
        wait_for(lambda: len(site.list_media("field-cut")) >= 2)
        # Some of a file has come and some has not.
        wait_for(lambda: any(each.stat().st_size > 0 for each in site.partial_folder.iterdir()))
        network.cut()
        expect(phone.page.get_by_text("网络不通").first).to_be_visible(timeout=30_000)
        before = phone.read_database()
        assert 0 < len(before["bytes"]) < PHOTOS
        phone.kill()
    arrived = len(site.list_media("field-cut"))
    with open_phone(playwright, tmp_path / "profile", at=INSIDE) as phone:
        # Still no network: the page comes from the phone itself, with the lists and every photo.
        phone.page.goto(address)
        expect(phone.page.locator("[data-shot]")).to_have_count(PHOTOS, timeout=30_000)
        expect(phone.page.get_by_role("combobox").first).to_contain_text("清溪村")
        assert sorted(phone.read_database()["bytes"]) == sorted(before["bytes"])
        network.up_bytes_per_s = None
        network.restore()
        phone.page.get_by_role("button", name="立即上传").click()
        expect(phone.page.get_by_text("全部已上传")).to_be_visible(timeout=90_000)
        after = phone.read_database()
    media = site.list_media("field-cut")
    assert arrived < PHOTOS
    assert Counter(each["client_id"] for each in media) == Counter(each["id"] for each in after["shots"])
    assert len(media) == len({each["sha256"] for each in media}) == PHOTOS
    assert {each["sha256"] for each in media} == {each["sha256"] for each in after["shots"]}
    assert after["bytes"] == []
    assert list(site.partial_folder.iterdir()) == []


def test_photo__taken_on_the_page__brings_what_the_phone_knew(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path
) -> None:
    """Place, accuracy, time, clock and milestone go along; the page says what was judged, in both languages."""
    road = site.put_road("field-one", requires=REQUIRES)
    _, token = site.make_token("field-one")
    first_lon, first_lat = road["alignment"]["geometry"]["coordinates"][0]
    with open_phone(playwright, tmp_path / "profile", at=(first_lon, first_lat)) as phone:
        page = phone.page
        page.goto(f"{network.address}/field#token={token}")
        # At the alignment's first point: its start chainage, 0 m off the line.
        expect(page.locator(".place")).to_contain_text("桩号 K0+000")
        expect(page.locator(".place")).to_contain_text("离中线 0 米")
        expect(page.locator(".plan")).to_contain_text("已有 0 张，需要 3 张")
        expect(page.locator(".plan")).to_contain_text("锥桶（至少 2）")
        open_camera(page)
        shoot(page, 1)
        expect(page.get_by_text("已收到")).to_be_visible(timeout=30_000)
        expect(page.locator(".plan")).to_contain_text("已有 1 张")
        # The first station of 50 m has its photo now.
        expect(page.locator(".plan-missing")).to_contain_text("K0+050")
        expect(page.locator(".verdicts")).to_contain_text("拍摄时间只有上报人的说法")
        page.get_by_role("button", name="English").click()
        expect(page.locator(".verdicts")).to_contain_text("Only the sender says")
        expect(page.locator(".plan")).to_contain_text("Photos: 1 of 3")
        far = {"lon": first_lon, "lat": first_lat + 0.01, "accuracy_m": 4}
        phone.context.set_geolocation({"longitude": far["lon"], "latitude": far["lat"], "accuracy": far["accuracy_m"]})
        # What the service would say, by pyproj and shapely.
        placement = place(parse_position(far), boundary=parse_boundary(road["boundary"]))
        expected = f"Outside the boundary by about {placement.distance_m / 1000:.1f} km"
        expect(page.locator(".place")).to_contain_text(expected, timeout=20_000)
    (medium,) = site.list_media("field-one")
    capture = medium["capture"]
    assert (medium["milestone_id"], capture["taken_with"]) == ("base", "camera")
    assert (capture["position"]["accuracy_m"], capture["position"]["source"]) == (4, "browser")
    assert medium["position"]["lon"] == pytest.approx(first_lon)
    assert capture["clock"]["monotonic_ms"] > 0
    assert medium["taken_at"] is not None


def test_photo__that_the_service_refuses__stays_on_the_phone_until_a_person_decides(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path
) -> None:
    """Not lost: the page says why, and offers to try again, to keep it and to delete it."""
    token = set_up(site, "field-refused")
    fake = tmp_path / "photo.jpg"
    fake.write_bytes(b"this is no picture" * 100)
    with open_phone(playwright, tmp_path / "profile", at=INSIDE) as phone:
        page = phone.page
        page.goto(f"{network.address}/field#token={token}")
        page.locator("input[type=file]").set_input_files(fake)
        expect(page.get_by_text("未被接收")).to_be_visible(timeout=30_000)
        expect(page.get_by_text("文件格式不支持")).to_be_visible()
        assert len(phone.read_database()["bytes"]) == 1
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="删除").click()
        expect(page.locator("[data-shot]")).to_have_count(0)
        assert phone.read_database() == {"shots": [], "bytes": []}
    assert site.list_media("field-refused") == []


def test_photo__on_a_full_phone__says_that_nothing_was_saved(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path
) -> None:
    """A page that said "saved" would be believed."""
    token = set_up(site, "field-full")
    with open_phone(playwright, tmp_path / "profile", at=INSIDE) as phone:
        page = phone.page
        # From another page, because the override ends with the page that it was asked from.
        session = phone.context.new_cdp_session(phone.context.new_page())
        session.send("Storage.overrideQuotaForOrigin", {"origin": network.address, "quotaSize": 1})
        page.goto(f"{network.address}/field#token={token}")
        expect(page.locator(".plan")).to_be_visible(timeout=30_000)
        # Large enough that Chromium looks how much room there is.
        picture = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=b"\0" * 9_000_000)
        page.locator("input[type=file]").set_input_files([picture])
        expect(page.get_by_text("手机存储已满，这张照片没有保存")).to_be_visible(timeout=30_000)
        expect(page.get_by_role("button", name="存到手机")).to_be_visible()
        expect(page.get_by_text("已保存")).to_have_count(0)
        assert phone.read_database() == {"shots": [], "bytes": []}


def test_token__revoked__keeps_the_photos_for_the_next_one(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path
) -> None:
    """A clerk whose token was taken away scans the new one, and what waited goes on."""
    site.put_road("field-token", requires=REQUIRES)
    token_id, token = site.make_token("field-token")
    _, other = site.make_token("field-token")
    with open_phone(playwright, tmp_path / "profile", at=INSIDE) as phone:
        page = phone.page
        page.goto(f"{network.address}/field#token={token}")
        open_camera(page)
        network.cut()
        shoot(page, 1)
        site.revoke(token_id)
        network.restore()
        page.get_by_role("button", name="立即上传").click()
        expect(page.get_by_text("令牌无效或已撤销")).to_be_visible(timeout=60_000)
        page.get_by_label("或粘贴令牌").fill(other)
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page.get_by_text("已收到")).to_be_visible(timeout=60_000)
    assert len(site.list_media("field-token")) == 1


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_page__under_axe__has_no_grave_fault(
    site: Site, playwright: Playwright, network: Network, tmp_path: Path, language: str
) -> None:
    """Names, roles, contrast and targets: signed out, at work with the camera open, and with photos."""
    token = set_up(site, f"field-axe-{language}")
    with open_phone(playwright, tmp_path / "profile", at=INSIDE, language=language) as phone:
        page = phone.page
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{network.address}/field")
        expect(page.locator("form")).to_be_visible()
        assert find_faults(page) == []
        page.goto(f"{network.address}/field#token={token}")
        page.locator(".openers button").click()
        expect(page.locator(".shutter")).to_be_enabled(timeout=30_000)
        page.locator(".shutter").click()
        expect(page.locator(".is-accepted")).to_have_count(1, timeout=30_000)
        assert find_faults(page) == []
        # What the Content-Security-Policy forbids, and what the code forgot, would stand here.
        assert errors == []


def find_faults(page: Page) -> list[str]:
    """What axe holds for serious, as `rule: element`."""
    page.evaluate(read_axe())
    result: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {json.dumps(node['target'])}"
        for each in result["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


def read_axe() -> str:
    """The source of axe-core, installed with the pages' own tools where it is missing."""
    file = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not file.is_file():
        subprocess.run([sys.executable, str(WEB / "hatch_build.py"), "check"], check=True, timeout=600)
    return file.read_text(encoding="utf-8")


def test_page__headers__forbid_what_is_inline(site: Site) -> None:
    """The phone page has the policy of the others; its worker may govern it alone."""
    for path, kind in (
        ("/field", "text/html"),
        ("/field-worker.js", "text/javascript"),
        ("/field.webmanifest", "application/manifest+json"),
    ):
        response = site.admin.get(path)
        assert response.headers["Content-Type"].startswith(kind)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
    assert "<script>" not in site.admin.get("/field").text
