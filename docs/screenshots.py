"""Take the pictures of docs/read-a-report.md and docs/view.md from a run, with the Chromium of the system.

python docs/screenshots.py runs/merge
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from testbed.cli.commands.view import view

PLACE = Path(__file__).parent / "assets"
PARTS = {
    "report-head": "header",
    "report-video": ".clip",
    "report-severity": "section:has(h2:text('How severe')) .plots",
    "report-transfer": "section:has(h2:text('Transfer'))",
}
"""Name of a picture -> the part of the page."""
MARGIN = 8
"""What is shown around a part [px]."""


def main(run: Path) -> None:
    """Write the pictures."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page(
            viewport={"width": 1000, "height": 900}, color_scheme="light"
        )
        _view(page, run)
        page.goto((run / "report.html").absolute().as_uri())
        _pause_at_a_severe_moment(page)
        for name, part in PARTS.items():
            box = page.locator(part).first.bounding_box()
            assert box, f"the report has no {part}"
            around = {
                "x": box["x"] - MARGIN,
                "y": box["y"] - MARGIN,
                "width": box["width"] + 2 * MARGIN,
                "height": box["height"] + 2 * MARGIN,
            }
            page.screenshot(path=PLACE / f"{name}.png", clip=around, full_page=True)
            _shrink(PLACE / f"{name}.png")


def _view(page: Page, run: Path) -> None:
    """Take the page of the run's filmed scenes, its teacher beside the others, a moment into the first violation."""
    view((run,), (), 1000, None, None)
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto((run / "view.html").absolute().as_uri())
    page.click("#everybody")
    page.keyboard.press("n")
    page.evaluate("document.activeElement.blur()")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1000)
    page.screenshot(path=PLACE / "view.png")
    _shrink(PLACE / "view.png")
    page.set_viewport_size({"width": 1000, "height": 900})


def _shrink(file: Path) -> None:
    Image.open(file).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


def _pause_at_a_severe_moment(page: Page) -> None:
    """Show the first video at what its first severe mark stands for, without the player's bar over it."""
    clip = page.locator(".clip").first
    start = float(clip.locator(".bar .severe").first.get_attribute("data-time") or 0)
    clip.locator("video").evaluate("(video, time) => {video.controls = false; video.currentTime = time}", start + 0.6)
    page.wait_for_timeout(1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
