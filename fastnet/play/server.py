"""The server of the page: sends the page's files, and has a websocket for each window.

Three checks authorize requests:

- The printed address has a random token, which the server exchanges for a cookie. Without the cookie, the server sends
  only scripts and styles, and closes websockets.
- The header `Host` has to name this machine, which prevents DNS rebinding.
- The header `Origin` of a websocket has to be the server's own origin, so that a page of another site cannot open a
  websocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from importlib.resources import files
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from fastnet import network2
from fastnet.play.session import Session

LARGEST_MESSAGE = 200_000
"""Largest number of bytes of a message."""

_SESSIONS = 8  # largest number of windows
_WAITING = 16  # number of a window's unanswered messages at which the server pauses reading from the window
_UNSENT = 64  # number of a window's unsent frames at which the server pauses reading from the window
_PATIENCE = 60.0  # number of seconds for which a session is kept after the connection is lost
_REFUSED, _TOO_MANY = 4403, 4429  # close codes of a websocket

_TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_PAGE = files("fastnet.play") / "page"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_REFUSAL = "Open the address that `fastnet play` has printed: the address has a token, which the page requires.\n"


class PageServer:
    """Serves the page.

    Parameters
    ----------
    model : callable
        Function that returns the network with which each window begins.
    name : str or None
        Name of the network's file; None if fastnet has trained the network.
    host : str
        Address on which the server listens.
    port : int
        Port; 0 for any free port.

    Raises
    ------
    ValueError
        If `host` is empty.
    """

    def __init__(
        self, model: Callable[[], network2.Network], name: str | None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        if not host:  # the system would listen on all addresses
            raise ValueError(
                "host is empty; it must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all addresses"
            )
        self._model, self._name = model, name
        self.host, self.port = host.lower(), port
        self._bound: list[_IPAddress] = []  # from `running` on, the addresses on which the server listens
        self._token = secrets.token_urlsafe(24)
        self._sessions: dict[str, Session] = {}
        self._left: dict[str, asyncio.TimerHandle] = {}  # timers that end sessions whose window is closed

    @property
    def address(self) -> str:
        """Address of the page, with the token; only while the server is running."""
        ip = self._bound[0]
        if ip.is_unspecified:  # the server listens on all addresses, the loopback address among them
            ip = ipaddress.ip_address("127.0.0.1" if ip.version == 4 else "::1")
        return f"http://{ip if ip.version == 4 else f'[{ip}]'}:{self.port}/?token={self._token}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Serve during the `async with` block."""
        async with serve(
            self._serve_window,
            self.host,
            self.port,
            process_request=self._process_request,
            max_size=LARGEST_MESSAGE,
            compression=None,  # on one machine, compression takes more time than it saves
            ping_interval=20,
            close_timeout=1,  # seconds to wait for a window that does not answer, so that Ctrl-C ends the command soon
        ) as server:
            # The text of an address does not show which addresses it means: "0" means all addresses, for example.
            self._bound = [ipaddress.ip_address(each.getsockname()[0]) for each in server.sockets]
            self.port = server.sockets[0].getsockname()[1]
            try:
                yield server
            finally:
                for session in self._sessions.values():
                    session.end()

    # HTTP requests: files, and handshakes of websockets.

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Return the response to a request, or None to open a websocket."""
        try:
            url = urlsplit(request.path)
        except ValueError:
            return _response(HTTPStatus.BAD_REQUEST, "The address of this request is not valid.\n")
        hosts, origins = request.headers.get_all("Host"), request.headers.get_all("Origin")
        if len(hosts) != 1 or not self._names_this_machine(hosts[0]):
            return _response(HTTPStatus.FORBIDDEN, "The header Host does not name this machine.\n")
        if url.path == "/" and "token" in parse_qs(url.query):
            return self._with_cookie(parse_qs(url.query)["token"][-1])
        if url.path == "/socket":  # without the cookie, the websocket is closed later, with a reason
            own = origins == [f"http://{hosts[0]}"]
            return None if own else _response(HTTPStatus.FORBIDDEN, _REFUSAL)
        name = url.path[1:] or "index.html"
        if name == "index.html" and not self._has_cookie(request):
            return _response(HTTPStatus.FORBIDDEN, _REFUSAL)
        return _file(name, hosts[0])

    def _names_this_machine(self, host: str) -> bool:
        """Whether the header `Host` is an allowed IP address or this machine's name; DNS rebinding uses other names."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self.host, socket.gethostname().lower()):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback or not all(each.is_loopback for each in self._bound)
        except ValueError:
            return False

    @property
    def _cookie(self) -> str:
        return f"fastnet-{self.port}"  # has the port, because browsers send a cookie to all ports of a host

    def _with_cookie(self, token: str) -> Response:
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return _response(HTTPStatus.FORBIDDEN, _REFUSAL)
        response = _response(HTTPStatus.SEE_OTHER, "")
        response.headers["Location"] = "/"  # removes the token from the address, which can then be bookmarked
        response.headers["Set-Cookie"] = f"{self._cookie}={token}; HttpOnly; SameSite=Lax; Path=/"
        return response

    def _has_cookie(self, request: Request) -> bool:
        # `http.cookies` is not used: it refuses the whole header if another program's cookie is malformed.
        for header in request.headers.get_all("Cookie"):
            for each in header.split(";"):
                name, _, value = each.strip().partition("=")
                if name == self._cookie and secrets.compare_digest(value.encode(), self._token.encode()):
                    return True
        return False

    # Websockets, one for each window.

    async def _serve_window(self, connection: ServerConnection) -> None:
        """Answer the messages of a window until it closes."""
        assert connection.request is not None
        if not self._has_cookie(connection.request):
            await connection.close(_REFUSED, "open the address that was printed")
            return
        key = self._key(connection.request)
        session = self._session(key)
        if session is None:
            await connection.close(_TOO_MANY, "there are too many windows")
            return
        outgoing = _Outgoing(asyncio.get_running_loop())
        sender = asyncio.create_task(outgoing.send_all(connection))
        try:
            await asyncio.wrap_future(session.begin(outgoing.put, key))
            await _answer_all(connection, session, outgoing)
        except ConnectionClosed:
            pass
        finally:
            session.leave()
            sender.cancel()
            self._left[key] = asyncio.get_running_loop().call_later(_PATIENCE, self._end, key)

    def _key(self, request: Request) -> str:
        """Return the key of a session: the window's key, or a new key if the window's key is invalid or in use."""
        found = parse_qs(urlsplit(request.path).query).get("session", [""])[-1]
        is_free = found not in self._sessions or found in self._left
        return found if re.fullmatch("[0-9a-f]{16}", found) and is_free else secrets.token_hex(8)

    def _session(self, key: str) -> Session | None:
        """Return the session of a key, or a new session if the key has none; None if too many windows are open."""
        if key in self._left:
            self._left.pop(key).cancel()
            return self._sessions[key]
        if len(self._sessions) >= _SESSIONS:
            if not self._left:
                return None
            oldest = next(iter(self._left))
            self._left[oldest].cancel()
            self._end(oldest)
        session = self._sessions[key] = Session(self._model(), self._name)
        return session

    def _end(self, key: str) -> None:
        del self._left[key]
        self._sessions.pop(key).end()


