"""The memory layout of parameters, activations and images.

The matrices of dense layers are stored in panels. A panel has as many columns of the matrix as a vector has lanes, and
is contiguous and row-major. The vector in panel q and row r of a matrix of n rows begins at `(q * n + r) * lanes`.
So a loop over the rows of a panel reads contiguous memory. A panel fits into a cache even if the matrix is wide. The
last panel is padded with zeros.

    activations, errors   one row per sample, one column per neuron
    weights of layer 0    one row per input, one column per neuron; `inputs.Rows` skips the rows of zero inputs
    weights above         one row per neuron, one column per neuron of the layer below, as in the book

Images are stored in the order sample, row, column, map (channels last). So the numbers of all maps at a position are
adjacent, and the inputs of a filter's row are contiguous. Images below a convolution with `padding="same"` have a
border of zeros. The weights of a convolution are stored filter by filter. The weights of a filter have the same order
as the inputs in an image. Each row of weights is padded to whole narrow vectors.

Each flat array has the numbers of all layers, so that one compiled kernel computes networks of every depth and width.
Layer 0 is the first layer after the inputs. If a network begins with a convolution or pooling layer, layer 0 is a copy
of the input images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import class_name
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, Layer, MaxPooling
from fastnet.kernels import activations, costs
from fastnet.kernels.image_blocks import PLACES
from fastnet.kernels.vectors import CACHE_LINE, lanes_of, narrow_lanes_of

DENSE, BATCH_NORMALIZATION, CONVOLUTION, POOLING, IMAGES = range(5)
"""Kinds of layers."""

ENOUGH_SAMPLES = 64  # smallest number of samples for which transposing the weights is faster than dot products
_SAMPLES_TOGETHER = 8  # largest number of samples that a block of `product_blocks` computes together
SAMPLES_OF_SUMS = 192  # largest number of samples whose gradients are summed before the sum is added to the total
NUMBERS_IN_CACHE = 256  # largest number of values of a sample that stay in the L2 cache while all panels are computed
SAMPLES_AT_A_TIME, OUTPUTS_AT_A_TIME = 24, 32  # largest numbers of samples and outputs in a block of dot products
ERRORS_IN_CACHE = 4096  # largest number of errors that are unpooled together, unless a row of windows has more
WINDOWS_IN_A_LIST = 256  # largest number of windows whose errors are in one list, unless a sample has more


class Layout(NamedTuple):
    """The kinds of all layers, and the offsets of the layers in arrays. Dropout layers are left out.

    Pooling directly after a convolution with a monotonic activation function is part of the convolution's layer, and
    comes before the activation function.

    Attributes
    ----------
    kinds : ndarray of int64, shape (layers,)
        `DENSE`, `BATCH_NORMALIZATION`, `CONVOLUTION`, `POOLING` or `IMAGES`.
    activations : ndarray of int64, shape (layers,)
        Codes of the activation functions, see `activations.CODES`. The code of the last layer is not used.
    constants : ndarray of float64, shape (2 * layers,)
        For each layer, momentum and epsilon of batch normalization; 0 and 0 for all other kinds of layers.
    keeps : ndarray of float64, shape (layers + 1,)
        Factors by which the inputs and each layer's activations are multiplied if no neurons are dropped. The kernels
        do not multiply the inputs: the engine does it before.
    sizes : ndarray of int64, shape (layers + 1,)
        Number of inputs, and number of neurons in each layer.
    units : ndarray of int64, shape (layers + 1,)
        Offset of each layer in a padded array of one number per neuron; the last entry is the size of the array.
    factors : ndarray of int64, shape (layers + 1,)
        Offset of each layer in a padded array of one number per neuron, without the layers that have no dropped
        neurons; the last entry is the size of the array.
    channels : ndarray of int64, shape (layers + 1,)
        Offset of each layer in a padded array of one number per neuron, or per map of images; the last entry is the
        size of the array.
    weights : ndarray of int64, shape (layers + 1,)
        Offset of each layer's weights in the array of parameters; the last entry is the number of all weights,
        including padding.
    transposed : ndarray of int64, shape (layers + 1,)
        Offset of each layer in an array of the transposed weights of dense layers above layer 0; the last entry is the
        size of the array.
    biases, gammas : int
        Offsets of the biases (with batch normalization, beta) and of the gammas in the array of parameters. There is
        one bias per channel, and one gamma per channel. Only networks with batch normalization have gammas.
    neurons : ndarray, shape (channels[-1],)
        1 for a neuron or a map, 0 for padding, in the dtype of the parameters.
    cost, output : int
        Codes of the cost and of the output activation, see `costs.CODES` and `costs.OUTPUTS`.
    setting : float
        Setting of the cost, see `costs.setting_of`.
    maps, heights, widths : ndarray of int64, shape (layers,)
        Number of maps, rows and columns of the images that each layer outputs; 0 if the layer outputs no images.
    lines, origins : ndarray of int64, shape (layers,)
        Distance between rows of the output images. In a sample's images, offset of the first number inside the border.
    rows, taps : ndarray of int64, shape (layers,)
        Number of rows of a filter, and number of weights in a row of a filter.
    corners, strides : ndarray of int64, shape (layers,)
        In the images below a convolution or pooling layer, offset of the first window's first input, and distance from
        a row of windows to the next row.
    pools : ndarray of int64, shape (layers,)
        Number of positions in a pooling window; 1 for convolution without pooling.
    extents : ndarray of int64, shape (2 * layers,)
        The patches of a pooling window of layer i together have `extents[2 * i]` more rows than one patch, and
        `extents[2 * i + 1]` more numbers per row.
    pools_2x2 : ndarray of bool, shape (layers,)
        Whether the pooling window is 2 x 2. If so, the positions that are computed together are a pooling window.
    places, patches : ndarray of int64, shape (layers + 1,)
        Offsets of each layer's two lists in `table`. The first list has the distance from the first position to each
        position in a row of windows, and is padded to a multiple of four. The second list has the distance from the
        first input of a patch to the input of each weight.
    table : ndarray of int64
        The lists of all layers.
    filters : ndarray of int64, shape (layers + 1,)
        Offset of each layer in an array of transposed filters; the last entry is the size of the array.
    """

    kinds: np.ndarray
    activations: np.ndarray
    constants: np.ndarray
    keeps: np.ndarray
    sizes: np.ndarray
    units: np.ndarray
    factors: np.ndarray
    channels: np.ndarray
    weights: np.ndarray
    transposed: np.ndarray
    biases: int
    gammas: int
    neurons: np.ndarray
    cost: int
    setting: float
    output: int
    maps: np.ndarray
    heights: np.ndarray
    widths: np.ndarray
    lines: np.ndarray
    origins: np.ndarray
    rows: np.ndarray
    taps: np.ndarray
    corners: np.ndarray
    strides: np.ndarray
    pools: np.ndarray
    extents: np.ndarray
    pools_2x2: np.ndarray
    places: np.ndarray
    patches: np.ndarray
    table: np.ndarray
    filters: np.ndarray


class Parameters(NamedTuple):
    """One number for each trained parameter: a value, a gradient, or a number of the optimizer's state.

    Attributes
    ----------
    values : ndarray
        The biases, the gammas, and the weights divided by `scale`, at the offsets in `Layout`.
    scale : ndarray of float64, shape (1,)
        Factor of all weights. If `optimizers.Update.direct` is true, L2 regularization shrinks all weights, but changes
        only `scale`. So the weights of zero inputs need not be read or written.
    """

    values: np.ndarray
    scale: np.ndarray


class Statistics(NamedTuple):
    """Running means and variances of batch normalization: one number per channel, or empty."""

    means: np.ndarray
    variances: np.ndarray


@dataclass(frozen=True)
class Image:
    """The memory layout of the images of a sample.

    Attributes
    ----------
    maps, height, width : int
        Number of maps, rows and columns.
    borders : tuple of two tuples of int
        Number of rows of zeros above and below, and of columns of zeros left and right.
    """

    maps: int
    height: int
    width: int
    borders: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    @property
    def line(self) -> int:
        """Number of stored numbers in a row, including the border."""
        return (self.width + sum(self.borders[1])) * self.maps

    @property
    def origin(self) -> int:
        """Offset of the first number inside the border."""
        return self.borders[0][0] * self.line + self.borders[1][0] * self.maps

    @property
    def size(self) -> int:
        """Number of stored numbers, including the border."""
        return (self.height + sum(self.borders[0])) * self.line

    def positions(self) -> np.ndarray:
        """Return the offsets of all numbers in the book's order (map by map), shape (maps * height * width,)."""
        maps, rows, columns = np.ogrid[: self.maps, : self.height, : self.width]
        found: np.ndarray = (self.origin + rows * self.line + columns * self.maps + maps).ravel()
        return found


