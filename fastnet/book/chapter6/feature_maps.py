"""Outputs of the first convolutional layer for a digit: 20 feature maps, pooled to 12 x 12 each.

Some maps show horizontal strokes, some slanted strokes, some the background. Maps of filters that have learnt nothing
are empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter6.filters import NETWORK, as_seen
from fastnet.book.chapter6.training import train
from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.network3 import ConvPoolLayer
from fastnet.plots.figures import GRID, style_images
from fastnet.plots.images import Mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Feature maps of a digit", size=(8.0, 3.8))
def feature_maps(*, digit: int = 0, samples: int = 50_000, epochs: int = 3, seed: int = 0) -> Measured:
    """Train the network of `filters`, and compute the feature maps of its first layer for a test image.

    Parameters
    ----------
    digit : int
        Index of the test image.
    samples, epochs, seed : int
        Number of training samples, number of epochs, and seed of the network.
    """
    (net,) = train([NETWORK], samples, 1000, epochs, [seed], is_tested=False)
    image = mnist()[2].inputs[digit].reshape(28, 28)
    layer = net.layers[0]
    assert isinstance(layer, ConvPoolLayer)
    return Measured({"image": image, "maps": maps_of(layer, image)})


def maps_of(layer: ConvPoolLayer, image: np.ndarray) -> np.ndarray:
    """Return a layer's feature maps for an image, shape (filters, rows, columns): convolution, pooling, activation."""
    fields = np.lib.stride_tricks.sliding_window_view(image, layer.filter_shape[2:])
    z = np.einsum("fij,rcij->frc", as_seen(layer.w)[:, 0], fields)
    height, width = layer.poolsize
    n, rows, columns = z.shape
    pooled = z.reshape(n, rows // height, height, columns // width, width).max(axis=(2, 4))
    maps: np.ndarray = layer.activation_fn(pooled + layer.b[:, np.newaxis, np.newaxis])
    return maps


@feature_maps.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the digit, and its feature maps at the right."""
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.6))
    style_images(left)
    left.imshow(data["image"], cmap="gray_r")
    left.set_title("a test image", loc="left")
    Mosaic(data["maps"], (1, 1)).draw(right, cmap="gray_r", vmin=0)
    right.set_facecolor(GRID)  # shows where maps without any output are
    for axes in (left, right):
        axes.set_anchor("N")
    right.set_title("its feature maps after pooling", loc="left")
