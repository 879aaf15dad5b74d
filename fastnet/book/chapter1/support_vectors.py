"""Trains the same support vector machines with RBF kernel as scikit-learn's `SVC`, in much less time.

Each pair of digits has its own machine, which votes for one of the two digits. The digit with the most votes is the
prediction. `SVC(gamma=gamma, C=c)` is the same classifier, but computes the kernel for one pair of images at a time.
Here, the kernel is computed by matrix multiplication, between all images of a pair of digits and those images that may
be support vectors. Images outside of the margin have no influence on a machine. So a machine may be trained on a subset
that has all images inside the margin: training on all images would give the same machine.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

PAIRS = list(combinations(range(10), 2))
TENTH = 10
SLACK = 0.1  # `_machine` trains on the images whose functional margin, by a first estimate, is below 1 + SLACK
TOLERANCE = 1e-3  # largest accepted error of a functional margin; scikit-learn's default `tol`


class Machine(NamedTuple):
    """A classifier of two digits: support vectors (indices of training images), their coefficients, and a bias."""

    support: np.ndarray
    coefficients: np.ndarray
    bias: float


def classify(
    images: np.ndarray, labels: np.ndarray, others: np.ndarray, *, gamma: float, c: float
) -> tuple[np.ndarray, int]:
    """Train a machine for each pair of digits, in one thread per processor, and classify images.

    Parameters
    ----------
    images, labels : ndarray, shapes (n, pixels) and (n,)
        Training images, and their digits from 0 to 9. Each digit must have at least one image.
    others : ndarray, shape (m, pixels)
        Images to classify.
    gamma, c : float
        Parameters `gamma` and `C` of `SVC`.

    Returns
    -------
    predictions : ndarray, shape (m,)
        Predicted digits of `others`.
    support_vectors : int
        Number of training images that are a support vector of at least one machine.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    with threadpool_limits(1, user_api="blas"):
        machines = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_machine)(images, labels, *pair, gamma, c) for pair in PAIRS
        )
        support, places = np.unique(np.concatenate([each.support for each in machines]), return_inverse=True)
        coefficients = np.zeros((len(support), len(machines)), images.dtype)
        columns = np.repeat(np.arange(len(machines)), [len(each.support) for each in machines])
        coefficients[places, columns] = np.concatenate([each.coefficients for each in machines])
        biases = np.array([each.bias for each in machines])
        vectors = images[support]
        predictions = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_votes)(_kernel(others[start : start + 500], vectors, gamma) @ coefficients + biases)
            for start in range(0, len(others), 500)
        )
    return np.concatenate(predictions), len(support)


def _kernel(some: np.ndarray, others: np.ndarray, gamma: float) -> np.ndarray:
    """Return exp(-gamma |x - y|²) for each x in `some` (rows) and each y in `others` (columns)."""
    exponents: np.ndarray = some @ (2 * gamma * others).T
    exponents -= gamma * np.square(some).sum(axis=1)[:, np.newaxis]
    exponents -= gamma * np.square(others).sum(axis=1)
    np.exp(exponents, out=exponents)
    return exponents


def _machine(images: np.ndarray, labels: np.ndarray, one: int, other: int, gamma: float, c: float) -> Machine:
    """Train the machine that decides between two digits."""
    from sklearn.svm import SVC

    of_one, of_other = np.flatnonzero(labels == one), np.flatnonzero(labels == other)
    rows = np.concatenate([of_one, of_other])
    signs = np.repeat([1.0, -1.0], [len(of_one), len(of_other)])
    x = images[rows]
    x = np.ascontiguousarray(x[:, x.any(axis=0)])
    # A first machine, trained on a tenth of the images with tenfold C, estimates which images are inside the margin.
    tenth = np.concatenate([np.arange(0, len(of_one), TENTH), np.arange(len(of_one), len(rows), TENTH)])
    learnt = SVC(kernel="precomputed", C=TENTH * c).fit(_kernel(x[tenth], x[tenth], gamma), signs[tenth])
    outputs = _kernel(x, x[tenth[learnt.support_]], gamma) @ learnt.dual_coef_[0] + learnt.intercept_
    chosen = np.flatnonzero(signs * outputs < 1 + SLACK)
    kernel = _kernel(x, x[chosen], gamma)
    while True:
        learnt = SVC(kernel="precomputed", C=c, tol=TOLERANCE).fit(kernel[chosen], signs[chosen])
        coefficients = np.zeros(len(chosen), kernel.dtype)
        coefficients[learnt.support_] = learnt.dual_coef_[0]
        inside = np.flatnonzero(signs * (kernel @ coefficients + learnt.intercept_) < 1 - TOLERANCE)
        missed = np.setdiff1d(inside, chosen)
        if not len(missed):
            return Machine(rows[chosen[learnt.support_]], learnt.dual_coef_[0], float(learnt.intercept_[0]))
        chosen, kernel = np.append(chosen, missed), np.hstack([kernel, _kernel(x, x[missed], gamma)])


def _votes(outputs: np.ndarray) -> np.ndarray:
    """Return the digit with the most votes for each row of the machines' outputs. A tie goes to the smallest digit."""
    first, second = np.eye(10)[np.array(PAIRS).T]
    most: np.ndarray = ((outputs > 0) @ first + (outputs <= 0) @ second).argmax(axis=1)
    return most
