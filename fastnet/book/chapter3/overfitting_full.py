"""Overfitting with all 50,000 training samples is weaker than with 1,000 samples.

The training accuracy is higher than the test accuracy, and the gap still grows in the last epochs. The gap is a few
percentage points; with 1,000 training samples, the gap is 18 percentage points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter3.curves import draw_accuracies
from fastnet.book.chapter3.monitored import in_the_end, train
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "Less overfitting: 50,000 training samples, 30 epochs",
    published=[
        Published("training accuracy after the last epoch", 97.86, "%", FIGURE_DATA),
        Published("test accuracy after the last epoch", 95.31, "%", FIGURE_DATA),
        Published("best test accuracy", 95.33, "%", FIGURE_DATA),
    ],
)
def overfitting_full(*, samples: int = 50_000, epochs: int = 30, seed: int = 0) -> Measured:
    """Train 784-30-10 with the cross-entropy cost and chapter 1's initial weights, without regularization."""
    curves = train(samples, epochs, 0.0, seed, costs=False)
    return Measured(curves, in_the_end(curves))


@overfitting_full.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the accuracies on the training and on the test data."""
    draw_accuracies(figure.subplots(), data, "accuracy, no regularization", lowest=0.9, highest=1)
