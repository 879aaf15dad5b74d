"""Dropout: two layers of 1,000 neurons, in which each neuron is dropped in training with probability 0.5.

In the book, no other single network of the chapter is as accurate.
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
    "with dropout": Recipe(partial(two_convolutions, ReLU, (1000, 1000), 0.5), eta=0.03, expanded=True, book=99.60)
}


@experiment("Dropout in two fully connected layers", published=published(NETWORKS), size=WIDE)
def dropout(*, samples: int = 50_000, test_samples: int = 10_000, epochs: int = 40, seed: int = 0) -> Measured:
    """Train the network on the expanded data, with eta 0.03 and a dropout probability of 0.5."""
    return accuracies(NETWORKS, samples, test_samples, epochs, seed)


@dropout.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the validation accuracies over the epochs, and the test accuracies beside the book's."""
    draw_results(data, NETWORKS, figure)
