"""Defers SIGINT and SIGTERM until it is safe to stop."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def heard_afterwards() -> Iterator[Callable[[], None]]:
    """Defer SIGINT and SIGTERM to the end of the `with` block. A second Ctrl-C is not deferred.

    A library that is interrupted while it is imported or computes may hide the interrupt, raise another exception, or
    stay unusable for the rest of the session.

    Yields
    ------
    callable
        Handles a deferred signal at once. Call it where it is safe to stop.
    """
    if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
        yield lambda: None
        return
    # Only handlers in Python are deferred: those of the system and of other languages stay in place.
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
