"""A perceptron with the weights -2 and -2 and the bias 3 is a NAND gate.

The output is 0 only if both inputs are 1, because the weighted input is negative only in this case. The points where
the weighted input is 0 form a line. This line separates the point (1, 1) from the three other pairs of inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INPUTS = ((0, 0), (0, 1), (1, 0), (1, 1))
PUBLISHED = (1, 1, 1, 0)


def perceptron(inputs: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """Return the outputs of a perceptron, 0 or 1, for inputs with one sample in each row."""
    return np.where(inputs @ weights + bias > 0, 1, 0)


@experiment(
    "A perceptron that computes NAND",
    published=[
        Published(f"output for {x1}{x2}", y, tolerance=0.5) for (x1, x2), y in zip(INPUTS, PUBLISHED, strict=True)
    ],
    size=(5.0, 4.4),
)
def nand(*, w1: float = -2.0, w2: float = -2.0, bias: float = 3.0) -> Measured:
    """Compute the outputs of a perceptron for the four pairs of binary inputs."""
    outputs = perceptron(np.array(INPUTS), np.array([w1, w2]), bias)
    values = {f"output for {x1}{x2}": float(y) for (x1, x2), y in zip(INPUTS, outputs, strict=True)}
    return Measured({"weights": (w1, w2), "bias": bias, "outputs": outputs}, values)


@nand.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the four pairs of inputs with their outputs, and shade the side of the line where the output is 1."""
    axes = figure.subplots()
    side = np.linspace(-0.5, 1.5, 201)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    z = plane @ np.array(data["weights"]) + data["bias"]
    axes.contourf(side, side, z > 0, levels=[0.5, 1.5], colors=[PALETTE[5]], alpha=0.25)
    axes.contour(side, side, z, levels=[0], colors="black", linewidths=1)
    for point, output in zip(INPUTS, data["outputs"], strict=True):
        color, face = (PALETTE[0], PALETTE[0]) if output else (PALETTE[1], "white")
        axes.plot(*point, "o", color=color, markerfacecolor=face, markersize=12, markeredgewidth=2)
        axes.annotate(f"{output}", point, (9, 9), textcoords="offset points", fontsize="x-large", color=color)
    axes.set(xlabel="input $x_1$", ylabel="input $x_2$", xticks=[0, 1], yticks=[0, 1], aspect="equal")
    w1, w2 = data["weights"]
    axes.set_title(f"output 1 where ${w1:g}\\,x_1 {w2:+g}\\,x_2 {data['bias']:+g} > 0$", loc="left")
    axes.spines[:].set_color(GRID)
