"""Two hidden neurons make a bump, and several pairs make a histogram.

The weighted output of the first neuron of a pair steps up by h, that of the second neuron steps down by h. The sum of
the two weighted outputs is h between the two steps and 0 elsewhere. A piecewise-constant function needs one pair of
neurons for each piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter4.axes import style_function
from fastnet.book.chapter4.by_hand import bumps_of_heights, cells_of, output_of_step
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import OTHERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@experiment("Pairs of hidden neurons make bumps", size=(9.0, 3.8))
def bumps(
    *,
    edges: tuple[float, float] = (0.4, 0.6),
    height: float = 0.8,
    heights: Sequence[float] = (0.3, 0.9, 0.5, -0.4, 0.7),
    weight: float = 1000.0,
    points: int = 1001,
) -> Measured:
    """Compute one bump with its two steps, and adjacent bumps with the heights in `heights`."""
    x = np.linspace(0, 1, points)
    one = bumps_of_heights(np.array(edges), np.array([height]), weight)
    several = bumps_of_heights(cells_of(len(heights))[0], np.array(heights), weight)
    return Measured(
        {
            "x": x,
            "up": output_of_step(x, edges[0], weight, height),
            "down": output_of_step(x, edges[1], weight, -height),
            "bump": one.feedforward(x[np.newaxis])[0],
            "heights": heights,
            "histogram": several.feedforward(x[np.newaxis])[0],
        }
    )


@bumps.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw one bump with its two steps, and several bumps side by side."""
    left, right = figure.subplots(1, 2)
    left.plot(data["x"], data["up"], color=PALETTE[4], linestyle="--", label="step up")
    left.plot(data["x"], data["down"], color=PALETTE[1], linestyle="--", label="step down")
    left.plot(data["x"], data["bump"], color=PALETTE[0], linewidth=2, label="sum of both")
    left.legend(loc="lower left", frameon=False)
    right.plot(data["x"], data["histogram"], color=PALETTE[0], linewidth=2)
    for axes, title in ((left, "one pair"), (right, f"{len(data['heights'])} pairs")):
        _style(axes, title)


def _style(axes: Axes, title: str) -> None:
    axes.axhline(0, color=OTHERS, linewidth=0.8, zorder=0)
    style_function(axes, title)
    axes.set(xlabel="input x", ylabel="weighted output of the hidden neurons")
