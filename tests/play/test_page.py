"""Tests of the page in a browser, with a user's mouse and keyboard actions."""

import asyncio
import copy
import os
import shutil
import threading
import time

import pytest

from fastnet import handwriting
from fastnet.play.server import PageServer

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium, in which the page is opened, is not installed")
TIMEOUT = {"timeout": 60_000}  # in milliseconds, including the time for compilation


@pytest.fixture(scope="module")
def server():
    """Serve the page in a thread."""
    net = handwriting.default_network()
    page, ready, stop = PageServer(lambda: copy.deepcopy(net), None), threading.Event(), None

    async def serve():
        nonlocal stop
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop_soon = stop.set
        async with page.running() as running:
            page.lose = lambda: [loop.call_soon_threadsafe(each.transport.abort) for each in running.connections]
            ready.stop = lambda: loop.call_soon_threadsafe(stop_soon)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    yield page
    ready.stop()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """Open the page in a new window; JavaScript errors make the test fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.errors = errors
    opened(page, server.address)
    yield page
    context.close()
    assert not page.errors


def opened(page, address):
    page.goto(address)
    page.wait_for_selector("html[data-state=ready]", **TIMEOUT)


def draw(page, *strokes):
    """Draw strokes with the mouse; coordinates are fractions of the pad's width and height."""
    box = page.locator("#pad").bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()


NOTHING = "\N{EN DASH}"
ANSWER = "document.querySelector('#answer').textContent"
SEVEN = [(0.28, 0.25), (0.72, 0.25), (0.45, 0.8)]


def wait_until(page, condition):
    """Wait until a JavaScript expression is true. The page's security policy prevents `wait_for_function`."""
    end = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"{condition} does not become true; the page: {page.inner_text('body')}"
        page.wait_for_timeout(20)


def choose(page, **fields):
    """Fill in fields of the form, and apply them to get a new network."""
    page.click("#tab-train")
    for name, value in fields.items():
        field = page.locator(f"#field-{name}")
        if field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(str(value))
    page.click("#apply")


def test_a_seven_drawn_with_the_mouse_is_read(page):
    page.click("#clear")
    wait_until(page, f"{ANSWER} === '{NOTHING}'")
    draw(page, SEVEN)
    wait_until(page, f"{ANSWER} === '7'")
    assert page.inner_text("#outputs").count("%") == 10
    page.click("#undo")
    wait_until(page, f"{ANSWER} === '{NOTHING}'")


def test_a_digit_drawn_with_the_keyboard_gets_an_answer(page):
    page.click("#clear")
    wait_until(page, f"{ANSWER} === '{NOTHING}'")
    page.focus("#pad")
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    wait_until(page, f"{ANSWER} !== '{NOTHING}'")


def test_a_neuron_shows_its_weights_and_escape_closes_them(page):
    wait_until(page, f"{ANSWER} === '7'")  # the first test digit is a 7
    page.locator("#hidden-layers canvas").first.click(position={"x": 5, "y": 5})
    page.wait_for_selector("#neuron-panel:visible", **TIMEOUT)
    wait_until(page, "document.querySelectorAll('#top-activations li').length === 8")
    page.keyboard.press("Escape")
    page.wait_for_selector("#neuron-panel", state="hidden", **TIMEOUT)


def test_test_digits_are_paged_through_with_the_wrong_ones_first(page):
    wait_until(page, f"{ANSWER} === '7'")
    page.click("#next-digit")
    wait_until(page, "document.querySelector('#digit-text').innerText.includes('wrong')")
    text = page.inner_text("#digit-text")
    page.click("#next-digit")
    wait_until(page, f"document.querySelector('#digit-text').innerText !== {text!r}")


