"""The sigmoid function, a smoothed step function.

A sigmoid neuron whose weights and bias are multiplied by a large factor c behaves almost like a perceptron. As c grows,
sigmoid(c z) approaches the step function for every z except 0, where the output stays 1/2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import network
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("The sigmoid function and the step function", size=(9.0, 3.6))
def sigmoid(*, factors: Sequence[float] = (1.0, 2.0, 5.0, 20.0), points: int = 401) -> Measured:
    """Compute sigmoid(c z) for several factors c, and the step function, for z from -5 to 5."""
    z = np.linspace(-5, 5, points)
    curves = {factor: network.sigmoid(factor * z) for factor in factors}
    return Measured({"z": z, "sigmoid": curves, "step": np.where(z < 0, 0.0, 1.0)})


@sigmoid.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the sigmoid function, the step function, and sigmoid(c z) for each factor c."""
    z, curves = data["z"], data["sigmoid"]
    left, middle, right = figure.subplots(1, 3, sharey=True)
    left.plot(z, next(iter(curves.values())), color=PALETTE[0])
    left.set_title(r"sigmoid function $\sigma(z)$", loc="left")
    middle.plot(z, data["step"], color=PALETTE[0])
    middle.set_title("step function", loc="left")
    for (factor, curve), color in zip(curves.items(), PALETTE, strict=False):
        right.plot(z, curve, color=color, label=f"c = {factor:g}")
    right.set_title(r"$\sigma(cz)$", loc="left")
    right.legend(loc="upper left", frameon=False, handlelength=1.0, borderaxespad=0.0, borderpad=0.2)
    for axes in (left, middle, right):
        axes.set_xlabel("z")
        axes.grid(color=GRID)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("output")
