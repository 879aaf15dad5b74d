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

_FOLDERS = ("chapter1", "chapter2", "chapter3", "chapter4", "chapter5", "chapter6", "older")


def names(chapter: int | None = None) -> list[str]:
    """Return the names of all experiments, or of those in a chapter, in the book's order, and older ones at the end."""
    folders = _FOLDERS if chapter is None else (f"chapter{chapter}",)
    if not set(folders) <= set(_FOLDERS):
        raise ValueError(f"chapter is {chapter}; it must be from 1 to 6, or None for all")
    return [name for folder in folders for name in _names_in(folder)]


def experiments(chapter: int | None = None) -> list[Experiment]:
    """Return all experiments, or those in a chapter, in the order of `names`."""
    return [__getattr__(name) for name in names(chapter)]


def _names_in(folder: str) -> tuple[str, ...]:
    found: tuple[str, ...] = importlib.import_module(f"{__name__}.{folder}").EXPERIMENTS
    return found


def __getattr__(name: str) -> Any:
    for folder in _FOLDERS:
        if name in _names_in(folder):
            return getattr(importlib.import_module(f"{__name__}.{folder}.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *names()})
