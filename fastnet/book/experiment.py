"""The parts of an experiment: a function that computes it, a function that draws it, and the book's values, if any."""

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
"""Values of `Published.source`: the book has the value in its text, or in the data of a figure."""


class Published(NamedTuple):
    """A value that the book publishes.

    Attributes
    ----------
    name : str
        Name of the value, such as "test accuracy after the last epoch"; also the key of the computed value in
        `Measured.values`.
    value : float
        The book's value.
    unit : str
        Unit, such as "%"; empty if the value has no unit.
    source : str
        `TEXT` or `FIGURE_DATA`.
    reason_for_difference : str
        Known reason why the computed value differs; empty if no reason is known.
    tolerance : float
        Largest accepted distance of the book's value from the computed range; usually 0, or half a unit of the value's
        last digit.
    """

    name: str
    value: float
    unit: str = ""
    source: str = TEXT
    reason_for_difference: str = ""
    tolerance: float = 0.0


class Measured(NamedTuple):
    """Return value of an experiment's function.

    Attributes
    ----------
    data : mapping of str to anything
        Results by name: the numbers, lists and arrays that the picture shows, and sometimes others.
    values : mapping of str to float
        Computed values, by name; a published value and its computed value have the same name.
    """

    data: Mapping[str, Any]
    values: Mapping[str, float] = {}


@dataclass(frozen=True)
class Result:
    """The result of an experiment. `print` compares its values with the book's, and a notebook shows its picture.

    Attributes
    ----------
    experiment : Experiment
        The experiment that was computed.
    data : mapping of str to anything
        Results by name: the numbers, lists and arrays that the picture shows, and sometimes others.
    values : mapping of str to float
        Computed values, by name; a published value and its computed value have the same name.
    """

    experiment: Experiment
    data: Mapping[str, Any] = field(repr=False)
    values: Mapping[str, float]

    @property
    def published(self) -> list[Published]:
        """The published values that were computed: an experiment with other arguments may lack some of them."""
        return [each for each in self.experiment.published if each.name in self.values]

    def draw(self) -> Figure:
        """Return the picture as a matplotlib figure.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure = figures.new_figure(*self.experiment.size)
        self.experiment.drawing(self.data, figure)
        return figure

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Write the picture to a file, in the format given by the file's extension.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        OSError
            If the file cannot be written. An existing file is then unchanged.
        ValueError
            If matplotlib does not support the file's extension, or needs a program that is missing.
        """
        figures.check(filename)
        figures.save(self.draw(), filename)

    def _repr_png_(self) -> bytes:
        figure: Any = self.draw()
        png: bytes = figure._repr_png_()
        return png

    def __str__(self) -> str:
        rows = [
            (each.name, in_words(each.value, each.unit), in_words(self.values[each.name], each.unit))
            for each in self.published
        ]
        title = f"{self.experiment.title} ({self.experiment.place})"
        return "\n\n".join([title, in_columns(rows)] if rows else [title])


@dataclass(eq=False, repr=False)
class Experiment:
    """A figure, table or experiment of the book. Calling the object computes the experiment and returns a `Result`.

    Attributes
    ----------
    function : callable
        Function that takes keyword arguments with defaults, and returns `Measured`. If the function has an argument
        `seed`, this argument seeds the random numbers.
    title : str
        Description in one line.
    published : sequence of Published
        Values that the book publishes.
    drawing : callable
        Function that takes `Measured.data` and an empty matplotlib figure, and draws into the figure.
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
        """Name of the function and of the experiment, as in `fastnet book NAME`."""
        return self.function.__name__

    @property
    def chapter(self) -> int | None:
        """Number of the chapter, taken from the name of the module's folder; None for older experiments."""
        folder = self.function.__module__.split(".")[-2]
        return int(folder.removeprefix("chapter")) if folder.startswith("chapter") else None

    @property
    def place(self) -> str:
        """The chapter as text, such as "chapter 3"; "older experiments" if the experiment is in no chapter."""
        return "older experiments" if self.chapter is None else f"chapter {self.chapter}"

    @property
    def description(self) -> str:
        """Docstring of the module that defines the function."""
        module = sys.modules.get(self.function.__module__)
        return inspect.cleandoc(getattr(module, "__doc__", None) or "")

    @property
    def is_random(self) -> bool:
        """Whether the function has an argument `seed`."""
        return "seed" in inspect.signature(self.function).parameters

    def __repr__(self) -> str:
        return f"<experiment {self.name}, {self.place}>"

    def picture(self, drawing: Callable[[Mapping[str, Any], Figure], object]) -> Callable[..., object]:
        """Set the decorated function as `drawing`."""
        self.drawing = drawing
        return drawing

    def __call__(self, **settings: Any) -> Result:
        """Compute the experiment.

        Parameters
        ----------
        **settings
            Arguments of the function; for example, `help(book.overfitting)` lists the arguments of `overfitting`.

        Raises
        ------
        TypeError
            If `settings` has a name that is no argument of the function, or the seed is not an integer.
        ValueError
            If the seed is negative, or above 2**32 - 1.
        """
        known = inspect.signature(self.function).parameters
        for name in settings:
            if name not in known:
                raise TypeError(f"{self.name} has no argument {name!r}; choose from {', '.join(known) or 'none'}")
        if "seed" in settings:
            arguments.seed(settings["seed"])
        return Result(self, *self.function(**settings))


def experiment(
    title: str, *, published: Sequence[Published] = (), size: tuple[float, float] = (7.0, 4.2)
) -> Callable[[Callable[..., Measured]], Experiment]:
    """Return a decorator that turns a function into an `Experiment`.

    Parameters
    ----------
    title, published, size
        See `Experiment`.
    """
    return lambda function: Experiment(function, title, published, size)


def in_columns(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return a table as text, with three columns: name, the book's value and the computed value."""
    rows = [("", "the book", "fastnet"), *rows]
    names, values = (max(len(row[i]) for row in rows) for i in range(2))
    return "\n".join(f"{name:<{names}}  {value:>{values}}  {ours}" for name, value, ours in rows)


def in_words(value: float, unit: str) -> str:
    """Return a value with its unit as text: two decimals in percent and percentage points, else four digits."""
    text = f"{value:.2f}" if unit in ("%", "percentage points") else f"{value:.4g}"
    return f"{text} {unit}".rstrip()
