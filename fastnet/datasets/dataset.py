"""A data set of two arrays, which behaves like the book's list of `(x, y)` tuples."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, MutableSequence, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from fastnet.datasets.pairs import is_pair, samples_of
from fastnet.datasets.rows import Rows
from fastnet.datasets.sparse import SparseInputs, is_sparse, real_type
from fastnet.utils.arguments import brief

_MOST_LABELS = 1 << 31

_T = TypeVar("_T")
Sample: TypeAlias = tuple[np.ndarray, Any]


class Dataset(MutableSequence[Sample]):
    """The book's list of samples, stored as two contiguous arrays.

    A data set has a length, and can be indexed, sliced, iterated over, added to another data set and shuffled by
    `random.shuffle`. Samples can be assigned, inserted, appended and deleted. A list or array of indices, or a mask,
    selects samples. Slices, selections and sums are data sets.

    A sample is a tuple `(x, y)`. `x` is a column of shape `(n_in, 1)`. `y` is a column of shape `(n_out, 1)`, or an
    integer if the targets are labels. Columns are read-only. Columns of dense arrays are views, not copies.

    Parameters
    ----------
    inputs : array_like or SciPy sparse matrix or array of real numbers, shape (n, n_in)
        One sample per row. Float32, half precision, booleans and integers of up to 16 bits become float32; all other
        real types become float64. Sparse inputs stay sparse: see `rows`. Tables of pandas and polars, and arrays of
        PyTorch and JAX, are array_like.
    targets : array_like, shape (n, n_out) or (n,)
        The desired outputs, one sample per row; or the labels, integers of at least 0. A one-dimensional array of
        floating-point numbers or booleans holds the desired outputs of one neuron. A network with several outputs takes
        such numbers as labels if they are whole.

    Raises
    ------
    TypeError
        If the inputs or the targets are not real numbers.
    ValueError
        If an array has a wrong number of dimensions, a label is negative or above 2**31 - 1, or `inputs` and `targets`
        differ in length.

    Notes
    -----
    A data set shares the caller's arrays if the arrays need no conversion. The arrays are never changed: shuffling
    makes new arrays. A data set does not notice when the caller changes a shared array.

    An assigned sample is converted to the data set's types. In a data set of float32, a float64 column becomes float32.
    If the targets are vectors, a label becomes a vector.

    Examples
    --------
    >>> data = Dataset([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]], [0, 1, 1])
    >>> len(data), data[0][0].shape, data[0][1]
    (3, (2, 1), 0)
    >>> data[1:]
    <Dataset: 2 samples of 2 inputs, labels>
    >>> data[[2, 0]] + [([0.5, 0.5], 1)]
    <Dataset: 3 samples of 2 inputs, labels>
    """

    def __init__(self, inputs: npt.ArrayLike | SparseInputs, targets: npt.ArrayLike) -> None:
        if isinstance(inputs, SparseInputs) or is_sparse(inputs):
            checked: np.ndarray | SparseInputs = SparseInputs(inputs)
        else:
            checked = real_matrix(inputs, "inputs")
        self._keep(checked, _labels_or_matrix(targets))
        if len(self._inputs) != len(self._targets):
            raise ValueError(
                f"inputs and targets differ in length: {len(self._inputs)} and {len(self._targets)} samples"
            )

    def _keep(self, inputs: np.ndarray | SparseInputs, targets: np.ndarray) -> None:
        self._inputs = inputs if isinstance(inputs, SparseInputs) else _read_only(inputs)
        self._targets = _read_only(targets)
        self._edited: Rows | None = None  # edited samples, which replace the arrays until arrays are needed again
        self._derived: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    @staticmethod
    def _of(inputs: np.ndarray | SparseInputs, targets: np.ndarray) -> Dataset:
        """Return a data set of arrays that have already been checked."""
        data = Dataset.__new__(Dataset)
        data._keep(inputs, targets)
        return data

    @classmethod
    def from_pairs(cls, pairs: Iterable[Sample]) -> Dataset:
        """Make a data set from the book's `(x, y)` tuples.

        Parameters
        ----------
        pairs : iterable of (x, y)
            `x` of shape `(n_in, 1)` or `(n_in,)`; `y` of shape `(n_out, 1)` or `(n_out,)`, or a number. An array of
            pairs is accepted: shape (n, 2) with objects, shape (n, 2, n_in, 1) with numbers, or records of two fields.

        Raises
        ------
        TypeError
            If an item is not a pair `(x, y)`.
        ValueError
            If `pairs` is empty, the first `x` or `y` has a wrong shape, or the shapes differ between items.
        """
        samples = samples_of(pairs)
        if not samples:
            raise ValueError("the data set is empty; it needs at least one (x, y)")
        xs, ys = zip(*samples, strict=True)
        if all(np.ndim(y) == 0 for y in ys):
            return cls(_stack(xs, "x"), _array(ys, "y"))
        return cls(_stack(xs, "x"), _stack(ys, "y"))

    @property
    def inputs(self) -> np.ndarray:
        """The inputs, one sample per row: shape (n, n_in), float32 or float64, contiguous, read-only.

        Raises
        ------
        TypeError
            If the inputs are sparse.
        """
        inputs = self.rows
        if isinstance(inputs, SparseInputs):
            raise TypeError("the inputs of the data set are sparse; give them as an array: inputs.toarray()")
        return inputs

    @property
    def rows(self) -> np.ndarray | SparseInputs:
        """The inputs: an array, or `SparseInputs`. `rows[start:stop]` is always an array."""
        self._merge()
        return self._inputs

    @property
    def targets(self) -> np.ndarray:
        """The desired outputs, float32 or float64, shape (n, n_out); or the labels, int64, shape (n,). Read-only."""
        self._merge()
        return self._targets

    def labels(self, n_out: int) -> np.ndarray:
        """Return the label of each sample, for a network with `n_out` outputs.

        Returns
        -------
        ndarray, shape (n,)
            The labels, int64; with `n_out` = 1, the labels have the type of the targets. If the targets are vectors, a
            label is the index of the largest component. If the vectors have one component, this component is the label,
            because the book's program compares the component with the prediction.

        Raises
        ------
        ValueError
            If `n_out` is above 1, and a label is not an integer from 0 to `n_out` - 1. If the vectors have neither
            `n_out` components nor one component.
        """
        targets = self.targets
        if targets.ndim == 2 and targets.shape[1] > 1:
            self._check_length(n_out)
            return self.derived("labels", lambda: _read_only(targets.argmax(axis=1)))
        numbers = targets.reshape(len(targets))
        return numbers if n_out == 1 else _labels_below(numbers, n_out)

    def vectors(self, n_out: int) -> np.ndarray:
        """Return the desired outputs of a network with `n_out` outputs.

        Returns
        -------
        ndarray of float32 or float64, shape (n, n_out)
            The targets. If the targets are labels, a row has 1 at the index of the label and 0 elsewhere. With `n_out`
            = 1, a row has the label itself, because the book's program subtracts the label from the output.

        Raises
        ------
        ValueError
            If `n_out` is above 1, and a label is not an integer from 0 to `n_out` - 1. If the vectors have neither
            `n_out` components nor one component.
        """
        targets = self.targets
        if targets.ndim == 2 and targets.shape[1] > 1:
            self._check_length(n_out)
            return targets
        numbers = targets.reshape(len(targets))
        if n_out == 1:
            return real_matrix(numbers[:, np.newaxis], "targets")
        vectors = np.zeros((len(self), n_out), np.float32)
        vectors[np.arange(len(self)), _labels_below(numbers, n_out)] = 1.0
        return vectors

    def check_inputs(self, n_in: int) -> None:
        """Raise a `ValueError` if the samples do not have `n_in` inputs."""
        if self._inputs.shape[1] != n_in:
            raise ValueError(f"x has {self._inputs.shape[1]} components, but the network has {n_in} inputs")

    def check_numbers(self, dtype: np.dtype) -> None:
        """Raise a `ValueError` if a number is infinite, NaN, or too large for `dtype`."""
        check_numbers(self.input_extremes(), dtype, "x")
        if self._targets.dtype.kind == "f":
            check_numbers(self.derived("target extremes", partial(extremes, self.targets)), dtype, "y")

    def input_extremes(self) -> tuple[float, float]:
        """Return the smallest and the largest input, or NaN twice if an input is NaN.

        For sparse inputs, only the stored numbers count.
        """
        rows = self.rows
        inputs = rows.arrays[2] if isinstance(rows, SparseInputs) else rows
        return self.derived("input extremes", partial(extremes, inputs))

    def with_vectors(self, n_out: int) -> Dataset:
        """Return this data set if its targets are already `vectors(n_out)`, otherwise a data set with these vectors."""
        vectors = self.vectors(n_out)
        return self if vectors is self._targets else self.derived(n_out, lambda: Dataset(self.rows, vectors))

    def derived(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return the result of `make`, which is called once. The result is kept under `key` until the data set changes.

        The engine `numba` keeps its layout of the data with this method, so several networks can share the layout.
        """
        with self._lock:  # so that `make` is called once, even if several threads need the result
            self._merge()
            if key not in self._derived:
                self._derived[key] = make()
            made: _T = self._derived[key]
        return made

    def _check_length(self, n_out: int) -> None:
        if self._targets.shape[1] != n_out:
            raise ValueError(f"y has {self._targets.shape[1]} components, but the network has {n_out} outputs")

    def _merge(self) -> None:
        """Turn edited samples back into arrays."""
        if self._edited is not None:
            with self._lock:
                if self._edited is not None:
                    inputs, targets = self._edited.arrays()
                    self._inputs = inputs if isinstance(inputs, SparseInputs) else _read_only(inputs)
                    self._targets, self._edited = _read_only(targets), None

    def _edit(self) -> Rows:
        """Return the samples as lists that may be changed, and discard everything derived from the arrays."""
        if self._edited is None:
            with self._lock:
                self._edited, self._derived = Rows(self._inputs, self._targets), {}
        return self._edited

    def __len__(self) -> int:
        return len(self._inputs if self._edited is None else self._edited.xs)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> Dataset: ...
    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> Sample | Dataset:
        try:
            i = operator.index(index)  # type: ignore[arg-type] # raises the `TypeError` if `index` is no integer
        except TypeError:
            chosen = index if isinstance(index, slice) else _indices(index, len(self))
            rows = self.rows
            if isinstance(rows, SparseInputs):
                return Dataset._of(SparseInputs(rows.tocsr()[chosen]), self._targets[chosen])
            return Dataset._of(np.ascontiguousarray(rows[chosen]), np.ascontiguousarray(self._targets[chosen]))
        if self._edited is not None:
            return self._edited.sample(i)
        x, y = self._inputs[i], self._targets[i]
        x.flags.writeable = False  # a row of a sparse matrix is a new array, which is writeable
        return x[:, np.newaxis], int(y) if y.ndim == 0 else y[:, np.newaxis]

    @overload
    def __setitem__(self, index: int, value: Sample) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Sample]) -> None: ...
    def __setitem__(self, index: int | slice, value: Any) -> None:
        place = index if isinstance(index, slice) else _position(index)
        rows = None if isinstance(place, slice) or not is_pair(value) else self._edit().row_of(value)
        if rows is None:
            several = self._fitting(value if isinstance(place, slice) else [value])
            rows = (several.xs, several.ys) if isinstance(place, slice) else (several.xs[0], several.ys[0])
        edited = self._edit()
        edited.xs[place], edited.ys[place] = rows

    def __delitem__(self, index: int | slice) -> None:
        place, edited = index if isinstance(index, slice) else _position(index), self._edit()
        del edited.xs[place], edited.ys[place]

    def insert(self, index: int, value: Sample) -> None:
        """Insert a sample before an index, as a list does."""
        place = slice(*[_position(index)] * 2)
        self[place] = [value]

    def extend(self, values: Iterable[Sample]) -> None:
        """Append all samples, or none if a sample does not fit."""
        self[len(self) :] = values

    def __add__(self, other: Iterable[Sample]) -> Dataset:
        """Return the samples of both data sets. If only one data set has vectors, the labels become vectors, too."""
        if not isinstance(other, Iterable):
            return NotImplemented
        return _sum(self, self._given(other))

    def __radd__(self, other: Iterable[Sample]) -> Dataset:
        if not isinstance(other, Iterable):
            return NotImplemented
        return _sum(self._given(other), self)

    def _given(self, value: Iterable[Sample]) -> Dataset:
        """Convert samples to a data set. Without samples, the data set is empty."""
        samples = value if isinstance(value, Dataset) else samples_of(value)
        return as_dataset(samples) if len(samples) else self[:0]

    def _fitting(self, value: Iterable[Sample]) -> Rows:
        """Return samples as rows with this data set's shapes and types, or raise a `ValueError`."""
        given, n_in, ours = self._given(value), self._inputs.shape[1], self._targets
        if given.rows.shape[1] != n_in:
            raise ValueError(f"x has {given.rows.shape[1]} components, but the data set has {n_in} inputs")
        targets = given.targets if ours.ndim == 1 else _vectors(given, ours.shape[1])
        if targets.ndim != ours.ndim:
            raise ValueError(f"y has {targets.shape[1]} components; the data set has labels, and y must be an integer")
        rows = given.rows
        if isinstance(self._inputs, SparseInputs):
            return Rows(self._inputs.joined([]).stacked(rows), targets)
        with np.errstate(over="ignore"):  # no warning is needed: `check_numbers` refuses infinite numbers
            dense, targets = rows[:].astype(self._inputs.dtype, copy=False), targets.astype(ours.dtype, copy=False)
        return Rows(_read_only(dense), _read_only(targets))

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[type[Dataset], tuple[np.ndarray | SparseInputs, np.ndarray]]:
        return Dataset, (self.rows, self.targets)  # so that a copy is read-only, too

    def __repr__(self) -> str:
        kind = "labels" if self._targets.ndim == 1 else f"vectors of {self._targets.shape[1]}"
        sparse = "sparse " if isinstance(self._inputs, SparseInputs) else ""
        return f"<Dataset: {len(self):,} samples of {self._inputs.shape[1]:,} {sparse}inputs, {kind}>"

    def _repr_html_(self) -> str:
        """Return `repr` as HTML, for notebooks."""
        return f"<code>{repr(self).replace('<', '&lt;').replace('>', '&gt;')}</code>"


