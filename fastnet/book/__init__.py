"""The book's figures, tables and experiments, one small file each, in a folder for each chapter.

>>> from fastnet import book
>>> result = book.overfitting()  # doctest: +SKIP
>>> print(result)  # doctest: +SKIP
Overfitting: 1,000 training samples, 400 epochs (chapter 3)
...

`result.data` has the numbers, `result.draw()` the picture. `book.names()` lists all experiments in their order, and
`fastnet book` lists them in a terminal.
"""

from __future__ import annotations

import importlib
from typing import Any

from fastnet.book.experiment import Experiment, Result

__all__ = ["Experiment", "Result", "experiments", "names"]

_CHAPTERS = (1, 2, 3, 4, 5)


def names(chapter: int | None = None) -> list[str]:
    """Return the names of all experiments, or of those in a chapter, in the book's order."""
    chapters = _CHAPTERS if chapter is None else (chapter,)
    return [name for each in chapters for name in _folder(each).EXPERIMENTS]


def experiments(chapter: int | None = None) -> list[Experiment]:
    """Return all experiments, or those in a chapter, in the book's order."""
    return [getattr(importlib.import_module(__name__), name) for name in names(chapter)]


def _folder(chapter: int) -> Any:
    return importlib.import_module(f"{__name__}.chapter{chapter}")


def __getattr__(name: str) -> Any:
    for chapter in _CHAPTERS:
        if name in _folder(chapter).EXPERIMENTS:
            return getattr(importlib.import_module(f"{__name__}.chapter{chapter}.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *names()})
