"""Ctrl-C: when it is heard."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def heard_afterwards() -> Iterator[None]:
    """Have Ctrl-C wait for the end of the `with` block.

    A library that is interrupted while it is imported may hide that, raise something else, or remain half imported
    for the rest of the session.
    """
    if threading.current_thread() is not threading.main_thread():  # no other hears of it
        yield
        return
    heard: list[tuple[Any, ...]] = []
    before = signal.signal(signal.SIGINT, lambda *details: heard.append(details))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard and callable(before):
            before(*heard[0])
