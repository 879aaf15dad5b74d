"""The inputs without their zeros.

Four pixels in five of MNIST are zero: they add nothing to the next layer, and their weights don't change. So a
sample is kept as the list of its inputs that are not zero, as in SciPy's CSR matrices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels.compiler import formula, kernel
from fastnet.kernels.prefetching import CACHE_LINE, prefetch


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


def rows_of(inputs: np.ndarray, dtype: np.dtype) -> Rows:
    """Leave the zeros of a matrix out: shape (n, n_in), float32 or float64, contiguous."""
    inputs = inputs.view()
    inputs.flags.writeable = False  # to Numba another type, for which it would compile once more
    starts = np.zeros(len(inputs) + 1, np.int64)
    _count(inputs, starts)
    columns = np.empty(starts[-1], np.uint16 if inputs.shape[1] <= 1 << 16 else np.uint32)
    values = np.empty(starts[-1], dtype)
    _fill(inputs, starts, columns, values)
    return Rows(starts, columns, values)


@kernel
def _count(inputs, starts):
    """Fill in where each row starts."""
    for i in range(len(inputs)):
        count = 0
        for column in range(inputs.shape[1]):
            count += inputs[i, column] != 0
        starts[i + 1] = starts[i] + count


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


@formula
def prefetch_rows(rows, samples):
    """Ask for the rows of the samples that come next."""
    value_step = CACHE_LINE // rows.values.itemsize
    column_step = CACHE_LINE // rows.columns.itemsize
    for s in range(len(samples)):
        i = samples[s]
        for p in range(rows.starts[i], rows.starts[i + 1], value_step):
            prefetch(rows.values, p)
        for p in range(rows.starts[i], rows.starts[i + 1], column_step):
            prefetch(rows.columns, p)
