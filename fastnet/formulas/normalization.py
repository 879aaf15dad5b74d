"""Batch normalization (Ioffe and Szegedy 2015) of matrices with one sample per row and one neuron per column.

For images, each place of a sample is a row, and each map is a column; see `convolution.places_as_rows`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Normalized(NamedTuple):
    """Normalized inputs, and the statistics by which they were normalized.

    Attributes
    ----------
    values : ndarray, shape (m, n)
        Normalized inputs, (x - mean) / deviation.
    mean, variance : ndarray, shape (n,)
        Mean and variance for each neuron: of the inputs (biased variance), or running statistics.
    deviation : ndarray, shape (n,)
        Standard deviation, sqrt(variance + epsilon).
    of_mini_batch : bool
        Whether mean and variance are those of the inputs, and not running statistics.
    """

    values: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    deviation: np.ndarray
    of_mini_batch: bool


def normalize(x: np.ndarray, epsilon: float, running: tuple[np.ndarray, np.ndarray] | None = None) -> Normalized:
    """Normalize inputs by the running mean and variance if given, otherwise by the mean and variance of the inputs."""
    mean, variance = running or (x.mean(axis=0), x.var(axis=0))
    deviation = np.sqrt(variance + x.dtype.type(epsilon))
    return Normalized((x - mean) / deviation, mean, variance, deviation, running is None)


def backpropagate(error: np.ndarray, gamma: np.ndarray, normalized: Normalized) -> np.ndarray:
    """Return the gradient with respect to the inputs, given the gradient with respect to gamma * values + beta."""
    x = normalized.values
    if normalized.of_mini_batch:
        error = error - error.mean(axis=0) - x * np.mean(error * x, axis=0)
    gradient: np.ndarray = gamma / normalized.deviation * error
    return gradient


def keep(
    statistics: dict[str, np.ndarray], mean: np.ndarray, variance: np.ndarray, samples: int, momentum: float
) -> None:
    """Update running statistics, columns (n, 1), with the mean and biased variance of a mini-batch.

    Let m be `samples`, the number of values per neuron or map. If m is 1, nothing changes. The running variance has
    Bessel's correction: the variance of the mini-batch is multiplied by m / (m - 1).
    """
    if samples < 2:
        return
    found = {"mean": mean, "variance": variance * (samples / (samples - 1))}
    for name, value in found.items():
        statistics[name] += statistics[name].dtype.type(momentum) * (value.reshape(-1, 1) - statistics[name])
