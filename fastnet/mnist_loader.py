"""Load the MNIST images of handwritten digits: the book's `mnist_loader.py`.

`load_data` and `load_data_wrapper` return what the book's functions return. The images come with fastnet, so nothing
has to be downloaded. Both functions can also read the book's `mnist.pkl.gz`, and other data sets in IDX files, `.npz`,
`.npy`, CSV and Parquet.
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
        Where the data are; by default, in the files that come with fastnet. One of the following, gzipped or not:

        - the book's `mnist.pkl.gz`;
        - the four IDX files of MNIST, Fashion-MNIST, QMNIST, EMNIST or a data set of the same format: their folder,
          the root folder of torchvision's data set, one of the four files, or all four in the order training images,
          training labels, test images, test labels;
        - a file `.npz`, or a folder with files `.npy`, whose arrays have names such as `x_train` and `y_train`;
        - a table `.csv`, `.tsv` or `.parquet` (with PyArrow) of a label and the pixels in each row, or a folder with
          tables that have `train` and `test` in their names.

    Returns
    -------
    training_data, validation_data, test_data : tuples (images, labels)
        In MNIST, 50,000, 10,000 and 10,000 images. `images` has shape (n, pixels), 784 pixels in MNIST, type float32
        and values from 0 (white) to 255/256 (black). `labels` has shape (n,), type int64 and values from 0, up to 9 in
        MNIST.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    ImportError
        If a file is Parquet and PyArrow is not installed.
    DataError
        If a file is damaged, has another format, or does not fit the other files. `DataError` is a `ValueError`.

    Warns
    -----
    DataWarning
        If a file's labels begin at 1; the returned labels begin at 0. If there are no test data; a random part of the
        training data, always the same, is used instead.

    Notes
    -----
    Pixels of type uint8 are divided by 256. So are pixels of other types if all are from 0 to 255 and one is at least
    128. Other pixels are unchanged. EMNIST's files, recognized by their names, hold transposed images; the returned
    images are upright. QMNIST's labels are the first column of its label files, the character's class.

    If there are no validation data, they are the last sixth of the training data, as in the book.

    Files are never executed: the unpickler accepts arrays and tuples only, and arrays of Python objects are refused.
    At most 1 GiB of a file is read. Memory is allocated only for data that the file really contains.
    """
    return _load(path)


def load_data_wrapper(
    path: mnist.StrPath | Sequence[mnist.StrPath] | None = None, *, classes: int | None = None
) -> tuple[Dataset, Dataset, Dataset]:
    """Return the MNIST data in the form that networks take: sequences of tuples `(x, y)`.

    Parameters
    ----------
    path : path or sequence of four paths, optional
        As in `load_data`.
    classes : int, optional
        Number of classes, at least 2. By default, the largest label plus 1.

    Returns
    -------
    training_data, validation_data, test_data : Dataset
        `x` is an image, a column of shape (784, 1). In the training data, `y` is a column of shape (10, 1) with 1.0 at
        the digit. In the validation and test data, `y` is the digit. Other data sets have other shapes.

    Raises
    ------
    OSError, ImportError, DataError
        As `load_data` does.
    TypeError
        If `classes` is not an integer.
    ValueError
        If `classes` is less than 1, or too small for the labels.

    Warns
    -----
    DataWarning
        As `load_data` does.
    """
    (images, labels), validation, test = _load(path)
    found = max(2, 1 + max(int(each.max(initial=0)) for each in (labels, validation[1], test[1])))
    if classes is not None and arguments.positive(classes, "classes") < found:
        raise ValueError(f"classes is {classes}; the labels go from 0 to {found - 1}, so it must be at least {found}")
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
        If `j` is not a digit, 0 to 9.
    """
    if j not in range(mnist.DIGITS):
        raise ValueError(f"j is {j!r}; it must be a digit, 0 to 9")
    e = np.zeros((mnist.DIGITS, 1))
    e[int(j)] = 1.0
    return e
