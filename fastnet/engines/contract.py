"""The contract between a network and the engine that computes for it.

Given the same parameters, data and order, every engine gives the same result up to rounding. An engine knows nothing
of networks: it is handed numbers, and hands numbers back, in the book's shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, TypeAlias

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.formulas import dropout
from fastnet.formulas.costs import BuiltIn, OwnCost, QuadraticCost

Arrays: TypeAlias = list[np.ndarray]
Receiver: TypeAlias = Callable[[slice, np.ndarray], None]

_NUMBERS_AT_A_TIME = 1 << 22  # that are made dense only to be fed forward: bounds the memory


@dataclass(frozen=True)
class Architecture:
    """What a network computes, apart from its parameters.

    Attributes
    ----------
    sizes : tuple of int
        The number of neurons in each layer, the inputs first.
    dtype : numpy.dtype
        float32 or float64: what everything is computed in.
    activation : str
        Of the hidden neurons: one of `activations.ACTIVATIONS`.
    cost : class or OwnCost
        One of `costs.COSTS`, or the user's own. It decides what the output neurons are.
    """

    sizes: tuple[int, ...]
    dtype: np.dtype
    activation: str = "sigmoid"
    cost: BuiltIn | OwnCost = QuadraticCost

    @property
    def hidden(self) -> int:
        """The number of hidden neurons, in all layers."""
        return sum(self.sizes[1:-1])


@dataclass(frozen=True)
class Descent:
    """How parameters follow the gradient, beyond the learning rate.

    Attributes
    ----------
    l2, l1 : float
        lambda / n of L2 and of L1 regularization: the cost has l2 / 2 times the sum of the weights' squares, and l1
        times the sum of their absolute values, in addition (chapter 3, equations 87 and 95).
    momentum : float
        mu, from 0 to less than 1: what remains of the velocity from one mini-batch to the next (chapter 3, equations
        107 and 108).
    dropout : float
        The probability, from 0 to less than 1, with which a hidden neuron is left out, for each sample anew. What
        the others give is divided by 1 - dropout, so that the whole network can be used as it is afterwards.
    seed : int
        Of the numbers that decide which neurons these are.
    """

    l2: float = 0.0
    l1: float = 0.0
    momentum: float = 0.0
    dropout: float = 0.0
    seed: int = 0


class MiniBatch(NamedTuple):
    """The samples of a mini-batch, one a row.

    Attributes
    ----------
    inputs, targets : ndarray of float32 or float64
        As the data set has them.
    factors : ndarray or None
        What their hidden neurons are multiplied by, in the order of the layers: None without dropout.
    """

    inputs: np.ndarray
    targets: np.ndarray
    factors: np.ndarray | None


@dataclass(frozen=True)
class Pass:
    """One pass of stochastic gradient descent over samples, as an engine is given it.

    Attributes
    ----------
    data : Dataset
        Where they are.
    order : ndarray of int64, shape (n,)
        Which samples, and in which order; all of them are there.
    mini_batch_size : int
        At least 1; the last mini-batch may be short.
    eta : float
        The learning rate.
    descent : Descent
        What else decides on a step.
    kept : ndarray of bool, shape (n, hidden), or None
        With dropout, which hidden neurons are kept, a row for each sample of the order.
    """

    data: Dataset
    order: np.ndarray
    mini_batch_size: int
    eta: float
    descent: Descent
    kept: np.ndarray | None

    def factors(self, dtype: np.dtype) -> np.ndarray | None:
        """Return what hidden neurons are multiplied by, shaped as `kept`; None without dropout."""
        return None if self.kept is None else self.kept.astype(dtype) / (1 - self.descent.dropout)

    def mini_batches(self, dtype: np.dtype) -> Iterator[MiniBatch]:
        """Hand out the mini-batches."""
        factors = self.factors(dtype)
        for start in range(0, len(self.order), self.mini_batch_size):
            part = slice(start, start + self.mini_batch_size)
            samples = self.order[part]
            yield MiniBatch(
                self.data.rows[samples], self.data.targets[samples], None if factors is None else factors[part]
            )


@dataclass(frozen=True)
class State:
    """What an exact continuation needs of an engine, besides the parameters.

    Attributes
    ----------
    trained_on : int
        How many samples some neurons were dropped for.
    velocity : tuple (weights, biases) or None
        Lists of ndarray in the book's shapes, or None where there is none yet. It is in the engine's own units.
    eta : float
        The last learning rate, on which these units may depend.
    """

    trained_on: int = 0
    velocity: tuple[Arrays, Arrays] | None = None
    eta: float = 0.0


@dataclass
class Measure:
    """What `measure` finds: sums over samples.

    Attributes
    ----------
    correct : int
        For how many the largest output is the one that it is to be.
    cost : float or None
        The sum of their costs, if it was asked for.
    predictions : ndarray of int64, shape (n,)
        The index of the largest output, for each sample; -1 where an output is not a number.
    """

    correct: int
    cost: float | None
    predictions: np.ndarray = field(compare=False)


def parts(inputs: np.ndarray | SparseInputs, samples: int) -> Iterator[slice]:
    """Divide inputs into parts of so many samples, or of fewer where they are sparse and would take much when dense."""
    if isinstance(inputs, SparseInputs):
        samples = min(samples, max(1, _NUMBERS_AT_A_TIME // inputs.shape[1]))
    for start in range(0, len(inputs), samples):
        yield slice(start, min(start + samples, len(inputs)))


def _largest(outputs: np.ndarray) -> np.ndarray:
    """Return the index of the largest output of each sample, one a row; -1 where one is not a number."""
    largest: np.ndarray = outputs.argmax(axis=1)
    if outputs.size and np.isnan(outputs.max()):
        largest[np.isnan(outputs).any(axis=1)] = -1
    return largest


class Engine(ABC):
    """A network's parameters, laid out as an engine likes them, and what is computed with them.

    Parameters
    ----------
    architecture : Architecture
        What to compute.
    weights : sequence of ndarray, each (n_out, n_in)
        One matrix a layer, from the first hidden layer on. They are copied.
    biases : sequence of ndarray, each (n_out, 1)
        Likewise.
    data : Dataset, optional
        What `epoch` trains on, with vectors for targets. It is laid out here, once.

    Raises
    ------
    ValueError
        If there are data to train on, but the cost is one of the user's, and the engine cannot call it.
    """

    calls_no_function: ClassVar[str | None] = None
    """Why an engine cannot call a cost of the user's; None if it can."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        data: Dataset | None = None,
    ) -> None:
        self.architecture = architecture
        self.data = data
        self._trained_on = 0  # samples, of those that some neurons were dropped for
        self._eta = 0.0
        self.set_parameters(weights, biases)
        if data is not None:
            self._check_cost()
            self._lay_out(data)

    def _check_cost(self) -> None:
        cost = self.architecture.cost
        if isinstance(cost, OwnCost) and self.calls_no_function is not None:
            raise ValueError(
                f"{self.calls_no_function} a {cost.function} of your own; engine='numpy' and engine='reference' can"
            )

    def _lay_out(self, data: Dataset) -> None:  # noqa: B027 - most engines take the data as they are
        """Prepare what `epoch` needs of the data."""

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float, descent: Descent | None = None) -> None:
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
            By default the plain one. The velocity of momentum, and the count of the samples that neurons were dropped
            for, are kept from one call to the next, so that all calls must have the same momentum, dropout and seed.

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
        if not descent.dropout:
            self._epoch(Pass(self.data, order, mini_batch_size, eta, descent, None))
            return
        for part in dropout.parts(order, mini_batch_size, self.architecture.hidden):
            kept = dropout.kept(descent.seed, self._trained_on, len(part), self.architecture.hidden, descent.dropout)
            self._epoch(Pass(self.data, part, mini_batch_size, eta, descent, kept))
            self._trained_on += len(part)

    @abstractmethod
    def _epoch(self, work: Pass) -> None:
        """Take a step for each mini-batch."""

    def state(self) -> State:
        """Return what an exact continuation needs besides the parameters."""
        return State(self._trained_on, self._velocities(), self._eta)

    def set_state(self, state: State) -> None:
        """Go on from the state of another engine of the same name and architecture."""
        self._trained_on, self._eta = state.trained_on, state.eta
        if state.velocity is not None:
            self._set_velocities(*state.velocity)

    @abstractmethod
    def _velocities(self) -> tuple[Arrays, Arrays] | None:
        """Return copies of the velocities of weights and biases, in the book's shapes; None if there are none yet."""

    @abstractmethod
    def _set_velocities(self, weights: Arrays, biases: Arrays) -> None:
        """Take over copies of velocities."""

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        """Return the gradient of the mean cost over the samples, by backpropagation (chapter 2).

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in)
            One sample a row.
        targets : ndarray of float32 or float64, shape (n, n_out)
            The desired outputs.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            Shaped as the biases and the weights are, in the book's order.

        Raises
        ------
        ValueError
            If the cost is one of the user's, and the engine cannot call it.
        """
        self._check_cost()
        return self._gradients(inputs, targets)

    @abstractmethod
    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        """Return the gradient of a cost that the engine can compute."""

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
        result = np.empty((len(inputs), self.architecture.sizes[-1]), self.architecture.dtype)

        def receive(part: slice, z: np.ndarray) -> None:
            result[part] = self.architecture.cost.output(z)

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
        n_out = self.architecture.sizes[-1]
        labels, targets = data.labels(n_out), data.with_vectors(n_out).targets if cost else None
        output, total = self.architecture.cost.output, self.architecture.cost.total
        predictions, costs = np.empty(len(data), np.int64), {}

        def receive(part: slice, z: np.ndarray) -> None:
            predictions[part] = _largest(output(z))
            if targets is not None:
                costs[part.start] = float(total(z, targets[part]))

        self._feed_forward(data, receive)
        # Threads may have come in any order; the sum of their costs is to be the same every time.
        whole = sum(costs[start] for start in sorted(costs)) if cost else None
        return Measure(int(np.count_nonzero(predictions == labels)), whole, predictions)

    @abstractmethod
    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        """Feed samples forward, some at a time, and hand over which they are, and their output layer's z.

        z has one sample a row, and is handed over in the architecture's dtype. It may be done in several threads.
        """

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Take over copies of these weights and biases, in the book's shapes; a velocity stays what it is."""
        self._weights = [np.array(w, self.architecture.dtype) for w in weights]
        self._biases = [np.array(b, self.architecture.dtype) for b in biases]

    def squares(self) -> float:
        """Return the sum of the squares of the weights, which L2 regularization keeps small."""
        weights, _ = self.parameters()
        return sum(float(np.sum(np.square(w, dtype=np.float64))) for w in weights)

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return copies of the weights and the biases as they are now, in the book's shapes."""
        return [w.copy() for w in self._weights], [b.copy() for b in self._biases]
