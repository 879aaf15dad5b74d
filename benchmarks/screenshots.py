"""Take screenshots of both views of `fastnet play` for the documentation, in both themes and two widths.

    python benchmarks/screenshots.py docs/play

The program needs the extra `play`, Playwright, and Chromium, which runs without a window.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from page import chromium, served

SEVEN = [(0.28, 0.25), (0.72, 0.25), (0.45, 0.8)]
WIDTHS = {"wide": (1280, 860), "narrow": (360, 780)}


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder for the pictures")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with served() as address, chromium() as browser:
        for name, (width, height) in WIDTHS.items():
            for theme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                page = context.new_page()
                page.goto(address)
                page.wait_for_selector("html[data-state=ready]")
                draw(page)
                page.screenshot(path=folder / f"draw-{name}-{theme}.png")
                train(page)
                page.screenshot(path=folder / f"train-{name}-{theme}.png")
                context.close()


def draw(page) -> None:
    """Draw a seven."""
    page.click("#clear")
    box = page.locator("#pad").bounding_box()
    for i, (x, y) in enumerate(SEVEN):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=10)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(500)
    page.evaluate("window.scrollTo(0, 0)")


def train(page) -> None:
    """Train chapter 3's network for a few epochs."""
    page.click("#tab-train")
    page.fill("#field-layers", "dense 30")
    page.select_option("#field-activation", "sigmoid")
    page.select_option("#field-cost", "cross-entropy")
    page.click("#apply")
    page.click("#run")
    end = time.monotonic() + 60
    while int(page.inner_text("#epoch")) < 8 and time.monotonic() < end:
        page.wait_for_timeout(50)
    page.click("#run")
    page.wait_for_timeout(500)
    page.evaluate("window.scrollTo(0, 0)")


if __name__ == "__main__":
    main()