def test_training_reaches_90_percent_and_can_be_paused_and_stepped(page):
    choose(page, layers="dense 30")
    page.click("#run")
    wait_until(page, "parseFloat(document.querySelector('#test-accuracy').textContent.match(/[\\d.]+/)?.[0]) > 90")
    page.click("#run")
    wait_until(page, "document.querySelector('#run').textContent.includes('Run')")
    page.click("#restart")
    wait_until(page, "document.querySelector('#mini-batch').textContent.match(/^\\D*0/)")
    page.click("#step-mini-batch")
    wait_until(page, "document.querySelector('#mini-batch').textContent.match(/^\\D*1\\b/)")
    page.click("#step-epoch")
    wait_until(page, "document.querySelector('#epoch').textContent.match(/^\\D*1\\b/)")


def test_what_is_broken_is_compared_with_before(page):
    def accuracy(of):
        return f"parseFloat(document.querySelector('#accuracy-{of}').textContent)"

    wait_until(page, f"{accuracy('before')} > 90")
    page.click("#break-zero")
    wait_until(page, f"{accuracy('now')} < 20")
    assert page.evaluate(f"{accuracy('before')} > 90")
    assert page.inner_text("#broken") == "layer 1: all weights 0"
    page.click("#mend")
    wait_until(page, f"{accuracy('now')} > 90")
    assert page.inner_text("#broken") == ""


def test_a_preset_and_settings_through_the_address(page, server):
    base = f"http://127.0.0.1:{server.port}/"
    page.goto(base + "#preset=vanishing-gradients&mini_batch_size=20")
    page.reload()
    page.wait_for_selector("html[data-state=ready]", **TIMEOUT)
    page.click("#tab-train")
    wait_until(page, "document.querySelector('#field-layers').value === 'dense 30, dense 30, dense 30, dense 30'")
    assert page.input_value("#field-mini_batch_size") == "20"
    choose(page, eta="0.25")
    wait_until(page, "location.hash.includes('eta=0.25')")


def test_a_wrong_setting_is_reported_at_its_field(page):
    choose(page, eta="-1")
    wait_until(page, "document.body.innerText.includes('eta is -1')")


def test_a_lost_connection_comes_back_with_its_network(page, server):
    choose(page, layers="dense 12")
    page.click("#step-mini-batch")
    wait_until(page, "document.querySelector('#mini-batch').textContent.match(/^\\D*1\\b/)")
    page.evaluate("""() => {
        const states = window.states = [];
        const note = () => states.push(document.documentElement.dataset.state);
        new MutationObserver(note).observe(document.documentElement, {attributeFilter: ["data-state"]});
    }""")
    server.lose()
    wait_until(page, "window.states.includes('lost') && document.documentElement.dataset.state === 'ready'")
    wait_until(page, "document.querySelector('#field-layers').value === 'dense 12'")
    wait_until(page, "document.querySelector('#mini-batch').textContent.match(/^\\D*1\\b/)")


def test_a_second_window_has_its_own_network(page, server):
    choose(page, layers="dense 12")
    other = page.context.new_page()
    opened(other, f"http://127.0.0.1:{server.port}/")
    other.click("#tab-train")
    wait_until(other, "document.querySelector('#field-layers').value === 'dense 128 relu'")
    other.close()


def test_a_page_of_another_site_gets_nothing(page, server, browser):
    """The other page comes from another port of this machine. Browsers send a cookie to all ports of a machine."""
    outside = page.context.new_page()
    answer = {"body": "<title>other</title>", "content_type": "text/html"}
    outside.route("http://127.0.0.1:9/", lambda route: route.fulfill(**answer))
    outside.goto("http://127.0.0.1:9/")
    script = """port => new Promise(resolve => {
        const socket = new WebSocket(`ws://127.0.0.1:${port}/socket?session=0123456789abcdef`);
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
    })"""
    assert outside.evaluate(script, server.port) == "refused"
    assert page.evaluate(script, server.port) == "open"
    outside.close()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(browser, server, width, theme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = context.new_page()
    opened(page, server.address)
    for tab in ("#tab-draw", "#tab-train"):
        page.click(tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        folder = os.environ.get("FASTNET_SCREENSHOTS")
        if folder:
            page.screenshot(path=f"{folder}/{tab[5:]}-{width}-{theme}.png", full_page=True)
    context.close()
