"""The inputs of all samples, dense or sparse, and their products in layer 0.

About four of five pixels of MNIST are zero. Zero inputs add nothing to layer 0, and the gradient of their weights is
zero. So `Rows` stores only nonzero inputs, in CSR format. If at least a third of the inputs are nonzero, `Matrix` is
faster, because several rows are multiplied at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels import choice
from fastnet.kernels.calls import ACCUMULATE, FEED_FORWARD, call
from fastnet.kernels.compiler import kernel, part, variant
from fastnet.kernels.product_blocks import PANELS, add_sparse_outer_product, set_sparse_product
from fastnet.kernels.shares import divides_samples
from fastnet.kernels.vectors import (
    item,
    lanes,
    load_narrow,
    narrow_lanes,
    numbers_of_line,
    prefetch,
    set_item,
    store,
)

# Largest number of dense inputs in a mini-batch for which the next samples are prefetched. More inputs would be evicted
# from the cache before they are used.
_NUMBERS_AHEAD = 8192


class Matrix(NamedTuple):
    """A dense matrix.

    Attributes
    ----------
    values : ndarray, shape (n * columns,)
        The numbers in row-major order, in float32 or float64.
    columns : int
        Number of columns.
    """

    values: np.ndarray
    columns: int

    @property
    def samples(self) -> int:
        """Number of rows."""
        return len(self.values) // self.columns


class Rows(NamedTuple):
    """A sparse matrix in CSR format.

    Attributes
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Row i is the slice `starts[i] : starts[i + 1]` of `columns` and of `values`.
    columns : ndarray of uint16 or uint32, shape (starts[-1],)
        Column index of each stored number.
    values : ndarray of float32 or float64, shape (starts[-1],)
        The stored numbers.
    """

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @property
    def samples(self) -> int:
        """Number of rows."""
        return len(self.starts) - 1


def inputs_of(inputs: np.ndarray, dtype: np.dtype, kind: type[Matrix] | type[Rows] | None = None) -> Matrix | Rows:
    """Return inputs, shape (n, n_in), as a `Matrix` or as `Rows`; by default, as the faster of the two."""
    inputs = np.ascontiguousarray(inputs, dtype).view()
    inputs.flags.writeable = False  # so that `_fill` is not also compiled for the Numba type of writable arrays
    starts = np.zeros(len(inputs) + 1, np.int64)
    np.cumsum(np.count_nonzero(inputs, axis=1), out=starts[1:])
    if kind is None:
        kind = Rows if choice.without_zeros(starts[-1] / max(inputs.size, 1)) else Matrix
    if kind is Matrix:
        return Matrix(inputs.reshape(-1), inputs.shape[1])
    columns = np.empty(starts[-1], _type_of_columns(inputs.shape[1]))
    values = np.empty(starts[-1], dtype)
    _fill(inputs, starts, columns, values)
    return Rows(starts, columns, values)


def rows_of(starts: np.ndarray, columns: np.ndarray, values: np.ndarray, n_in: int, dtype: np.dtype) -> Rows:
    """Return `Rows` with `n_in` columns, given the three arrays; in a row, all column indices must be different.

    Arrays whose dtypes differ from those of `Rows` are converted to the dtypes of `Rows`.
    """
    types = np.dtype(np.int64), _type_of_columns(n_in), dtype
    return Rows(*(np.ascontiguousarray(a, d) for a, d in zip((starts, columns, values), types, strict=True)))


def _type_of_columns(n_in: int) -> np.dtype:
    return np.dtype(np.uint16 if n_in <= 1 << 16 else np.uint32)


@kernel
def _fill(inputs, starts, columns, values):
    """Write the nonzero inputs to `values`, and their column indices to `columns`."""
    for i in range(len(inputs)):
        p = starts[i]
        for column in range(inputs.shape[1]):
            if inputs[i, column] != 0:
                columns[p] = column
                values[p] = inputs[i, column]
                p += 1


def multiply(inputs, mini_batch, upcoming, first, last, layout, parameters, workspace, share):
    """Set z of layer 0 to weights times inputs: z[s] = sum_j x[mini_batch[s], j] w[j].

    z is stored in `workspace.activations`. `forward` applies the scale, the biases and the activation function later.
    The neurons are `first` to `last`, a range of whole panels. If threads divide samples (see `divides_neurons`),
    `first` and `last` are ignored. The processor cannot predict the next sample, because the order of the samples is
    random. So the samples in `upcoming` are prefetched, unless the mini-batch has more than `_NUMBERS_AHEAD` dense
    inputs.
    """
    raise NotImplementedError


def accumulate(inputs, mini_batch, first, last, layout, parameters, workspace, sums, share):
    """Add the gradient of layer 0's weights to the sums (BP4): w[j] += sum_s x[mini_batch[s], j] delta[s].

    The neurons are `first` to `last`, a range of whole panels. If threads divide samples (see `divides_neurons`),
    `first` and `last` are ignored.
    """
    raise NotImplementedError


def divides_neurons(inputs, m, layout):
    """Return whether the neurons of a dense layer 0 are divided among the threads; otherwise, the samples are divided.

    If threads divide neurons, each thread reads all inputs, but only its own weights. If threads divide samples, each
    thread reads only its own inputs, but all weights. Most of the weights were last changed by other threads. So
    threads divide neurons, unless the inputs are dense and a mini-batch has more inputs than layer 0 has weights.
    """
    raise NotImplementedError


def copy_row(inputs, i, a, start):
    """Copy row i to `a`, beginning at index `start`.

    `a` must be zero there, because only the stored numbers of `Rows` are written.
    """
    raise NotImplementedError


@variant(multiply, Matrix)
def _multiply_matrix(inputs, mini_batch, upcoming, first, last, layout, parameters, workspace, share):
    m = len(mini_batch)
    if m * layout.sizes[0] <= _NUMBERS_AHEAD:
        for s in range(min(m, len(upcoming))):
            prefetch_row(inputs, item(upcoming, s))
    call(
        workspace.dense, FEED_FORWARD, 0, inputs.values, mini_batch, m, first, last, 1.0,
        layout, parameters, parameters, workspace, share,
    )  # fmt: skip


@variant(accumulate, Matrix)
def _accumulate_matrix(inputs, mini_batch, first, last, layout, parameters, workspace, sums, share):
    call(
        workspace.dense, ACCUMULATE, 0, inputs.values, mini_batch, len(mini_batch), first, last, 1.0,
        layout, parameters, sums, workspace, share,
    )  # fmt: skip


@variant(multiply, Rows)
def _multiply_rows(inputs, mini_batch, upcoming, first, last, layout, parameters, workspace, share):
    w, z = parameters.values, workspace.activations
    n_in, m, width = layout.sizes[0], len(mini_batch), lanes(z)
    w_start, z_start, panels = first * n_in, m * first, (last - first) // width
    for p in range(0, panels, PANELS):
        for s in range(m):
            if p == 0 and s < len(upcoming):
                _prefetch(inputs, item(upcoming, s))
            i = item(mini_batch, s)
            set_sparse_product(
                inputs.columns, inputs.values, w, z, item(inputs.starts, i), item(inputs.starts, i + 1),
                w_start + p * n_in * width, n_in * width, z_start + (p * m + s) * width, m * width,
                min(PANELS, panels - p),
            )  # fmt: skip


@variant(accumulate, Rows)
def _accumulate_rows(inputs, mini_batch, first, last, layout, parameters, workspace, sums, share):
    w, d = sums.values, workspace.delta
    n_in, m, width = layout.sizes[0], len(mini_batch), lanes(w)
    w_start, d_start, panels = first * n_in, m * first, (last - first) // width
    for p in range(0, panels, PANELS):
        for s in range(m):
            i = item(mini_batch, s)
            add_sparse_outer_product(
                inputs.columns, inputs.values, d, w, item(inputs.starts, i), item(inputs.starts, i + 1),
                d_start + (p * m + s) * width, m * width, w_start + p * n_in * width, n_in * width,
                min(PANELS, panels - p),
            )  # fmt: skip


@variant(divides_neurons, Matrix)
def _divides_neurons_of_matrix(inputs, m, layout):
    return not divides_samples(m, layout)


@variant(divides_neurons, Rows)
def _divides_neurons_of_rows(inputs, m, layout):
    return True


@variant(copy_row, Matrix)
def _copy_row_of_matrix(inputs, i, a, start):
    n, width = inputs.columns, narrow_lanes(a)
    j = 0
    while j + width <= n:
        store(a, start + j, load_narrow(inputs.values, i * n + j))
        j += width
    while j < n:
        set_item(a, start + j, item(inputs.values, i * n + j))
        j += 1


@variant(copy_row, Rows)
def _copy_row_of_rows(inputs, i, a, start):
    for p in range(item(inputs.starts, i), item(inputs.starts, i + 1)):
        set_item(a, start + item(inputs.columns, p), item(inputs.values, p))


def prefetch_row(inputs, i):
    """Prefetch row i."""
    raise NotImplementedError


@variant(prefetch_row, Matrix)
def _prefetch_row_of_matrix(inputs, i):
    for p in range(i * inputs.columns, (i + 1) * inputs.columns, numbers_of_line(inputs.values)):
        prefetch(inputs.values, p)


@variant(prefetch_row, Rows)
def _prefetch_row_of_rows(inputs, i):
    _prefetch(inputs, i)


@part
def _prefetch(rows, i):
    start, stop = item(rows.starts, i), item(rows.starts, i + 1)
    for p in range(start, stop, numbers_of_line(rows.values)):
        prefetch(rows.values, p)
    for p in range(start, stop, numbers_of_line(rows.columns)):
        prefetch(rows.columns, p)
