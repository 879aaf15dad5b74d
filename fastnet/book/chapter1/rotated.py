"""Digits, rotated by several angles: many pixels change, but the digit stays the same.

Each pixel of a rotated image has a source point in the given image. The pixel's grey value is interpolated between the
four pixels around the source point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import style_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Digits, rotated", size=(8.0, 4.2))
def rotated(*, angles: Sequence[float] = (-30, -15, 0, 15, 30), digits: Sequence[int] = (5, 2, 7)) -> Measured:
    """Rotate the first training image of each digit in `digits` by each angle in `angles`, in degrees."""
    training, _, _ = mnist()
    labels = training.labels(10)
    images = [training.inputs[np.flatnonzero(labels == digit)[0]].reshape(28, 28) for digit in digits]
    return Measured({"angles": angles, "images": np.array([[rotate(each, a) for a in angles] for each in images])})


def rotate(image: np.ndarray, angle: float) -> np.ndarray:
    """Return a square image, rotated counterclockwise about its centre by an angle in degrees."""
    side = len(image)
    middle = (side - 1) / 2
    down, right = np.mgrid[:side, :side] - middle
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # Two white pixels are added at each side. Source points are clipped to the padded image, so that each has four
    # pixels around it.
    padded = np.pad(image, 2)
    rows = np.clip(cosine * down + sine * right + middle + 2, 0, side + 2)
    columns = np.clip(cosine * right - sine * down + middle + 2, 0, side + 2)
    i, j = rows.astype(int), columns.astype(int)
    y, x = rows - i, columns - j
    above = (1 - x) * padded[i, j] + x * padded[i, j + 1]
    below = (1 - x) * padded[i + 1, j] + x * padded[i + 1, j + 1]
    turned: np.ndarray = (1 - y) * above + y * below
    return turned


@rotated.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a row for each digit, and a column for each angle."""
    images = data["images"]
    grid = figure.subplots(*images.shape[:2], squeeze=False)
    for row, images_of_digit in zip(grid, images, strict=True):
        for axes, image in zip(row, images_of_digit, strict=True):
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            style_images(axes)
    for axes, angle in zip(grid[0], data["angles"], strict=True):
        axes.set_title(f"${angle:+g}$°" if angle else "0°")
