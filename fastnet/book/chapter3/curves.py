"""Accuracies and costs over the epochs, as the chapter's figures show them: a line for each network, with its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fastnet.datasets.dataset import Dataset
from fastnet.plots.figures import PALETTE, in_percent, style_curves
from fastnet.plots.labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def shares(correct: Sequence[int], data: Dataset) -> list[float]:
    """Return the accuracies after the epochs as shares of the samples, from numbers of samples."""
    return [each / len(data) for each in correct]


def draw_curves(
    axes: Axes,
    curves: Mapping[str, Sequence[float]],
    title: str,
    *,
    lowest: float | None = None,
    highest: float | None = None,
) -> None:
    """Draw a line for each series of values after the epochs, and write its name at its end.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    curves : mapping of str to sequence of float
        The values after the epochs, by the names of the lines.
    title : str
        What the values are.
    lowest, highest : float, optional
        The limits of the axis of the values; by default, those of the values. They are ignored where all values are
        below the lowest.
    """
    ends = []
    for (name, values), color in zip(curves.items(), PALETTE, strict=False):
        axes.plot(range(1, len(values) + 1), values, color=color)
        ends.append(End(name, color, (len(values), values[-1])))
    axes.set_title(title, loc="left")
    if lowest is not None and max(map(max, curves.values())) > lowest:
        axes.set_ylim(lowest, highest)
    style_curves(axes, max(map(len, curves.values())))
    label_ends(axes, ends)


def draw_accuracies(
    axes: Axes,
    curves: Mapping[str, Sequence[float]],
    title: str,
    *,
    lowest: float | None = None,
    highest: float | None = None,
) -> None:
    """Draw a line for each series of accuracies, which are shares of the samples, in percent; see `draw_curves`."""
    axes.yaxis.set_major_formatter(in_percent)
    draw_curves(axes, curves, title, lowest=lowest, highest=highest)
