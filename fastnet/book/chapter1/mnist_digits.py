"""The first 100 training images of MNIST, in ten rows of ten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import style_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BORDER = 3
"""Number of pixels that are cut off at each side of an image, so that the images are closer together."""


@experiment("Digits of MNIST", size=(6.0, 6.3))
def mnist_digits(*, rows: int = 10, columns: int = 10) -> Measured:
    """Take the first `rows * columns` training images."""
    training, _, _ = mnist()
    images = training.inputs[: rows * columns].reshape(rows, columns, 28, 28)
    return Measured({"images": images, "labels": training.labels(10)[: rows * columns].reshape(rows, columns)})


@mnist_digits.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the images side by side, as one large image."""
    images = data["images"][:, :, BORDER:-BORDER, BORDER:-BORDER]
    rows, columns, height, width = images.shape
    axes = figure.subplots()
    axes.imshow(images.swapaxes(1, 2).reshape(rows * height, columns * width), cmap="gray_r")
    axes.set_title(f"the first {rows * columns} training images", loc="left")
    style_images(axes)
