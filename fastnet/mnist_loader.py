"""Load the MNIST images of handwritten digits: the book's `mnist_loader.py`.

`load_data` and `load_data_wrapper` return what the book's do. The images come with fastnet, so that nothing has
to be downloaded; the book's own `mnist.pkl.gz`, and IDX files, are read on request.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnet.datasets import mnist
from fastnet.datasets.dataset import Dataset
from fastnet.files.reading import DataError

__all__ = ["DataError", "load_data", "load_data_wrapper", "vectorized_result"]


def load_data(
    path: mnist.StrPath | Sequence[mnist.StrPath] | None = None,
) -> tuple[mnist.Pair, mnist.Pair, mnist.Pair]:
    """Return the MNIST data as a tuple of the training, the validation and the test data.

    Parameters
    ----------
    path : path or sequence of four paths, optional
        Without it, the files that come with fastnet. With it, the book's `mnist.pkl.gz`; or a folder with
        the four IDX files of MNIST or of a set in the same form; or one of these files; or all four, in the
        order training images, training labels, test images, test labels. Each may be gzipped or not.

    Returns
    -------
    training_data, validation_data, test_data : tuples (images, labels)
        50,000, 10,000 and 10,000 images. `images` has shape (n, 784), type float32 and values from 0 (white)
        to 255/256 (black); `labels` has shape (n,), type int64 and values from 0 to 9.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    DataError
        If a file is damaged, of another kind, or not what the others need. It is a `ValueError`.

    Notes
    -----
    A pickle is read by an unpickler that knows arrays and tuples only: one that asks for anything else is
    refused, and nothing that it asks for is run.
    """
    return mnist.load(path)


def load_data_wrapper(
    path: mnist.StrPath | Sequence[mnist.StrPath] | None = None,
) -> tuple[Dataset, Dataset, Dataset]:
    """Return the MNIST data as the networks take it: sequences of tuples `(x, y)`.

    Parameters
    ----------
    path : path or sequence of four paths, optional
        As in `load_data`.

    Returns
    -------
    training_data, validation_data, test_data : Dataset
        `x` is the image, a column of shape (784, 1). In the training data, `y` is a column of shape (10, 1)
        with 1.0 at the digit; in the others, the digit itself.

    Raises
    ------
    OSError, DataError
        As `load_data` does.
    """
    (images, labels), validation, test = load_data(path)
    return Dataset(images, np.eye(mnist.DIGITS)[labels]), Dataset(*validation), Dataset(*test)


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
