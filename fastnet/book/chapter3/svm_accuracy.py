"""Computes the validation accuracy of a support vector machine, trained on a given number of training samples."""

from __future__ import annotations

from functools import cache

import numpy as np

from fastnet.book.chapter1.support_vectors import classify
from fastnet.book.digits import mnist, percent

_FEW = 1000


@cache  # called for each seed, but the result does not depend on the seed
def svm_accuracy(samples: int) -> float:
    """Return the validation accuracy, in percent, of an SVM trained on the first `samples` training samples."""
    training, validation, _ = mnist()
    found = predictions(training.inputs[:samples], training.labels(10)[:samples], validation.inputs)
    return percent(int(np.count_nonzero(found == validation.labels(10))), validation)


def predictions(images: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Train an SVM like scikit-learn's `SVC(gamma="auto")`, and return its predictions for `others`, shape (m,).

    For at least 1,000 images, chapter 1's `classify` is used, which is faster but needs images of each digit.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.svm import SVC
    except ImportError:
        raise ImportError(
            "the SVM of book.more_data needs scikit-learn; pip install 'fastnet-nndl[sklearn]' installs it, and "
            "svm_samples=0 leaves the SVM out"
        ) from None
    if len(images) < _FEW:
        return np.asarray(SVC(gamma="auto").fit(images, labels).predict(others))
    found, _ = classify(images, labels, others, gamma=1 / images.shape[1], c=1.0)
    return found
