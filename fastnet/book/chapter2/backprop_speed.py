"""Why backpropagation is fast: a gradient takes about as long as two forward passes, for any number of weights.

To approximate the derivative with respect to one weight, change the weight a little. Divide the change of the cost by
the change of the weight. All derivatives then take one forward pass for each weight, and one with the unchanged
weights. Backpropagation computes all derivatives with one forward pass and one backward pass.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter2.feedforward import Parameters, cost, drawn, feedforward
from fastnet.book.chapter2.matrix_based import backprop
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("The time for a gradient: backpropagation, and one forward pass for each weight")
def backprop_speed(
    *, inputs: int = 100, hidden: Sequence[int] = (1, 3, 10, 30, 100), repeats: int = 5, seed: int = 0
) -> Measured:
    """Measure the times of backpropagation and forward differences, for each number of hidden neurons in `hidden`."""
    random = np.random.default_rng(seed)
    x, y = random.random((inputs, 1)), random.random((10, 1))
    weights, largest = [], []
    seconds: dict[str, list[float]] = {"one forward pass for each weight": [], "backpropagation": []}
    for n in hidden:
        parameters = drawn([inputs, n, 10], random)
        weights.append(sum(w.size for w in parameters.weights))
        start = time.perf_counter()
        approximated = differences(parameters, x, y)
        seconds["one forward pass for each weight"].append(time.perf_counter() - start)
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            _, gradient = backprop(parameters, x, y)
            times.append(time.perf_counter() - start)
        seconds["backpropagation"].append(min(times))
        largest.append(max(float(np.abs(a - g).max()) for a, g in zip(approximated, gradient, strict=True)))
    return Measured({"weights": weights, "seconds": seconds, "largest differences": largest})


def differences(parameters: Parameters, x: np.ndarray, y: np.ndarray, step: float = 1e-6) -> list[np.ndarray]:
    """Return forward differences of the cost for all weights: one array per layer, shaped like the layer's weights."""

    def cost_now() -> float:
        return cost(feedforward(parameters, x)[1][-1], y)

    before = cost_now()
    gradient = [np.empty_like(w) for w in parameters.weights]
    for w, derivatives in zip(parameters.weights, gradient, strict=True):
        for index, number in np.ndenumerate(w):
            w[index] = number + step
            derivatives[index] = (cost_now() - before) / step
            w[index] = number
    return gradient


@backprop_speed.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the times against the number of weights; both axes are logarithmic."""
    axes = figure.subplots()
    for (name, seconds), color in zip(data["seconds"].items(), PALETTE[1::-1], strict=True):
        axes.plot(data["weights"], [1e3 * each for each in seconds], "o-", color=color, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlabel="weights", ylabel="time for a gradient (ms)")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
