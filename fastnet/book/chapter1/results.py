"""Test accuracies of chapter 1's networks over 30 epochs of stochastic gradient descent, also with bad learning rates.

With eta 3 and mini-batches of 10, the network with 100 hidden neurons is more accurate than the network with 30. With
some initial weights, a network with eta 3 never learns one or two of the digits, and stays below 90 percent. The book
therefore takes the best of three runs. With eta 0.001, the network learns very slowly. With eta 100, the network learns
almost nothing. In the book, training a network without a hidden layer is an exercise, whose result the book does not
give.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from joblib import Parallel, delayed

from fastnet import network
from fastnet.book.digits import mnist, silence
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.book.seeds import consecutive
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.plots.figures import PALETTE, in_percent, style_curves
from fastnet.plots.labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Trained(NamedTuple):
    """Sizes of a network's layers, the learning rate, and the number of runs from which the best is taken."""

    sizes: list[int]
    eta: float
    runs: int


NETWORKS = {
    "30 hidden, η = 3": Trained([784, 30, 10], 3.0, 3),
    "100 hidden, η = 3": Trained([784, 100, 10], 3.0, 3),
    "no hidden layer, η = 3": Trained([784, 10], 3.0, 3),
    "100 hidden, η = 0.001": Trained([784, 100, 10], 0.001, 1),
    "30 hidden, η = 100": Trained([784, 30, 10], 100.0, 1),
}


@experiment(
    "Chapter 1's networks on MNIST",
    published=[
        Published("best test accuracy, 30 hidden, η = 3", 95.42, "%"),
        Published("best test accuracy, 100 hidden, η = 3", 96.59, "%"),
        Published("test accuracy after the last epoch, 100 hidden, η = 0.001", 21.42, "%"),
        Published("test accuracy after the last epoch, 30 hidden, η = 100", 9.82, "%"),
    ],
    size=(10.0, 4.4),
)
def results(*, samples: int = 50_000, epochs: int = 30, seed: int = 0) -> Measured:
    """Train the networks with mini-batches of 10, as many networks at a time as there are processors."""
    tasks = [(name, each) for name, trained in NETWORKS.items() for each in consecutive(3 * seed, trained.runs)]
    with silence(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)  # expected: some networks never predict some digits
        curves = Parallel(n_jobs=-1, prefer="threads")(
            delayed(accuracies)(NETWORKS[name], samples, epochs, seed) for name, seed in tasks
        )
    best: dict[str, list[float]] = {}
    for (name, _), curve in zip(tasks, curves, strict=True):
        best[name] = max(curve, best.get(name, curve), key=max)
    values = {f"best test accuracy, {name}": 100 * max(curve) for name, curve in best.items()}
    values |= {f"test accuracy after the last epoch, {name}": 100 * curve[-1] for name, curve in best.items()}
    return Measured(best, values)


def accuracies(trained: Trained, samples: int, epochs: int, seed: int) -> list[float]:
    """Train a network, and return its test accuracy after each epoch, from 0 to 1."""
    training, _, test = mnist()
    net = network.Network(trained.sizes, seed=seed)
    net.SGD(training[:samples], epochs, 10, trained.eta, test_data=test)
    assert net.history is not None
    return [correct / len(test) for correct in net.history.series("evaluation_accuracy")]


@results.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the test accuracies against the epochs in two panels: the whole range, and 90 to 100 % enlarged."""
    whole, enlarged = figure.subplots(1, 2, width_ratios=[4, 3])
    ends = []
    for (name, curve), color in zip(data.items(), PALETTE, strict=False):
        for axes in (whole, enlarged):
            axes.plot(curve, color=color)
        ends.append(End(name, color, (len(curve) - 1, curve[-1])))
    for axes, lowest, title in ((whole, 0.0, "accuracy on the test data"), (enlarged, 0.9, "the same, enlarged")):
        axes.set_title(title, loc="left")
        axes.yaxis.set_major_formatter(in_percent)
        style_curves(axes, len(curve))
        axes.set_ylim(lowest, 1.0)
    label_ends(whole, ends)