class Computed(NamedTuple):
    """A layer of the kernels: the input images, a layer of the architecture, or a convolution with its pooling.

    Attributes
    ----------
    kind : int
        See `Layout.kinds`.
    layer : Layer or None
        The layer of the architecture; None for `IMAGES`.
    first, last : int
        Indices of the first and the last layer of the architecture that this layer computes; -1 for `IMAGES`.
    size : int
        Number of neurons.
    image : Image or None
        Layout of the output images; None if the outputs are not images.
    pooling : tuple of int
        Height and width of the pooling window; (1, 1) without pooling.
    """

    kind: int
    layer: Layer | None
    first: int
    last: int
    size: int
    image: Image | None
    pooling: tuple[int, int] = (1, 1)

    @property
    def channels(self) -> int:
        """Number of maps, or number of neurons if the outputs are not images."""
        return self.image.maps if self.image else self.size


_KINDS = {Dense: DENSE, BatchNormalization: BATCH_NORMALIZATION, Convolution: CONVOLUTION, MaxPooling: POOLING}


@lru_cache(64)
def computed(architecture: Architecture) -> list[Computed]:
    """Return the layers of the kernels: without Dropout layers, and with pooling merged into convolutions."""
    layers, shapes = architecture.layers, architecture.shapes
    found = [Computed(IMAGES, None, -1, -1, architecture.n_in, None)] if _begins_with_images(architecture) else []
    for i, layer in enumerate(layers):
        if isinstance(layer, Dropout) or (found and i <= found[-1].last):
            continue
        last, pooling = i, layer.shape if isinstance(layer, MaxPooling) else (1, 1)
        following = layers[i + 1] if i + 1 < len(layers) else None
        is_linear = architecture.activations[i] == "linear"
        if isinstance(layer, Convolution) and is_linear and isinstance(following, MaxPooling):
            last, pooling = i + 1, following.shape
        found.append(Computed(_KINDS[type(layer)], layer, i, last, prod(shapes[last + 1]), None, pooling))
    return [
        each._replace(image=_image(shapes[each.last + 1], above.layer if above else None))
        for each, above in zip(found, [*found[1:], None], strict=True)
    ]


