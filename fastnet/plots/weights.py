"""What hidden neurons and filters look for: their weights as images."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from fastnet.datasets.dataset import real_array, real_matrix
from fastnet.plots.figures import new_figure
from fastnet.plots.images import Mosaic, Shape, image_shape
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXES_OF_FILTERS = 4  # filters, maps, rows and columns
_HIGHEST = 12.0  # inches, of images that are high and narrow
_SHOWN = 99.5  # per cent of the weights get a colour of their own; one that is far away must not make the others pale


@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: None = ...) -> Figure: ...
@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: Axes) -> Axes: ...
def weights(matrix: npt.ArrayLike, *, shape: Shape = None, most: int = 100, axes: Axes | None = None) -> Figure | Axes:
    """Draw the weights of each neuron, or filter, of a layer: all in the same colours, and white where they are zero.

    Parameters
    ----------
    matrix : array_like, shape (neurons, inputs) or (filters, maps, height, width)
        The weights, as in `net.weights[0]`. A filter of several maps is a column or a row of images, one a map.
    shape : tuple (height, width), optional
        Of the image of a neuron; by default it is square. Filters have a shape.
    most : int, optional
        How many neurons or filters to show, the first ones.
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
    array = real_array(matrix, "weights") if np.ndim(matrix) == _AXES_OF_FILTERS else real_matrix(matrix, "weights")
    if not array.size:
        raise ValueError(f"weights have shape {array.shape}; there is nothing to draw")
    if not np.isfinite(array).all():
        raise ValueError("there are weights that are infinite or not a number; they have no colour")
    shown = array[: arguments.positive(most, "most")]
    if array.ndim == _AXES_OF_FILTERS:
        mosaic = _of_filters(shown, shape)
    else:
        height, width = image_shape(array.shape[1], shape)
        mosaic = Mosaic(shown.reshape(-1, height, width), (max(1, width // 14),) * 2)
    if axes is None:
        rows, columns = mosaic.shape
        figure = new_figure(7.5, 0.5 + min(6.4 * rows / columns, _HIGHEST))
        weights(array, shape=shape, most=most, axes=figure.add_subplot())
        return figure
    largest = float(np.percentile(np.abs(shown), _SHOWN)) or 1.0
    drawn = mosaic.draw(axes, cmap="RdBu_r", vmin=-largest, vmax=largest)
    axes.figure.colorbar(drawn, ax=axes, label="weight", fraction=0.04, pad=0.02, extend="both")
    axes.set_title(_title(array.shape, len(shown)), loc="left")
    return axes


def _of_filters(filters: np.ndarray, shape: Shape) -> Mosaic:
    """Return filters as images: those of several maps with their maps side by side, nearer than other filters."""
    n, maps, height, width = filters.shape
    if shape is not None:
        raise ValueError(f"shape is {shape}, but filters have a shape, {(height, width)}; leave it out")
    images = np.full((n, maps, height + 1, width + 1), np.nan)
    images[:, :, :height, :width] = filters
    if _are_columns(n, maps):
        images = images.reshape(n, -1, width + 1)
    else:
        images = images.swapaxes(1, 2).reshape(n, height + 1, -1)
    return Mosaic(images[:, :-1, :-1], (1 if maps == 1 else 2,) * 2)


def _are_columns(n: int, maps: int) -> bool:
    """Whether the maps of each of n filters are drawn one below the other, and not in a row."""
    return maps <= n


def _title(shape: tuple[int, ...], shown: int) -> str:
    """Return how many neurons or filters there are, and how many of them are shown."""
    n, maps = shape[:2]
    kind = "neuron" if len(shape) < _AXES_OF_FILTERS else "filter"
    first = f"the first {shown} of " if shown < n else ""
    title = f"The weights of {first}{n} {kind}{'s' if n > 1 else ''}"
    if kind == "neuron" or maps == 1:
        return title
    return (
        f"{title}, {'a column' if _are_columns(shown, maps) else 'a row'} of {maps} maps{' each' if shown > 1 else ''}"
    )
