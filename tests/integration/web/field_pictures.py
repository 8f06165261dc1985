"""The pictures of the phone page in docs/pictures: `python -m tests.integration.web.field_pictures` draws them anew.

Needs a font with Chinese letters, as every phone has one (Debian: fonts-wqy-microhei or fonts-noto-cjk).
"""

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from playwright.sync_api import FilePayload, Page, Playwright, expect, sync_playwright

from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.settings import SAMPLE_MEDIA
from storage.migration import migrate
from tests.integration.web.conftest import Site, serve_site
from tests.integration.web.test_phone_page import INSIDE, REQUIRES
from tests.phone import Network, open_phone

FOLDER: Final = Path(__file__).parent.parent.parent.parent / "docs" / "pictures"
LANGUAGES: Final = {"zh": "zh-CN", "en": "en-US"}
SEEN: Final = ("road-no-hardhat.jpg", "road-inside-safe.jpg", "road-machine.jpg")
FRAMES_EACH: Final = 30
FRAME_SIZE: Final = (1280, 960)
SCALE: Final = 1.5


def make_film(file: Path) -> None:
    """A film for the fake camera: each sample photo for a while. MJPEG is one JPEG after the other."""
    with file.open("wb") as film:
        for name in SEEN:
            frame = io.BytesIO()
            Image.open(SAMPLE_MEDIA / name).convert("RGB").resize(FRAME_SIZE).save(frame, "JPEG", quality=80)
            film.write(frame.getvalue() * FRAMES_EACH)


def draw(site: Site, playwright: Playwright, folder: Path, *, short: str) -> None:
    """The pages in one language, in the order in which a clerk sees them."""
    project_id = f"road-{short}"
    site.put_road(project_id, requires=REQUIRES)
    _, token = site.make_token(project_id)
    network = Network(site.port)
    film = folder / "film.mjpeg"
    make_film(film)
    profile = folder / f"profile-{short}"
    with open_phone(playwright, profile, at=INSIDE, language=LANGUAGES[short], scale=SCALE, camera=film) as phone:
        page = phone.page
        page.goto(f"{network.address}/field")
        expect(page.locator("form")).to_be_visible(timeout=60_000)
        _picture(page, f"field-sign-in-{short}")
        page.goto(f"{network.address}/field#token={token}")
        page.locator(".openers button").click()
        expect(page.locator(".shutter")).to_be_enabled(timeout=60_000)
        _picture(page, f"field-work-{short}")
        page.locator(".shutter").click()
        expect(page.locator(".is-accepted")).to_have_count(1, timeout=60_000)
        page.locator("input[type=file]").set_input_files(
            [FilePayload(name="note.jpg", mimeType="image/jpeg", buffer=b"a note and no picture " * 90)]
        )
        expect(page.locator(".is-refused")).to_have_count(1, timeout=60_000)
        network.up_bytes_per_s = 15_000
        for number in (3, 4):
            page.locator(".shutter").click()
            expect(page.locator("[data-shot]")).to_have_count(number, timeout=60_000)
        expect(page.locator("progress")).to_be_visible(timeout=60_000)
        page.locator(".queue").evaluate("queue => window.scrollTo(0, queue.offsetTop - 64)")
        _picture(page, f"field-queue-{short}")
    network.close()


def _picture(page: Page, name: str) -> None:
    page.wait_for_timeout(700)
    page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"{name}.png\n")


def main() -> None:
    """Draw all of them."""
    with TemporaryDirectory() as name, EmbeddedPostgresql(Path(name) / "data") as server:
        migrate(server.url)
        with serve_site(server.url, Path(name)) as site, sync_playwright() as playwright:
            for short in LANGUAGES:
                draw(site, playwright, Path(name), short=short)


if __name__ == "__main__":
    main()
