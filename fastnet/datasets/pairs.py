"""Reads the pairs `(x, y)` of lists of tuples, iterators, arrays of pairs, and map-style data sets of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnet.utils.arguments import brief

_HOW = "Dataset(inputs, targets) makes a data set of two arrays"


def samples_of(data: Any) -> list[Any]:
    """Return the pairs `(x, y)` of a list, an iterator, an array of pairs, or a map-style data set of PyTorch.

    Parameters
    ----------
    data : iterable of (x, y), array of pairs, or object with a length and integer indices
        An array of pairs may hold objects, shape (n, 2); numbers, shape (n, 2, ...); or records of two fields, shape
        (n,).

    Raises
    ------
    TypeError
        If `data` can neither be iterated over nor indexed, or holds anything other than pairs.
    """
    if isinstance(data, (str, bytes, os.PathLike)):
        raise TypeError(
            f"item 0 of the data set is {brief(os.fspath(data)[:1])}; it must be a tuple (x, y); "
            "mnist_loader.load_data_wrapper(path) reads files"
        )
    if hasattr(data, "__array__"):  # an object of NumPy, pandas, polars, PyTorch or JAX
        samples = _of_array(data)
    elif isinstance(data, Iterable):
        samples = list(data)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        samples = [data[i] for i in range(len(data))]
    else:
        raise TypeError(f"{brief(data)} is neither a Dataset nor a list of tuples (x, y)")
    for i, sample in enumerate(samples):
        if not is_pair(sample):
            shown = " ".join(brief(sample).split())
            raise TypeError(f"item {i} of the data set is {shown}; it must be a tuple (x, y); {_HOW}")
    return samples


def _of_array(data: Any) -> list[Any]:
    try:
        array = np.asarray(data)
    except (RuntimeError, TypeError) as error:  # such as PyTorch's error for a tensor on a GPU
        raise TypeError(f"the data set cannot be read as an array: {error}") from None
    fields = array.dtype.names or ()
    if array.ndim == 1 and len(fields) == 2:
        return list(zip(*(array[name] for name in fields), strict=True))
    if array.ndim > 1 and array.shape[1] == 2 and (array.ndim > 2 or array.dtype == object):
        return list(zip(array[:, 0], array[:, 1], strict=True))
    if array.ndim == 1 and array.dtype == object:
        return list(array)
    raise TypeError(
        f"the data set is {'an array' if data is array else f'a {type(data).__name__}'} of shape {array.shape}; "
        f"it must be a list of tuples (x, y); {_HOW}, such as Dataset(table[:, 1:], table[:, 0])"
    )


def is_pair(sample: Any) -> bool:
    """Whether a sample has two items, and is a tuple, a list, a row of an array of objects, or a record."""
    is_list = isinstance(sample, (tuple, list, np.void))
    return (is_list or (isinstance(sample, np.ndarray) and sample.dtype == object)) and len(sample) == 2
