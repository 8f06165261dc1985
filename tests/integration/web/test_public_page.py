"""The public page as a villager uses it: a real Chromium, on a phone, with scripts switched off."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import psycopg
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Playwright, expect

from domain.media import name_thumbnail
from runtime.settings import SAMPLE_MEDIA
from storage.media_store import DiskMediaStore
from tests.integration.web.conftest import Site
from tests.integration.web.public_village import open_village
from tests.integration.web.test_phone_page import find_faults
from tests.phone import PIXEL_SIZE, find_chromium
from tests.pictures import make_jpeg


@contextmanager
def open_browser(playwright: Playwright, *, language: str = "zh-CN", scripts: bool = False) -> Iterator[Page]:
    """A phone's browser; the page's own needs no script, axe does."""
    with playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"]) as browser:
        context = browser.new_context(
            viewport={"width": PIXEL_SIZE["width"], "height": PIXEL_SIZE["height"]},
            locale=language,
            java_script_enabled=scripts,
        )
        yield context.new_page()


@pytest.fixture
def address(site: Site, tmp_path: Path) -> str:
    """Of the page of a village, whose pictures are small ones that no model looked at."""
    store = DiskMediaStore(tmp_path / "site" / "media")

    def analyse(media_id: UUID) -> None:
        small = io.BytesIO()
        Image.open(SAMPLE_MEDIA / "road-machine.jpg").resize((480, 360)).save(small, "JPEG")
        store.put_derived(media_id, name=name_thumbnail(), content=small.getvalue())
        with psycopg.connect(site.database.url) as connection:
            connection.execute("UPDATE media SET status = 'analysed', grade = 'B' WHERE id = %s", [media_id])

    return f"http://127.0.0.1:{site.port}{open_village(site, analyse=analyse)}"


def test_report__written_on_a_phone_without_scripts__arrives_and_leads_to_its_page(
    site: Site, playwright: Playwright, address: str
) -> None:
    """From the printed address to the thanks, with a photo; the form of a hurried person comes back as it was."""
    with open_browser(playwright) as page:
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.get_by_label("您看到了什么").fill("路边护栏倒了")
        page.get_by_label("在什么位置").fill("学校门口")
        page.get_by_label("照片").set_input_files(
            [FilePayload(name="护栏.jpg", mimeType="image/jpeg", buffer=make_jpeg())]
        )
        opened = page.locator("input[name=opened]").get_attribute("value")
        assert opened is not None
        page.get_by_role("button", name="提交").click()
        while page.get_by_role("alert").is_visible():
            # Quicker than a person: nothing is lost, and once more is enough.
            expect(page.get_by_label("您看到了什么")).to_have_value("路边护栏倒了")
            page.get_by_label("照片").set_input_files(
                [FilePayload(name="护栏.jpg", mimeType="image/jpeg", buffer=make_jpeg())]
            )
            page.wait_for_timeout(3100)
            page.get_by_role("button", name="提交").click()
        expect(page.get_by_role("heading", name="已收到您的反映")).to_be_visible()
        assert "/reports/" in page.url
    newest = site.admin.get("/v1/reports").json()["items"][-1]
    assert newest["status"] == "received"
    assert newest["text"] is None


def test_page__without_scripts__shows_its_pictures_and_fits_the_phone(playwright: Playwright, address: str) -> None:
    """Every picture is drawn as one scrolls to it, and nothing is wider than the phone."""
    with open_browser(playwright, scripts=True) as page:
        page.goto(address)
        for picture in page.locator("img").all():
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_js_property("complete", value=True)
            assert picture.evaluate("image => image.naturalWidth") == 480
        assert page.locator("img").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= PIXEL_SIZE["width"]


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_pages__under_axe__have_no_grave_fault(playwright: Playwright, address: str, language: str) -> None:
    """The page, its notice, an answered report, what is not there; and the browser has nothing to say of any."""
    with open_browser(playwright, language=language, scripts=True) as page:
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for suffix in ("", "/notice"):
            page.goto(address + suffix)
            assert page.locator("html").get_attribute("lang") == language.removesuffix("-US")
            assert find_faults(page) == []
        assert errors == []
        page.goto(f"{address}x")
        assert find_faults(page) == []


def test_notice__printed__is_one_sheet_of_a4(playwright: Playwright, address: str) -> None:
    """210 x 297 mm are 595 x 842 points; the links stay on the screen, and the code leads to the page."""
    with open_browser(playwright) as page:
        page.goto(f"{address}/notice")
        printed = page.pdf(prefer_css_page_size=True)
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation")).to_be_hidden()
        drawn = np.asarray(Image.open(io.BytesIO(page.locator(".code").screenshot())).convert("L"))
    assert cv2.QRCodeDetector().detectAndDecode(drawn)[0] == address
    sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", printed)
    assert [(round(float(width)), round(float(height))) for width, height in sizes] == [(595, 842)]
