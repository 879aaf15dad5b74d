"""Overfitting: a network with 30 hidden neurons memorizes 1,000 digits.

After about epoch 280, the accuracy on the test data no longer rises, while the cost on the training data still falls.
The cost on the test data rises after about epoch 15: the network learns peculiarities of its 1,000 samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter3.monitored import draw_all, in_the_end, train
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "Overfitting: 1,000 training samples, 400 epochs",
    published=[
        Published("training accuracy after the last epoch", 100.0, "%", FIGURE_DATA),
        Published("test accuracy after the last epoch", 82.2, "%", FIGURE_DATA),
        Published("best test accuracy", 82.27, "%"),
    ],
    size=(9.0, 6.4),
)
def overfitting(*, samples: int = 1000, epochs: int = 400, seed: int = 0) -> Measured:
    """Train 784-30-10 with the cross-entropy cost and chapter 1's initial weights, without regularization."""
    curves = train(samples, epochs, 0.0, seed, costs=True)
    return Measured(curves, in_the_end(curves))


@overfitting.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the book's four figures: costs above, accuracies below."""
    draw_all(data, figure)
