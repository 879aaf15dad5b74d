"""What every experiment of the book has in common: a function that computes it, one that draws it, published values."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnet.plots import figures
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEXT, FIGURE_DATA = "text", "data of the figure"
"""Where the book publishes a value."""


class Published(NamedTuple):
    """A value that the book publishes.

    Attributes
    ----------
    name : str
        What it is, such as "test accuracy after the last epoch". The computation returns ours by the same name.
    value : float
        The value.
    unit : str
        Such as "%", or nothing.
    source : str
        `TEXT` or `FIGURE_DATA`.
    miss : str
        Why ours is known to differ; empty if it does not.
    tolerance : float
        How far outside the range of ours the book's value may be; as a rule, half of its last digit.
    """

    name: str
    value: float
    unit: str = ""
    source: str = TEXT
    miss: str = ""
    tolerance: float = 0.0


class Measured(NamedTuple):
    """What a computation found.

    Attributes
    ----------
    data : mapping of str to anything
        Numbers, lists and arrays that the picture shows, by name.
    values : mapping of str to float
        Ours, of the values that the book publishes, by the same names.
    """

    data: Mapping[str, Any]
    values: Mapping[str, float] = {}


@dataclass(frozen=True)
class Result:
    """An experiment that was computed. It prints as a table, and a notebook shows its picture.

    Attributes
    ----------
    experiment : Experiment
        Which.
    data : mapping of str to anything
        Numbers, lists and arrays that the picture shows, by name.
    values : mapping of str to float
        Ours, of the values that the book publishes, by the same names.
    """

    experiment: Experiment
    data: Mapping[str, Any] = field(repr=False)
    values: Mapping[str, float]

    def draw(self) -> Figure:
        """Return the picture, a matplotlib figure.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure = figures.new_figure(*self.experiment.size)
        self.experiment.drawing(self.data, figure)
        return figure

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format that its ending names.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        OSError
            If the file cannot be written. A file that was there is then as it was.
        ValueError
            If matplotlib does not know the ending.
        """
        figures.check(filename)
        figures.save(self.draw(), filename)

    def _repr_png_(self) -> bytes:
        return self.draw()._repr_png_()  # type: ignore[attr-defined, no-any-return]

    def __str__(self) -> str:
        rows = [
            (each.name, in_words(each.value, each.unit), in_words(self.values[each.name], each.unit))
            for each in self.experiment.published
        ]
        title = f"{self.experiment.title} ({self.experiment.place})"
        return "\n\n".join([title, in_columns(rows)] if rows else [title])


@dataclass(eq=False, repr=False)
class Experiment:
    """A figure, table or experiment of the book: calling it computes it and returns a `Result`.

    Attributes
    ----------
    function : callable
        Computes it: takes keyword arguments with defaults, and returns `Measured`. What it draws at random comes from
        its argument `seed`, if it has one.
    title : str
        A line that says what it shows.
    published : sequence of Published
        What the book says that comes out.
    drawing : callable
        Takes `data`, and an empty matplotlib figure to draw into.
    size : (float, float)
        Width and height of the picture, in inches.
    """

    function: Callable[..., Measured]
    title: str
    published: Sequence[Published] = ()
    size: tuple[float, float] = (7.0, 4.2)
    drawing: Callable[[Mapping[str, Any], Figure], object] = field(init=False)

    def __post_init__(self) -> None:
        functools.update_wrapper(self, self.function)

    @property
    def name(self) -> str:
        """The name of the function, by which the package and the command know the experiment."""
        return self.function.__name__

    @property
    def chapter(self) -> int | None:
        """Number of the chapter, from 1, that the folder is named after; None of older experiments."""
        folder = self.function.__module__.split(".")[-2]
        return int(folder.removeprefix("chapter")) if folder.startswith("chapter") else None

    @property
    def place(self) -> str:
        """Where in the book it is: "chapter 3", or "older experiments"."""
        return "older experiments" if self.chapter is None else f"chapter {self.chapter}"

    @property
    def description(self) -> str:
        """What it shows: the docstring of its module."""
        module = sys.modules.get(self.function.__module__)
        return inspect.cleandoc(getattr(module, "__doc__", None) or "")

    @property
    def is_random(self) -> bool:
        """Whether it has a seed."""
        return "seed" in inspect.signature(self.function).parameters

    def __repr__(self) -> str:
        return f"<experiment {self.name}, {self.place}>"

    def picture(self, drawing: Callable[[Mapping[str, Any], Figure], object]) -> Callable[..., object]:
        """Have a function draw the picture: a decorator."""
        self.drawing = drawing
        return drawing

    def __call__(self, **settings: Any) -> Result:
        """Compute the experiment.

        Parameters
        ----------
        **settings
            Those of the function: `help(book.overfitting)` lists them.

        Raises
        ------
        TypeError
            If there is no such setting.
        """
        known = inspect.signature(self.function).parameters
        for name in settings:
            if name not in known:
                raise TypeError(f"{self.name} has no setting {name!r}; it has {', '.join(known) or 'none'}")
        if "seed" in settings:
            arguments.natural(settings["seed"], "seed")
        return Result(self, *self.function(**settings))


def experiment(
    title: str, *, published: Sequence[Published] = (), size: tuple[float, float] = (7.0, 4.2)
) -> Callable[[Callable[..., Measured]], Experiment]:
    """Make an `Experiment` of a function: a decorator.

    Parameters
    ----------
    title, published, size
        See `Experiment`.
    """
    return lambda function: Experiment(function, title, published, size)


def in_columns(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return lines of names, the book's values and ours, below a line that says which is which."""
    rows = [("", "the book", "fastnet"), *rows]
    names, values = (max(len(row[i]) for row in rows) for i in range(2))
    return "\n".join(f"{name:<{names}}  {value:>{values}}  {ours}" for name, value, ours in rows)


def in_words(value: float, unit: str) -> str:
    """Return a value with its unit, as the tables have it."""
    text = f"{value:.2f}" if unit == "%" else f"{value:.4g}"
    return f"{text} {unit}".rstrip()
