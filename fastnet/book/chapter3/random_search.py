"""Random search: the accuracies of networks with random hyper-parameters after a short training.

The networks learn from a part of the data, as the book advises for first experiments. The logarithms of eta and lambda
are drawn uniformly, because even the right order of magnitude is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet import network2
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import GRID, in_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Random search for hyper-parameters")
def random_search(*, trials: int = 40, samples: int = 5000, epochs: int = 5, seed: int = 0) -> Measured:
    """Train networks with random eta (0.01 to 10), lambda (0.01 to 100) and number of hidden neurons (10 to 100).

    Parameters
    ----------
    trials : int
        Number of networks.
    samples : int
        Number of training samples. Lambda is given for 50,000 samples, and is reduced in proportion for fewer samples.
    epochs : int
        Number of epochs of each network.
    seed : int
        Seed of the search and of each network.
    """
    training, validation, _ = mnist()
    random = np.random.default_rng(seed)
    found = []
    for _ in range(trials):
        eta, lmbda = 10 ** random.uniform((-2, -2), (1, 2))
        hidden = int(random.integers(10, 101))
        net = network2.Network([784, hidden, 10], network2.CrossEntropyCost, seed=seed)
        net.SGD(training[:samples], epochs, 10, eta, lmbda * samples / 50_000, report=silently)
        found.append((eta, lmbda, hidden, net.accuracy(validation) / len(validation)))
    columns = np.array(found).T
    return Measured(dict(zip(("eta", "lambda", "hidden neurons", "validation accuracy"), columns, strict=True)))


@random_search.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a point for each network at its eta and lambda: colour is accuracy, area is the number of hidden neurons."""
    axes = figure.subplots()
    accuracy = data["validation accuracy"]
    best = int(np.argmax(accuracy))
    points = axes.scatter(
        data["eta"], data["lambda"], s=2 * data["hidden neurons"], c=accuracy, cmap="viridis", vmin=accuracy[best] - 0.1
    )
    axes.set(xscale="log", yscale="log", xlabel="eta", ylabel="lambda for 50,000 samples")
    axes.set_title(
        f"best: {in_percent(accuracy[best])} with eta {data['eta'][best]:.2g}, lambda {data['lambda'][best]:.2g}, "
        f"{data['hidden neurons'][best]:.0f} hidden neurons\nlarger points: more hidden neurons",
        loc="left",
    )
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.colorbar(points, label="validation accuracy", format=in_percent, extend="min")