def extremes(array: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest number; NaN twice if a number is NaN, 0 twice if the array is empty."""
    return (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)


def check_numbers(found: tuple[float, float], dtype: np.dtype, name: str) -> None:
    """Raise a `ValueError` if numbers with the extremes `found` are not finite in `dtype`."""
    largest = max(found, key=abs)
    if not np.isfinite(found).all():
        what = "NaN" if np.isnan(largest) else "an infinite number"
        raise ValueError(f"{name} contains {what}; all numbers must be finite")
    if abs(largest) > float(np.finfo(dtype).max):
        raise ValueError(f"{name} has the number {largest:g}, which {dtype} cannot hold")


def _sum(first: Dataset, second: Dataset) -> Dataset:
    """Return a data set of the samples of both data sets."""
    above, below = first.rows, second.rows
    if above.shape[1] != below.shape[1]:
        raise ValueError(
            f"the data sets have {above.shape[1]} and {below.shape[1]} inputs; these numbers must be equal"
        )
    targets = [first.targets, second.targets]
    widths = {array.shape[1] for array in targets if array.ndim == 2}
    if len(widths) == 2:
        raise ValueError(
            f"the data sets have {targets[0].shape[1]} and {targets[1].shape[1]} outputs; these numbers must be equal"
        )
    for n_out in widths:
        targets = [_vectors(data, n_out) for data in (first, second)]
    inputs: np.ndarray | SparseInputs
    if isinstance(above, SparseInputs):
        inputs = above.stacked(below)
    elif isinstance(below, SparseInputs):
        inputs = below.joined([]).stacked(above).stacked(below)
    else:
        inputs = np.concatenate([above, below])
    return Dataset._of(inputs, np.concatenate(targets))


def _vectors(data: Dataset, n_out: int) -> np.ndarray:
    """Return the targets as vectors of `n_out` components, or raise a `ValueError` if the targets do not fit."""
    try:
        return data.vectors(n_out)
    except ValueError:
        largest = (
            f"labels up to {data.targets.max()}" if data.targets.ndim == 1 else f"{data.targets.shape[1]} components"
        )
        raise ValueError(f"y has {largest}; the vectors of the data set have {n_out} components") from None


def _position(index: Any) -> int:
    """Return an index as an integer, or raise a `TypeError`."""
    try:
        return operator.index(index)
    except TypeError:
        raise TypeError(f"samples are assigned and deleted by an integer or a slice, not by {brief(index)}") from None


def _indices(index: Any, n: int) -> np.ndarray:
    """Convert a list of indices or a mask to an array of indices."""
    try:
        array = np.asarray(index)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.ndim != 1 or (array.dtype.kind not in "iub" and array.size):
        raise TypeError(
            f"a data set is indexed by an integer, a slice, a list of integers or a mask, not by {brief(index)}"
        )
    if array.dtype != bool:
        return array.astype(np.int64)
    if len(array) != n:
        raise IndexError(f"the mask has {len(array)} elements; it must have {n}, one for each sample")
    return np.flatnonzero(array)


def as_dataset(data: Dataset | Iterable[Sample]) -> Dataset:
    """Return `data` if it is a data set, otherwise a data set made from its `(x, y)` tuples.

    Parameters
    ----------
    data : Dataset or iterable of (x, y)
        See `Dataset.from_pairs`. An iterator is exhausted. PyTorch's map-style data sets are accepted.

    Raises
    ------
    TypeError
        If `data` is neither a data set nor an iterable of tuples (x, y).
    ValueError
        If `data` is empty, or its samples have wrong or different shapes.
    """
    if not isinstance(data, Dataset):
        data = Dataset.from_pairs(data)
    if len(data) == 0:
        raise ValueError("the data set is empty; it needs at least one (x, y)")
    return data


def fitting(data: Dataset | Iterable[Sample], n_in: int, dtype: np.dtype) -> Dataset:
    """Return `as_dataset(data)`, whose inputs must fit a network.

    Parameters
    ----------
    data : Dataset or iterable of (x, y)
        See `as_dataset`.
    n_in : int
        Number of inputs of the network.
    dtype : numpy.dtype
        Precision of the network.

    Raises
    ------
    TypeError, ValueError
        See `as_dataset`. Also if a sample does not have `n_in` inputs, or a number is not finite in `dtype`.
    """
    found = as_dataset(data)
    found.check_inputs(n_in)
    found.check_numbers(dtype)
    return found


def real_matrix(values: npt.ArrayLike, name: str) -> np.ndarray:
    """Return a contiguous matrix of float32 or float64, without a copy if `values` already is one.

    Parameters
    ----------
    values : array_like of real numbers
        A matrix. Float32, half precision, booleans and integers of up to 16 bits become float32; all other real types
        become float64.
    name : str
        Name of the values; error messages begin with this name.

    Raises
    ------
    TypeError
        If the values are not real numbers.
    ValueError
        If the values are not a matrix.
    """
    array = real_array(values, name)
    if array.ndim != 2:
        shape = "(-1, 1)" if array.ndim < 2 else f"(len({name}), -1)"
        how = f"; {name}.reshape{shape} has such a shape" if array.ndim else ""
        raise ValueError(f"{name} have shape {array.shape}; it must be (samples, components){how}")
    return np.ascontiguousarray(array)


def real_array(values: npt.ArrayLike, name: str) -> np.ndarray:
    """Convert an array of any shape to float32 or float64, as `real_matrix` converts a matrix."""
    array = _array(values, name)
    return array.astype(real_type(array.dtype, name), copy=False)


def finite_arrays(values: Any, name: str, dtype: np.dtype) -> list[np.ndarray]:
    """Return arrays that a user has assigned to a network, converted to the network's precision.

    Parameters
    ----------
    values : list or tuple of array_like
        Arrays of any shapes.
    name : str
        Name of the list. Error messages begin with this name and the index of the array.
    dtype : numpy.dtype
        float32 or float64.

    Raises
    ------
    TypeError
        If `values` is not a list or tuple, or its arrays do not hold real numbers.
    ValueError
        If a number is not finite in `dtype`, or an array is ragged.
    """
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{name} is {brief(values)}; it must be a list of arrays")
    return [finite_array(array, f"{name}[{i}]", dtype) for i, array in enumerate(values)]


def finite_array(value: Any, name: str, dtype: np.dtype) -> np.ndarray:
    """Check and convert one array as `finite_arrays` does. Error messages begin with `name`."""
    array = real_array(value, name)
    if array.dtype != dtype or not np.isfinite(array).all():  # `isfinite` takes half the time of `extremes`
        check_numbers(extremes(array), dtype, name)
    return array.astype(dtype, copy=False)


def refuse_masked(values: Any, name: str) -> None:
    """Raise a `TypeError` if an array or an item of a list has masked values, because NumPy would drop the mask."""
    for array in (values, *(values if isinstance(values, (list, tuple)) else ())):
        # The constant `np.ma.masked`, which may be an item of a list, is a `MaskedArray`, too.
        if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
            raise TypeError(f"{name}: masked values are not allowed; fill them, or leave them out")


def _array(values: npt.ArrayLike, name: str) -> np.ndarray:
    refuse_masked(values, name)
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} are ragged; all rows must have the same length") from None
    except (RuntimeError, TypeError) as error:  # such as PyTorch's error for a tensor on a GPU or with a gradient
        raise TypeError(f"{name} cannot be read as an array: {error}") from None


def _labels_or_matrix(targets: npt.ArrayLike) -> np.ndarray:
    array = _array(targets, "targets")
    if array.ndim != 1:
        return real_matrix(array, "targets")
    if array.dtype.kind not in "iu":
        return real_matrix(array[:, np.newaxis], "targets")
    if array.size and not 0 <= array.min() <= array.max() < _MOST_LABELS:
        raise ValueError(
            f"there are labels from {array.min()} to {array.max()}; they must be integers from 0 to {_MOST_LABELS - 1}"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _labels_below(numbers: np.ndarray, n_out: int) -> np.ndarray:
    """Return numbers as labels below `n_out`. Floating-point numbers must have integer values."""
    with np.errstate(invalid="ignore"):  # no warning is needed: numbers that are not integers are refused below
        labels = numbers.astype(np.int64)
    if (labels != numbers).any():
        raise ValueError(f"there is a label {numbers[labels != numbers][0]}; labels must be integers of at least 0")
    if len(labels) and not 0 <= labels.min() <= labels.max() < n_out:
        worst = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(
            f"there is a label {worst}, but the network has {n_out} outputs; labels must be from 0 to {n_out - 1}"
        )
    return labels


def _stack(columns: Sequence[Any], name: str) -> np.ndarray:
    """Stack columns of shape (n, 1) or (n,) as the rows of a matrix."""
    columns = [column if isinstance(column, np.ndarray) else _array(column, name) for column in columns]
    shape = columns[0].shape
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise ValueError(
            f"the first {name} has shape {shape}; it must be a column (n, 1); {name}.reshape(-1, 1) is one"
        )
    for i, column in enumerate(columns):
        if column.shape != shape:
            raise ValueError(f"{name} of item {i} has shape {column.shape}, the first has {shape}")
    return np.reshape(_array(columns, name), (len(columns), shape[0]))


def _read_only(array: np.ndarray) -> np.ndarray:
    view: np.ndarray = array.view()
    view.flags.writeable = False
    return view
