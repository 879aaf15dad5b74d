"""The inputs of a data set of which most are zero, without their zeros."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

Row: TypeAlias = tuple[np.ndarray, np.ndarray]
"""The columns of a row's numbers, and the numbers."""


class SparseInputs:
    """A SciPy sparse matrix that engines can take for an array of one sample a row: the rows that are taken are dense.

    So an engine that computes with matrices makes no more of them dense than a mini-batch.

    Parameters
    ----------
    matrix : SciPy sparse matrix or array of real numbers, or SparseInputs; shape (n, n_in)
        Of any format. It is not changed, and not copied where it is in CSR format already, in its canonical form, and
        of float32 or float64. Other types of numbers become one of these, as those of a `Dataset` do.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it has not two dimensions.

    Attributes
    ----------
    shape : tuple of int
        The number of samples, and of inputs.
    dtype : numpy.dtype
        float32 or float64.
    """

    def __init__(self, matrix: Any) -> None:
        if len(matrix.shape) != 2:
            raise ValueError(f"inputs have shape {matrix.shape}; it must be (samples, components)")
        rows = matrix.tocsr()
        if not rows.has_canonical_format:  # a number may be the sum of several, which no kernel expects
            rows = rows.copy()
            rows.sum_duplicates()
        self._rows = rows.astype(real_type(rows.dtype, "inputs"), copy=False)
        self.shape: tuple[int, int] = self._rows.shape
        self.dtype: np.dtype = self._rows.dtype

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where rows start, the columns of numbers, and these numbers: SciPy's `indptr`, `indices` and `data`."""
        return self._rows.indptr, self._rows.indices, self._rows.data

    def tocsr(self) -> Any:
        """Return the matrix, in CSR format."""
        return self._rows

    def split(self) -> list[Row]:
        """Return the rows one by one."""
        starts, columns, values = self.arrays
        bounds = starts.tolist()
        return [(columns[a:b], values[a:b]) for a, b in pairwise(bounds)]

    def joined(self, rows: Sequence[Row]) -> SparseInputs:
        """Return inputs of these rows, of the same type and with as many columns."""
        columns, values = zip(*rows, strict=True) if rows else ((), ())
        starts = np.cumsum([0, *map(len, columns)])
        values = np.concatenate([*values, self.arrays[2][:0]], dtype=self.dtype)
        arrays = values, np.concatenate([*columns, self.arrays[1][:0]]), starts
        return SparseInputs(type(self._rows)(arrays, shape=(len(rows), self.shape[1])))

    def stacked(self, below: np.ndarray | SparseInputs) -> SparseInputs:
        """Return these rows and those of other inputs, which may be dense, below them."""
        from scipy.sparse import vstack  # it is there: the matrix is one of SciPy's

        return SparseInputs(vstack([self._rows, below.tocsr() if isinstance(below, SparseInputs) else below]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        several = isinstance(rows, (slice, np.ndarray))
        dense: np.ndarray = self._rows[rows if several else [rows]].toarray()
        return dense if several else dense[0]


def is_sparse(inputs: object) -> bool:
    """Whether they are a SciPy sparse matrix; SciPy need not be there to find it out."""
    return hasattr(inputs, "tocsr")


def real_type(dtype: np.dtype, name: str) -> np.dtype:
    """Return float32 or float64: the one that holds numbers of a type.

    Integers of up to 16 bits and half precision become float32, all others float64.

    Raises
    ------
    TypeError
        If these are not real numbers. It begins with their name.
    """
    half = dtype.kind == "V" and dtype.names is None and np.can_cast(dtype, np.float32)  # such as JAX's bfloat16
    if dtype.kind not in "fiub" and not half:
        how = f"; {name}.astype('float32') converts an array whose values are numbers" if dtype.kind in "OSUT" else ""
        raise TypeError(f"{name} are of type {dtype}; they must be real numbers{how}")
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)
