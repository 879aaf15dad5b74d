"""How the classifier trains: scikit-learn's rules, in terms of an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines.contract import Arrays, Descent, Engine, State
from fastnet.estimator.settings import Settings
from fastnet.learning import diagnostics

_LASTING = ("hidden", "activation", "cost", "engine", "dtype", "momentum", "dropout")


@dataclass(frozen=True)
class Continuation:
    """What a training goes on with, besides the parameters.

    Attributes
    ----------
    settings : Settings
        How the network was trained.
    random : RandomState
        What the order of the samples comes from.
    dropout_seed : int
        What the neurons that are left out come from.
    state : State
        The engine's.
    """

    settings: Settings
    random: np.random.RandomState
    dropout_seed: int
    state: State

    def fits(self, settings: Settings) -> bool:
        """Whether it is of any use to train by this settings."""
        return all(getattr(self.settings, name) == getattr(settings, name) for name in _LASTING)


class Training:
    """A network in training.

    Parameters
    ----------
    settings : Settings
        How it is trained.
    weights, biases : lists of ndarray
        What it begins with, in the book's shapes.
    data : Dataset
        What it is trained on, with the numbers of the classes for targets.
    random : RandomState
        What the order of the samples, and dropout, come from.
    before : Continuation, optional
        What there is of a training that is to go on; its generator goes before `random`.
    """

    def __init__(
        self,
        settings: Settings,
        weights: Arrays,
        biases: Arrays,
        data: Dataset,
        random: np.random.RandomState,
        before: Continuation | None = None,
    ) -> None:
        self._settings = settings
        self._labels, self._data = data.targets, data.with_vectors(len(biases[-1]))
        self._order = np.arange(len(data))
        self.engine = settings.make_engine(weights, biases, self._data)
        if before is None:
            self._random = random
            self._dropout_seed = random.randint(2**31) if settings.dropout else 0
        else:
            self._random, self._dropout_seed = before.random, before.dropout_seed
            self.engine.set_state(before.state)

    def continuation(self) -> Continuation:
        """Return what is needed to go on."""
        return Continuation(self._settings, self._random, self._dropout_seed, self.engine.state())

    def run(self, held_out: Dataset | None, report: Callable[[str], object]) -> tuple[list[float], list[float], bool]:
        """Train until it helps no more, as often as `max_iter` at most.

        Parameters
        ----------
        held_out : Dataset or None
            If given, what counts is the accuracy on it, and the parameters become those with which it was best.
        report : callable
            What to call with a line after each iteration.

        Returns
        -------
        losses : list of float
            The loss after each iteration.
        scores : list of float
            The accuracy on what is held out.
        converged : bool
            Whether it was left off before `max_iter`.
        """
        patience = Patience(self._settings.tol, self._settings.n_iter_no_change)
        losses: list[float] = []
        scores: list[float] = []
        best = None
        while not patience.over and len(losses) < self._settings.max_iter:
            losses.append(self.epoch())
            report(f"Iteration {len(losses)}, loss = {losses[-1]:.8f}")
            if held_out is not None:
                scores.append(accuracy(self.engine, held_out))
                report(f"Validation score: {scores[-1]:f}")
            if patience.better(scores[-1] if scores else -losses[-1]) and scores:
                best = self.engine.parameters()
        if patience.over:
            what = "validation score did not grow" if scores else "loss did not fall"
            report(f"The {what} by {patience.tol:g} for {patience.most + 1} iterations in succession. Stopping.")
        if best is not None:
            self.engine.set_parameters(*best)
        return losses, scores, patience.over

    def epoch(self) -> float:
        """Train for an epoch, and return the loss over the data after it.

        As in scikit-learn, a mini-batch of m samples has a weight decay of eta alpha / m.

        Raises
        ------
        ValueError
            If the loss is no number any more.
        """
        settings, n = self._settings, len(self._data)
        self._order = order = self._order[self._random.permutation(n)]  # as scikit-learn does, so as to have its orders
        whole = n - n % settings.batch_size
        for part in (order[:whole], order[whole:]):  # the last mini-batch may be short
            if len(part):
                m = min(settings.batch_size, len(part))
                descent = Descent(settings.alpha / m, 0.0, settings.momentum, settings.dropout, self._dropout_seed)
                self.engine.epoch(part, m, settings.eta, descent)
        loss = self._loss()
        if not np.isfinite(loss):
            raise self._divergence(f"its loss is {loss}")
        return loss

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the weights and the biases as they are now.

        Raises
        ------
        ValueError
            If one is no number any more. A loss need not tell: a ReLU neuron with such weights may always give 0.
        """
        weights, biases = self.engine.parameters()
        if not all(np.isfinite(array).all() for array in weights + biases):
            raise self._divergence("its weights are infinite or not a number")
        return weights, biases

    def never_predicted(self) -> tuple[int, ...]:
        """Return the numbers of the classes that are often in the data, but are predicted for no sample."""
        shares = probabilities(self.engine, self._data)
        counts = (np.bincount(classes, minlength=shares.shape[1]) for classes in (self._labels, shares.argmax(axis=1)))
        return diagnostics.never_predicted(*counts)

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


@dataclass
class Patience:
    """Whether something that is to grow has grown lately, by scikit-learn's rule.

    Attributes
    ----------
    tol : float
        By how much it has to be better than the best before.
    most : int
        How many times in succession it need not be.
    best : float
        The best so far.
    """

    tol: float
    most: int
    best: float = -np.inf
    _since: int = 0

    def better(self, value: float) -> bool:
        """Look at the next value, and return whether it is the best."""
        self._since = self._since + 1 if value < self.best + self.tol else 0
        before, self.best = self.best, max(self.best, value)
        return value > before

    @property
    def over(self) -> bool:
        """Whether it has not been more often than that."""
        return self._since > self.most


def accuracy(engine: Engine, data: Dataset) -> float:
    """Return which part of the data is classified as its targets, the numbers of the classes, say."""
    return float(np.mean(probabilities(engine, data).argmax(axis=1) == data.targets))


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


def initial_parameters(sizes: Sequence[int], activation: str, random: np.random.RandomState) -> tuple[Arrays, Arrays]:
    """Draw weights and biases as scikit-learn does, and in its order: uniformly, as Glorot and Bengio (2010) proposed.

    With biases as large as the book's, the networks with ReLU were less accurate, by about one digit of MNIST in 100.
    """
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt((2 if activation == "sigmoid" else 6) / (n_in + n_out))
        weights.append(random.uniform(-bound, bound, (n_in, n_out)).T)
        biases.append(random.uniform(-bound, bound, n_out)[:, np.newaxis])
    return weights, biases
