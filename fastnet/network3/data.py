"""Data sets as pairs of arrays (x, y)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet import expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset, as_dataset
from fastnet.files.reading import DataError
from fastnet.utils import arguments

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]
Data: TypeAlias = Dataset | Sequence[npt.ArrayLike]
"""A data set, or two arrays x and y."""

FLOAT32 = np.dtype("float32")
"""The precision of chapter 6's networks."""


def load_data_shared(filename: str | os.PathLike[str] | None = None, *, expanded: bool = False) -> list[Pair]:
    """Return the MNIST data as arrays.

    Parameters
    ----------
    filename : path, optional
        The book's `mnist.pkl.gz`, or another data set that `mnist_loader.load_data` reads; by default, the files that
        come with fastnet.
    expanded : bool, optional
        Whether to expand the training data with `expand_mnist.expand`, from 50,000 to 250,000 images. The book's
        `expand_mnist.py` writes the same images to a file. The images are in random order, the same in every call.

    Returns
    -------
    training_data, validation_data, test_data : list of three tuples (x, y)
        `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ImportError
        If a file is a Parquet table, but PyArrow is missing or older than 14.0.1.
    DataError
        If a file is damaged or has an unknown format. `DataError` is a `ValueError`.
    """
    try:
        training, validation, test = mnist_loader.load_data(filename)
    except (FileNotFoundError, DataError) as error:
        if filename is None:
            raise
        advice = "to expand the data that come with fastnet, call load_data_shared(expanded=True), which needs no file"
        raise type(error)(f"{error}; {advice}") from None
    return [_expanded(training) if expanded else training, validation, test]


def _expanded(training: Pair) -> Pair:
    data = expand_mnist.expand(Dataset(*training))
    # `Network.SGD` does not shuffle, so the images are shuffled here. A mini-batch that consists of an image and its
    # shifted copies would train little better than the image alone.
    order = np.random.default_rng(0).permutation(len(data))
    return data.inputs[order], data.targets[order]


def shared(data: Data) -> Pair:
    """Convert data to the form that `load_data_shared` returns.

    Parameters
    ----------
    data : Dataset or tuple (x, y)
        Inputs, shape (n, n_in), and either integer labels, shape (n,), or target vectors, shape (n, n_out). A target
        vector is replaced by the index of its largest component. PyTorch tensors are accepted.

    Returns
    -------
    x, y : ndarray
        Copies: `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    TypeError
        If `data` is neither a `Dataset` nor a pair (x, y), or has values that are not real numbers.
    ValueError
        If the shapes of x and y do not fit each other, labels are not integers of at least 0, or a number is not finite
        in float32.

    Examples
    --------
    >>> x, y = shared(([[0.0, 1.0], [1.0, 0.0]], [1, 0]))
    >>> x.shape, y
    ((2, 2), array([1, 0]))
    """
    found = labelled(data, "data")
    return np.array(found.inputs, FLOAT32), np.array(found.targets)


def labelled(data: Data, argument: str) -> Dataset:
    """Return data as a data set with labels. Target vectors become labels, and inputs must be finite in float32.

    Raises
    ------
    TypeError, ValueError
        If `data` has a wrong type, shape or value. The message begins with `argument`, the name of the argument.
    """
    with arguments.named(argument):
        found = as_dataset(data if isinstance(data, Dataset) else Dataset(*_pair(data)))
        found.check_numbers(FLOAT32)
        targets = found.targets
        if targets.ndim == 1:
            return found
        if targets.shape[1] == 1:  # the index of the largest component would always be 0
            raise ValueError(f"y has numbers of type {targets.dtype}; they must be labels: integers of at least 0")
        return found.derived("labelled", lambda: Dataset(found.rows, targets.argmax(axis=1)))


def size(data: Pair) -> int:
    """Return the number of samples in `data`."""
    return len(data[0])


def _pair(data: Any) -> tuple[Any, Any]:
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        number = f" of {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise TypeError(f"it is a {type(data).__name__}{number}; it must be a tuple (x, y) of arrays, or a Dataset")
    x, y = data
    return x, y
