"""Data as pairs of arrays."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet import expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset, as_dataset
from fastnet.files.reading import DataError
from fastnet.utils import arguments

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]
Data: TypeAlias = Dataset | tuple[npt.ArrayLike, npt.ArrayLike]

FLOAT32 = np.dtype("float32")
"""The precision of chapter 6's networks."""


def load_data_shared(filename: str | os.PathLike[str] | None = None, *, expanded: bool = False) -> list[Pair]:
    """Return the MNIST data as arrays.

    Parameters
    ----------
    filename : path, optional
        The book's `mnist.pkl.gz`, or what else `mnist_loader.load_data` reads. Without it, the files that come with
        fastnet.
    expanded : bool, optional
        Whether the training data are to be what `expand_mnist.expand` makes of them: 250,000 images of 50,000, as in
        the file that the book's `expand_mnist.py` writes. Their order is random, and the same each time.

    Returns
    -------
    training_data, validation_data, test_data : list of three tuples (x, y)
        `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    DataError
        If a file is damaged or of another kind. It is a `ValueError`.
    """
    try:
        training, validation, test = mnist_loader.load_data(filename)
    except (FileNotFoundError, DataError) as error:
        if filename is None:
            raise
        advice = "load_data_shared(expanded=True) makes the book's expanded data of those that come with fastnet"
        raise type(error)(f"{error}; {advice}") from None
    return [_expanded(training) if expanded else training, validation, test]


def _expanded(training: Pair) -> Pair:
    data = expand_mnist.expand(Dataset(*training))
    # SGD does not shuffle, and an image and its copies in one mini-batch would teach little more than the image.
    order = np.random.default_rng(0).permutation(len(data))
    return data.inputs[order], data.targets[order]


def shared(data: Data) -> Pair:
    """Return data of one's own as `load_data_shared` returns the book's.

    Parameters
    ----------
    data : Dataset or tuple (x, y)
        Samples with labels: inputs, shape (n, n_in), and labels, shape (n,), integers. Of vectors instead of labels,
        the label is the index of the largest component. PyTorch's tensors will do.

    Returns
    -------
    x, y : ndarray
        Copies: `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    TypeError
        If the data are neither, or not real numbers.
    ValueError
        If the shapes do not fit, labels are not integers from 0, or a number is not finite in float32.

    Examples
    --------
    >>> x, y = shared(([[0.0, 1.0], [1.0, 0.0]], [1, 0]))
    >>> x.shape, y
    ((2, 2), array([1, 0]))
    """
    found = labelled(data, "data")
    return np.array(found.inputs, FLOAT32), np.array(found.targets)


def labelled(data: Data, argument: str) -> Dataset:
    """Return data of float32 numbers as a data set with labels; see `shared`.

    Raises
    ------
    TypeError, ValueError
        If the argument of that name is not of that form.
    """
    with arguments.named(argument):
        found = as_dataset(data if isinstance(data, Dataset) else Dataset(*_pair(data)))
        found.check_numbers(FLOAT32)
        targets = found.targets
        if targets.ndim == 1:
            return found
        if targets.shape[1] == 1:  # where the largest of one stands says nothing
            raise ValueError(f"y has numbers of type {targets.dtype}; they must be labels: integers from 0")
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
