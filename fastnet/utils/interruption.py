"""Defers SIGINT, SIGTERM and SIGHUP until it is safe to stop."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

TERMINATION_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that end a command, besides SIGINT (Ctrl-C). SIGHUP is sent when a terminal is closed."""
_SIGNALS = (signal.SIGINT, *TERMINATION_SIGNALS)


@contextlib.contextmanager
def deferred_signals(says: str = "") -> Iterator[Callable[[], None]]:
    """Defer SIGINT, SIGTERM and SIGHUP to the end of the `with` block. A second Ctrl-C is not deferred.

    Only the main thread defers signals, and only signals with a Python handler. By default, only SIGINT has one.

    A library whose import or computation is interrupted may ignore the interrupt, or raise an exception other than
    `KeyboardInterrupt`. An interrupted library may also stay unusable for the rest of the session.

    Parameters
    ----------
    says : str, optional
        Message to print on standard error when the first signal is deferred, to confirm Ctrl-C to the user.

    Yields
    ------
    callable
        Function that handles a deferred signal immediately. Call the function where it is safe to stop.
    """
    if threading.current_thread() is not threading.main_thread():  # Python runs signal handlers only in the main thread
        yield lambda: None
        return
    # Only Python handlers can be called later, so SIG_DFL, SIG_IGN and handlers in other languages are not replaced.
    found: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    waiting: list[int] = []

    def note(number: int, frame: Any) -> None:
        waiting.append(number)
        if says and len(waiting) == 1 and sys.stderr is not None:
            print(f"\n{says}", file=sys.stderr, flush=True)
        if waiting.count(signal.SIGINT) > 1:
            handle_deferred()

    def handle_deferred() -> None:
        if waiting:
            number = waiting[0]
            waiting.clear()
            handlers[number](number, None)

    for number in handlers:
        signal.signal(number, note)
    try:
        yield handle_deferred
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        handle_deferred()
