"""Many small images in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isqrt, log, prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastnet.plots.figures import style_images
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Shape: TypeAlias = "tuple[int, ...] | None"

_COLORS = 3  # number of RGB channels


def drawn_images(rows: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """Return rows of numbers as images for a `Mosaic`.

    Parameters
    ----------
    rows : ndarray, shape (n, numbers)
        One image in each row, in row-major order. An RGB image has all red values first, then all green, then all blue.
    shape : tuple of int or None
        (height, width), or (3, height, width) for RGB images. None for square images of grey values.

    Returns
    -------
    ndarray, shape (n, height, width) or (n, height, width, 3)
        RGB values are from 0 to 1. If a given RGB value is below 0 or above 1, all values are shifted and scaled alike.

    Raises
    ------
    TypeError, ValueError
        If `shape` has none of the forms above, or does not fit the number of values in a row.
    """
    if shape is None or len(shape) == 2:
        return rows.reshape(-1, *image_shape(rows.shape[1], shape))
    maps, *size = shape
    if maps != _COLORS or len(size) != 2 or prod(shape) != rows.shape[1]:
        raise ValueError(
            f"shape is {shape}, but an image has {rows.shape[1]} numbers; shape must be (height, width), or "
            "(3, height, width) for RGB images, with this product"
        )
    images = np.moveaxis(rows.reshape(-1, *shape), 1, -1)
    low, high = min(0.0, float(images.min(initial=0))), max(1.0, float(images.max(initial=1)))
    return (images - low) / (high - low)


def image_shape(n: int, shape: Shape) -> tuple[int, int]:
    """Return the height and the width of images of n pixels, as in `shape`. If `shape` is None, images are square.

    Raises
    ------
    TypeError, ValueError
        If `shape` is neither None nor two positive integers with product n, or if it is None and n is no square number.
    """
    if shape is None:
        side = isqrt(n)
        if side * side != n:
            raise ValueError(f"{n} pixels are no square image; shape must be (height, width)")
        return side, side
    height, width = (arguments.positive(side, "shape") for side in shape)
    if height * width != n:
        raise ValueError(f"shape is ({height}, {width}), that is {height * width} pixels; the images have {n} pixels")
    return height, width


@dataclass(frozen=True)
class Mosaic:
    """A grid of images, ordered from left to right and from top to bottom. A pixel is one unit of the axes.

    Attributes
    ----------
    images : ndarray, shape (n, height, width) or (n, height, width, 3)
        At least one image. The fourth axis, if present, has the RGB values.
    gap : tuple (rows, columns)
        Number of free pixels above each image, and between neighbouring images in a row.
    """

    images: np.ndarray
    gap: tuple[int, int]

    @property
    def columns(self) -> int:
        """Number of images in a row, chosen for an aspect ratio near 1.6 and few empty places."""
        n, height, width = self.images.shape[:3]

        def flaw(columns: int) -> float:
            rows = ceil(n / columns)
            empty: float = (columns * rows - n) / columns
            return abs(log(columns * width / (rows * height) / 1.6)) + 2 * empty

        return min(range(1, n + 1), key=flaw)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the grid in pixels."""
        n, height, width = self.images.shape[:3]
        rows = ceil(n / self.columns)
        return rows * (height + self.gap[0]), self.columns * (width + self.gap[1]) - self.gap[1]

    def corner(self, i: int) -> tuple[int, int]:
        """Return the row and the column of the upper left pixel of an image."""
        row, column = divmod(i, self.columns)
        _, height, width = self.images.shape[:3]
        return self.gap[0] + row * (height + self.gap[0]), column * (width + self.gap[1])

    def draw(self, axes: Axes, **colors: Any) -> AxesImage:
        """Draw the images; `colors` are `cmap`, `vmin` and `vmax` of `Axes.imshow`."""
        _, height, width, *colors_of_pixels = self.images.shape
        canvas = np.full((*self.shape, *colors_of_pixels), 1.0 if colors_of_pixels else np.nan)  # white between images
        for i, image in enumerate(self.images):
            top, left = self.corner(i)
            canvas[top : top + height, left : left + width] = image
        style_images(axes)
        return axes.imshow(canvas, interpolation="nearest", **colors)
