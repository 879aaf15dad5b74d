"""Ctrl-C, and what a command is told to end by: when they are heard."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def heard_afterwards() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the `with` block, unless it is pressed again.

    A library that is interrupted while it is imported, or computes, may hide that, raise something else, or remain in
    the middle of something for the rest of the session.
    """
    if threading.current_thread() is not threading.main_thread():  # no other hears of it
        yield
        return
    # Of the others nothing is called: what the system does is left to it, and what another language does, too.
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    heard: list[int] = []

    def hear(number: int, frame: Any) -> None:
        if number == signal.SIGINT and number in heard:
            handlers[number](number, frame)
        heard.append(number)

    for number in handlers:
        signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])
