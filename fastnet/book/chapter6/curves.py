"""Pictures of the chapter's results: accuracies over the epochs, and test accuracies beside the book's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter6.training import Recipe
from fastnet.plots.figures import GRID, OTHERS, PALETTE, in_percent, style_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = (9.0, 3.8)
"""Width and height of the picture, in inches."""


def draw_results(data: Mapping[str, Any], recipes: Mapping[str, Recipe], figure: Figure) -> None:
    """Draw the data that `training.accuracies` returns. The name of each network has the colour of its curve."""
    curves, dots = figure.subplots(1, 2)
    _draw_curves(data["validation accuracy"], curves)
    _draw_dots(data["test accuracy"], recipes, dots)


def _draw_curves(accuracies: Mapping[str, list[float]], axes: Axes) -> None:
    for curve, color in zip(accuracies.values(), PALETTE, strict=False):
        axes.plot(curve, color=color)
    epochs = max(map(len, accuracies.values()))
    # The lower limit ignores the first tenth of the epochs, in which accuracies rise steeply.
    lowest = min(min(curve[epochs // 10 :]) for curve in accuracies.values())
    highest = max(map(max, accuracies.values()))
    margin = 0.05 * (highest - lowest) + 1e-4
    axes.set_ylim(lowest - margin, highest + margin)
    axes.yaxis.set_major_formatter(in_percent)
    axes.set_title("validation accuracy", loc="left")
    style_curves(axes, epochs)


def _draw_dots(accuracies: Mapping[str, float], recipes: Mapping[str, Recipe], axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    places, ours = range(len(accuracies)), list(accuracies.values())
    theirs = [recipes[name].book / 100 for name in accuracies]
    axes.plot(theirs, places, "D", color=OTHERS, label="the book")
    axes.plot([], "o", color="black", label="fastnet")
    for place, accuracy, color in zip(places, ours, PALETTE, strict=False):
        axes.plot(accuracy, place, "o", color=color)
    axes.set_yticks(places, list(accuracies))
    for label, color in zip(axes.get_yticklabels(), PALETTE, strict=False):
        label.set_color(color)
    axes.set_ylim(len(accuracies) - 0.5, -0.5)
    lowest, highest = min(ours + theirs), max(ours + theirs)
    margin = max(0.1 * (highest - lowest), 0.0005)  # at least 0.05 %, for networks that differ by only 0.01 %
    axes.set_xlim(lowest - margin, highest + margin)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(in_percent)
    axes.set_title("test accuracy", loc="left")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False)
