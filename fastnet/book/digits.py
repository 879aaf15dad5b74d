"""MNIST, as the experiments take it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cache

from fastnet import mnist_loader
from fastnet.datasets.dataset import Dataset


@cache
def mnist() -> tuple[Dataset, Dataset, Dataset]:
    """Return 50,000 training, 10,000 validation and 10,000 test samples, which are read once."""
    return mnist_loader.load_data_wrapper()


def percent(correct: int, data: Dataset) -> float:
    """Return the share of the samples that were classified correctly, in percent."""
    return 100 * correct / len(data)


def silently(history: object) -> None:
    """Print nothing after an epoch: for `SGD(report=silently)`."""


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Print nothing in the `with` block: for `network.Network.SGD`, which has no `report`."""
    with contextlib.redirect_stdout(None):
        yield
