"""How fast hidden layers learn during training: early layers stay slower than late layers.

Each epoch is one step of gradient descent on all 1,000 samples. The figure shows the speeds before each step. With two
hidden layers, both layers soon learn at similar speeds. At the end of training, the last of four hidden layers is about
100 times as fast as the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter5.speeds import DEPTHS, deep_network, hidden_layers, speeds
from fastnet.book.digits import mnist
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment
from fastnet.plots.figures import PALETTE, style_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fastnet.datasets.dataset import Dataset

BOOK = {2: (0.003435, 0.009630), 3: (0.00008556, 0.001261), 4: (0.000008212, 0.0009247)}
"""Speeds of the first and the last hidden layer in the last epoch, by the number of hidden layers."""


def name_of(depth: int, which: str) -> str:
    """Return the name of a published value: the speed of the first or the last hidden layer."""
    return f"{hidden_layers(depth)}: {which} layer in the last epoch"


@experiment(
    "How fast hidden layers learn during training",
    published=[
        Published(
            name_of(depth, which),
            value,
            source=FIGURE_DATA,
            reason_for_difference="With 30 seeds, some values are below the book's, some above.",
        )
        for depth, found in BOOK.items()
        for which, value in zip(("first", "last"), found, strict=True)
    ],
    size=(10.0, 3.8),
)
def training_speeds(*, samples: int = 1000, epochs: int = 500, seed: int = 0) -> Measured:
    """Train networks of two, three and four hidden layers with eta 0.1 and lambda 5."""
    training, _, _ = mnist()
    data: dict[str, np.ndarray] = {}
    values: dict[str, float] = {}
    for depth in DEPTHS:
        found = descend(training[:samples], depth, epochs, 0.1, 5.0, seed)
        data[hidden_layers(depth)] = found
        values |= {name_of(depth, "first"): float(found[-1, 0]), name_of(depth, "last"): float(found[-1, -1])}
    return Measured(data, values)


def descend(training: Dataset, depth: int, epochs: int, eta: float, lmbda: float, seed: int) -> np.ndarray:
    """Train by gradient descent on all samples, and return the speeds before each step, shape (epochs, depth)."""
    net, found = deep_network(depth, seed), []
    for _ in range(epochs):
        nabla_b, nabla_w = net.gradients(training, lmbda)
        found.append(speeds(nabla_b))
        net.weights = [w - eta * nabla for w, nabla in zip(net.weights, nabla_w, strict=True)]
        net.biases = [b - eta * nabla for b, nabla in zip(net.biases, nabla_b, strict=True)]
    return np.array(found)


@training_speeds.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a panel for each network, with the speed of each hidden layer against the epochs."""
    panels = figure.subplots(1, len(data), sharey=True)
    for axes, (title, found) in zip(panels, data.items(), strict=True):
        for layer, (curve, color) in enumerate(zip(found.T, PALETTE, strict=False), 1):
            axes.semilogy(curve, color=color, label=f"layer {layer}")
        axes.set_title(title, loc="left")
        style_curves(axes, len(found))
    panels[0].set_ylabel("norm of the gradient of the biases")
    panels[-1].legend(loc="upper right", frameon=False)
