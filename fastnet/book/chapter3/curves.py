"""Draws accuracies and costs over the epochs, as in the chapter's figures: one labelled line for each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fastnet.datasets.dataset import Dataset
from fastnet.plots.figures import PALETTE, in_percent, style_curves
from fastnet.plots.labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def shares(correct: Sequence[int], data: Dataset) -> list[float]:
    """Return accuracies from 0 to 1, given the number of correctly classified samples after each epoch."""
    return [each / len(data) for each in correct]


def draw_curves(
    axes: Axes,
    curves: Mapping[str, Sequence[float]],
    title: str,
    *,
    lowest: float | None = None,
    highest: float | None = None,
) -> None:
    """Draw a line for each series of values (one value per epoch), with the name of the series at the line's end.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Axes to draw on.
    curves : mapping of str to sequence of float
        Name of each line, and the values after each epoch.
    title : str
        Title of the axes.
    lowest, highest : float, optional
        Limits of the vertical axis; by default, matplotlib's. Both limits are ignored if no value is above
        `lowest`, and `highest` is ignored without `lowest`.
    """
    ends = []
    for (name, values), color in zip(curves.items(), PALETTE, strict=False):
        axes.plot(values, color=color)
        ends.append(End(name, color, (len(values) - 1, values[-1])))
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
    """Draw accuracies from 0 to 1 with `draw_curves`, on a vertical axis in percent."""
    axes.yaxis.set_major_formatter(in_percent)
    draw_curves(axes, curves, title, lowest=lowest, highest=highest)
