"""Training that pauses between mini-batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fastnet.engines.contract import Totals
from fastnet.learning import diagnostics
from fastnet.utils import arguments
from fastnet.utils.interruption import deferred_signals

if TYPE_CHECKING:
    from fastnet.networks.learner import NetworkLearner


class StepwiseTraining:
    """Training that pauses between mini-batches. `network2.Network.begin_training` returns an object of this class.

    Each `advance` copies the trained parameters to the network. The network may be inspected, evaluated, saved or
    changed before the next `advance`. If the network is not changed, the result is bit for bit that of `SGD`.

    Attributes
    ----------
    epoch : int
        Number of completed epochs.
    mini_batch : int
        Number of completed mini-batches in the current epoch.
    mini_batches : int
        Number of mini-batches in an epoch.
    diverged : bool
        Whether parameters became infinite or NaN. The network then has the parameters from before the last
        `advance`, or from the end of the last epoch that this `advance` completed.
    eta : float
        Learning rate of the next mini-batches. May be assigned.
    """

    def __init__(self, learner: NetworkLearner, eta: float) -> None:
        self._learner, self._eta = learner, eta
        self.mini_batches = -(-len(learner.data) // learner.mini_batch_size)
        self.epoch = self.mini_batch = 0
        self.diverged = False
        self._order = np.empty(0, np.int64)

    @property
    def eta(self) -> float:
        """Learning rate of the next mini-batches. May be assigned."""
        return self._eta

    @eta.setter
    def eta(self, eta: float) -> None:
        self._eta = arguments.positive_number(eta, "eta", self._learner.engine.architecture.dtype)

    def advance(self, mini_batches: int = 1) -> float:
        """Train on the next mini-batches, which may span several epochs.

        Parameters
        ----------
        mini_batches : int, optional
            Number of mini-batches, at least 1.

        Returns
        -------
        float
            Mean cost of the samples, without regularization. The cost of a sample is computed before the step of its
            mini-batch. NaN if training diverges.

        Raises
        ------
        RuntimeError
            If training has diverged before.
        TypeError, ValueError
            If `mini_batches` or an assigned parameter has a wrong type or value.

        Warns
        -----
        TrainingWarning
            If training diverges.
        """
        left = arguments.positive(mini_batches, "mini_batches")
        if self.diverged:
            raise RuntimeError(
                "training has diverged: weights became infinite or NaN; call begin_training again, with a smaller eta"
            )
        total, samples = Totals(), 0
        with deferred_signals() as handle_deferred:
            for part in self._parts(left):
                found = self._learner.train_part(part, self._eta)
                if not diagnostics.all_finite(self._learner.arrays()):
                    self._learner.undo()
                    self.diverged = True
                    diagnostics.diverged(f"epoch {self.epoch}", self._eta, stacklevel=2)
                    return float("nan")
                self._count(len(part))
                total, samples = total.plus(found), samples + len(part)
                handle_deferred()
        return total.costs / samples

    def _parts(self, mini_batches: int) -> Iterator[np.ndarray]:
        """Yield the indices of the next samples, in parts that do not extend beyond the end of an epoch."""
        size = self._learner.mini_batch_size
        while mini_batches:
            self._begin()  # before random numbers are drawn, because assigned parameters may be refused
            if self.mini_batch == 0:
                self._order = self._learner.order()
            n = min(mini_batches, self.mini_batches - self.mini_batch)
            mini_batches -= n
            yield self._order[self.mini_batch * size : (self.mini_batch + n) * size]

    def _begin(self) -> None:
        """Copy the network's parameters to the engine if the user has changed them, or if an epoch begins."""
        if self.mini_batch == 0 or not self._learner.is_as_trained():
            self._learner.begin()

    def _count(self, samples: int) -> None:
        self.mini_batch += -(-samples // self._learner.mini_batch_size)
        if self.mini_batch == self.mini_batches:
            self.epoch, self.mini_batch = self.epoch + 1, 0
