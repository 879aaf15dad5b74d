"""Requests that the server accepts or refuses, and its responses."""

import asyncio
import json

import pytest
from play.client import cookie, get, server, window
from websockets.exceptions import ConnectionClosed, InvalidStatus


def run(scenario, **keywords):
    async def scenario_with_a_server():
        async with server(**keywords) as page:
            return await scenario(page)

    return asyncio.run(scenario_with_a_server())


def test_the_address_gives_a_cookie_and_the_cookie_the_page():
    async def scenario(page):
        first = await get(page, page.address.removeprefix(f"http://127.0.0.1:{page.port}"))
        return first, await get(page, "/", Cookie=cookie(page))

    (status, headers, _), (second, of_page, body) = run(scenario)
    assert (status, headers["Location"]) == (303, "/")
    assert "HttpOnly; SameSite=Lax" in headers["Set-Cookie"]
    assert (second, of_page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<html" in body
    assert "default-src 'self'" in of_page["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/index.html", {}),
        ("/?token=guessed", {}),
        ("/?token=%C3%A9", {}),
        ("/", {"Cookie": "fastnet-1=guessed"}),
        ("/socket", {}),
        ("/", {"Host": "fastnet.example"}),
        ("/style.css", {"Host": "fastnet.example:80"}),
        ("/", {"Host": "[bad"}),
        ("/", {"Host": ""}),
    ],
)
def test_others_are_refused(path, headers):
    status, _, body = run(lambda page: get(page, path, **headers))
    assert status == 403
    assert len(body) < 200


@pytest.mark.parametrize("path", ["/none.css", "/..%2fserver.py", "/../server.py", "/server.py", "/page/", "/a/b.js"])
def test_only_files_of_the_page_are_served(path):
    assert run(lambda page: get(page, path, Cookie="x"))[0] == 404


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "http://fastnet.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_a_socket_of_another_site_is_refused(how):
    async def scenario(page):
        with pytest.raises(InvalidStatus) as refused:
            async with window(page, **how):
                pass
        async with window(page) as opened:  # the server still accepts connections
            await opened.of_type("hello")
        return refused.value.response.status_code

    assert run(scenario) == 403


@pytest.mark.parametrize("cookies", ["", "fastnet=guessed", "a"])
def test_a_window_without_the_cookie_is_closed_with_a_reason(cookies):
    async def scenario(page):
        async with window(page, cookies=cookies) as opened:
            with pytest.raises(ConnectionClosed) as closed:
                await opened.connection.recv()
        return closed.value.rcvd.code, page._sessions

    assert run(scenario) == (4403, {})


def test_cookies_of_other_programs_do_no_harm():
    async def scenario(page):
        async with window(page, cookies='a; b={"c": 1}; ' + cookie(page) + "; d") as opened:
            return (await opened.of_type("hello"))[0]

    assert run(scenario)["session"] == "0123456789abcdef"


def test_a_name_that_leads_to_this_machine_gives_no_access():
    """DNS rebinding: if another site's name resolves to this machine, the Origin of that site's pages matches Host."""

    async def scenario(page):
        headers = {"Host": "fastnet.example", "Origin": "http://fastnet.example", "Cookie": cookie(page)}
        return [(await get(page, path, **headers))[0] for path in ("/", "/socket")]

    assert run(scenario) == [403, 403]


def test_a_message_that_is_too_large_ends_its_window_only():
    async def scenario(page):
        async with window(page) as opened, window(page, "f" * 16) as other:
            await opened.of_type("hello")
            await opened.connection.send(json.dumps({"type": "x" * 300_000}))
            with pytest.raises(ConnectionClosed):
                await opened.of_type("nothing that comes")
            return await other.ask("digit", order="all", position=0)

    header, _ = run(scenario)
    assert header["type"] == "seen"


@pytest.mark.parametrize("content", ["[", "[" * 100_000, '"text"', "3", b"\xff\xfe", "null"])
def test_what_is_no_message_is_answered(content):
    async def scenario(page):
        async with window(page) as opened:
            await opened.connection.send(content)
            problem, _ = await opened.of_type("problem")
            return problem, await opened.ask("digit", order="all", position=0)

    problem, (seen, _) = run(scenario)
    assert "a message has a type" in problem["text"]
    assert seen["type"] == "seen"


def test_a_lost_connection_finds_its_network_again():
    async def scenario(page):
        async with window(page) as opened:
            await opened.ask("settings", settings={"layers": "dense 3", "samples": 100})
            await opened.ask("step", unit="epoch")
            await opened.until(lambda h: h["type"] == "progress" and h["measured_at"] == 1)
        async with window(page) as again, window(page, "f" * 16) as other:
            found = await again.of_type("network"), await again.of_type("progress")
            return [header for header, _ in found], (await other.of_type("network"))[0]

    (network, progress), other = run(scenario)
    assert (network["settings"]["layers"], network["source"]) == ("dense 3", "trained here")
    assert (progress["epoch"], progress["curves"]["epoch"][-1]) == (1, 1)
    assert other["source"] == "trained on MNIST"


def test_a_second_window_has_a_network_of_its_own():
    async def scenario(page):
        async with window(page) as one, window(page) as two:  # both ask for the same session, as duplicated tabs do
            assert (await two.of_type("hello"))[0]["session"] != (await one.of_type("hello"))[0]["session"]
            await one.ask("settings", settings={"layers": "dense 3"})
            await two.of_type("network")
            seen = [await each.ask("digit", order="all", position=0) for each in (two, one)]
            return tuple(arrays["activation_1"].shape for _, arrays in seen)

    assert run(scenario) == ((12,), (3,))


def test_there_are_not_too_many_windows():
    async def scenario(page):
        opened = [window(page, f"{i:016x}") for i in range(8)]
        for each in opened:
            await (await each.__aenter__()).of_type("hello")
        async with window(page, "f" * 16) as one_more:
            with pytest.raises(ConnectionClosed) as closed:
                await one_more.connection.recv()
        await opened[0].__aexit__(None, None, None)
        async with window(page, "f" * 16) as one_more:  # in place of the closed window
            await one_more.of_type("hello")
        for each in opened[1:]:
            await each.__aexit__(None, None, None)
        return closed.value.rcvd.code

    assert run(scenario) == 4429


@pytest.mark.parametrize("host", ["127.0.0.1", "0", "0.0.0.0"])
def test_other_addresses_of_this_machine_are_allowed_only_if_the_server_listens_on_them(host):
    async def scenario(page):
        status, _, _ = await get(page, "/style.css", Host="192.0.2.1")
        return page.address, status

    address, status = run(scenario, host=host)
    assert address.startswith("http://127.0.0.1:")
    assert status == (403 if host == "127.0.0.1" else 200)


def test_an_empty_host_is_refused():
    with pytest.raises(ValueError, match=r"^host is empty; it must be an address of this machine"):
        run(None, host="")
