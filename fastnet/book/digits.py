"""Loads MNIST for the experiments, computes accuracies in percent, and suppresses printed output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache

from fastnet import mnist_loader
from fastnet.datasets.dataset import Dataset


@cache
def mnist() -> tuple[Dataset, Dataset, Dataset]:
    """Return 50,000 training, 10,000 validation and 10,000 test samples; only the first call reads the files."""
    return mnist_loader.load_data_wrapper()


def percent(correct: int, data: Dataset) -> float:
    """Return the accuracy in percent, where `correct` is the number of samples classified correctly."""
    return 100 * correct / len(data)


def silently(history: object) -> None:
    """Print nothing after an epoch; used as `SGD(report=silently)`."""


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Discard standard output in the `with` block; used for `network.Network.SGD`, which has no argument `report`."""
    with contextlib.redirect_stdout(None):
        yield
