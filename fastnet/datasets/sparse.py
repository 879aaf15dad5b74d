"""Sparse inputs of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

Row: TypeAlias = tuple[np.ndarray, np.ndarray]
"""The column indices of a row's stored numbers, and these numbers."""


class SparseInputs:
    """A SciPy sparse matrix with one sample per row. Indexing works as for an array, and returns dense rows.

    An engine that computes with dense matrices converts only the rows that it feeds forward together.

    Parameters
    ----------
    matrix : SciPy sparse matrix or array of real numbers, or SparseInputs; shape (n, n_in)
        The matrix, in any sparse format. The matrix is never changed. A canonical CSR matrix of float32 or float64 is
        not copied. Numbers of other types are converted as in a `Dataset`.

    Raises
    ------
    TypeError
        If the matrix does not hold real numbers.
    ValueError
        If the matrix does not have two dimensions.

    Attributes
    ----------
    shape : tuple of int
        Number of samples, and number of inputs.
    dtype : numpy.dtype
        float32 or float64.
    """

    def __init__(self, matrix: Any) -> None:
        if len(matrix.shape) != 2:
            raise ValueError(f"inputs have shape {matrix.shape}; it must be (samples, components)")
        rows = matrix.tocsr()
        if not rows.has_canonical_format:  # duplicate entries are summed first, because no kernel expects them
            rows = rows.copy()
            rows.sum_duplicates()
        self._rows = rows.astype(real_type(rows.dtype, "inputs"), copy=False)
        self.shape: tuple[int, int] = self._rows.shape
        self.dtype: np.dtype = self._rows.dtype

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """SciPy's `indptr`, `indices` and `data`: the starts of the rows, the column indices and the numbers."""
        return self._rows.indptr, self._rows.indices, self._rows.data

    def tocsr(self) -> Any:
        """Return the matrix, in CSR format."""
        return self._rows

    def split(self) -> list[Row]:
        """Return the column indices and the stored numbers of each row."""
        starts, columns, values = self.arrays
        bounds = starts.tolist()
        return [(columns[a:b], values[a:b]) for a, b in pairwise(bounds)]

    def joined(self, rows: Sequence[Row]) -> SparseInputs:
        """Return sparse inputs with the given rows. The type and the number of columns are those of this matrix."""
        columns, values = zip(*rows, strict=True) if rows else ((), ())
        starts = np.cumsum([0, *map(len, columns)])
        numbers = np.concatenate([*values, self.arrays[2][:0]], dtype=self.dtype)
        arrays = numbers, np.concatenate([*columns, self.arrays[1][:0]]), starts
        return SparseInputs(type(self._rows)(arrays, shape=(len(rows), self.shape[1])))

    def stacked(self, below: np.ndarray | SparseInputs) -> SparseInputs:
        """Return these inputs, followed by the rows of `below`. `below` may be dense."""
        from scipy.sparse import vstack  # SciPy is installed, because the matrix is SciPy's

        rows: Any = below.tocsr() if isinstance(below, SparseInputs) else below
        return SparseInputs(vstack([self._rows, rows]))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        several = isinstance(rows, (slice, np.ndarray))
        dense: np.ndarray = self._rows[rows if several else [rows]].toarray()
        return dense if several else dense[0]


def is_sparse(inputs: object) -> bool:
    """Whether `inputs` is a SciPy sparse matrix; SciPy need not be installed."""
    return hasattr(inputs, "tocsr")


def real_type(dtype: np.dtype, name: str) -> np.dtype:
    """Return the type, float32 or float64, to which numbers of type `dtype` are converted.

    Float32, half precision, booleans and integers of up to 16 bits become float32; all other real types become float64.

    Raises
    ------
    TypeError
        If `dtype` is not a type of real numbers. The message begins with `name`.
    """
    half = dtype.kind == "V" and dtype.names is None and np.can_cast(dtype, np.float32)  # such as JAX's bfloat16
    if dtype.kind not in "fiub" and not half:
        how = "; .astype('float32') converts an array whose values are numbers" if dtype.kind in "OSUT" else ""
        raise TypeError(f"{name} are of type {dtype}; they must be real numbers{how}")
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)
