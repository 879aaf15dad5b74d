"""Filters of the first convolutional layer: 20 filters of 5 x 5 weights, after three epochs.

Many filters have regions of positive and of negative weights, as in the book: they detect edges and strokes. The
filters with pale noise have learnt nothing: their initial bias was so low that no digit activated their neurons.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter6.networks import two_convolutions
from fastnet.book.chapter6.training import Recipe, train
from fastnet.book.experiment import Measured, experiment
from fastnet.network3 import ReLU
from fastnet.plots.weights import weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORK = Recipe(partial(two_convolutions, ReLU), eta=0.03, lmbda=0.1)


@experiment("Filters of the first convolutional layer", size=(7.0, 4.4))
def filters(*, samples: int = 50_000, epochs: int = 3, seed: int = 0) -> Measured:
    """Train a network of rectified linear units with two convolutional layers."""
    (net,) = train([NETWORK], samples, 1000, epochs, [seed], is_tested=False)
    return Measured({"filters": as_seen(net.layers[0].w)})


def as_seen(w: np.ndarray) -> np.ndarray:
    """Return filters, shape (filters, maps, height, width), rotated by 180 degrees, as a convolution applies them."""
    return w[:, :, ::-1, ::-1]


@filters.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw each filter as a small image."""
    weights(data["filters"], axes=figure.subplots())
