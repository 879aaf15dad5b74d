"""The solvers "sgd" and "adam": scikit-learn's rules, with fastnet's engines and training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.engines.contract import Engine, State
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import QuadraticCost
from fastnet.learning.history import Epoch, History
from fastnet.learning.training import Findings, Training, descend
from fastnet.networks.learner import for_layers_of
from fastnet.neural_network.settings import Settings
from fastnet.neural_network.stopping import Rule


@dataclass(frozen=True)
class Continuation:
    """The state, besides the parameters, with which the next `partial_fit` continues.

    In scikit-learn, this state is the attribute `_optimizer`.

    Attributes
    ----------
    settings : Settings
        The settings with which the network was trained.
    eta : float
        The learning rate.
    dropout_seed : int
        Seed of the dropout masks.
    state : State
        The state of the engine.
    """

    settings: Settings
    eta: float
    dropout_seed: int
    state: State

    def fits(self, settings: Settings) -> bool:
        """Whether training with the given settings can continue from this state."""
        return all(getattr(self.settings, name) == getattr(settings, name) for name in _LASTING)


_LASTING = "hidden", "image_shape", "cost", "dropout", "solver", "engine", "dtype"


@dataclass(frozen=True)
class Samples:
    """The training samples, and a function that returns the score on the validation samples.

    Attributes
    ----------
    data : Dataset
        All samples, with vectors as targets.
    weights : ndarray or None
        Weight of each sample; None if all weights are 1.
    chosen : ndarray of int64
        Indices of the training samples; the other samples are validation samples.
    score : callable or None
        Function that returns the score on the validation samples, given an engine; None without early stopping.
    """

    data: Dataset
    weights: np.ndarray | None
    chosen: np.ndarray
    score: Callable[[Engine], float] | None


class StochasticLearner:
    """A network in training by mini-batches.

    Parameters
    ----------
    settings : Settings
        The estimator's settings.
    architecture : Architecture
        The network's architecture.
    parameters : list of dict of str to ndarray
        The initial arrays of each layer.
    samples : Samples
        The training samples, and the function that returns the score on the validation samples.
    batch_size : int
        Number of samples in a mini-batch; the last mini-batch may have fewer.
    random : RandomState
        Random generator that draws the order of the samples and the dropout seed.
    shuffle : bool
        Whether each iteration takes the samples in a new random order.
    rule : Rule
        Rule that sets the learning rate and stops training.
    before : Continuation or None
        The solver's state after the last call, from which `partial_fit` continues. None if there is no such state.
    """

    def __init__(
        self,
        settings: Settings,
        architecture: Architecture,
        parameters: Parameters,
        samples: Samples,
        batch_size: int,
        random: np.random.RandomState,
        shuffle: bool,
        rule: Rule,
        before: Continuation | None = None,
    ) -> None:
        architecture.check_mini_batch(min(batch_size, len(samples.chosen)))
        self._settings, self._architecture = settings, architecture
        self._samples, self._order = samples, samples.chosen
        self._batch_size, self._random, self._shuffle = batch_size, random, shuffle
        self.rule = rule
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.engine = settings.make_engine(architecture, parameters, samples.data, samples.weights)
        self._best, self.best_score = parameters, rule.best
        drops = len(self.engine.architecture.drop_probabilities) > 0
        self._dropout_seed = random.randint(2**31) if drops and before is None else 0
        if before is not None:
            self._dropout_seed = before.dropout_seed
            self.engine.set_state(before.state)
        self._descent = settings.descent(self._dropout_seed)

    def continuation(self) -> Continuation:
        """Return the state from which training can continue in a later call."""
        return Continuation(self._settings, self.rule.eta, self._dropout_seed, self.engine.state())

    def run(self, iterations: int, report: Callable[[str], object], after: Callable[[int], bool]) -> None:
        """Train until the rule ends training, `after` returns True, or `iterations` iterations are done.

        Parameters
        ----------
        iterations : int
            Largest number of iterations.
        report : callable
            Function that is called with each line about an iteration.
        after : callable
            Function that is called after each iteration with the iteration's number, counted from 0. The function
            returns whether to stop.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C, between two mini-batches. The engine keeps what was learnt until then.
        ValueError
            If the loss or a parameter is no longer finite.
        """
        history = History({}, len(self._order), 0, machine={})

        def report_lines(history: History) -> None:
            number = len(history.epochs)
            report(f"Iteration {number}, loss = {self.losses[-1]:.8f}")
            if self.scores:
                report(f"Validation score: {self.scores[-1]:f}")
            if self.rule.message:
                report(self.rule.message)
            if after(number - 1):
                training.epochs = number

        training = Training(self, history, iterations, self.rule, self._value)
        training.run(report_lines)
        if history.diverged:
            raise divergence("its weights are infinite or NaN", self.rule.eta)

    def best_parameters(self) -> Parameters:
        """Return the arrays of each layer; with early stopping, the arrays with the best validation score."""
        return self.parameters() if self._samples.score is None else self._best

    def parameters(self) -> Parameters:
        """Return the arrays of each layer as they are now."""
        return for_layers_of(self._architecture, self.engine.parameters())

    def _value(self, epoch: Epoch) -> float:
        return self.scores[-1] if self._samples.score is not None else -self.losses[-1]

    # The methods that the training loop calls

    def begin(self) -> None:
        """Do nothing, because the engine already has the parameters."""

    def train(self, number: int, eta: float, handle_deferred: Callable[[], None]) -> float:
        """Train for an iteration, with samples in scikit-learn's order. Return the iteration's loss."""
        if self._shuffle:
            self._order = self._order[self.engine.permutation(self._random, len(self._order))]
        total = descend(
            self.engine, self._order, self._batch_size, eta, self._descent,
            title=f"Iteration {number + 1}", handle_deferred=handle_deferred, with_costs=True,
            with_penalty=bool(self._descent.l2),
        )  # fmt: skip
        assert total is not None
        # As in scikit-learn, the loss averages squared errors over the outputs, but the steps follow the gradient of
        # the sum.
        outputs = self._architecture.n_out if self._architecture.cost is QuadraticCost else 1
        self._loss = (total.costs / outputs + total.penalty) / len(self._order)
        return self._loss

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the parameters of the engine."""
        return self.engine.flat_arrays()

    def undo(self) -> None:
        """Do nothing, because the estimator keeps its own parameters until training is completed."""

    def findings(self) -> Findings:
        """Record the loss and the validation score. If the score is the best so far, keep the parameters.

        Raises
        ------
        ValueError
            If the loss or the validation score is not finite.
        """
        if not np.isfinite(self._loss):
            raise divergence(f"its loss is {self._loss}", self.rule.eta)
        if self._samples.score is not None:
            score = self._samples.score(self.engine)
            if not np.isfinite(score):
                raise divergence(f"its validation score is {score}", self.rule.eta)
            if score > self.best_score:
                self._best, self.best_score = self.parameters(), score
            self.scores.append(score)
        self.losses.append(self._loss)
        return Findings()


class DivergenceError(ValueError):
    """The error for a network that has diverged."""


def divergence(sign: str, eta: float) -> DivergenceError:
    """Return the error for a network that has diverged, given a sign of divergence and the learning rate."""
    return DivergenceError(
        f"the network diverged, {sign}: the learning rate {eta:g}, the inputs or the targets are too large; use a "
        "smaller learning_rate_init, or scale the inputs and targets"
    )
