"""`fastnet play`."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import signal
import socket
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastnet.commands.run import note, say
from fastnet.commands.types import SETTINGS, Command

if TYPE_CHECKING:
    from fastnet.play.server import PageServer


@click.command(cls=Command, context_settings=SETTINGS)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any free port", help="Port to listen on."
)
@click.option("--host", default="127.0.0.1", help="Address to listen on. By default, only this machine can connect.")
@click.option("--browser/--no-browser", default=True, help="Whether to open the page in the browser.")
def play(model: Path | None, port: int, host: str, browser: bool) -> None:
    """Open a page to draw digits, watch every neuron, and train networks on MNIST.

    MODEL is a file that `fastnet train --save`, `network2` or `network3` wrote. Without MODEL, the page begins with a
    network that reads digits. This network is trained at the first use and kept. The page needs no connection to the
    internet. Ctrl-C stops the server.
    """
    try:
        from fastnet.play.server import PageServer
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "websockets":
            raise
        raise ImportError(
            "fastnet play needs the package websockets; pip install 'fastnet-nndl[play]' installs it"
        ) from None
    from fastnet import handwriting
    from fastnet.handwriting import images
    from fastnet.play import models

    images.check()
    if model is not None:
        net = models.read(model)
    else:
        net = handwriting.default_network(note)
        net.engine = "numba"
    server = PageServer(lambda: copy.deepcopy(net), None if model is None else model.name, host, port)
    try:
        asyncio.run(_serve(server, browser))
    except KeyboardInterrupt:
        return
    except OSError as error:
        # The error numbers of `socket.gaierror` (unknown host) are not those of the system.
        if error.errno is None or isinstance(error, socket.gaierror):
            reason = error.strerror or str(error)
        else:
            reason = os.strerror(error.errno)
        raise click.ClickException(
            f"cannot listen on {host}, port {port}: {reason}; choose another address or port with --host or --port"
        ) from None


async def _serve(server: PageServer, browser: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        stopped.set()
        for number in numbers:  # a second signal ends the process immediately
            loop.remove_signal_handler(number)

    for number in numbers:
        with contextlib.suppress(NotImplementedError):  # on Windows, Ctrl-C raises KeyboardInterrupt
            loop.add_signal_handler(number, stop)
    async with server.running():
        say(f"The page is at {server.address}")
        say("Ctrl-C stops the server.")
        if browser:  # in a thread: with some browsers, `webbrowser.open` waits until the browser ends
            threading.Thread(target=webbrowser.open, args=[server.address], daemon=True).start()
        await stopped.wait()
