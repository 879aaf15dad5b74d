"""The samples of a data set as two lists, in which samples can be replaced, inserted and deleted."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet.datasets.sparse import Row, SparseInputs


class Rows:
    """The rows of two arrays as two lists. The arrays are never changed, because they may be the caller's.

    Parameters
    ----------
    inputs : ndarray or SparseInputs, shape (n, n_in)
        One sample per row.
    targets : ndarray, shape (n, n_out) or (n,)
        The desired outputs, or the labels.

    Attributes
    ----------
    xs : list
        The inputs of each sample: an array of shape (n_in,), or the column indices and stored numbers of a sparse row.
    ys : list
        The targets of each sample: an array of shape (n_out,), or a label.
    """

    def __init__(self, inputs: np.ndarray | SparseInputs, targets: np.ndarray) -> None:
        self._inputs, self._targets = inputs, targets
        self.xs: list[Any] = inputs.split() if isinstance(inputs, SparseInputs) else list(inputs)
        self.ys: list[Any] = targets.tolist() if targets.ndim == 1 else list(targets)

    def sample(self, index: int) -> tuple[np.ndarray, Any]:
        """Return a sample as the book's tuple `(x, y)`."""
        x, y = self.xs[index], self.ys[index]
        return self._column(x), y if self._targets.ndim == 1 else y[:, np.newaxis]

    def row_of(self, sample: Any) -> tuple[Any, Any] | None:
        """Return the row of a sample; None if `x` or `y` must first be checked, converted or copied."""
        x, y = sample
        if not self._is_column(x, self._inputs):
            return None
        if self._targets.ndim == 1:
            return (self._row(x), y) if type(y) is int and 0 <= y < 1 << 31 else None
        return (self._row(x), y[:, 0]) if self._is_column(y, self._targets) else None

    def arrays(self) -> tuple[np.ndarray | SparseInputs, np.ndarray]:
        """Return the rows as two new arrays."""
        if isinstance(self._inputs, SparseInputs):
            inputs: np.ndarray | SparseInputs = self._inputs.joined(self.xs)
        else:
            inputs = _stacked(self.xs, self._inputs)
        if self._targets.ndim == 1:
            return inputs, np.array(self.ys, self._targets.dtype)
        return inputs, _stacked(self.ys, self._targets)

    def _is_column(self, value: Any, like: np.ndarray | SparseInputs) -> bool:
        """Whether a value is a read-only column of the same length and type as the rows of a matrix."""
        return (
            type(value) is np.ndarray
            and value.shape == (like.shape[1], 1)
            and value.dtype == like.dtype
            and not value.flags.writeable
        )

    def _column(self, row: np.ndarray | Row) -> np.ndarray:
        if isinstance(row, tuple):
            column = np.zeros((self._inputs.shape[1], 1), self._inputs.dtype)
            column[row[0], 0] = row[1]
            column.flags.writeable = False
            return column
        return row[:, np.newaxis]

    def _row(self, column: np.ndarray) -> np.ndarray | Row:
        row = column[:, 0]
        if isinstance(self._inputs, SparseInputs):
            columns = np.flatnonzero(row)
            return columns, row[columns]
        return row


def _stacked(rows: list[np.ndarray], like: np.ndarray) -> np.ndarray:
    return np.concatenate([like[:0].ravel(), *rows], dtype=like.dtype).reshape(len(rows), like.shape[1])
