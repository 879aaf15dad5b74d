"""What hidden neurons look for: their weights as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from fastnet.datasets.dataset import real_matrix
from fastnet.plots.figures import new_figure
from fastnet.plots.images import Mosaic, Shape, image_shape
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN = 99.5  # per cent of the weights get a colour of their own; one that is far away must not make the others pale


@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: None = ...) -> Figure: ...
@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: Axes) -> Axes: ...
def weights(matrix: npt.ArrayLike, *, shape: Shape = None, most: int = 100, axes: Axes | None = None) -> Figure | Axes:
    """Draw the weights of each neuron of a layer as an image: all in the same colours, and white where they are zero.

    Parameters
    ----------
    matrix : array_like, shape (neurons, inputs)
        The weights, as in `net.weights[0]`.
    shape : tuple (height, width), optional
        Of an image; by default it is square.
    most : int, optional
        How many neurons to show, the first ones.
    axes : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own.

    Returns
    -------
    Figure or Axes
        The axes, if they were given, or else the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument is not of that form, the weights of a neuron are no image of that shape, or not finite.
    """
    array = real_matrix(matrix, "weights")
    if not array.size:
        raise ValueError(f"weights have shape {array.shape}; there is nothing to draw")
    if not np.isfinite(array).all():
        raise ValueError("there are weights that are infinite or not a number; they have no colour")
    height, width = image_shape(array.shape[1], shape)
    images = array[: arguments.positive(most, "most")].reshape(-1, height, width)
    mosaic = Mosaic(images, (max(1, width // 14),) * 2)
    if axes is None:
        rows, columns = mosaic.shape
        figure = new_figure(7.5, 0.5 + 6.4 * rows / columns)
        weights(array, shape=shape, most=most, axes=figure.add_subplot())
        return figure
    largest = float(np.percentile(np.abs(images), _SHOWN)) or 1.0
    drawn = mosaic.draw(axes, cmap="RdBu_r", vmin=-largest, vmax=largest)
    axes.figure.colorbar(drawn, ax=axes, label="weight", fraction=0.04, pad=0.02, extend="both")
    shown = f"the first {len(images)} of " if len(images) < len(array) else ""
    axes.set_title(f"The weights of {shown}{len(array)} {'neurons' if len(array) > 1 else 'neuron'}", loc="left")
    return axes
