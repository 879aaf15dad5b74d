"""A network that approximates the chapter's function of one input within a given error, without any training.

The height of a bump is the value of the function at the bump's midpoint. Within half the width of a bump, the function
changes by at most half the width times the function's largest slope. This bound gives a number of bumps that is
sufficient for the given error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter4.axes import style_function
from fastnet.book.chapter4.by_hand import bumps_of_heights, cells_of
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import OTHERS, PALETTE
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnet import network2

STEEPNESS = 50
"""Weight of a step neuron times the width of a bump: large, so that a step is much narrower than a bump."""


def f(x: np.ndarray) -> np.ndarray:
    """Return the chapter's function at each number in `x`, in an array of the same shape."""
    value: np.ndarray = 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)
    return value


@experiment("A function of one input, approximated by bumps within a given error", size=(7.0, 5.4))
def one_input(*, error: float = 0.05, points: int = 10_001) -> Measured:
    """Build a network with enough bumps for the given error, and measure the network's error on a fine grid.

    Parameters
    ----------
    error : float
        Upper bound of the absolute difference between the network's output and the function; must be positive.
    points : int
        Number of inputs for which the network and the function are compared.

    Raises
    ------
    TypeError, ValueError
        If `error` is not a positive and finite number.
    """
    error = arguments.positive_number(error, "error", np.dtype(np.float64))
    x = np.linspace(0, 1, points)
    slope = np.abs(np.gradient(f(x), x)).max()
    net = approximation(math.floor(slope / (2 * error)) + 1)
    output = net.feedforward(x[np.newaxis])[0]
    data = {
        "x": x,
        "function": f(x),
        "output": output,
        "error": error,
        "bumps": net.sizes[1] // 2,
        "largest error": float(np.abs(output - f(x)).max()),
    }
    return Measured(data)


def approximation(number: int) -> network2.Network:
    """Return a network of `number` bumps that approximates `f` for inputs from 0 to 1."""
    edges, middles = cells_of(number)
    return bumps_of_heights(edges, f(middles), STEEPNESS * number)


@one_input.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the function with the network's output, and their difference below."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    upper.plot(data["x"], data["output"], color=PALETTE[0], label=f"network of {data['bumps']} bumps")
    upper.plot(data["x"], data["function"], color=PALETTE[1], label="f(x)")
    upper.legend(frameon=False)
    style_function(upper, "f(x) = 0.2 + 0.4 x² + 0.3 x sin(15 x) + 0.05 cos(50 x)")
    lower.plot(data["x"], data["output"] - data["function"], color=PALETTE[0], linewidth=0.8)
    for bound in (-data["error"], data["error"]):
        lower.axhline(bound, color=OTHERS, linestyle="--")
    style_function(lower, f"error of the network: at most {data['largest error']:.3f}")
    lower.set_xlabel("input x")
