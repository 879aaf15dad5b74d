"""The contract between a network and the engine that computes for it.

Given the same parameters, data and order, every engine gives the same result up to rounding. An engine knows nothing
of networks: it is handed an architecture and arrays, and hands arrays back, in the book's shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from fastnet.datasets.classes import classes_of
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.formulas import dropout
from fastnet.formulas.activations import OwnActivation
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import OwnCost
from fastnet.formulas.layers import Convolution, Dropout
from fastnet.formulas.optimizers import GradientDescent, Optimizer

Receiver: TypeAlias = Callable[[slice, np.ndarray, "np.ndarray | None"], None]
"""Takes which samples were fed forward, their output layer's z, and the cost of each if the engine computes it."""

Factors: TypeAlias = list[np.ndarray | None]
"""What the inputs of each layer are multiplied by, one sample a row; None where the layer is not Dropout.

Where nothing is dropped, all are None: the inputs of a `Dropout` layer are then multiplied by its `when_used`.
"""

_NUMBERS_AT_A_TIME = 1 << 22  # that are made dense only to be fed forward: bounds the memory
_NUMBERS_OF_IMAGES = 1 << 24  # that convolutions take for their inputs only to feed them forward, likewise


@dataclass(frozen=True)
class Descent:
    """How parameters follow the gradient, beyond the learning rate.

    Attributes
    ----------
    optimizer : Optimizer
        By default gradient descent without momentum.
    l2, l1 : float
        lambda / n of L2 and of L1 regularization: the cost has l2 / 2 times the sum of the weights' squares, and l1
        times the sum of their absolute values, in addition (chapter 3, equations 87 and 95).
    weighted_mean : bool
        Whether the cost of a mini-batch, regularization included, is divided by the sum of its samples' weights, as
        scikit-learn does: (sum(weight * cost) + l2 / 2 sum(w^2) + l1 sum(|w|)) / sum(weight). Otherwise the costs of m
        samples are divided by m, and regularization by nothing.
    max_norm : float
        Bound of the Euclidean norm of each neuron's incoming weights; 0 for none.
    seed : int
        Seed of the dropout masks.
    """

    optimizer: Optimizer = field(default_factory=GradientDescent)
    l2: float = 0.0
    l1: float = 0.0
    max_norm: float = 0.0
    seed: int = 0
    weighted_mean: bool = False


class MiniBatch(NamedTuple):
    """The samples of a mini-batch, one a row.

    Attributes
    ----------
    inputs, targets : ndarray of float32 or float64
        As the data set has them.
    sample_weights : ndarray or None
        What the cost of each is multiplied by; None for 1.
    factors : list of (ndarray or None)
        See `Factors`.
    divisor : float
        What the sum of the samples' costs is divided by.
    decay : float
        What l2 and l1 of the `Descent` are multiplied by.
    """

    inputs: np.ndarray
    targets: np.ndarray
    sample_weights: np.ndarray | None
    factors: Factors
    divisor: float
    decay: float = 1.0


class Totals(NamedTuple):
    """What mini-batches cost before their steps, each times its number of samples, summed up.

    Attributes
    ----------
    costs : float
        Without regularization.
    penalty : float
        The part of L2 regularization, if it was asked for; 0 otherwise.
    """

    costs: float = 0.0
    penalty: float = 0.0

    def plus(self, other: Totals) -> Totals:
        """Return the sum of both."""
        return Totals(self.costs + other.costs, self.penalty + other.penalty)


