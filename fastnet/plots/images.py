"""Many small images in one picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isqrt, log
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fastnet.plots.figures import style_images
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

Shape: TypeAlias = "tuple[int, int] | None"


def image_shape(n: int, shape: Shape) -> tuple[int, int]:
    """Return the height and the width of images of n pixels: as given, or those of a square.

    Raises
    ------
    ValueError
        If n pixels are no square, or not those of the given shape.
    """
    if shape is None:
        side = isqrt(n)
        if side * side != n:
            raise ValueError(f"{n} pixels are no square image; shape must say their height and width")
        return side, side
    height, width = (arguments.positive(side, "shape") for side in shape)
    if height * width != n:
        raise ValueError(f"shape is ({height}, {width}), which are {height * width} pixels; the images have {n}")
    return height, width


@dataclass(frozen=True)
class Mosaic:
    """Images in rows, from left to right and from top to bottom; a pixel is one unit of the axes.

    Attributes
    ----------
    images : ndarray, shape (n, height, width)
        At least one.
    gap : tuple (rows, columns)
        How many pixels stay free above each, and between two.
    """

    images: np.ndarray
    gap: tuple[int, int]

    @property
    def columns(self) -> int:
        """How many stand in a row: about as a screen is wide, and with few places left empty."""
        n = len(self.images)

        def flaw(columns: int) -> float:
            rows = ceil(n / columns)
            return abs(log(columns / rows / 1.6)) + 2 * (columns * rows - n) / columns

        return min(range(1, n + 1), key=flaw)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        n, height, width = self.images.shape
        rows = ceil(n / self.columns)
        return rows * (height + self.gap[0]), self.columns * (width + self.gap[1]) - self.gap[1]

    def corner(self, i: int) -> tuple[int, int]:
        """Return the row and the column of the upper left pixel of an image."""
        row, column = divmod(i, self.columns)
        _, height, width = self.images.shape
        return self.gap[0] + row * (height + self.gap[0]), column * (width + self.gap[1])

    def draw(self, axes: Axes, **colors: Any) -> AxesImage:
        """Draw them; `colors` are `cmap`, `vmin` and `vmax` of `Axes.imshow`."""
        canvas = np.full(self.shape, np.nan)
        _, height, width = self.images.shape
        for i, image in enumerate(self.images):
            top, left = self.corner(i)
            canvas[top : top + height, left : left + width] = image
        style_images(axes)
        return axes.imshow(canvas, interpolation="nearest", **colors)
