"""Learning curves of a sweep: the mean and the range over several seeds for each choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from fastnet.plots.figures import LITERAL, OTHERS, PALETTE, in_percent, marker, new_figure, style_curves
from fastnet.plots.labels import End, label_ends
from fastnet.utils import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Curves = Mapping[str, Sequence[Sequence[float]]]

_LONGEST = 42  # largest number of characters in a line of a label
_MOST_LABELS = 12  # largest number of labelled choices


@overload
def sweep(curves: Curves, *, what: str = ..., axes: None = ...) -> Figure: ...
@overload
def sweep(curves: Curves, *, what: str = ..., axes: Axes) -> Axes: ...
def sweep(curves: Curves, *, what: str = "validation accuracy", axes: Axes | None = None) -> Figure | Axes:
    """Draw a curve for each choice of a sweep: the mean over its seeds, in a band from the lowest to the highest value.

    Epochs are numbered from 0. The value after epoch i is drawn at i.

    Parameters
    ----------
    curves : mapping of str to sequences of sequences of float
        Label of each choice, and one curve for each seed of the choice: a number for each epoch. The curves may have
        different lengths. A run diverged if its curve contains an infinite number or NaN, or is empty.
    what : str, optional
        Name of the numbers. If the name ends with "accuracy" and no number exceeds 1, the numbers are shown in percent.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    Figure or Axes
        The axes if they were given, otherwise the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `curves` is empty, a choice has no seeds, or a curve is not one-dimensional.

    Notes
    -----
    Of more than 12 choices, only 12 are coloured and labelled: those whose runs' last values have the highest mean, or
    the lowest mean if the name of the numbers does not end with "accuracy".

    A line is dotted after a seed has stopped or diverged, and then shows the mean of the remaining seeds. The limits
    of the vertical axis exclude outliers, such as values of the first epoch or of a large learning rate. `set_ylim` of
    the axes changes the limits.
    """
    choices = [_Choice.of(label, runs) for label, runs in curves.items()]
    if not choices:
        raise ValueError("curves is empty; it must have at least one choice")
    is_accuracy = what.split()[-1:] == ["accuracy"]
    labelled = _best(choices, highest=is_accuracy)
    if axes is None:
        names = [choices[i].label.split("\n") for i in labelled]
        longest, most = max(len(line) for name in names for line in name), max(map(len, names))
        figure = new_figure(min(6.8 + 0.06 * longest, 10), max(4.2, 1.2 + 0.21 * len(labelled) * most))
        sweep(curves, what=what, axes=figure.add_subplot())
        return figure
    percent = is_accuracy and max(choice.highest for choice in choices) <= 1
    if percent:
        axes.yaxis.set_major_formatter(in_percent)
    last = max(choice.values.shape[1] for choice in choices)
    colors = dict(zip(labelled, _colors(len(labelled)), strict=True))
    for i, choice in enumerate(choices):
        if i not in colors:
            _draw(axes, choice, OTHERS, marker(last), percent)
    ends = [_draw(axes, choices[i], color, marker(last), percent) for i, color in colors.items()]
    style_curves(axes, last)
    title = f"{what[:1].upper()}{what[1:]}{_seeds(choices)}"
    if len(labelled) < len(choices):
        title += f"\nThe best {len(labelled)} of {len(choices)} choices have labels"
    axes.set_title(title, loc="left", **LITERAL)
    _limit(axes, choices)
    label_ends(axes, ends)
    return axes


@dataclass(frozen=True)
class _Choice:
    """The curves of one label.

    Attributes
    ----------
    label : str
        Label, wrapped into lines of at most `_LONGEST` characters if possible.
    values : ndarray, shape (seeds, epochs)
        Numbers of the curves; NaN where a run has stopped or diverged.
    diverged : int
        Number of runs that diverged.
    """

    label: str
    values: np.ndarray
    diverged: int

    @classmethod
    def of(cls, label: str, runs: Sequence[Sequence[float]]) -> _Choice:
        arrays = [np.asarray(run, dtype=np.float64) for run in runs]
        if not arrays or any(run.ndim != 1 for run in arrays):
            raise ValueError(f"curves[{label!r}] must hold a curve for each seed, with a number for each epoch")
        values = np.full((len(arrays), max(1, *map(len, arrays))), np.nan)
        for row, run in zip(values, arrays, strict=True):
            row[: len(run)] = np.where(np.isfinite(run), run, np.nan)
        return cls(
            "\n".join(text.lines(label, _LONGEST)),
            values,
            sum(not len(run) or not np.isfinite(run).all() for run in arrays),
        )

    @property
    def last(self) -> float:
        """Mean of the runs' last values; NaN if no run has a value, or all runs diverged."""
        lasts = [run[~np.isnan(run)][-1] for run in self.values if not np.isnan(run).all()]
        return float(np.mean(lasts)) if lasts and self.diverged < len(self.values) else np.nan

    @property
    def highest(self) -> float:
        """Largest value, or 0 if no value is positive."""
        return float(np.max(self.values, where=~np.isnan(self.values), initial=0.0))

    def min_mean_max(self) -> np.ndarray:
        """Return minimum, mean and maximum of each epoch, shape (3, epochs); NaN where all values are missing."""
        columns = [column[~np.isnan(column)] for column in self.values.T]
        found = np.array([[c.min(), c.mean(), c.max()] if len(c) else [np.nan] * 3 for c in columns])
        statistics: np.ndarray = found.T
        return statistics


