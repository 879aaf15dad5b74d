"""The training loop of all networks."""

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
from fastnet.utils.interruption import deferred_signals

_MINI_BATCHES_OF_A_SUM = 4096  # largest number of mini-batches whose costs are summed in one call of the engine
_MINI_BATCHES_AT_FIRST = 100  # largest number of mini-batches in the first call without costs, to measure the speed
_WORK_AT_FIRST = 1 << 24  # largest number of multiplications in that call, unless one mini-batch has more
_WORK_OF_A_SUM = 1 << 31  # largest number of multiplications in a call with costs, unless one mini-batch has more


class Findings(NamedTuple):
    """Costs and accuracies after an epoch. Values that were not measured are None.

    Attributes
    ----------
    training_cost, training_accuracy, evaluation_cost, evaluation_accuracy
        See `Epoch`.
    never_predicted : NeverPredicted
        Labels that at least 20 samples have, but that were predicted for no sample.
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
    """The methods of a learner that the training loop calls."""

    def begin(self) -> None:
        """Prepare for an epoch. The time of this call does not count as training time."""

    def train(self, number: int, eta: float, handle_deferred: Callable[[], None]) -> float | None:
        """Train for an epoch, and return the mean cost of its samples, or None if costs are not requested.

        Parameters
        ----------
        number : int
            Index of the epoch, numbered from 0.
        eta : float
            Learning rate.
        handle_deferred : callable
            Function to call between mini-batches. The function handles deferred signals, such as Ctrl-C.
        """

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the parameters after the epoch."""

    def undo(self) -> None:
        """Restore the parameters from before the epoch."""

    def findings(self) -> Findings:
        """Measure costs and accuracies."""


@dataclass
class Training:
    """The training loop and its state.

    Attributes
    ----------
    learner : Learner
        Learner to train.
    history : History
        History with the completed epochs.
    epochs : int
        Number of epochs to train, unless the rule stops training earlier.
    rule : StoppingRule
        Rule for learning rates and stopping.
    value : function of an Epoch
        Function that returns the value on which the rule depends. The value is None if it was not measured.
    scale : str
        Result of `diagnostics.scale` for the inputs.
    """

    learner: Learner
    history: History
    epochs: int
    rule: StoppingRule
    value: Callable[[Epoch], float | None] = attrgetter("evaluation_accuracy")
    scale: str = ""

    @property
    def is_over(self) -> bool:
        """Whether training has finished: all epochs are completed, or the rule has stopped training."""
        return len(self.history.epochs) >= self.epochs or bool(self.rule.stopped)

    def add(self, epoch: Epoch) -> None:
        """Append a completed epoch to the history, and update the rule."""
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
        """Train until all epochs are completed, the rule stops training, or the parameters are no longer finite.

        Parameters
        ----------
        report : callable
            Function that is called with the history after each epoch.
        keep : callable, optional
            Function that is called before `report`, to write the checkpoint.
        stacklevel : int, optional
            Which line warnings name: 1 for the line that calls this function, 2 for the line that calls the caller, and
            so on.
        """
        diagnostics.warn_of_scale(self.scale, stacklevel + 1)
        dead_outputs = diagnostics.DeadOutputs(self.scale)
        while not self.is_over:
            number = len(self.history.epochs)
            self.learner.begin()
            # Without `deferred_signals`, Ctrl-C could leave the parameters of an epoch that is not in the history.
            with deferred_signals() as handle_deferred:
                findings = self._train(number, handle_deferred)
                if findings is None:
                    return
                keep()
            report(self.history)
            is_only = number == 0 and self.is_over
            # The warning comes last, because the epoch must be kept and reported even if warnings are raised as errors.
            dead_outputs.look_at(number, findings.never_predicted, stacklevel + 1, is_only=is_only)

    def _train(self, number: int, handle_deferred: Callable[[], None]) -> Findings | None:
        """Train for an epoch, measure, and add the epoch to the history. Return None if the network has diverged.

        If the network has diverged, or an exception is raised, the learner has the parameters from before the epoch.
        """
        eta, began = self.rule.rate(number), time.perf_counter()
        try:
            cost = self.learner.train(number, eta, handle_deferred)
            seconds = time.perf_counter() - began
            if not diagnostics.all_finite(self.learner.arrays()):
                self.learner.undo()
                self.history.stopped, self.history.diverged = diagnostics.why_stopped(f"epoch {number}"), True
                return None
            findings = self.learner.findings()
        except BaseException:
            self.learner.undo()
            raise
        self.add(Epoch(number, eta, seconds, *findings[:4], cost, findings.test_accuracy))
        return findings


def descend(
    engine: Engine,
    order: np.ndarray,
    mini_batch_size: int,
    eta: float,
    descent: Descent,
    *,
    title: str,
    handle_deferred: Callable[[], None],
    with_costs: bool = False,
    with_penalty: bool = False,
) -> Totals | None:
    """Train an engine on samples in a given order, and show a progress bar if training takes long.

    Parameters
    ----------
    engine, order, mini_batch_size, eta, descent, with_costs, with_penalty
        See `Engine.epoch`.
    title : str
        Text before the progress bar.
    handle_deferred : callable
        See `Learner.train`.

    Returns
    -------
    Totals or None
        Costs of the mini-batches; None unless `with_costs` is True. The machine's speed does not change how the
        costs are rounded.
    """
    # The size of a run of `progress.runs` depends on the machine's speed, so costs are summed in parts of fixed size.
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
        handle_deferred()
    return total if with_costs else None
