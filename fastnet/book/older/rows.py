"""Draws rows of digit images, such as images above their reconstructions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from fastnet.plots.figures import style_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_rows(rows: Mapping[str, np.ndarray], axes_of_rows: Iterable[Axes]) -> None:
    """Draw the images of each matrix, shape (n, 784), side by side, with the name of the matrix at the left."""
    for axes, (name, images) in zip(axes_of_rows, rows.items(), strict=True):
        side_by_side = images.reshape(-1, 28, 28).swapaxes(0, 1).reshape(28, -1)
        axes.imshow(side_by_side, cmap="gray_r", vmin=0, vmax=1)
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        style_images(axes)
