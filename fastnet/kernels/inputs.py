"""The inputs of all samples, and what layer 0 computes of them: with the zeros, or without.

Four pixels in five of MNIST are zero: they add nothing to the next layer, and their weights don't change. So a sample
can be kept as the list of its inputs that are not zero, as in SciPy's CSR matrices. Where few inputs are zero, a matrix
is better, whose rows are taken several at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels import choice
from fastnet.kernels.calls import ACCUMULATE, FEED_FORWARD, call
from fastnet.kernels.compiler import kernel, part, variant
from fastnet.kernels.product_blocks import PANELS, add_sparse_outer_product, set_sparse_product
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

_NUMBERS_AHEAD = 8192  # of dense inputs, that are asked for at once: no more than a part of the first cache


class Matrix(NamedTuple):
    """A matrix with its zeros.

    Attributes
    ----------
    values : ndarray, shape (n * columns,)
        The numbers, row by row.
    columns : int
        How many are a row.
    """

    values: np.ndarray
    columns: int

    @property
    def samples(self) -> int:
        """How many rows there are."""
        return len(self.values) // self.columns


class Rows(NamedTuple):
    """A matrix without its zeros.

    Attributes
    ----------
    starts : ndarray of int64, shape (n + 1,)
        Row i is at `starts[i] : starts[i + 1]` in the arrays below.
    columns : ndarray of uint16 or uint32
        In which column each number stands.
    values : ndarray
        The numbers.
    """

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray

    @property
    def samples(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1


def inputs_of(inputs: np.ndarray, dtype: np.dtype, kind: type[Matrix] | type[Rows] | None = None) -> Matrix | Rows:
    """Lay a matrix of one sample a row out, float32 or float64, as `kind`, or as what is faster to compute with."""
    inputs = np.ascontiguousarray(inputs, dtype).view()
    inputs.flags.writeable = False  # to Numba another type, for which it would compile once more
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
    """Lay a sparse matrix of `n_in` columns out, which is given as `Rows` are, each column once a row.

    Its arrays are copied where they are of other types.
    """
    types = np.dtype(np.int64), _type_of_columns(n_in), dtype
    return Rows(*(np.ascontiguousarray(a, d) for a, d in zip((starts, columns, values), types, strict=True)))


def _type_of_columns(n_in: int) -> np.dtype:
    return np.dtype(np.uint16 if n_in <= 1 << 16 else np.uint32)


@kernel
def _fill(inputs, starts, columns, values):
    """Fill in the numbers and their columns."""
    for i in range(len(inputs)):
        p = starts[i]
        for column in range(inputs.shape[1]):
            if inputs[i, column] != 0:
                columns[p] = column
                values[p] = inputs[i, column]
                p += 1


def multiply(inputs, mini_batch, upcoming, first, last, layout, parameters, workspace, share):
    """Set activations of layer 0 to weights times inputs: a[s] = sum_j x[mini_batch[s], j] w[j].

    The neurons are those from `first` to `last`, in whole panels. Samples are visited in random order, so that the
    processor cannot guess which comes next: after sample s, it is told to expect `upcoming[s]`.
    """
    raise NotImplementedError


def accumulate(inputs, mini_batch, first, last, layout, parameters, workspace, sums, share):
    """Add to the sums of the weights of layer 0's neurons (BP4): w[j] += sum_s x[mini_batch[s], j] delta[s].

    The neurons are those from `first` to `last`, in whole panels.
    """
    raise NotImplementedError


def copy_row(inputs, i, keep, a, start):
    """Copy row i, times a factor, to where `a[start]` begins; there is room for whole vectors."""
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


@variant(copy_row, Matrix)
def _copy_row_of_matrix(inputs, i, keep, a, start):
    n, width = inputs.columns, narrow_lanes(a)
    j = 0
    while j + width <= n:
        store(a, start + j, keep * load_narrow(inputs.values, i * n + j))
        j += width
    while j < n:
        set_item(a, start + j, keep * item(inputs.values, i * n + j))
        j += 1


@variant(copy_row, Rows)
def _copy_row_of_rows(inputs, i, keep, a, start):
    for p in range(item(inputs.starts, i), item(inputs.starts, i + 1)):
        set_item(a, start + item(inputs.columns, p), keep * item(inputs.values, p))


def prefetch_row(inputs, i):
    """Ask for row i, before it is needed."""
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
