"""The training loop, which is the same for every network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, Protocol

import numpy as np

from fastnet.engines.contract import Descent, Engine, Totals
from fastnet.learning import diagnostics
from fastnet.learning.diagnostics import NeverPredicted
from fastnet.learning.history import Epoch, History
from fastnet.learning.schedules import StoppingRule
from fastnet.utils import progress
from fastnet.utils.interruption import heard_afterwards

_MINI_BATCHES_OF_A_SUM = 4096  # whose costs are summed in one call of the engine, at most
_MINI_BATCHES_AT_FIRST = 100  # in the first call of the engine, at most
_WORK_AT_FIRST = 1 << 24  # multiplications in that call, at most
_WORK_OF_A_SUM = 1 << 31  # multiplications, of samples whose costs are summed in one call of the engine


class Findings(NamedTuple):
    """What is measured after an epoch; None for what was not asked for.

    Attributes
    ----------
    training_cost, training_accuracy, evaluation_cost, evaluation_accuracy
        See `Epoch`.
    never_predicted : NeverPredicted
        Labels of many samples that were predicted for none.
    test_accuracy : int or None
        See `Epoch`.
    """

    training_cost: float | None = None
    training_accuracy: int | None = None
    evaluation_cost: float | None = None
    evaluation_accuracy: int | None = None
    never_predicted: NeverPredicted = NeverPredicted()
    test_accuracy: int | None = None


class Learner(Protocol):
    """What the loop trains."""

    def begin(self) -> None:
        """Prepare for an epoch; its time does not count as training."""

    def train(self, number: int, eta: float, hear: Callable[[], None]) -> float | None:
        """Train for an epoch, and return the mean cost of its mini-batches, if it is wanted.

        Parameters
        ----------
        number : int
            Number of the epoch, from 0.
        eta : float
            The learning rate.
        hear : callable
            To be called between mini-batches: Ctrl-C is raised there, and nowhere else.
        """

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the parameters as the epoch has left them."""

    def undo(self) -> None:
        """Put back the parameters as they were when the epoch began."""

    def findings(self) -> Findings:
        """Measure how well the network does."""


@dataclass
class Training:
    """The training loop, and how far it is.

    Attributes
    ----------
    learner : Learner
        What is trained.
    history : History
        The epochs that are completed.
    epochs : int
        Number of epochs to train, unless the rule stops before.
    rule : StoppingRule
        The learning rates, and when to stop.
    value : function of an Epoch
        What the rule looks at; None if it was not measured.
    scale : str
        What `diagnostics.scale` says of the inputs.
    """

    learner: Learner
    history: History
    epochs: int
    rule: StoppingRule
    value: Callable[[Epoch], float | None] = attrgetter("evaluation_accuracy")
    scale: str = ""

    @property
    def is_over(self) -> bool:
        """Whether there is no epoch left to train."""
        return len(self.history.epochs) >= self.epochs or bool(self.rule.stopped)

    def add(self, epoch: Epoch) -> None:
        """Add an epoch that is completed, and have the rule look at it."""
        self.history.epochs.append(epoch)
        value = self.value(epoch)
        if value is not None:
            self.rule.look_at(value)
        self.history.stopped = self.rule.stopped if len(self.history.epochs) < self.epochs else ""

    def run(
        self,
        report: Callable[[History], object],
        keep: Callable[[], object] = lambda: None,
        *,
        stacklevel: int = 1,
    ) -> None:
        """Train epoch after epoch, until all are trained, the rule stops, or the parameters are no longer finite.

        Parameters
        ----------
        report : callable
            Called with the history after each epoch.
        keep : callable, optional
            Called before that, to keep what was learnt.
        stacklevel : int, optional
            Number of callers between this function and the one who is warned.
        """
        diagnostics.warn_of_scale(self.scale, stacklevel + 1)
        dead_outputs = diagnostics.DeadOutputs(self.scale)
        while not self.is_over:
            number = len(self.history.epochs)
            eta = self.rule.rate(number)
            self.learner.begin()
            began = time.perf_counter()
            cost, seconds, is_finite = self._train(number, eta, began)
            if not is_finite:
                self.history.stopped, self.history.diverged = diagnostics.why_stopped(f"epoch {number}"), True
                return
            findings = self.learner.findings()
            self.add(Epoch(number, eta, seconds, *findings[:4], cost, findings.test_accuracy))
            keep()
            report(self.history)
            is_only = number == 0 and self.is_over
            dead_outputs.look_at(number, findings.never_predicted, stacklevel + 1, is_only=is_only)  # which may raise

    def _train(self, number: int, eta: float, began: float) -> tuple[float | None, float, bool]:
        """Train for an epoch; return its cost, its seconds, and whether it could be kept."""
        with heard_afterwards() as hear:
            try:
                cost = self.learner.train(number, eta, hear)
                seconds = time.perf_counter() - began
            finally:  # interrupted, too
                is_finite = diagnostics.all_finite(self.learner.arrays())
                if not is_finite:
                    self.learner.undo()
        return cost, seconds, is_finite


def descend(
    engine: Engine,
    order: np.ndarray,
    mini_batch_size: int,
    eta: float,
    descent: Descent,
    *,
    title: str,
    hear: Callable[[], None],
    with_costs: bool = False,
    with_penalty: bool = False,
) -> Totals | None:
    """Have an engine train on samples in that order, with a progress bar if it takes long.

    Parameters
    ----------
    engine, order, mini_batch_size, eta, descent, with_costs, with_penalty
        See `Engine.epoch`.
    title : str
        What stands before the bar.
    hear : callable
        See `Learner.train`.

    Returns
    -------
    Totals or None
        What the mini-batches cost, if it was asked for. It does not depend on how fast the machine is.
    """
    # How many mini-batches are trained in a call depends on their time. Costs are summed in parts that do not.
    together, work = mini_batch_size, mini_batch_size * engine.architecture.multiplications
    first = 1 if with_costs else max(1, min(_MINI_BATCHES_AT_FIRST, _WORK_AT_FIRST // work))
    if with_costs:
        together *= max(1, min(_MINI_BATCHES_OF_A_SUM, _WORK_OF_A_SUM // work))
    total = Totals()
    for run in progress.runs(order, together, title, first):
        step = together if with_costs else len(run)
        for start in range(0, len(run), step):
            part = run[start : start + step]
            found = engine.epoch(part, mini_batch_size, eta, descent, with_costs=with_costs, with_penalty=with_penalty)
            total = total.plus(found or Totals())
        hear()
    return total if with_costs else None
