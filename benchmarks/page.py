"""Measure how soon the page of `fastnet play` shows a drawing, and how much watching slows down training.

    python benchmarks/page.py [--strokes 300] [--seconds 10]

The benchmark needs the extra `play`, Playwright, and Chromium, which runs without a window. The screen's time is the
time from the end of a stroke to the picture with all activations. A part of this time is the wait for the browser's
next picture, which comes every 16.7 ms. The server's time is the time from the moment when a thread begins to process a
drawing to the complete answer. Training with the page alternates with training in this process: the page's training is
paused, while the same network is trained here without the page.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np

from fastnet.play.settings import checked
from fastnet.utils import machine

ON_SCREEN, ON_SERVER, PICTURES, SLOWER = 20.0, 10.0, 30.0, 1.15
TURNS = 5

DRAW = """async strokes => {
    const pad = document.querySelector("#pad"), box = pad.getBoundingClientRect(), times = [];
    const pointer = (type, x, y) => pad.dispatchEvent(new PointerEvent(type, {
        bubbles: true, cancelable: true, pointerId: 1, pointerType: "mouse", isPrimary: true, button: 0, buttons: 1,
        clientX: box.left + x * box.width, clientY: box.top + y * box.height,
    }));
    pad.setPointerCapture = () => {};  // a synthetic pointer cannot be captured
    for (let i = 0; i < strokes; i++) {
        if (i % 4 === 0) document.querySelector("#clear").click();
        await new Promise(resolve => setTimeout(resolve, 60));
        const y = 0.25 + 0.15 * (i % 4);
        pointer("pointerdown", 0.3, y);
        for (let k = 1; k <= 8; k++) pointer("pointermove", 0.3 + 0.05 * k, y + 0.02 * k);
        await new Promise(resolve => setTimeout(resolve, 60));
        pointer("pointermove", 0.72, y + 0.18);
        const began = performance.now();
        pointer("pointerup", 0.72, y + 0.18);
        await new Promise(resolve => setTimeout(resolve, 250));  // an answer to the previous drawing may come first
        const marks = performance.getEntriesByName("fastnet:seen");
        if (marks.length) times.push([marks.at(-1).startTime - began, marks.at(-1).detail.waited]);
        performance.clearMarks();
    }
    return times;
}"""
WATCH = """async seconds => {
    performance.clearMarks();
    await new Promise(resolve => setTimeout(resolve, 1000 * seconds));
    return performance.getEntriesByName("fastnet:progress").length / seconds;
}"""


def main() -> None:
    """Print each figure with its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=300, help="number of strokes (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds of training (default: %(default)s)")
    options = parser.parse_args()
    print(f"{machine.sentence()}.\n")
    with served() as address, chromium() as browser:
        page, headers = browser.new_page(viewport={"width": 1280, "height": 900}), []
        page.on("websocket", lambda opened: opened.on("framereceived", lambda content: headers.append(header(content))))
        page.goto(address)
        page.wait_for_selector("html[data-state=ready]")
        page.evaluate(DRAW, 20)
        headers.clear()
        on_screen, waited = np.transpose(page.evaluate(DRAW, options.strokes))
        on_server = [each["milliseconds"] for each in headers if each["type"] == "seen"]
        for where, times, bound in (
            ("from the end of a stroke to the screen", on_screen, ON_SCREEN),
            ("the server's time for a drawing", on_server, ON_SERVER),
        ):
            print(f"{where}, median: {np.median(times):.1f} ms")
            print(f"{where}, p99 in ms, at most {bound:g}: {np.percentile(times, 99):.1f}")
        without = np.percentile(on_screen - waited, 99)
        print(f"to the screen without the wait for the browser's next picture, p99: {without:.1f} ms")
        page.click("#tab-train")
        page.fill("#field-layers", "dense 30")
        page.press("#field-layers", "Tab")
        page.click("#run")
        while not page.evaluate("document.querySelector('#epoch').textContent.match(/[1-9]/)"):
            page.wait_for_timeout(100)
        print(f"pictures a second while it trains, at least {PICTURES:g}: {page.evaluate(WATCH, options.seconds):.1f}")
        ratios = []
        for _ in range(TURNS):
            headers.clear()
            page.wait_for_timeout(1000 * options.seconds / TURNS)
            watched = rate_of([each for each in headers if each["type"] == "progress"])
            page.click("#run")
            page.wait_for_timeout(1000)
            ratios.append(rate_alone(options.seconds / TURNS) / watched)
            page.click("#run")
            page.wait_for_timeout(500)
        print(
            f"time of a watched training, divided by its time without the page, at most {SLOWER}: {median(ratios):.2f}"
        )


def header(content: bytes) -> dict[str, Any]:
    """Return the header of a frame, with the time of its arrival as `came`, in seconds."""
    found = json.loads(content[4 : 4 + int.from_bytes(content[:4], "little")])
    return {**found, "came": time.perf_counter()}


def rate_of(progress: list[dict[str, Any]]) -> float:
    """Return the number of mini-batches per second on the page; waits and the drawing of pictures are included."""
    first, last = progress[0], progress[-1]
    numbers = [each["epoch"] * each["mini_batches"] + each["mini_batch"] for each in (first, last)]
    return (numbers[1] - numbers[0]) / (last["came"] - first["came"])


def rate_alone(seconds: float) -> float:
    """Return the number of mini-batches per second when `SGD` trains the same network without the page."""
    settings = checked({"layers": "dense 30"})
    net, training = settings.network(), settings.training()
    mini_batches, spent = 0, 0.0
    while spent < seconds:
        began = time.perf_counter()
        net.SGD(settings.data(), 5, report=lambda history: None, **training)
        spent += time.perf_counter() - began
        mini_batches += 5 * -(-len(settings.data()) // training["mini_batch_size"])
    return mini_batches / spent


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser without a window."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        sys.exit("Chromium was not found; install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve the page in another process, as a user would; yield the address of the page."""
    command = [sys.executable, "-u", "-m", "fastnet", "play", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
