"""The book's figures, tables and experiments: a module for each, in a folder for each chapter.

>>> from fastnet import book
>>> result = book.overfitting()  # doctest: +SKIP
>>> print(result)  # doctest: +SKIP
Overfitting: 1,000 training samples, 400 epochs (chapter 3)
...

`result.data` holds the numbers, and `result.draw()` returns the picture. `book.names()` returns the names of all
experiments. `fastnet book` lists all experiments in a terminal.
"""

from __future__ import annotations

import importlib
from typing import Any

from fastnet.book.experiment import Experiment, Result

__all__ = ["Experiment", "Result", "experiments", "names"]

_FOLDERS = ("chapter1", "chapter2", "chapter3", "chapter4", "chapter5", "chapter6", "older")


def names(chapter: int | None = None) -> list[str]:
    """Return the names of the experiments in the book's order, with the older experiments at the end.

    Parameters
    ----------
    chapter : int, optional
        Number of the chapter, from 1 to 6, whose experiments to name; by default, all experiments.

    Raises
    ------
    ValueError
        If there is no such chapter.
    """
    folders = _FOLDERS if chapter is None else (f"chapter{chapter}",)
    if not set(folders) <= set(_FOLDERS):
        raise ValueError(f"chapter is {chapter}; it must be from 1 to 6, or None for all")
    return [name for folder in folders for name in _names_in(folder)]


def experiments(chapter: int | None = None) -> list[Experiment]:
    """Return the experiments that `names(chapter)` names, in the same order."""
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