def _begins_with_images(architecture: Architecture) -> bool:
    first = next(layer for layer in architecture.layers if not isinstance(layer, Dropout))
    return isinstance(first, (Convolution, MaxPooling))


def _image(shape: tuple[int, ...], above: Layer | None) -> Image | None:
    """Return the layout of images with the border that the layer above needs; None if `shape` is not that of images."""
    if len(shape) != 3:
        return None
    return Image(*shape, above.borders()) if isinstance(above, Convolution) else Image(*shape)


def layout_of(architecture: Architecture) -> Layout:
    """Return the memory layout of a network."""
    dtype, layers, dropped = architecture.dtype, computed(architecture), _dropped(architecture)
    sizes = [architecture.n_in, *(each.size for each in layers)]
    units = _offsets(
        [_padded(each.size, dtype) if each.image is None else _block(each.image, dtype) for each in layers]
    )
    channels = _offsets([_padded(each.channels, dtype) for each in layers])
    neurons = aligned_zeros(channels[-1], dtype)
    for start, each in zip(channels[:-1], layers, strict=True):
        neurons[start : start + each.channels] = 1
    pairs = list(zip([None, *layers[:-1]], layers, strict=True))
    weights = _offsets([_number_of_weights(below, layer, architecture) for below, layer in pairs])
    images = [each.image or Image(0, 0, 0) for each in layers]
    windows = [_windows(below, layer) for below, layer in pairs]
    places = _offsets([len(each.table) for each in windows])
    normalizations = [each.layer if isinstance(each.layer, BatchNormalization) else None for each in layers]
    names = [architecture.activations[each.last] if each.layer else "linear" for each in layers[:-1]]
    return Layout(
        kinds=np.array([each.kind for each in layers]),
        activations=np.array([*(activations.CODES[str(name)] for name in names), 0], np.int64),
        constants=np.array(
            [n for each in normalizations for n in ((each.momentum, each.epsilon) if each else (0, 0))], float
        ),
        keeps=_keeps(architecture, layers),
        sizes=np.array(sizes, np.int64),
        units=units,
        factors=_offsets([int(size) * (k in dropped) for k, size in enumerate(np.diff(units))]),
        channels=channels,
        weights=weights,
        transposed=_offsets([_size_transposed(below, layer, dtype) for below, layer in pairs]),
        biases=int(weights[-1]),
        gammas=int(weights[-1] + channels[-1]),
        neurons=neurons,
        cost=costs.CODES.get(class_name(architecture.cost), 0),  # kernels do not compute custom costs
        setting=costs.setting_of(architecture.cost),
        output=costs.OUTPUTS[architecture.outputs.activation],
        maps=np.array([each.maps for each in images]),
        heights=np.array([each.height for each in images]),
        widths=np.array([each.width for each in images]),
        lines=np.array([each.line for each in images]),
        origins=np.array([each.origin for each in images]),
        rows=np.array([each.rows for each in windows]),
        taps=np.array([each.taps for each in windows]),
        corners=np.array([each.corner for each in windows]),
        strides=np.array([each.stride for each in windows]),
        pools=np.array([each.pool for each in windows]),
        extents=np.array([n for each in windows for n in each.extent]),
        pools_2x2=np.array([each.pools_2x2 for each in windows]),
        places=places,
        patches=places[-1] + _offsets([len(each.patch) for each in windows]),
        table=np.array(
            [n for each in windows for n in each.table] + [n for each in windows for n in each.patch], np.int64
        ),
        filters=_offsets([each.rows * each.taps * narrowly_padded(each.filters, dtype) for each in windows]),
    )


