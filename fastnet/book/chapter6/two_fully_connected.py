"""A second fully connected layer, on the expanded data: both layers have 100, 300 or 1,000 neurons.

In the book, the second layer raises the accuracy only a little. With one layer of 100 neurons, the training took 1248
seconds on one processor. Networks with two layers take longer to train.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter6.curves import WIDE, draw_results
from fastnet.book.chapter6.networks import two_convolutions
from fastnet.book.chapter6.training import Recipe, accuracies, published
from fastnet.book.experiment import Measured, experiment
from fastnet.network3 import ReLU

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = {
    f"twice {hidden:,} neurons": Recipe(
        partial(two_convolutions, ReLU, (hidden, hidden)), eta=0.03, lmbda=0.1, expanded=True, book=book
    )
    for hidden, book in ((100, 99.43), (300, 99.48), (1000, 99.47))
}


@experiment("A second fully connected layer", published=published(NETWORKS), size=WIDE)
def two_fully_connected(
    *, samples: int = 50_000, test_samples: int = 10_000, epochs: int = 60, seed: int = 0
) -> Measured:
    """Train networks of rectified linear units on the expanded data, with eta 0.03 and lambda 0.1."""
    return accuracies(NETWORKS, samples, test_samples, epochs, seed)


@two_fully_connected.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the validation accuracies over the epochs, and the test accuracies beside the book's."""
    draw_results(data, NETWORKS, figure)
