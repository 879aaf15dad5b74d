"""A client without a browser, which exchanges messages with the server and parses the server's frames."""

import asyncio
import contextlib
import json
from itertools import count
from math import prod
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.asyncio.client import connect

from fastnet import network2
from fastnet.play.server import PageServer

TYPES = {"f4": "<f4", "u1": "u1", "i1": "i1"}


def refuse(word):
    raise ValueError(f"{word} is not valid JSON")


def parsed(content):
    """Return the header of a frame, and its arrays."""
    length = int.from_bytes(content[:4], "little")
    header, start, arrays = json.loads(content[4 : 4 + length], parse_constant=refuse), 4 + length, {}
    for each in header.pop("arrays"):
        assert start % 4 == 0
        dtype, n = np.dtype(TYPES[each["type"]]), prod(each["shape"])
        arrays[each["name"]] = np.frombuffer(content, dtype, n, start).reshape(each["shape"])
        start += -(-n * dtype.itemsize // 4) * 4
    assert start == len(content)
    return header, arrays


def model():
    return network2.Network([784, 12, 10], network2.LogLikelihoodCost, engine="numpy", seed=0)


@contextlib.asynccontextmanager
async def server(**keywords):
    page = PageServer(model, None, **keywords)
    async with page.running():
        yield page


def cookie(page):
    token = parse_qs(urlsplit(page.address).query)["token"][0]
    return f"fastnet-{page.port}={token}"


class Window:
    """A connection to the server, and the frames received so far."""

    def __init__(self, connection):
        self.connection, self.numbers, self.frames = connection, count(), []

    async def ask(self, kind, **members):
        """Send a message and return its reply."""
        number = next(self.numbers)
        await self.connection.send(json.dumps({"type": kind, "id": number, **members}))
        return await self.until(lambda header: header.get("reply") == number)

    async def until(self, condition):
        """Receive frames until `condition(header)` is true, and return the last one."""
        while True:
            self.frames.append(parsed(await asyncio.wait_for(self.connection.recv(), 60)))
            if condition(self.frames[-1][0]):
                return self.frames[-1]

    async def measured(self, condition=lambda header: True):
        """Return the header of the next progress frame that has measured values and fulfils `condition`."""
        found = await self.until(
            lambda header: header["type"] == "progress" and header["measured_at"] is not None and condition(header)
        )
        return found[0]

    async def of_type(self, kind):
        return await self.until(lambda header: header["type"] == kind)


@contextlib.asynccontextmanager
async def window(page, session="0123456789abcdef", *, origin=None, cookies=None):
    """Open a connection. By default, send the origin and the cookie that a browser sends."""
    headers = {"Cookie": cookie(page) if cookies is None else cookies}
    address = f"ws://127.0.0.1:{page.port}/socket?session={session}"
    origin = origin or f"http://127.0.0.1:{page.port}"
    async with connect(address, origin=origin, additional_headers=headers, max_size=None) as connection:
        yield Window(connection)


async def get(page, path, **headers):
    """Return status, headers and body of the response to a GET request."""
    reader, writer = await asyncio.open_connection(urlsplit(page.address).hostname, page.port)
    lines = {"Host": f"127.0.0.1:{page.port}", **headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{text}\r\n".encode())
    content = await reader.read()
    writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    first, *others = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in others), body
