"""The four equations of backpropagation, each checked against numerical derivatives of the cost.

The equations BP1 and BP2 give the error of a layer: the derivative of the cost with respect to the layer's weighted
inputs z. BP3 and BP4 give the derivatives with respect to the layer's biases and weights. Each derivative is also
approximated by a central difference of two costs. The two results agree to at least eight digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter2.feedforward import Parameters, cost, drawn, feedforward
from fastnet.book.experiment import Measured, experiment
from fastnet.network import sigmoid, sigmoid_prime
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EQUATIONS = {
    "BP1": r"$\delta^L = \nabla_a C \odot \sigma'(z^L)$",
    "BP2": r"$\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)$",
    "BP3": r"$\partial C / \partial b^l_j = \delta^l_j$",
    "BP4": r"$\partial C / \partial w^l_{jk} = a^{l-1}_k \delta^l_j$",
}


@experiment("The four equations of backpropagation", size=(8.0, 3.4))
def equations(*, sizes: Sequence[int] = (6, 5, 4, 3), step: float = 1e-5, seed: int = 0) -> Measured:
    """Evaluate each equation on a random network, and compare it with central differences, layer by layer.

    For each equation, `data` has the largest difference in each layer, relative to the layer's largest derivative.
    """
    random = np.random.default_rng(seed)
    parameters = drawn(sizes, random)
    x, y = random.standard_normal((sizes[0], 1)), random.random((sizes[-1], 1))
    zs, activations = feedforward(parameters, x)
    last = len(zs) - 1
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    found: dict[str, list[float]] = {name: [] for name in EQUATIONS}
    for layer in reversed(range(len(zs))):
        if layer < last:
            delta = (parameters.weights[layer + 1].T @ delta) * sigmoid_prime(zs[layer])
        after = Parameters(*(each[layer + 1 :] for each in parameters))
        checks = {
            "BP1" if layer == last else "BP2": (delta, zs[layer], partial(cost_from, after, zs[layer], y)),
            "BP3": (delta, parameters.biases[layer], partial(cost_of, parameters, x, y)),
            "BP4": (delta @ activations[layer].T, parameters.weights[layer], partial(cost_of, parameters, x, y)),
        }
        for name, (derivatives, place, cost_now) in checks.items():
            differences = central_differences(cost_now, place, step)
            found[name].append(float(np.abs(derivatives - differences).max() / np.abs(differences).max()))
    return Measured(found)


def cost_of(parameters: Parameters, x: np.ndarray, y: np.ndarray) -> float:
    """Return the quadratic cost of a sample."""
    return cost(feedforward(parameters, x)[1][-1], y)


def cost_from(after: Parameters, z: np.ndarray, y: np.ndarray) -> float:
    """Return the cost of a sample, given the weighted inputs `z` of a layer and the parameters of the later layers."""
    return cost_of(after, sigmoid(z), y)


def central_differences(cost_now: Callable[[], float], place: np.ndarray, step: float) -> np.ndarray:
    """Return the central difference of the cost for each number in `place`; each number is changed and restored."""
    differences = np.empty_like(place)
    for index, number in np.ndenumerate(place):
        costs = []
        for changed in (number + step, number - step):
            place[index] = changed
            costs.append(cost_now())
        place[index] = number
        differences[index] = (costs[0] - costs[1]) / (2 * step)
    return differences


@equations.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the relative differences on a logarithmic axis, with a dot for each equation and layer."""
    axes = figure.subplots()
    for row, differences in enumerate(data.values()):
        axes.plot(differences, [row] * len(differences), "o", color=PALETTE[0], markersize=9, alpha=0.7)
    names = [f"{name}:  {formula}" for name, formula in EQUATIONS.items()]
    axes.set_yticks(range(len(names)), names, fontsize="large")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlim(1e-13, 1e-5)
    axes.set_xlabel("largest relative difference from central differences (a dot for each layer)")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
