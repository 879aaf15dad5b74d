"""Bumps of tanh neurons and of rectified linear neurons, beside a bump of sigmoid neurons.

Two tanh neurons make a bump, as two sigmoid neurons do. The output weights of tanh neurons are half as large as those
of sigmoid neurons, because tanh steps by 2. A single rectified linear neuron has no step. The difference between the
outputs of two such neurons is a step, so four neurons make a bump.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet.book.chapter4.axes import style_function
from fastnet.book.chapter4.by_hand import by_hand, steps
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("A bump of sigmoid, tanh and rectified linear neurons")
def other_activations(*, edges: tuple[float, float] = (0.3, 0.7), weight: float = 60.0, points: int = 1001) -> Measured:
    """Compute a bump of height 1 for each activation."""
    x = np.linspace(0, 1, points)
    left, right = edges
    ramp = 2 / weight  # half the width of the step that two rectified linear neurons make
    neurons: dict[str, tuple[list[float], npt.ArrayLike]] = {
        "sigmoid": ([left, right], [1.0, -1.0]),
        "tanh": ([left, right], [0.5, -0.5]),
        "relu": (
            [left - ramp, left + ramp, right - ramp, right + ramp],
            np.array([1.0, -1.0, -1.0, 1.0]) / (2 * ramp * weight),
        ),
    }
    curves = {}
    for activation, (positions, behind) in neurons.items():
        w, b = steps(np.array(positions), weight)
        net = by_hand([w, np.reshape(behind, (1, -1))], [b, np.zeros((1, 1))], activation)
        curves[activation] = net.feedforward(x[np.newaxis])[0]
    return Measured({"x": x, "curves": curves})


@other_activations.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the three bumps."""
    axes = figure.subplots()
    for (activation, curve), color in zip(data["curves"].items(), PALETTE, strict=False):
        number = "four" if activation == "relu" else "two"
        axes.plot(data["x"], curve, color=color, label=f"{number} {activation} neurons")
    style_function(axes, "one bump of each kind of neuron")
    axes.set(xlabel="input x", ylabel="weighted output of the hidden neurons", ylim=(None, 1.35))
    axes.legend(frameon=False, ncols=3, loc="upper center")
