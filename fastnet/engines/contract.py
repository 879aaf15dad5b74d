"""The interface between a network and its engine.

Given the same parameters, data and order, every engine gives the same result up to rounding. An engine does not use a
network object: it takes an architecture and arrays, and returns arrays, in the book's shapes.
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
from fastnet.formulas.activations import CustomActivation
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import CustomCost
from fastnet.formulas.layers import Convolution, Dropout
from fastnet.formulas.optimizers import GradientDescent, Optimizer

Receiver: TypeAlias = Callable[[slice, np.ndarray, "np.ndarray | None"], None]
"""Function that takes the slice of the samples that were fed forward, the output layer's z for these samples, and the
samples' costs (None if the engine has not computed the costs)."""

Factors: TypeAlias = list[np.ndarray | None]
"""Dropout factors of the inputs of each layer, one row per sample; None for a layer that is not Dropout.

If nothing is dropped, all entries are None, and the inputs of a `Dropout` layer are multiplied by `Dropout.when_used`.
"""

_NUMBERS_AT_A_TIME = 1 << 22  # largest number of values, zeros included, to which sparse inputs expand at a time
_NUMBERS_OF_IMAGES = 1 << 24  # largest number of values in the patches of samples fed forward together; bounds memory


@dataclass(frozen=True)
class Descent:
    """The settings of a training step, apart from the learning rate.

    Attributes
    ----------
    optimizer : Optimizer
        Optimizer; by default, gradient descent without momentum.
    l2, l1 : float
        Coefficients of L2 and L1 regularization; in the book, they are lambda / n. The cost has the additional terms
        l2 / 2 sum(w^2) and l1 sum(|w|) (chapter 3, equations 87 and 95).
    weighted_mean : bool
        Whether the cost of a mini-batch, with regularization, is divided by the sum of the sample weights, as in
        scikit-learn. If True, the cost is (sum(weight * cost) + l2 / 2 sum(w^2) + l1 sum(|w|)) / sum(weight). If False,
        sum(weight * cost) is divided by the number of samples, and regularization is not divided.
    max_norm : float
        Upper bound of the Euclidean norm of each neuron's incoming weights; 0 for no bound.
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
    """The samples of a mini-batch, one sample per row.

    Attributes
    ----------
    inputs, targets : ndarray of float32 or float64
        Rows of the data set.
    sample_weights : ndarray or None
        Sample weights, by which the costs are multiplied; None if all are 1.
    factors : list of (ndarray or None)
        See `Factors`.
    divisor : float
        Divisor of the sum of the samples' costs.
    decay : float
        Factor by which `Descent.l2` and `Descent.l1` are multiplied.
    """

    inputs: np.ndarray
    targets: np.ndarray
    sample_weights: np.ndarray | None
    factors: Factors
    divisor: float
    decay: float = 1.0


class Totals(NamedTuple):
    """Sums over mini-batches. A mini-batch's cost, computed before its step, is multiplied by its number of samples.

    Attributes
    ----------
    costs : float
        Sum of the costs, without regularization.
    penalty : float
        Sum of the terms of L2 regularization, if requested; otherwise 0.
    """

    costs: float = 0.0
    penalty: float = 0.0

    def plus(self, other: Totals) -> Totals:
        """Return the sum of these totals and `other`."""
        return Totals(self.costs + other.costs, self.penalty + other.penalty)


@dataclass(frozen=True)
class Pass:
    """The arguments of one pass over samples.

    Attributes
    ----------
    data : Dataset
        The data set with the samples.
    sample_weights : ndarray or None
        Sample weights of the data, by which the costs are multiplied; None if all are 1.
    order : ndarray of int64, shape (n,)
        Indices of the samples, in the order of training.
    mini_batch_size : int
        Number of samples in a mini-batch, at least 1. The last mini-batch may be smaller.
    eta : float
        The learning rate.
    descent : Descent
        Settings of a step, apart from the learning rate.
    steps : int
        Number of mini-batches that the engine trained on before this pass, in all epochs.
    factors : list of (ndarray or None)
        See `Factors`; one row for each sample of the order.
    with_costs : bool
        Whether to compute the costs of the samples.
    with_penalty : bool
        Whether to compute the terms of L2 regularization.
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
        """Yield the mini-batches."""
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
        """Position in `order` of each mini-batch's first sample."""
        return np.arange(0, len(self.order), self.mini_batch_size)

    @property
    def sizes(self) -> np.ndarray:
        """Number of samples in each mini-batch."""
        sizes: np.ndarray = np.minimum(self.mini_batch_size, len(self.order) - self.starts)
        return sizes

    @cached_property
    def divisors(self) -> np.ndarray:
        """Divisor of each mini-batch's sum of costs; infinite for a weighted mean whose sample weights are all 0."""
        sizes = self.sizes
        if self.sample_weights is None or not self.descent.weighted_mean:
            return sizes
        weights = self.sample_weights[self.order].astype(np.float64)
        totals = np.add.reduceat(weights, self.starts) if len(weights) else weights
        return np.where(totals > 0, totals, np.inf)

    def totals(self, costs: np.ndarray, squares: np.ndarray) -> Totals:
        """Return the totals of the mini-batches.

        Parameters
        ----------
        costs : ndarray of float64
            Sum of the costs of each mini-batch's samples, weighted by the sample weights.
        squares : ndarray of float64
            Sum of the squares of the network's weights before each step; zeros if the penalty is not requested.
        """
        sizes, descent = self.sizes, self.descent
        penalties = descent.l2 / 2 * squares / (self.divisors if descent.weighted_mean else 1.0)
        return Totals(float(np.sum(costs / self.divisors * sizes)), float(np.sum(penalties * sizes)))


