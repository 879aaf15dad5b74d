"""The vanishing gradient: before any training, each hidden layer learns more slowly than the next layer.

The speed of a layer is the norm of the gradient of its biases. The gradient is the mean over 1,000 training samples.
From each layer to the previous layer, the speed falls to about a fifth. The initial weights are random. Among 30
networks that differ only in their seed, the speed of a layer differs by a factor of 2 to 5. The book shows one network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter5.speeds import DEPTHS, deep_network, hidden_layers, speeds
from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.book.seeds import consecutive
from fastnet.plots.figures import GRID, OTHERS, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BOOK = {2: (0.07, 0.31), 3: (0.012, 0.060, 0.283), 4: (0.003, 0.017, 0.070, 0.285)}
DIGITS = {2: 2, 3: 3, 4: 3}
"""Number of decimal places of the book's speeds, by the number of hidden layers."""


def name_of(depth: int, layer: int) -> str:
    """Return the name of a published value: the speed of hidden layer `layer` (from 1) of `depth`."""
    return f"{hidden_layers(depth)}: layer {layer}"


@experiment(
    "How fast hidden layers learn before any training",
    published=[
        Published(name_of(depth, layer), value, tolerance=0.5 * 10.0 ** -DIGITS[depth])
        for depth, found in BOOK.items()
        for layer, value in enumerate(found, 1)
    ],
    size=(9.0, 4.2),
)
def initial_gradients(*, samples: int = 1000, networks: int = 30, seed: int = 0) -> Measured:
    """Compute the layers' speeds for the seeds `seed`, `seed + 1`, ...; `values` has the speeds for the first seed."""
    training, _, _ = mnist()
    training = training[:samples]
    data: dict[str, np.ndarray] = {}
    values: dict[str, float] = {}
    for depth in DEPTHS:
        found = [speeds(deep_network(depth, each).gradients(training)[0]) for each in consecutive(seed, networks)]
        data[hidden_layers(depth)] = np.array(found)
        values |= {name_of(depth, layer): value for layer, value in enumerate(found[0], 1)}
    return Measured(data, values)


@initial_gradients.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the speeds of all networks, the medians, and the book's speeds."""
    panels = figure.subplots(1, len(data), sharey=True, width_ratios=DEPTHS)
    for axes, (title, found), book in zip(panels, data.items(), BOOK.values(), strict=True):
        layers = range(1, found.shape[1] + 1)
        axes.semilogy(layers, found.T, color=OTHERS, linewidth=0.6, alpha=0.7)
        axes.plot(layers, np.median(found, axis=0), "o-", color=PALETTE[0], label=f"median of {len(found)} networks")
        axes.plot(layers, book, "D", color=PALETTE[1], label="the book's network")
        axes.set_title(title, loc="left")
        axes.set(xlabel="hidden layer", xticks=layers, xlim=(0.7, len(layers) + 0.3))
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("norm of the gradient of the biases")
    panels[-1].legend(loc="lower right", frameon=False)
