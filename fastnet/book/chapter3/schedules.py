"""Learning rate schedules: decreasing rates end with a higher accuracy than a constant rate.

Four schedules are compared. With the first, the rate is constant, as everywhere else in the chapter. With the second,
the rate is halved after three epochs without an improvement; the book proposes ten. With the third, the rate is divided
by a constant after each epoch. With the fourth, the rate follows half a period of a cosine. The book gives no results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_accuracies, draw_curves, shares
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Learning rate schedules", size=(11.0, 4.2))
def schedules(*, samples: int = 50_000, epochs: int = 20, patience: int = 3, seed: int = 0) -> Measured:
    """Train 784-30-10 with each schedule, from the same initial weights.

    The initial eta is 0.5, and lambda is 5 * samples / 50,000.

    Parameters
    ----------
    samples : int
        Number of training samples.
    epochs : int
        Number of epochs.
    patience : int
        Number of epochs without an improvement after which "halve" halves the rate.
    seed : int
        Seed of each network.
    """
    training, validation, _ = mnist()
    rates, accuracies = {}, {}
    for name in ("constant", "halve", "geometric", "cosine"):
        net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
        _, correct, _, _ = net.SGD(
            training[:samples],
            epochs,
            10,
            0.5,
            lmbda=5.0 * samples / 50_000,
            evaluation_data=validation,
            monitor_evaluation_accuracy=True,
            schedule=None if name == "constant" else name,
            patience=patience if name == "halve" else None,
            report=silently,
        )
        assert net.history is not None
        rates[name] = net.history.series("eta")
        accuracies[name] = shares(correct, validation)
    return Measured({"learning rate": rates, "validation accuracy": accuracies})


@schedules.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the learning rates on the left, and the accuracies on the validation data on the right."""
    left, right = figure.subplots(1, 2)
    left.set_yscale("log")
    draw_curves(left, data["learning rate"], "learning rate")
    draw_accuracies(right, data["validation accuracy"], "validation accuracy", lowest=0.93)