class _Windows(NamedTuple):
    """The entries of `Layout` for a convolution or pooling layer; zeros for all other layers."""

    filters: int = 0
    rows: int = 0
    taps: int = 0
    corner: int = 0
    stride: int = 0
    pool: int = 0
    extent: tuple[int, int] = (0, 0)
    pools_2x2: bool = False
    table: tuple[int, ...] = ()
    patch: tuple[int, ...] = ()


def _windows(below: Computed | None, layer: Computed) -> _Windows:
    if layer.kind not in (CONVOLUTION, POOLING):
        return _Windows()
    assert below is not None
    assert below.image is not None
    assert layer.image is not None
    image, (height, width) = below.image, layer.pooling
    table = [
        row * image.line + (window * width + column) * image.maps
        for window in range(layer.image.width)
        for row in range(height)
        for column in range(width)
    ]
    table += table[-1:] * (-len(table) % PLACES)
    filters, rows, taps, corner = 0, 0, 0, image.origin
    if isinstance(layer.layer, Convolution):
        (above, _), (left, _) = layer.layer.borders()
        filters, rows, taps = layer.layer.filters, layer.layer.shape[0], layer.layer.shape[1] * image.maps
        corner -= above * image.line + left * image.maps
    patch = tuple(row * image.line + tap for row in range(rows) for tap in range(taps))
    return _Windows(
        filters,
        rows,
        taps,
        corner,
        stride=height * image.line,
        pool=height * width,
        extent=(height - 1, (width - 1) * image.maps),
        pools_2x2=(height, width) == (2, 2),
        table=tuple(table),
        patch=patch,
    )


