"""How the classifier trains: scikit-learn's rules, in terms of an engine and the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines.contract import Descent, Engine, State
from fastnet.estimator.settings import Settings
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.optimizers import GradientDescent
from fastnet.learning import diagnostics
from fastnet.learning.history import Epoch, History
from fastnet.learning.schedules import Tolerance
from fastnet.learning.training import Findings, Training, descend
from fastnet.networks.learner import for_layers_of

_LASTING = ("hidden", "image_shape", "activation", "cost", "engine", "dtype", "momentum", "dropout")


@dataclass(frozen=True)
class Continuation:
    """What an exact continuation of a training needs, besides the parameters.

    Attributes
    ----------
    settings : Settings
        The settings of the training.
    random : RandomState
        The generator of the order of the samples.
    dropout_seed : int
        Seed of the dropout masks.
    state : State
        The state of the engine.
    """

    settings: Settings
    random: np.random.RandomState
    dropout_seed: int
    state: State

    def fits(self, settings: Settings) -> bool:
        """Whether a training with these settings can continue from here."""
        return all(getattr(self.settings, name) == getattr(settings, name) for name in _LASTING)


class ClassifierLearner:
    """A classifier in training.

    Parameters
    ----------
    settings : Settings
        How it is trained.
    architecture : Architecture
        What is trained.
    parameters : list of dict of str to ndarray
        The initial arrays of each layer.
    data : Dataset
        What it is trained on, with the numbers of the classes for targets.
    random : RandomState
        What the order of the samples, and dropout, come from.
    before : Continuation, optional
        What there is of a training that is to be continued; its generator is used instead of `random`.
    held_out : Dataset, optional
        Samples that are not trained on. If given, the parameters become those with the best accuracy on them.
    """

    def __init__(
        self,
        settings: Settings,
        architecture: Architecture,
        parameters: Parameters,
        data: Dataset,
        random: np.random.RandomState,
        before: Continuation | None = None,
        held_out: Dataset | None = None,
    ) -> None:
        architecture.check_mini_batch(min(settings.batch_size, len(data)))
        self._settings = settings
        self._labels, self._data = data.targets, data.with_vectors(architecture.n_out)
        self._held_out = held_out
        self._order = np.arange(len(data))
        self._architecture = architecture
        self.engine = settings.make_engine(architecture, parameters, self._data)
        if before is None:
            self._random = random
            self._dropout_seed = random.randint(2**31) if len(self.engine.architecture.drop_probabilities) else 0
        else:
            self._random, self._dropout_seed = before.random, before.dropout_seed
            self.engine.set_state(before.state)

    def continuation(self) -> Continuation:
        """Return what is needed to continue."""
        return Continuation(self._settings, self._random, self._dropout_seed, self.engine.state())

    def run(self, iterations: int, report: Callable[[str], object]) -> Outcome:
        """Train until it helps no more.

        Parameters
        ----------
        iterations : int
            The largest number of epochs.
        report : callable
            Called with a line after each epoch.

        Raises
        ------
        ValueError
            If the loss or a parameter is no longer finite.
        """
        settings, held_out = self._settings, self._held_out
        samples = 0 if held_out is None else len(held_out)
        failure = "validation score did not grow" if samples else "loss did not fall"
        rule = Tolerance(settings.eta, settings.tol, settings.n_iter_no_change, failure)
        history, best = History({}, len(self._data), samples, machine={}), self.engine.parameters()

        def value(epoch: Epoch) -> float:
            return _score(epoch, samples) if samples else -_loss(epoch)

        def keep_best() -> None:
            nonlocal best
            if samples and rule.improved:
                best = self.engine.parameters()

        def report_lines(history: History) -> None:
            epoch = history.epochs[-1]
            report(f"Iteration {epoch.number + 1}, loss = {_loss(epoch):.8f}")
            if samples:
                report(f"Validation score: {_score(epoch, samples):f}")

        training = Training(self, history, iterations, rule, value, diagnostics.scale(self._data))
        training.run(report_lines, keep_best, stacklevel=3)
        if history.diverged:
            raise self._divergence("its weights are infinite or not a number")
        if rule.stopped:
            report(rule.stopped)
        if samples:
            self.engine.set_parameters(best)
        scores = [_score(epoch, samples) for epoch in history.epochs] if samples else []
        return Outcome(history.series("training_cost"), scores, bool(rule.stopped))

    def begin(self) -> None:
        """Do nothing: the engine has the parameters."""

    def train(self, number: int, eta: float, hear: Callable[[], None]) -> None:
        """Train for an epoch; as in scikit-learn, a mini-batch of m samples has a weight decay of eta alpha / m."""
        settings, n = self._settings, len(self._data)
        self._order = order = self._order[self._random.permutation(n)]  # scikit-learn's orders
        whole = n - n % settings.batch_size
        for part in (order[:whole], order[whole:]):  # the last mini-batch may be short
            if len(part):
                m = min(settings.batch_size, len(part))
                descent = Descent(GradientDescent(settings.momentum), settings.alpha / m, seed=self._dropout_seed)
                descend(self.engine, part, m, eta, descent, title=f"Iteration {number + 1}", hear=hear)

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the parameters of the engine."""
        return (array for layer in self.engine.parameters() for array in layer.values())

    def undo(self) -> None:
        """Do nothing: the classifier has other parameters until it is trained."""

    def findings(self) -> Findings:
        """Return the loss over the data, and the accuracy on what is held out.

        Raises
        ------
        ValueError
            If the loss is not finite.
        """
        loss = self._loss()
        if not np.isfinite(loss):
            raise self._divergence(f"its loss is {loss}")
        held_out = self._held_out
        return Findings(loss, evaluation_accuracy=None if held_out is None else correct(self.engine, held_out))

    def parameters(self) -> Parameters:
        """Return the arrays of each layer as they are now."""
        return for_layers_of(self._architecture, self.engine.parameters())

    def never_predicted(self) -> tuple[int, ...]:
        """Return the numbers of the classes that many samples have, and that are predicted for none."""
        shares = probabilities(self.engine, self._data)
        return diagnostics.never_predicted(self._labels, shares.argmax(axis=1), shares.shape[1]).labels

    def _divergence(self, sign: str) -> ValueError:
        return ValueError(
            f"the network diverged, {sign}: learning_rate_init is {self._settings.eta}, which is too much, "
            "or the inputs are too large, and need to be scaled"
        )

    def _loss(self) -> float:
        """Return what training lowers: the mean cost over the data, and the regularization of a mini-batch."""
        n, alpha = len(self._data), self._settings.alpha
        cost = self.engine.measure(self._data, cost=True).cost
        assert cost is not None
        squares = self.engine.squares() if alpha else 0.0
        return cost / n + alpha / 2 * squares / min(self._settings.batch_size, n)


