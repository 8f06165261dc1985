"""The pictures of the public page in docs/pictures: `python -m tests.integration.web.public_pictures` draws them anew.

Needs a font with Chinese letters, as every phone has one (Debian: fonts-wqy-microhei or fonts-noto-cjk).
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

from playwright.sync_api import sync_playwright

from analysis.medium_analysis import analyse_medium
from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.settings import Settings
from runtime.worker import make_workplace
from storage.migration import migrate
from tests.integration.web.conftest import serve_site
from tests.integration.web.public_village import open_village
from tests.phone import find_chromium

FOLDER: Final = Path(__file__).parent.parent.parent.parent / "docs" / "pictures"
PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 900)
SHEET: Final = (794, 1123)  # A4 at 96 dpi


def main() -> None:
    """Draw all of them."""
    with TemporaryDirectory() as name, EmbeddedPostgresql(Path(name) / "data") as server:
        migrate(server.url)
        with serve_site(server.url, Path(name)) as site, sync_playwright() as playwright:
            workplace = make_workplace(Settings(home=Path(name)), site.database)

            def analyse(media_id: UUID) -> None:
                analyse_medium(workplace, media_id=media_id)

            address = f"http://127.0.0.1:{site.port}{open_village(site, analyse=analyse)}"
            with playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"]) as browser:
                for short in ("zh", "en"):
                    for kind, size, suffix in (
                        ("phone", PHONE, ""),
                        ("desktop", DESKTOP, ""),
                        ("notice", SHEET, "/notice"),
                    ):
                        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
                        page.goto(f"{address}{suffix}?lang={short}")
                        for picture in page.locator("img").all():
                            picture.scroll_into_view_if_needed()
                        page.wait_for_load_state("networkidle")
                        page.screenshot(path=FOLDER / f"public-{kind}-{short}.png", full_page=True)
                        sys.stdout.write(f"public-{kind}-{short}.png\n")
                        page.close()


if __name__ == "__main__":
    main()