def _number_of_weights(below: Computed | None, layer: Computed, architecture: Architecture) -> int:
    dtype = architecture.dtype
    if isinstance(layer.layer, Convolution):
        filters, maps, rows, columns = architecture.trained[layer.first]["weights"]
        return filters * filter_block(rows, columns * maps, dtype)
    if isinstance(layer.layer, Dense):
        return (
            architecture.n_in * _padded(layer.size, dtype) if below is None else layer.size * _padded(below.size, dtype)
        )
    return 0


def _size_transposed(below: Computed | None, layer: Computed, dtype: np.dtype) -> int:
    if below is None or not isinstance(layer.layer, Dense):
        return 0
    return _padded(below.size, dtype) * _padded(layer.size, dtype)


def filter_block(rows: int, taps: int, dtype: np.dtype) -> int:
    """Return the number of stored weights of a filter, with padding, given the number of rows and of taps per row."""
    return _padded(rows * narrowly_padded(taps, dtype), dtype)


def _block(image: Image, dtype: np.dtype) -> int:
    """Return the size of a sample's images, with padding for vectors that extend beyond the last position."""
    return _padded(image.size + narrow_lanes_of(dtype), dtype)


def _keeps(architecture: Architecture, layers: list[Computed]) -> np.ndarray:
    keeps = np.ones(len(layers) + 1)
    for i, layer in enumerate(architecture.layers):
        if isinstance(layer, Dropout):
            keeps[1 + layer_before(layers, i)] *= layer.when_used
    return keeps


def _dropped(architecture: Architecture) -> set[int]:
    """Return the indices of the kernels' layers with dropped neurons; -1 stands for the inputs."""
    layers = computed(architecture)
    return {layer_before(layers, i) for i, layer in enumerate(architecture.layers) if isinstance(layer, Dropout)}


def layer_before(layers: list[Computed], i: int) -> int:
    """Return the index of the kernels' layer that feeds layer i of the architecture; -1 stands for the inputs."""
    before = [k for k, each in enumerate(layers) if 0 <= each.last < i]
    return before[-1] if before else -1


def parts(layout: Layout, samples: int, is_dense: bool = False) -> int:
    """Return the number of parts into which the threads can divide layer 0: samples, groups of samples, or panels.

    `is_dense` is whether the inputs are stored as a `Matrix`, which includes zero inputs; see `inputs.divides_neurons`.
    """
    divides_samples = is_dense and layout.kinds[0] == DENSE and samples > layout.sizes[1]
    if divides_samples:
        return max(samples // _SAMPLES_TOGETHER, 1)
    if layout.kinds[0] == IMAGES:
        return max(samples, 1)
    return int(layout.units[1]) // lanes_of(layout.neurons.dtype)


def zeros(layout: Layout) -> Parameters:
    """Return parameters that are all zero."""
    with_gammas = (layout.kinds == BATCH_NORMALIZATION).any()
    size = layout.gammas + with_gammas * layout.channels[-1]
    return Parameters(aligned_zeros(size, layout.neurons.dtype), np.ones(1))


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros, shape (size,), that begin at a cache line.

    So no load of a register from a panel crosses a cache line.
    """
    memory = np.zeros(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)


def _offsets(sizes: Sequence[int]) -> np.ndarray:
    return np.cumsum([0, *sizes], dtype=np.int64)


def _padded(size: int, dtype: np.dtype) -> int:
    lanes = lanes_of(dtype)
    return -(-size // lanes) * lanes


def narrowly_padded(size: int, dtype: np.dtype) -> int:
    """Return `size`, rounded up to whole narrow vectors."""
    lanes = narrow_lanes_of(dtype)
    return -(-size // lanes) * lanes