def _best(choices: list[_Choice], *, highest: bool) -> list[int]:
    """Return the indices of at most `_MOST_LABELS` choices, in their order: those whose runs end best."""
    last = np.array([choice.last for choice in choices])
    best = np.argsort(-last if highest else last, kind="stable")  # NaN comes last
    return sorted(best[:_MOST_LABELS].tolist())


def _draw(axes: Axes, choice: _Choice, color: str, mark: str, percent: bool) -> End:
    """Draw the line and the band of a choice, and return the end of the line with its label."""
    lowest, mean, highest = choice.min_mean_max()
    epochs = np.arange(len(mean))
    whole = ~np.isnan(choice.values).any(axis=0)
    axes.plot(epochs, np.where(whole, mean, np.nan), color=color, marker=mark, markersize=3.5)
    if not whole.all():
        since = max(int(whole.argmin()) - 1, 0)  # index of the last epoch of the solid line, or 0 if there is none
        axes.plot(epochs[since:], mean[since:], ":", color=color)
    if len(choice.values) > 1:
        axes.fill_between(epochs, lowest, highest, color=color, alpha=0.15, linewidth=0)
    there = np.flatnonzero(~np.isnan(mean))
    place = (float(epochs[there[-1]]), float(mean[there[-1]])) if len(there) else None
    if place is None or choice.diverged == len(choice.values):
        return End(f"{choice.label} (diverged)", color, place)
    words = f"{choice.label}: {f'{place[1] * 100:.1f} %' if percent else f'{place[1]:.3g}'}"
    if choice.diverged:
        words += f" ({choice.diverged} of {len(choice.values)} diverged)"
    return End(words, color, place)


def _limit(axes: Axes, choices: list[_Choice]) -> None:
    """Limit the vertical axis to the values without outliers, because outliers would make small differences invisible.

    Outliers are Tukey's "far out" values: more than three interquartile ranges below or above the quartiles.
    """
    values = np.concatenate([choice.values[~np.isnan(choice.values)] for choice in choices])
    if not len(values):
        return
    lower, upper = np.quantile(values, [0.25, 0.75])
    far = 3 * (upper - lower)
    seen = values[(values >= lower - far) & (values <= upper + far)]
    margin = 0.04 * (seen.max() - seen.min()) or 0.04 * abs(seen.max()) or 1.0
    axes.set_ylim(seen.min() - margin, seen.max() + margin)


def _colors(n: int) -> list[str]:
    """Return n colours: those of `PALETTE`, or, if n is larger than the palette, colours from dark to light."""
    if n <= len(PALETTE):
        return list(PALETTE[:n])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(color) for color in colormaps["viridis"](np.linspace(0, 0.85, n))]


def _seeds(choices: list[_Choice]) -> str:
    """Return the part of the title that explains lines and bands; empty if each choice has one seed."""
    numbers = {len(choice.values) for choice in choices}
    if numbers == {1}:
        return ""
    return f": mean of {f'{numbers.pop()} ' if len(numbers) == 1 else ''}seeds, lowest to highest"
