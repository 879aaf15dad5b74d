"""The output of a hidden neuron becomes a step as its weight grows.

A neuron with weight w and bias b has the output 1/2 where w x + b = 0, that is at s = -b / w. With the bias -w s, the
position s is the same for all weights. As the weight grows, the output approaches a step from 0 to 1 at s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter4.axes import style_function
from fastnet.book.chapter4.by_hand import output_of_step
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import OTHERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("A hidden neuron becomes a step as its weight grows")
def step_neuron(
    *, weights: Sequence[float] = (5.0, 10.0, 25.0, 100.0, 1000.0), position: float = 0.4, points: int = 501
) -> Measured:
    """Compute the outputs of neurons that have different weights and step at the same position."""
    x = np.linspace(0, 1, points)
    outputs = [output_of_step(x, position, weight) for weight in weights]
    return Measured({"x": x, "position": position, "weights": weights, "outputs": np.array(outputs)})


@step_neuron.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a curve for each weight."""
    axes, position = figure.subplots(), data["position"]
    for weight, output, color in zip(data["weights"], data["outputs"], PALETTE, strict=False):
        axes.plot(data["x"], output, color=color, label=f"w = {weight:g}, b = {-weight * position:g}")
    axes.axvline(position, color=OTHERS, linestyle=":")
    style_function(axes, f"output of a hidden neuron with its step at $s = -b/w = {position:g}$")
    axes.set(xlabel="input x", ylabel="output")
    axes.legend(loc="lower right", frameon=False)