class _Outgoing:
    """Queue of frames to send. A newer frame with the progress of training replaces an older one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames: list[tuple[bytes, bool]] = []
        self._there = asyncio.Event()

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, content: bytes, is_picture: bool) -> None:
        """Send a frame later; any thread may call this method."""
        with contextlib.suppress(RuntimeError):  # the loop is closed while the command ends
            self._loop.call_soon_threadsafe(self._add, content, is_picture)

    def _add(self, content: bytes, is_picture: bool) -> None:
        if is_picture:
            self._frames = [each for each in self._frames if not each[1]]
        self._frames.append((content, is_picture))
        self._there.set()

    async def send_all(self, connection: ServerConnection) -> None:
        """Send frames until the connection is closed."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._there.wait()
                self._there.clear()
                while self._frames:
                    await connection.send(self._frames.pop(0)[0])


async def _answer_all(connection: ServerConnection, session: Session, outgoing: _Outgoing) -> None:
    """Pass messages on to the session in order of arrival. Pause while too many messages or frames wait."""
    waiting: set[asyncio.Future[None]] = set()
    async for text in connection:
        try:
            message = json.loads(text)
        except (RecursionError, ValueError):
            message = None  # the session refuses None
        waiting.add(asyncio.wrap_future(session.receive(message)))
        while len(waiting) >= _WAITING:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        while len(outgoing) >= _UNSENT:
            await asyncio.sleep(0.01)


def _file(name: str, host: str) -> Response:
    """Return a file of the page, with a content security policy that allows connections to this host."""
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not re.fullmatch(r"[a-z0-9_-]+\.[a-z]+", name) or not (_PAGE / name).is_file():
        return _response(HTTPStatus.NOT_FOUND, "There is no such file.\n")
    response = _response(HTTPStatus.OK, (_PAGE / name).read_bytes(), kind)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; connect-src 'self' ws://{host}; img-src 'self' data:; frame-ancestors 'none'"
    )
    return response


def _response(status: HTTPStatus, content: str | bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    body = content.encode() if isinstance(content, str) else content
    headers = Headers({**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)
