"""Load the MNIST images of handwritten digits: the book's `mnist_loader.py`.

`load_data` and `load_data_wrapper` return the data that the book's functions return. The images come with fastnet, so
nothing has to be downloaded. Both functions can also read the book's `mnist.pkl.gz`, and other data sets in IDX files,
`.npz`, `.npy`, CSV and Parquet.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from fastnet.datasets import mnist
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sets import DataWarning
from fastnet.files.reading import DataError
from fastnet.utils import arguments

__all__ = ["DataError", "DataWarning", "load_data", "load_data_wrapper", "vectorized_result"]


def load_data(
    path: mnist.StrPath | Sequence[mnist.StrPath] | None = None,
) -> tuple[mnist.Pair, mnist.Pair, mnist.Pair]:
    """Return the MNIST data as a tuple of the training, the validation and the test data.

    Parameters
    ----------
    path : path or sequence of four paths, optional
        Data set to load; by default, the files that come with fastnet. Pickles, IDX files, `.npy` files and text tables
        may be gzipped. The data set is one of the following:

        - the book's `mnist.pkl.gz`;
        - four IDX files, such as those of MNIST, Fashion-MNIST, QMNIST or EMNIST: their folder, the root folder of
          torchvision's data set, one of the four files, or a sequence of all four (training images, training labels,
          test images, test labels);
        - an `.npz` file, or a folder of `.npy` files; the arrays or files have names such as `x_train` and `y_train`;
        - a table (`.csv`, `.tsv`, or with PyArrow `.parquet`) with a label and the pixels in each row, or a folder of
          tables whose names contain `train` and `test`.

    Returns
    -------
    training_data, validation_data, test_data : tuples (images, labels)
        `images` has shape (n, pixels) and type float32. `labels` has shape (n,) and type int64. MNIST has 50,000
        training images, 10,000 validation images and 10,000 test images. The images of MNIST have 784 pixels from 0
        (white) to 255/256 (black), and the labels are from 0 to 9.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ImportError
        If a file is a Parquet table, but PyArrow is missing or older than 14.0.1.
    DataError
        If a file is damaged, has an unknown format, or does not fit the other files. `DataError` is a `ValueError`.

    Warns
    -----
    DataWarning
        If the labels in the files begin at 1; the returned labels begin at 0. If there are no test data; a sixth of
        the training data is used instead, drawn at random but always the same.

    Notes
    -----
    Pixels of type uint8 are divided by 256. Pixels of other types are divided by 256, too, if all are from 0 to 255
    and at least one is 128 or more. Otherwise, pixels are unchanged. EMNIST's files, recognized by their names, contain
    transposed images; the returned images are upright. The label files of QMNIST have several columns. Only the
    first column of QMNIST, the class of the character, is used.

    If there are no validation data, the last sixth of the training data is used instead, as in the book.

    Code in a file is never executed: the unpickler accepts only arrays and tuples, and arrays of Python objects are
    refused. Files with more than 1 GiB of data are refused, too. Memory is allocated only for data that the file really
    contains.
    """
    return _load(path)


def load_data_wrapper(
    path: mnist.StrPath | Sequence[mnist.StrPath] | None = None, *, classes: int | None = None
) -> tuple[Dataset, Dataset, Dataset]:
    """Return the MNIST data in the form that networks take: sequences of tuples `(x, y)`.

    Parameters
    ----------
    path : path or sequence of four paths, optional
        See `load_data`.
    classes : int, optional
        Number of classes, at least 2. By default, the largest label plus 1.

    Returns
    -------
    training_data, validation_data, test_data : Dataset
        `x` is an image, a column of shape (784, 1). In the training data, `y` is a column of shape (10, 1) with 1.0 at
        the index of the digit and 0.0 elsewhere. In the validation and test data, `y` is the digit. The shapes of data
        sets other than MNIST may differ.

    Raises
    ------
    OSError, ImportError, DataError
        See `load_data`.
    TypeError
        If `classes` is not an integer.
    ValueError
        If `classes` is less than 2, or not greater than the largest label.

    Warns
    -----
    DataWarning
        See `load_data`.
    """
    (images, labels), validation, test = _load(path)
    found = max(2, 1 + max(int(each.max(initial=0)) for each in (labels, validation[1], test[1])))
    if classes is not None and arguments.positive(classes, "classes") < found:
        raise ValueError(
            f"classes is {classes}; the labels go from 0 to {found - 1}, so classes must be at least {found}"
        )
    return Dataset(images, np.eye(classes or found)[labels]), Dataset(*validation), Dataset(*test)


def _load(path: mnist.StrPath | Sequence[mnist.StrPath] | None) -> tuple[mnist.Pair, mnist.Pair, mnist.Pair]:
    pairs, notes = mnist.load(path)
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=3)
    return pairs


def vectorized_result(j: int) -> np.ndarray:
    """Return a column of shape (10, 1) with 1.0 at the jth position and zeroes elsewhere.

    Raises
    ------
    ValueError
        If `j` is not a digit from 0 to 9.
    """
    if j not in range(mnist.DIGITS):
        raise ValueError(f"j is {j!r}; it must be a digit from 0 to 9")
    e = np.zeros((mnist.DIGITS, 1))
    e[int(j)] = 1.0
    return e
