"""MNIST for the page. All windows share one copy of the data in memory."""

from __future__ import annotations

from functools import cache

import numpy as np

from fastnet import mnist_loader
from fastnet.datasets.dataset import Dataset

TRAINING_SAMPLES = 50_000
"""Number of available training samples."""


@cache
def _all() -> tuple[Dataset, Dataset, Dataset]:
    return mnist_loader.load_data_wrapper()


def test_data() -> Dataset:
    """Return the 10,000 test digits."""
    return _all()[2]


@cache
def test_images() -> np.ndarray:
    """Return the test digits as bytes, shape (10000, 28, 28)."""
    return (test_data().inputs * 255).astype(np.uint8).reshape(-1, 28, 28)


def training_data(samples: int, noise: float, seed: int) -> Dataset:
    """Return the first training samples, some of them with wrong labels.

    Parameters
    ----------
    samples : int
        Number of samples.
    noise : float
        Share, from 0 to 1, of the samples that get a random wrong label.
    seed : int
        Seed of the random numbers.
    """
    data = _all()[0][:samples]
    if not noise:
        return data
    random = np.random.default_rng(seed)
    wrong = random.permutation(samples)[: round(noise * samples)]
    labels = data.labels(10).copy()
    labels[wrong] = (labels[wrong] + random.integers(1, 10, len(wrong))) % 10
    return Dataset(data.inputs, np.eye(10)[labels])
