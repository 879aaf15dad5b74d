"""The exploding gradient: weights are large, and biases put each neuron at the steepest point of the sigmoid.

With weights of 100 and biases such that each z is 0, the factor w sigmoid'(z) of each neuron is 100 / 4 = 25. From each
neuron to the previous neuron, the gradient grows 25-fold. With weights of 1, the gradient falls to a quarter from each
neuron to the previous neuron.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import network2
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACTOR = "factor from each neuron to the one before"


@experiment("A gradient that explodes, and one that vanishes", published=[Published(FACTOR, 25.0, tolerance=0.5)])
def exploding(*, weight: float = 100.0, neurons: int = 4) -> Measured:
    """Compute the gradient of each bias in a chain of neurons with weight `weight`, and in a chain with weight 1."""
    gradients = {f"w = {w:g}": gradients_of_biases(w, neurons) for w in (weight, 1.0)}
    of_weight = gradients[f"w = {weight:g}"]
    return Measured({"gradients": gradients}, {FACTOR: float(of_weight[0] / of_weight[1])})


def gradients_of_biases(weight: float, neurons: int, start: float = 1.0) -> np.ndarray:
    """Return the absolute gradient of the quadratic cost for each bias, shape (neurons,), in a chain of neurons.

    Each bias is minus the weight times the previous activation, so z is 0 and the activation is 1/2.
    """
    net = network2.Network([1] * (neurons + 1), network2.QuadraticCost, engine="numpy", dtype="float64", seed=0)
    before = [start, *[0.5] * (neurons - 1)]
    net.weights = [np.full((1, 1), weight) for _ in before]
    net.biases = [np.full((1, 1), -weight * activation) for activation in before]
    nabla_b, _ = net.backprop([[start]], [[1.0]])
    gradients: np.ndarray = np.abs(np.ravel(nabla_b))
    return gradients


@exploding.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the gradients of the biases from the first neuron to the last."""
    axes = figure.subplots()
    for (name, gradients), color in zip(data["gradients"].items(), (PALETTE[1], PALETTE[0]), strict=True):
        axes.semilogy(range(1, len(gradients) + 1), gradients, "o-", color=color, label=name)
    axes.set_title("gradient of the bias of each neuron in a chain, all with z = 0", loc="left")
    axes.set(xlabel="neuron", ylabel="|∂C / ∂b|", xticks=range(1, len(gradients) + 1))
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
