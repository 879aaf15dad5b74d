"""More neurons in the fully connected layer, on the expanded data: 100, 300 and 1,000 neurons.

In the book, the networks with more neurons are only a little more accurate. The training took 1248 seconds with 100
neurons, on one processor. The two larger networks take longer to train.
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
    f"{hidden:,} neurons": Recipe(
        partial(two_convolutions, ReLU, (hidden,)), eta=0.03, lmbda=0.1, expanded=True, book=book
    )
    for hidden, book in ((100, 99.37), (300, 99.46), (1000, 99.43))
}


@experiment("More neurons in the fully connected layer", published=published(NETWORKS), size=WIDE)
def expanded_units(*, samples: int = 50_000, test_samples: int = 10_000, epochs: int = 60, seed: int = 0) -> Measured:
    """Train networks of rectified linear units on the expanded data, with eta 0.03 and lambda 0.1."""
    return accuracies(NETWORKS, samples, test_samples, epochs, seed)


@expanded_units.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the validation accuracies over the epochs, and the test accuracies beside the book's."""
    draw_results(data, NETWORKS, figure)
