"""Weights of hidden neurons and filters as images."""

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

_AXES_OF_FILTERS = 4  # number of axes of filters: filters, maps, rows and columns
_HIGHEST = 12.0  # largest height of all images together, in inches
_SHOWN = 99.5  # percentage of the weights inside of the colour scale, so that outliers do not make other weights pale


@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: None = ...) -> Figure: ...
@overload
def weights(matrix: npt.ArrayLike, *, shape: Shape = ..., most: int = ..., axes: Axes) -> Axes: ...
def weights(matrix: npt.ArrayLike, *, shape: Shape = None, most: int = 100, axes: Axes | None = None) -> Figure | Axes:
    """Draw the weights of each neuron or filter of a layer, all on the same colour scale, with zero as white.

    Parameters
    ----------
    matrix : array_like, shape (neurons, inputs) or (filters, maps, height, width)
        Weights, as in `net.weights[0]`. A filter of several maps is drawn as a column or row of images, one per map.
    shape : tuple (height, width), optional
        Shape of a neuron's image; by default square. For filters, leave `shape` out.
    most : int, optional
        Largest number of neurons or filters to show, beginning with the first.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    Figure or Axes
        The axes if they were given, otherwise the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError, ValueError
        If an argument has a wrong type or value, a neuron's weights do not fit `shape`, or weights are not finite.
    """
    array = real_array(matrix, "weights") if np.ndim(matrix) == _AXES_OF_FILTERS else real_matrix(matrix, "weights")
    if not array.size:
        raise ValueError(f"weights have shape {array.shape}; there is nothing to draw: give at least one weight")
    if not np.isfinite(array).all():
        raise ValueError("some weights are infinite or NaN; all weights must be finite")
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
    """Return filters as images. The maps of a filter are in a column or a row, closer together than the filters."""
    n, maps, height, width = filters.shape
    if shape is not None:
        raise ValueError(f"shape is {shape}, but filters already have the shape {(height, width)}; leave shape out")
    images = np.full((n, maps, height + 1, width + 1), np.nan)
    images[:, :, :height, :width] = filters
    if _are_columns(n, maps):
        images = images.reshape(n, -1, width + 1)
    else:
        images = images.swapaxes(1, 2).reshape(n, height + 1, -1)
    return Mosaic(images[:, :-1, :-1], (1 if maps == 1 else 2,) * 2)


def _are_columns(n: int, maps: int) -> bool:
    """Whether the maps of each of n filters are drawn in a column, and not in a row."""
    return maps <= n


def _title(shape: tuple[int, ...], shown: int) -> str:
    """Return a title with the number of neurons or filters, and how many of them are shown."""
    n, maps = shape[:2]
    kind = "neuron" if len(shape) < _AXES_OF_FILTERS else "filter"
    first = f"the first {shown} of " if shown < n else ""
    title = f"The weights of {first}{n} {kind}{'s' if n > 1 else ''}"
    if kind == "neuron" or maps == 1:
        return title
    return (
        f"{title}, {'a column' if _are_columns(shown, maps) else 'a row'} of {maps} maps{' each' if shown > 1 else ''}"
    )