@dataclass(frozen=True)
class Outcome:
    """The result of a training.

    Attributes
    ----------
    losses : list of float
        The loss after each iteration.
    scores : list of float
        The accuracy on the held-out samples after each iteration.
    converged : bool
        Whether training stopped before the largest number of iterations.
    """

    losses: list[float]
    scores: list[float]
    converged: bool


def _loss(epoch: Epoch) -> float:
    assert epoch.training_cost is not None
    return epoch.training_cost


def _score(epoch: Epoch, samples: int) -> float:
    assert epoch.evaluation_accuracy is not None
    return epoch.evaluation_accuracy / samples


def correct(engine: Engine, data: Dataset) -> int:
    """Return the number of samples that are classified as their targets, the numbers of the classes, say."""
    return int(np.count_nonzero(probabilities(engine, data).argmax(axis=1) == data.targets))


def probabilities(engine: Engine, inputs: np.ndarray | SparseInputs | Dataset) -> np.ndarray:
    """Return the probability of each class, one sample a row.

    A single output is the probability of the second of two classes. Softmax outputs have the sum 1; others are divided
    by theirs; where all are 0, they say nothing, and the classes have equal shares.

    Raises
    ------
    ValueError
        If an output is not a number, which says nothing either, but shows that something is wrong.
    """
    outputs: np.ndarray = engine.outputs(inputs)
    if np.isnan(outputs).any():
        raise ValueError(
            "an output of the network is not a number; the inputs are too large, and need to be scaled, or coefs_ are"
        )
    if outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    sums, shares = outputs.sum(axis=1, keepdims=True), np.full_like(outputs, 1 / outputs.shape[1])
    np.divide(outputs, sums, out=shares, where=sums > 0)
    return shares
