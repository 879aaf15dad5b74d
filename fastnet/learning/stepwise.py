"""Training that pauses between mini-batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fastnet.engines.contract import Totals
from fastnet.learning import diagnostics
from fastnet.utils import arguments
from fastnet.utils.interruption import heard_afterwards

if TYPE_CHECKING:
    from fastnet.networks.learner import NetworkLearner


class StepwiseTraining:
    """Training that pauses between mini-batches; `network2.Network.begin_training` returns one.

    The network has the parameters after the last mini-batch, and may be looked into, tested, saved or changed before
    training goes on. If it is not changed, it becomes bit for bit what `SGD` makes of it.

    Attributes
    ----------
    epoch : int
        Number of epochs that are completed.
    mini_batch : int
        Number of mini-batches of the current epoch that are completed.
    mini_batches : int
        Number of mini-batches in an epoch.
    diverged : bool
        Whether parameters became infinite or not a number. The network is then as it was before the last `advance`, or
        at the end of the last whole epoch in it.
    """

    def __init__(self, learner: NetworkLearner, eta: float) -> None:
        self._learner, self._eta = learner, eta
        self.mini_batches = -(-len(learner.data) // learner.mini_batch_size)
        self.epoch = self.mini_batch = 0
        self.diverged = False
        self._order = np.empty(0, np.int64)

    @property
    def eta(self) -> float:
        """The learning rate of the next mini-batches. Another may be assigned."""
        return self._eta

    @eta.setter
    def eta(self, eta: float) -> None:
        self._eta = arguments.positive_number(eta, "eta", self._learner.engine.architecture.dtype)

    def advance(self, mini_batches: int = 1) -> float:
        """Train on the next mini-batches, also beyond the end of an epoch.

        Parameters
        ----------
        mini_batches : int, optional
            Number of mini-batches, at least 1.

        Returns
        -------
        float
            Mean cost of their samples, as the mini-batches met them, without regularization. Not a number if the
            training has diverged.

        Raises
        ------
        RuntimeError
            If the training has diverged before.
        TypeError, ValueError
            If `mini_batches` is not of that form, or parameters that were assigned.

        Warns
        -----
        TrainingWarning
            If the training diverges.
        """
        left = arguments.positive(mini_batches, "mini_batches")
        if self.diverged:
            raise RuntimeError(
                "the training has diverged: weights became infinite or not a number; call begin_training again, with a "
                "smaller eta"
            )
        total, samples = Totals(), 0
        with heard_afterwards() as hear:
            for part in self._parts(left):
                self._begin()
                found = self._learner.train_part(part, self._eta)
                if not diagnostics.all_finite(self._learner.arrays()):
                    self._learner.undo()
                    self.diverged = True
                    diagnostics.diverged(f"epoch {self.epoch}", self._eta, stacklevel=2)
                    return float("nan")
                self._count(len(part))
                total, samples = total.plus(found), samples + len(part)
                hear()
        return total.costs / samples

    def _parts(self, mini_batches: int) -> Iterator[np.ndarray]:
        """Hand out the next samples, at most to the end of an epoch each time."""
        size = self._learner.mini_batch_size
        while mini_batches:
            if self.mini_batch == 0:
                self._order = self._learner.order()
            n = min(mini_batches, self.mini_batches - self.mini_batch)
            mini_batches -= n
            yield self._order[self.mini_batch * size : (self.mini_batch + n) * size]

    def _begin(self) -> None:
        """Give the engine the network's parameters, where it has others."""
        if self.mini_batch == 0 or not self._learner.is_as_trained():
            self._learner.begin()

    def _count(self, samples: int) -> None:
        self.mini_batch += -(-samples // self._learner.mini_batch_size)
        if self.mini_batch == self.mini_batches:
            self.epoch, self.mini_batch = self.epoch + 1, 0
