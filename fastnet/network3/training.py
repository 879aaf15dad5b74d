"""The learner of chapter 6's networks. The learner trains without shuffling, and prints the book's lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fastnet.learning.training import descend
from fastnet.networks.learner import NetworkLearner

_MINI_BATCHES_PER_LINE = 1000


@dataclass
class LayersLearner(NetworkLearner):
    """A learner that does not shuffle the samples. Samples at the end that do not fill a mini-batch are ignored.

    Attributes
    ----------
    prints : bool
        Whether to print a line before the mini-batches 0, 1000, 2000 and so on of the run.
    """

    prints: bool = True

    def order(self) -> np.ndarray:
        """Return the order of the samples, which is the same in each epoch."""
        return np.arange(len(self.data) // self.mini_batch_size * self.mini_batch_size)

    def descend(self, number: int, order: np.ndarray, eta: float, handle_deferred: Callable[[], None]) -> None:
        """Train on samples in the order `order`, and print the book's lines if `prints` is True."""
        size = self.mini_batch_size
        first, last = (epoch * (len(order) // size) for epoch in (number, number + 1))
        lines = [i for i in range(first, last) if i % _MINI_BATCHES_PER_LINE == 0]
        for start, stop in pairwise(sorted({first, *lines, last})):
            if self.prints and start in lines:
                print(f"Training mini-batch number {start}", flush=True)
            part = order[(start - first) * size : (stop - first) * size]
            title = f"Epoch {number}, mini-batches {start} to {stop - 1}"
            descend(self.engine, part, size, eta, self.descent, title=title, handle_deferred=handle_deferred)