@dataclass(frozen=True)
class Pass:
    """One pass over samples, as an engine is given it.

    Attributes
    ----------
    data : Dataset
        Where the samples are.
    sample_weights : ndarray or None
        What the cost of each sample of the data is multiplied by; None for 1.
    order : ndarray of int64, shape (n,)
        Which samples, and in which order.
    mini_batch_size : int
        At least 1; the last mini-batch may be short.
    eta : float
        The learning rate.
    descent : Descent
        What else decides on a step.
    steps : int
        Number of mini-batches before this pass, in all epochs.
    factors : list of (ndarray or None)
        See `Factors`; a row for each sample of the order.
    with_costs : bool
        Whether the costs of the samples are wanted.
    with_penalty : bool
        Whether what L2 regularization adds to them is wanted.
    """

    data: Dataset
    sample_weights: np.ndarray | None
    order: np.ndarray
    mini_batch_size: int
    eta: float
    descent: Descent
    steps: int
    factors: Factors
    with_costs: bool
    with_penalty: bool

    def mini_batches(self) -> Iterator[MiniBatch]:
        """Hand out the mini-batches."""
        for start, divisor in zip(self.starts, self.divisors, strict=True):
            part = slice(start, start + self.mini_batch_size)
            samples = self.order[part]
            yield MiniBatch(
                self.data.rows[samples],
                self.data.targets[samples],
                None if self.sample_weights is None else self.sample_weights[samples],
                [None if each is None else each[part] for each in self.factors],
                float(divisor),
                1 / float(divisor) if self.descent.weighted_mean else 1.0,
            )

    @property
    def starts(self) -> np.ndarray:
        """Where each mini-batch begins in the order."""
        return np.arange(0, len(self.order), self.mini_batch_size)

    @property
    def sizes(self) -> np.ndarray:
        """Number of samples in each mini-batch."""
        return np.minimum(self.mini_batch_size, len(self.order) - self.starts)

    @cached_property
    def divisors(self) -> np.ndarray:
        """What the sum of the costs of each mini-batch is divided by; infinite where all weights are 0."""
        sizes = self.sizes
        if self.sample_weights is None or not self.descent.weighted_mean:
            return sizes
        weights = self.sample_weights[self.order].astype(np.float64)
        totals = np.add.reduceat(weights, self.starts) if len(weights) else weights
        return np.where(totals > 0, totals, np.inf)

    def totals(self, costs: np.ndarray, squares: np.ndarray) -> Totals:
        """Return what the mini-batches cost.

        Parameters
        ----------
        costs : ndarray of float64
            The sum of the costs of each mini-batch's samples, each times its weight.
        squares : ndarray of float64
            The sum of the squares of the weights before each step, if it is wanted.
        """
        sizes, descent = self.sizes, self.descent
        penalties = descent.l2 / 2 * squares / (self.divisors if descent.weighted_mean else 1.0)
        return Totals(float(np.sum(costs / self.divisors * sizes)), float(np.sum(penalties * sizes)))


@dataclass(frozen=True)
class State:
    """What an exact continuation needs of an engine, besides the parameters.

    Attributes
    ----------
    trained_on : int
        Number of samples that dropout masks were drawn for.
    steps : int
        Number of mini-batches that the parameters have followed.
    memory : dict of str to Parameters
        What the optimizer remembers, by the names that it has for it. It may be in units of the engine's own.
    eta : float
        The last learning rate, on which these units may depend.
    """

    trained_on: int = 0
    steps: int = 0
    memory: dict[str, Parameters] = field(default_factory=dict)
    eta: float = 0.0


@dataclass
class Measure:
    """What `measure` finds: sums over samples.

    Attributes
    ----------
    correct : int
        Number of samples classified correctly; see `classes_of`.
    cost : float or None
        Sum of the samples' costs, if it was asked for.
    predictions : ndarray of int64, shape (n,)
        The class that the outputs of each sample name; -1 where an output is not a number.
    """

    correct: int
    cost: float | None
    predictions: np.ndarray = field(compare=False)


