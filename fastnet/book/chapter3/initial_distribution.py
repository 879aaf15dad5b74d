"""The weighted input z of a hidden neuron before training, with 500 inputs of 1 and 500 inputs of 0.

With the old initial weights, z is the sum of 501 independent standard normal variables, so its standard deviation is
sqrt(501) = 22.4. Most neurons are saturated: their output is below 0.01 or above 0.99. With the new initial weights,
the standard deviation is sqrt(3/2) = 1.22, and almost no neuron is saturated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import network2
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.figures import GRID, PALETTE, in_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "The weighted input of a neuron before training",
    published=[
        Published("standard deviation, old weights", 22.4),
        Published("standard deviation, new weights", 1.22),
    ],
    size=(9.0, 4.0),
)
def initial_distribution(*, neurons: int = 5000, inputs: int = 1000, seed: int = 0) -> Measured:
    """Compute the weighted inputs of randomly initialized neurons, where half of the inputs are 1 and half are 0."""
    on = np.zeros((inputs, 1))
    on[: inputs // 2] = 1
    net = network2.Network([inputs, neurons], seed=seed)
    new = (net.weights[0] @ on + net.biases[0]).ravel()
    net.large_weight_initializer()
    old = (net.weights[0] @ on + net.biases[0]).ravel()
    in_theory = {"old weights": np.sqrt(inputs // 2 + 1), "new weights": np.sqrt(inputs // 2 / inputs + 1)}
    z = {"old weights": old, "new weights": new}
    saturated = {name: np.mean(np.abs(values) > np.log(99)) for name, values in z.items()}  # sigmoid(log(99)) is 0.99
    return Measured(
        {"z": z, "standard deviation in theory": in_theory, "saturated": saturated},
        {f"standard deviation, {name}": float(np.std(values)) for name, values in z.items()},
    )


@initial_distribution.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a panel for the old and one for the new weights, each with a histogram of z and its theoretical density."""
    at = np.linspace(-60, 60, 1201)
    for axes, (name, z), color in zip(figure.subplots(1, 2), data["z"].items(), PALETTE, strict=False):
        deviation = data["standard deviation in theory"][name]
        axes.hist(z, bins=np.linspace(-4, 4, 61) * deviation, density=True, color=color, alpha=0.35)
        axes.plot(at, np.exp(-((at / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi)), color=color)
        axes.set_xlim(-60, 60)
        axes.set_xlabel("z")
        axes.set_ylabel("density")
        axes.set_title(f"{name}: {in_percent(round(data['saturated'][name], 3))} saturated", loc="left")
        axes.grid(color=GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
