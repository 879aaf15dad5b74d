"""Why gradients vanish: the derivative of the sigmoid function is at most 1/4.

In a chain of neurons, the gradient of an early bias has a factor w sigmoid'(z) for each later neuron. With random
weights, most factors are smaller than 1/4, so their product falls with the length of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import network2
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.figures import GRID, OTHERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = "largest value of the derivative"


@experiment(
    "The derivative of the sigmoid function, and products of it", published=[Published(LARGEST, 0.25, tolerance=0.005)]
)
def sigmoid_prime(*, chains: int = 1000, neurons: int = 8, seed: int = 0) -> Measured:
    """Compute the derivative, and products of |w sigmoid'(z)| in chains with chapter 1's random weights and biases."""
    z = np.linspace(-4, 4, 401)
    derivative = network2.sigmoid_prime(z)
    weights, biases = np.random.default_rng(seed).standard_normal((2, neurons, chains))
    factors = factors_of_chains(weights, biases, start=1.0)
    data = {
        "z": z,
        "derivative": derivative,
        "products": np.cumprod(factors, axis=0),
        "share of factors below 1/4": float((factors < 0.25).mean()),
    }
    return Measured(data, {LARGEST: float(derivative.max())})


def factors_of_chains(weights: np.ndarray, biases: np.ndarray, start: float) -> np.ndarray:
    """Return |w sigmoid'(z)| of each neuron, shape (neurons, chains), in chains of one neuron per layer.

    Parameters
    ----------
    weights, biases : ndarray, shape (neurons, chains)
        Weight and bias of each neuron.
    start : float
        Input of each chain.
    """
    factors, activation = [], np.full(weights.shape[1], start)
    for w, b in zip(weights, biases, strict=True):
        z = w * activation + b
        factors.append(np.abs(w * network2.sigmoid_prime(z)))
        activation = network2.sigmoid(z)
    return np.array(factors)


@sigmoid_prime.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the derivative against z, and the products against the number of neurons."""
    left, right = figure.subplots(1, 2)
    left.plot(data["z"], data["derivative"], color=PALETTE[0])
    left.axhline(0.25, color=OTHERS, linestyle="--")
    left.set_title("derivative of the sigmoid", loc="left")
    left.set(xlabel="z", ylim=(0, 0.275))
    products = data["products"]
    numbers = np.arange(1, len(products) + 1)
    low, middle, high = np.quantile(products, (0.05, 0.5, 0.95), axis=1)
    right.fill_between(numbers, low, high, color=PALETTE[5], alpha=0.35, linewidth=0, label="90 % of the chains")
    right.semilogy(numbers, middle, "o-", color=PALETTE[0], label="median")
    right.plot(numbers, 0.25**numbers, color=PALETTE[1], linestyle="--", label="1/4 for each neuron")
    right.set_title(r"product of $|w\,\sigma'(z)|$ in a chain", loc="left")
    right.set(xlabel="neurons", xticks=numbers)
    right.legend(loc="lower left", frameon=False)
    for axes in (left, right):
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