def parts(inputs: np.ndarray | SparseInputs, samples: int) -> Iterator[slice]:
    """Divide inputs into parts of that many samples, or of fewer if they are sparse and would be large when dense."""
    if isinstance(inputs, SparseInputs):
        samples = min(samples, max(1, _NUMBERS_AT_A_TIME // inputs.shape[1]))
    for start in range(0, len(inputs), samples):
        yield slice(start, min(start + samples, len(inputs)))


def samples_at_a_time(architecture: Architecture, most: int) -> int:
    """Return how many samples to feed forward together: fewer than most where convolutions need much memory."""
    needed = [
        prod(shape[1:]) * prod(layer.trained(inputs)["weights"][1:])
        for layer, inputs, shape in zip(architecture.layers, architecture.shapes, architecture.shapes[1:], strict=False)
        if isinstance(layer, Convolution)
    ]
    return max(1, min(most, _NUMBERS_OF_IMAGES // max(needed, default=1)))


class Engine(ABC):
    """A network's parameters, laid out as an engine likes them, and what is computed with them.

    Parameters
    ----------
    architecture : Architecture
        What to compute.
    parameters : list of dict of str to ndarray
        The arrays of each layer by name, in the book's shapes. They are copied.
    data : Dataset, optional
        What `epoch` trains on, with vectors for targets. It is laid out here, once.
    sample_weights : ndarray of shape (n,), optional
        What the cost of each sample of the data is multiplied by, from 0; by default 1. A mini-batch of m samples has
        the cost sum(weight * cost) / m.

    Raises
    ------
    ValueError
        If there are data to train on, but the cost is one of the user's, and the engine cannot call it; or if an
        activation is, and the engine is not PyTorch's.
    """

    calls_own_activations: ClassVar[bool] = False
    """Whether an engine can call an activation function of the user's, and has its derivative."""

    calls_no_function: ClassVar[str | None] = None
    """Why an engine cannot call a cost of the user's; None if it can."""

    def __init__(
        self,
        architecture: Architecture,
        parameters: Parameters,
        data: Dataset | None = None,
        sample_weights: np.ndarray | None = None,
    ) -> None:
        self.architecture = architecture
        self._check_activations()
        self.data = data
        self._sample_weights = None if sample_weights is None else np.asarray(sample_weights, architecture.dtype)
        self._trained_on = 0
        self._steps = 0
        self._eta = 0.0
        self.set_parameters(parameters)
        if data is not None:
            self._check_cost()
            self._prepare(data)

    def train_on(self, data: Dataset) -> None:
        """Have `epoch` train on other data, of the same form; what the optimizer remembers stays as it is."""
        self.data = data
        self._prepare(data)

    def _check_cost(self) -> None:
        cost = self.architecture.cost
        if isinstance(cost, OwnCost) and self.calls_no_function is not None:
            raise ValueError(
                f"{self.calls_no_function} a {cost.function} of your own; engine='numpy' and engine='reference' can"
            )

    def _check_activations(self) -> None:
        for activation in self.architecture.activations:
            if isinstance(activation, OwnActivation) and not self.calls_own_activations:
                raise ValueError(
                    f"a layer has an activation of your own, {activation}, which this engine cannot call; "
                    "engine='torch' can"
                )

    def _prepare(self, data: Dataset) -> None:  # noqa: B027 - most engines take the data as they are
        """Prepare what `epoch` needs of the data."""

    def permutation(self, random: Any, n: int) -> np.ndarray:
        """Return the integers below n in random order: what `random.permutation(n)` returns.

        Parameters
        ----------
        random : module or RandomState
            A generator of NumPy's old kind, or `numpy.random`. It is left as its own method leaves it.
        n : int
            Number of integers.
        """
        order: np.ndarray = random.permutation(n)
        return order

    def epoch(
        self,
        order: np.ndarray,
        mini_batch_size: int,
        eta: float,
        descent: Descent | None = None,
        *,
        with_costs: bool = False,
        with_penalty: bool = False,
    ) -> Totals | None:
        """Train by stochastic gradient descent on `data[order]`, once.

        Parameters
        ----------
        order : ndarray of int64, shape (n,)
            Which samples, and in which order. An epoch may be given in several calls, each of whole
            mini-batches: the result is the same.
        mini_batch_size : int
            At least 1. The last mini-batch of the order may be short; its gradient is the mean over what it has.
        eta : float
            The learning rate.
        descent : Descent, optional
            By default the plain one. What the optimizer remembers, and the counts of steps and of samples, are kept
            from one call to the next, so that all calls must have the same optimizer and seed.
        with_costs : bool, optional
            Whether the costs of the mini-batches are wanted, as each met its samples.
        with_penalty : bool, optional
            Whether what L2 regularization adds to them is wanted, too.

        Returns
        -------
        Totals or None
            These costs, if they were asked for.

        Raises
        ------
        IndexError
            If the order names a sample that is not there.
        ValueError
            If the engine has no data.
        """
        if self.data is None:
            raise ValueError("data was not given to the engine; there is nothing to train on")
        if len(order) and not 0 <= order.min() <= order.max() < len(self.data):
            raise IndexError(f"order goes from {order.min()} to {order.max()}; there are {len(self.data)} samples")
        descent = descent or Descent()
        self._eta = eta
        probabilities, total = self.architecture.drop_probabilities, Totals()
        samples_of_parts = dropout.parts(order, mini_batch_size, len(probabilities)) if len(probabilities) else [order]
        for part in samples_of_parts:
            factors = self._factors(len(part), descent.seed)
            work = Pass(
                self.data,
                self._sample_weights,
                part,
                mini_batch_size,
                eta,
                descent,
                self._steps,
                factors,
                with_costs,
                with_penalty,
            )
            total = total.plus(self._epoch(work))
            self._steps += -(-len(part) // mini_batch_size)
        return total if with_costs else None

    def _factors(self, samples: int, seed: int) -> Factors:
        """Draw the dropout masks of samples, and count these."""
        probabilities, dtype = self.architecture.drop_probabilities, self.architecture.dtype
        factors: Factors = [None] * len(self.architecture.layers)
        if not len(probabilities):
            return factors
        kept = dropout.kept(seed, self._trained_on, samples, probabilities)
        self._trained_on += samples
        start = 0
        for i, (layer, shape) in enumerate(zip(self.architecture.layers, self.architecture.shapes, strict=False)):
            if isinstance(layer, Dropout):
                stop = start + prod(shape)
                factors[i] = kept[:, start:stop].astype(dtype) / layer.divisor
                start = stop
        return factors

    @abstractmethod
    def _epoch(self, work: Pass) -> Totals:
        """Take a step for each mini-batch; return what they cost, or zeros if that is not wanted."""

    def state(self) -> State:
        """Return what an exact continuation needs besides the parameters."""
        return State(self._trained_on, self._steps, self._memory_copied(), self._eta)

    def set_state(self, state: State) -> None:
        """Go on from the state of another engine of the same name and architecture."""
        self._trained_on, self._steps, self._eta = state.trained_on, state.steps, state.eta
        self._set_memory(state.memory)

    @abstractmethod
    def _memory_copied(self) -> dict[str, Parameters]:
        """Return copies of what the optimizer remembers, in the book's shapes; nothing before the first step."""

    @abstractmethod
    def _set_memory(self, memory: dict[str, Parameters]) -> None:
        """Take over copies of what an optimizer remembers."""

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        """Return the gradient of the mean cost over the samples, by backpropagation (chapter 2).

        The samples are one mini-batch: batch normalization takes its statistics from them, and keeps none. Nothing is
        dropped: the inputs of `Dropout` layers are multiplied by their `when_used`.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in)
            One sample a row.
        targets : ndarray of float32 or float64, shape (n, n_out)
            The desired outputs.

        Returns
        -------
        list of dict of str to ndarray
            For each layer, the gradient with respect to each of its trained arrays.

        Raises
        ------
        ValueError
            If the cost is one of the user's, and the engine cannot call it.
        """
        self._check_cost()
        return self._gradients(inputs, targets)

    @abstractmethod
    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        """Return the gradient of a cost that the engine can compute."""

    def cost_and_gradients(self) -> tuple[float, Parameters]:
        """Return the sum of the costs of all training data, each times the sample's weight, and its gradient.

        No layer may be `BatchNormalization`; nothing is dropped, as in `gradients`. Regularization is not in it.
        """
        assert self.data is not None
        return self._cost_and_gradients(self.data)

    @abstractmethod
    def _cost_and_gradients(self, data: Dataset) -> tuple[float, Parameters]:
        """Return the sum of the costs of the training data, and its gradient."""

    def outputs(self, inputs: np.ndarray | SparseInputs | Dataset) -> np.ndarray:
        """Feed samples forward.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in), or SparseInputs, or Dataset
            One sample a row. What an engine has to lay out of a data set, it does once.

        Returns
        -------
        ndarray, shape (n, n_out)
            The output activations.
        """
        result = np.empty((len(inputs), self.architecture.n_out), self.architecture.dtype)

        def receive(part: slice, z: np.ndarray, losses: np.ndarray | None) -> None:
            result[part] = self.architecture.outputs.activations(z)

        self._feed_forward(inputs, receive)
        return result

    def measure(self, data: Dataset, *, cost: bool = False) -> Measure:
        """Feed a data set forward, and return how well the network does.

        Parameters
        ----------
        data : Dataset
            With targets of either kind.
        cost : bool, optional
            Whether the cost is wanted, without regularization.
        """
        n_out, outputs = self.architecture.n_out, self.architecture.outputs
        classes = classes_of(data, n_out, outputs.activation)
        desired = data.with_vectors(n_out) if cost else None
        predictions, costs = np.empty(len(data), np.int64), {}

        def receive(part: slice, z: np.ndarray, losses: np.ndarray | None) -> None:
            activations = outputs.activations(z)
            predictions[part] = classes.predicted(activations)
            if desired is not None:
                if losses is None:
                    losses = outputs.cost.losses(z, activations, desired.targets[part])
                costs[part.start] = float(losses.sum())

        self._feed_forward(data, receive, desired)
        # Threads may have come in any order; the sum of their costs is to be the same every time.
        whole = sum(costs[start] for start in sorted(costs)) if cost else None
        return Measure(int(np.count_nonzero(predictions == classes.labels)), whole, predictions)

    @abstractmethod
    def _feed_forward(
        self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver, desired: Dataset | None = None
    ) -> None:
        """Feed samples forward, some at a time, and hand over which they are, and their output layer's z.

        z has one sample a row, and is handed over in the architecture's dtype. It may be done in several threads. If
        `desired` is given, a data set whose targets are vectors, an engine may hand over the cost of each sample, too.
        """

    @abstractmethod
    def set_parameters(self, parameters: Parameters) -> None:
        """Take over copies of these arrays; what the optimizer remembers stays as it is."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """Return copies of the arrays of each layer as they are now."""

    def flat_arrays(self) -> Iterable[np.ndarray]:
        """Return arrays that hold all parameters, in any form, to look at and not to change."""
        return (array for layer in self.parameters() for array in layer.values())

    def squares(self) -> float:
        """Return the sum of the squares of the weights, which L2 regularization keeps small."""
        weights, _ = self.architecture.book_lists(self.parameters())
        return sum(float(np.sum(np.square(w, dtype=np.float64))) for w in weights)
