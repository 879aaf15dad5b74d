"""Warnings that point to the line of the user's program, not to a library between the user and fastnet."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

_BETWEEN = {"fastnet", "sklearn", "contextlib", "joblib"}
"""Packages whose functions may be on the call stack between the user's line and the warning."""

_WORKERS = {"concurrent", "multiprocessing", "threading"}
"""Packages whose functions start a worker's call."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning for the user's line that called fastnet, directly or through scikit-learn or joblib."""
    warnings.warn(message, category, stacklevel=callers())


def callers() -> int:
    """Return the `stacklevel` with which a warning from the calling function names the user's line.

    If a worker thread or process calls fastnet, no line is the user's. The warning then names fastnet's line.
    """
    frame: FrameType | None = sys._getframe(1)
    number = 1
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _BETWEEN:
            return 2 if package in _WORKERS else number
        frame, number = frame.f_back, number + 1
    return number
