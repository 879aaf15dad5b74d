"""Ctrl-C, and what a command is told to end by: when they are heard."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def heard_afterwards() -> Iterator[Callable[[], None]]:
    """Have Ctrl-C wait for the end of the `with` block, unless it is pressed again.

    A library that is interrupted while it is imported, or computes, may hide that, raise something else, or remain in
    the middle of something for the rest of the session.

    Yields
    ------
    callable
        To be called where Ctrl-C may be heard before.
    """
    if threading.current_thread() is not threading.main_thread():  # no other hears of it
        yield lambda: None
        return
    # Of the others nothing is called: what the system does is left to it, and what another language does, too.
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    waiting: list[int] = []

    def note(number: int, frame: Any) -> None:
        waiting.append(number)
        if waiting.count(signal.SIGINT) > 1:
            hear()

    def hear() -> None:
        if waiting:
            number = waiting[0]
            waiting.clear()
            handlers[number](number, None)

    for number in handlers:
        signal.signal(number, note)
    try:
        yield hear
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        hear()
