"""The memory for activations, errors and intermediate results of a mini-batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels.layout import (
    CONVOLUTION,
    ENOUGH_SAMPLES,
    ERRORS_IN_CACHE,
    NUMBERS_IN_CACHE,
    OUTPUTS_AT_A_TIME,
    POOLING,
    SAMPLES_AT_A_TIME,
    SAMPLES_OF_SUMS,
    WINDOWS_IN_A_LIST,
    Layout,
    aligned_zeros,
    narrowly_padded,
)
from fastnet.kernels.vectors import CACHE_LINE, lanes_of, register_lanes_of

_PAGE = 4096  # number of bytes in a memory page
_MOST_PADDING = 2  # largest factor by which padding increases the number of packed numbers


class Workspace(NamedTuple):
    """Memory for a mini-batch. If no layer outputs images, the arrays that only images need are empty.

    Attributes
    ----------
    activations, slopes, delta : ndarray, shape (samples * layout.units[-1],)
        Layer by layer, the activations, their derivatives with respect to z, and the errors. Dense layers are stored in
        panels, with one row per sample. Images are stored sample by sample.
    means, inverses : ndarray, shape (layout.channels[-1],)
        For batch normalization, the mean and 1 / sqrt(variance + epsilon) by which each channel is normalized.
    samples : ndarray of int64, shape (samples,)
        The row indices 0, 1, 2, … of `activations`, `slopes` and `delta`, for products that take a list of rows.
    dots : ndarray
        A section for each thread, for partial sums of dot products, and for sums over the positions of maps.
    transposed : ndarray, shape (layout.transposed[-1],) or (0,)
        The transposed weights of dense layers above layer 0; empty if the workspace has memory for fewer than
        `ENOUGH_SAMPLES` samples.
    packed : ndarray
        A section for each thread, for the packed numbers of `products.add_transposed_product`.
    places : ndarray, shape (samples * layout.units[-1],) or (0,)
        For each activation, the index of the position in the pooling window from which the activation was pooled.
    filters : ndarray, shape (layout.filters[-1],)
        The weights of convolutions, transposed: one row per tap, one column per filter.
    gradient, unpooled, values : ndarray
        Each array has a section for each thread. `gradient` has the gradient of filters, `unpooled` the numbers of all
        positions before pooling, and `values` nonzero errors or inputs.
    offsets, counts : ndarray of int64
        Each array has a section for each thread. `offsets` has the offset of each entry of `values`, or marks the
        windows whose inputs are all zero. `counts` has the length of each list, or the index where the list of each row
        begins.
    dense, images : int
        Addresses of the kernels `dense` and `images`. If no layer outputs images, `images` is 0.
    """

    activations: np.ndarray
    slopes: np.ndarray
    delta: np.ndarray
    means: np.ndarray
    inverses: np.ndarray
    samples: np.ndarray
    dots: np.ndarray
    transposed: np.ndarray
    packed: np.ndarray
    places: np.ndarray
    filters: np.ndarray
    gradient: np.ndarray
    unpooled: np.ndarray
    values: np.ndarray
    offsets: np.ndarray
    counts: np.ndarray
    dense: int = 0
    images: int = 0


class Addresses(NamedTuple):
    """Addresses of the kernels that the kernel `epoch` calls."""

    dense: int = 0
    images: int = 0


def workspace_of(
    layout: Layout,
    samples: int,
    threads: int = 1,
    addresses: Addresses = Addresses(),  # noqa: B008 - immutable
) -> Workspace:
    """Return memory for mini-batches of up to `samples` samples, computed in `threads` threads."""
    dtype, units = layout.neurons.dtype, int(layout.units[-1])
    sizes = [_scratch_sizes(layout, i) for i, kind in enumerate(layout.kinds) if kind in (CONVOLUTION, POOLING)]
    listed, unpooled, gradient = (max(each) for each in zip(_ScratchSizes(0, 0, 0), *sizes, strict=True))

    def numbers(size: int) -> np.ndarray:
        return aligned_zeros(size, dtype)

    activations, slopes, delta = _apart(3, samples * units, dtype)
    return Workspace(
        activations=activations,
        slopes=slopes,
        delta=delta,
        means=numbers(layout.channels[-1]),
        inverses=numbers(layout.channels[-1]),
        samples=np.arange(samples),
        dots=numbers(threads * SAMPLES_AT_A_TIME * OUTPUTS_AT_A_TIME * register_lanes_of(dtype)),
        transposed=numbers(layout.transposed[-1] * (samples >= ENOUGH_SAMPLES)),
        packed=numbers(threads * size_of_packed(samples)),
        places=numbers(samples * units * bool(sizes)),
        filters=numbers(layout.filters[-1]),
        gradient=numbers(threads * gradient),
        unpooled=numbers(threads * unpooled),
        values=numbers(threads * listed),
        offsets=np.zeros(threads * listed, np.int64),
        counts=np.zeros(threads * listed, np.int64),
        dense=addresses.dense,
        images=addresses.images,
    )


def size_of_packed(samples: int) -> int:
    """Return the largest number of numbers that `products.add_transposed_product` packs, including padding.

    The numbers are packed in groups of equal size. Some groups are padded.
    """
    return min(samples, SAMPLES_OF_SUMS) * NUMBERS_IN_CACHE * _MOST_PADDING


class _ScratchSizes(NamedTuple):
    """The memory that a convolution or pooling layer needs in a `Workspace`, for each thread.

    Attributes
    ----------
    listed, unpooled, gradient : int
        Number of entries in a list, in `unpooled`, and in `gradient`.
    """

    listed: int
    unpooled: int
    gradient: int


def _scratch_sizes(layout: Layout, i: int) -> _ScratchSizes:
    filters = narrowly_padded(int(layout.maps[i]), layout.neurons.dtype)
    windows = int(layout.heights[i] * layout.widths[i])
    of_row = int(layout.places[i + 1] - layout.places[i])
    listed = max(WINDOWS_IN_A_LIST, windows, int(layout.pools[i] * layout.maps[i]))
    inputs_of_row = int(layout.lines[i - 1]) + lanes_of(layout.neurons.dtype)
    sizes = _ScratchSizes(listed, (of_row + 2) * filters + inputs_of_row, 0)
    if layout.kinds[i] == POOLING:
        return sizes
    maps, taps, rows = int(layout.maps[i - 1]), int(layout.taps[i]), int(layout.rows[i])
    inputs = int(layout.units[i] - layout.units[i - 1])
    height, width = (int(n) for n in (layout.extents[2 * i] + 1, layout.extents[2 * i + 1] // maps + 1))
    errors = height * (int(layout.widths[i]) * width + 2 * (taps // maps - 1)) * filters
    return _ScratchSizes(
        max(listed, inputs + 2 * maps),
        max(sizes.unpooled, errors, ERRORS_IN_CACHE),
        max(rows * taps * filters, int(layout.weights[i + 1] - layout.weights[i])),
    )


def _apart(count: int, size: int, dtype: np.dtype) -> list[np.ndarray]:
    """Return arrays of zeros that begin at different offsets in a memory page.

    Processors compare the last 12 bits of addresses to find out whether a load has to wait for a store. The kernels use
    the entries with the same index in several arrays at the same time. With equal offsets, loads from one array would
    wait for stores to another array (4K aliasing).
    """
    step = -(-size * dtype.itemsize // _PAGE) * _PAGE + _PAGE // count // CACHE_LINE * CACHE_LINE
    numbers = aligned_zeros(count * step // dtype.itemsize, dtype)
    starts = range(0, len(numbers), step // dtype.itemsize)
    return [numbers[start : start + size] for start in starts]