@dataclass(frozen=True)
class State:
    """The state that an engine needs, in addition to the parameters, to continue training; see `Engine.state`.

    Attributes
    ----------
    trained_on : int
        Number of samples for which dropout masks were drawn.
    steps : int
        Number of mini-batches that the engine has trained on.
    optimizer_state : dict of str to Parameters
        The optimizer's state: arrays by the names in `Optimizer.state_names`. The scale of the arrays may differ
        between engines.
    eta : float
        The learning rate on which the scale of `optimizer_state` may depend: the last that did not vanish.
    """

    trained_on: int = 0
    steps: int = 0
    optimizer_state: dict[str, Parameters] = field(default_factory=dict)
    eta: float = 0.0


@dataclass
class Measure:
    """The result of `Engine.measure`.

    Attributes
    ----------
    correct : int
        Number of samples classified correctly; see `classes_of`.
    cost : float or None
        Sum of the samples' costs; None if not requested.
    predictions : ndarray of int64, shape (n,)
        Predicted class of each sample; -1 if an output is NaN.
    """

    correct: int
    cost: float | None
    predictions: np.ndarray = field(compare=False)


def parts(inputs: np.ndarray | SparseInputs, samples: int) -> Iterator[slice]:
    """Yield slices of at most `samples` samples.

    A slice of more than one sparse sample has at most `_NUMBERS_AT_A_TIME` values, zeros included.
    """
    if isinstance(inputs, SparseInputs):
        samples = min(samples, max(1, _NUMBERS_AT_A_TIME // inputs.shape[1]))
    for start in range(0, len(inputs), samples):
        yield slice(start, min(start + samples, len(inputs)))


def samples_at_a_time(architecture: Architecture, most: int) -> int:
    """Return how many samples to feed forward together: `most`, or fewer to limit the patches of a convolution.

    In each convolution, the patches of more than one sample have at most `_NUMBERS_OF_IMAGES` values.
    """
    needed = [
        prod(shape[1:]) * prod(layer.trained(inputs)["weights"][1:])
        for layer, inputs, shape in zip(architecture.layers, architecture.shapes, architecture.shapes[1:], strict=False)
        if isinstance(layer, Convolution)
    ]
    return max(1, min(most, _NUMBERS_OF_IMAGES // max(needed, default=1)))


class Engine(ABC):
    """Base class of all engines. An engine stores a network's parameters in its own layout, and computes with them.

    Parameters
    ----------
    architecture : Architecture
        Layers, activation functions and cost of the network.
    parameters : list of dict of str to ndarray
        The arrays of each layer by name, in the book's shapes. The arrays are copied.
    data : Dataset, optional
        Training data, with vectors as targets. The constructor converts the data to the engine's layout.
    sample_weights : ndarray of shape (n,), optional
        Sample weights of the data, at least 0; by default 1. See `Descent.weighted_mean`.

    Raises
    ------
    ValueError
        If a layer has a custom activation function that the engine cannot call, or if `data` is given and the engine
        cannot call the network's custom cost.
    """

    calls_custom_activations: ClassVar[bool] = False
    """Whether the engine can call and differentiate custom activation functions."""

    calls_no_function: ClassVar[str | None] = None
    """Beginning of the message that the engine cannot call a custom cost; None if the engine can call custom costs."""

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
        """Replace the training data by data of the same shapes; keep the optimizer's state."""
        self.data = data
        self._prepare(data)

    def _check_cost(self) -> None:
        cost = self.architecture.cost
        if isinstance(cost, CustomCost) and self.calls_no_function is not None:
            raise ValueError(
                f"{self.calls_no_function} a custom {cost.function}; use engine='numpy' or engine='reference'"
            )

    def _check_activations(self) -> None:
        for activation in self.architecture.activations:
            if isinstance(activation, CustomActivation) and not self.calls_custom_activations:
                raise ValueError(
                    f"a layer has the custom activation {activation}, which this engine cannot call; use engine='torch'"
                )

    def _prepare(self, data: Dataset) -> None:  # noqa: B027 - some engines use the data unchanged
        """Convert the data to the layout that `epoch` needs."""

    def permutation(self, random: Any, n: int) -> np.ndarray:
        """Return the integers from 0 to n - 1 in random order, shape (n,): the result of `random.permutation(n)`.

        Parameters
        ----------
        random : module or RandomState
            `numpy.random`, or a `RandomState`. The generator's state changes as in `random.permutation(n)`.
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
        """Train for one pass over `data[order]`, by stochastic gradient descent.

        Parameters
        ----------
        order : ndarray of int64, shape (n,)
            Indices of the samples, in order. An epoch may be divided into several calls, each of whole mini-batches;
            the result is the same as that of one call.
        mini_batch_size : int
            Number of samples in a mini-batch, at least 1. The last mini-batch of the order may be smaller; its gradient
            is the mean over its own samples.
        eta : float
            The learning rate.
        descent : Descent, optional
            Settings of a step; by default, plain gradient descent. The optimizer's state and the counts of steps and
            samples are kept between calls, so all calls must have the same optimizer and seed.
        with_costs : bool, optional
            Whether to return the sum of the mini-batches' costs, as in `Totals`. The cost of a mini-batch is computed
            before its step.
        with_penalty : bool, optional
            Whether the returned totals include the terms of L2 regularization.

        Returns
        -------
        Totals or None
            Totals of the mini-batches; None unless `with_costs` is True.

        Raises
        ------
        IndexError
            If an index in the order is negative, or not less than the number of samples.
        ValueError
            If the engine has no training data.
        """
        if self.data is None:
            raise ValueError("the engine has no data, so there is nothing to train on; create the engine with data")
        if len(order) and not 0 <= order.min() <= order.max() < len(self.data):
            raise IndexError(
                f"order has indices from {order.min()} to {order.max()}, but there are {len(self.data)} samples; "
                f"use indices from 0 to {len(self.data) - 1}"
            )
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
        """Draw the dropout masks of the next samples, and count the samples."""
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
        """Take a step for each mini-batch; return the totals of the costs, or zeros if they are not requested."""

    def state(self) -> State:
        """Return the state with which another engine continues training. The parameters are not included.

        The other engine gives the same bits as this engine if both set the parameters to `parameters()` at this point,
        as networks do before each epoch. Otherwise, the results may differ by rounding: an engine may store the product
        of the weights and a common factor, but `parameters` multiplies them.
        """
        return State(self._trained_on, self._steps, self._copied_optimizer_state(), self._eta)

    def set_state(self, state: State) -> None:
        """Continue from the state of another engine of the same name and architecture."""
        self._trained_on, self._steps, self._eta = state.trained_on, state.steps, state.eta
        self._set_optimizer_state(state.optimizer_state)

    @abstractmethod
    def _copied_optimizer_state(self) -> dict[str, Parameters]:
        """Return copies of the optimizer's state, in the book's shapes; an empty dict before the first step."""

    @abstractmethod
    def _set_optimizer_state(self, state: dict[str, Parameters]) -> None:
        """Replace the optimizer's state by copies of the arrays in `state`."""

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        """Return the gradient of the mean cost over the samples, by backpropagation (chapter 2).

        The samples are one mini-batch. Batch normalization uses the statistics of these samples, and does not update
        its running statistics. Nothing is dropped: the inputs of `Dropout` layers are multiplied by `when_used`.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in)
            One sample per row.
        targets : ndarray of float32 or float64, shape (n, n_out)
            The desired outputs.

        Returns
        -------
        list of dict of str to ndarray
            For each layer, the gradient with respect to each of its trained arrays.

        Raises
        ------
        ValueError
            If the network has a custom cost that the engine cannot call.
        """
        self._check_cost()
        return self._gradients(inputs, targets)

    @abstractmethod
    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        """Return the gradient of the mean cost; the caller has checked that the engine can compute the cost."""

    def cost_and_gradients(self) -> tuple[float, Parameters]:
        """Return the sum of the training samples' costs, weighted by the sample weights, and the gradient of this sum.

        No layer may be `BatchNormalization`. No neurons are dropped. Regularization is not included.
        """
        assert self.data is not None
        return self._cost_and_gradients(self.data)

    @abstractmethod
    def _cost_and_gradients(self, data: Dataset) -> tuple[float, Parameters]:
        """Return the result of `cost_and_gradients`. `data` is the training data."""

    def outputs(self, inputs: np.ndarray | SparseInputs | Dataset) -> np.ndarray:
        """Feed samples forward.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in), or SparseInputs, or Dataset
            One sample per row. The engine `numba` converts a `Dataset` to its layout only once.

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
        """Feed a data set forward; return the predictions, the number of correct predictions, and the cost.

        Parameters
        ----------
        data : Dataset
            A data set whose targets are labels or vectors.
        cost : bool, optional
            Whether to compute the cost, without regularization.
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
        # Threads may finish in any order. Sorting makes the sum of the costs reproducible.
        whole = sum(costs[start] for start in sorted(costs)) if cost else None
        return Measure(int(np.count_nonzero(predictions == classes.labels)), whole, predictions)

    @abstractmethod
    def _feed_forward(
        self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver, desired: Dataset | None = None
    ) -> None:
        """Feed samples forward in parts; call `receive` with the slice of each part, z of the output layer, and costs.

        z has one row per sample, in the architecture's dtype. Several threads may call `receive`. `desired` is a data
        set with vectors as targets. If `desired` is given, the engine may pass the cost of each sample instead of None.
        """

    @abstractmethod
    def set_parameters(self, parameters: Parameters) -> None:
        """Replace the parameters by copies of the given arrays; keep the optimizer's state."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """Return copies of the current arrays of each layer, in the book's shapes."""

    def flat_arrays(self) -> Iterable[np.ndarray]:
        """Return arrays that contain all parameters, in any layout. Callers must not change the arrays."""
        return (array for layer in self.parameters() for array in layer.values())

    def squares(self) -> float:
        """Return the sum of the squares of the weights, which L2 regularization keeps small."""
        weights, _ = self.architecture.book_lists(self.parameters())
        return sum(float(np.sum(np.square(w, dtype=np.float64))) for w in weights)
