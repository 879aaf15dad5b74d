"""Warnings that name the line of the user's program, whatever stands between."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

_BETWEEN = {"fastnet", "sklearn", "contextlib", "joblib"}
"""Packages whose functions may stand between the user's call of `fit` and what warns."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn the user's line that has called, directly or, for example, by a pipeline of scikit-learn's."""
    warnings.warn(message, category, stacklevel=callers())


def callers() -> int:
    """Return the number of functions between the one that calls this and the user's line, both counted."""
    frame: FrameType | None = sys._getframe(1)
    number = 1
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _BETWEEN:
        frame, number = frame.f_back, number + 1
    return number
