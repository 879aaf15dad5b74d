"""The inputs of all samples, and what layer 0 computes of them: with the zeros, or without.

Four pixels in five of MNIST are zero: they add nothing to the next layer, and their weights don't change. So a sample
can be kept as the list of its inputs that are not zero, as in SciPy's CSR matrices. Where few inputs are zero, a matrix
is better, whose rows are taken several at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels import choice, products
from fastnet.kernels.compiler import kernel, part, variant
from fastnet.kernels.vectors import (
    item,
    lanes,
    load,
    load_narrow,
    narrow_lanes,
    numbers_of_line,
    prefetch,
    set_item,
    store,
    zeros,
)


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


def add_product(inputs, mini_batch, upcoming, w, w_panel, z, z_panel):
    """Add x w to z, for one panel: z[s] += sum_j x[mini_batch[s], j] w[j].

    Samples are visited in random order, so that the processor cannot guess which comes next: after sample s, it is
    told to expect `upcoming[s]`.
    """
    raise NotImplementedError


def add_transposed_product(inputs, mini_batch, d, d_panel, w, w_panel):
    """Add x^T d to w, for one panel: w[j] += sum_s x[mini_batch[s], j] d[s]."""
    raise NotImplementedError


def copy_row(inputs, i, keep, a, start):
    """Copy row i, times a factor, to where `a[start]` begins; there is room for whole vectors."""
    raise NotImplementedError


@variant(add_product, Matrix)
def _add_product_of_matrix(inputs, mini_batch, upcoming, w, w_panel, z, z_panel):
    n = inputs.columns
    width = lanes(w)
    products.add_product(inputs.values, 0, n, mini_batch, n, 1, 0, w, w_panel, z, z_panel, width, 0, len(mini_batch))


@variant(add_transposed_product, Matrix)
def _add_transposed_product_of_matrix(inputs, mini_batch, d, d_panel, w, w_panel):
    n, width = inputs.columns, lanes(d)
    for j in range(0, n, products.WEIGHTS_IN_CACHE):
        some = min(products.WEIGHTS_IN_CACHE, n - j)
        products.add_transposed_product(
            inputs.values, j, n, mini_batch, some, 1, 0, d, d_panel, width, w, w_panel + j * width
        )


@variant(add_product, Rows)
def _add_product_of_rows(inputs, mini_batch, upcoming, w, w_panel, z, z_panel):
    width = lanes(z)
    for s in range(len(mini_batch)):
        if s < len(upcoming):
            _prefetch(inputs, item(upcoming, s))
        i = item(mini_batch, s)
        p, stop = item(inputs.starts, i), item(inputs.starts, i + 1)
        z0 = load(z, z_panel + s * width)
        z1 = zeros(z)  # two sums, which need not wait for each other
        while p + 2 <= stop:
            z0 = z0 + item(inputs.values, p) * load(w, w_panel + item(inputs.columns, p) * width)
            z1 = z1 + item(inputs.values, p + 1) * load(w, w_panel + item(inputs.columns, p + 1) * width)
            p += 2
        if p < stop:
            z0 = z0 + item(inputs.values, p) * load(w, w_panel + item(inputs.columns, p) * width)
        store(z, z_panel + s * width, z0 + z1)


@variant(add_transposed_product, Rows)
def _add_transposed_product_of_rows(inputs, mini_batch, d, d_panel, w, w_panel):
    width = lanes(w)
    for s in range(len(mini_batch)):
        i = item(mini_batch, s)
        p, stop = item(inputs.starts, i), item(inputs.starts, i + 1)
        d_s = load(d, d_panel + s * width)
        while p + 2 <= stop:  # of two columns, never the same: the second need not wait for the first to be stored
            j0 = w_panel + item(inputs.columns, p) * width
            j1 = w_panel + item(inputs.columns, p + 1) * width
            w0 = load(w, j0) + item(inputs.values, p) * d_s
            w1 = load(w, j1) + item(inputs.values, p + 1) * d_s
            store(w, j0, w0)
            store(w, j1, w1)
            p += 2
        if p < stop:
            j0 = w_panel + item(inputs.columns, p) * width
            store(w, j0, load(w, j0) + item(inputs.values, p) * d_s)


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
