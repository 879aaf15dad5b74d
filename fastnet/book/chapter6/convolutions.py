"""Convolutional layers: networks with none, one and two convolutional layers.

Each convolutional layer raises the accuracy. The training of the three networks took 12, 154 and 343 seconds, each on
one processor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.chapter6.curves import WIDE, draw_results
from fastnet.book.chapter6.networks import one_convolution, shallow, two_convolutions
from fastnet.book.chapter6.training import Recipe, accuracies, published
from fastnet.book.experiment import Measured, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORKS = {
    "100 hidden neurons": Recipe(shallow, eta=0.1, book=97.80),
    "one convolution": Recipe(one_convolution, eta=0.1, book=98.78),
    "two convolutions": Recipe(two_convolutions, eta=0.1, book=99.06),
}


@experiment("Networks with none, one and two convolutional layers", published=published(NETWORKS), size=WIDE)
def convolutions(*, samples: int = 50_000, test_samples: int = 10_000, epochs: int = 60, seed: int = 0) -> Measured:
    """Train networks of sigmoid neurons, with eta 0.1."""
    return accuracies(NETWORKS, samples, test_samples, epochs, seed)


@convolutions.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the validation accuracies over the epochs, and the test accuracies beside the book's."""
    draw_results(data, NETWORKS, figure)
