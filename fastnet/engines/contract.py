"""The contract between a network and the engine that computes for it.

Given the same parameters, data and order, every engine gives the same result up to rounding. An engine knows nothing
of networks: it is handed numbers, and hands numbers back, in the book's shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from fastnet.datasets.dataset import Dataset

Arrays: TypeAlias = list[np.ndarray]
CostDerivative: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Architecture:
    """What a network computes, apart from its parameters.

    Attributes
    ----------
    sizes : tuple of int
        The number of neurons in each layer, the inputs first.
    dtype : numpy.dtype
        float32 or float64: what everything is computed in.
    cost_derivative : callable, optional
        The user's own derivative of a sample's cost with respect to the output activations: it takes the
        activations and the desired output as columns `(n_out, 1)` and returns such a column. Without it, the
        cost is the quadratic one, C = ||a - y||^2 / 2 a sample.
    """

    sizes: tuple[int, ...]
    dtype: np.dtype
    cost_derivative: CostDerivative | None = None

    def nabla_a(self, output_activations: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the derivative of one sample's cost with respect to its outputs.

        Parameters
        ----------
        output_activations, y : ndarray, shape (n_out, 1)
            The activations and the desired output.

        Returns
        -------
        ndarray, shape (n_out, 1)
            Of the architecture's dtype.

        Raises
        ------
        ValueError
            If the user's function returns anything but such a column, or a number for all of it.
        """
        if self.cost_derivative is None:
            return output_activations - y
        derivative = np.asarray(self.cost_derivative(output_activations, y))
        if derivative.dtype.kind not in "fiub":
            raise ValueError(f"cost_derivative returned {derivative.dtype}; it must return real numbers")
        if derivative.shape not in ((), y.shape):
            raise ValueError(f"cost_derivative returned an array of shape {derivative.shape}; it must be {y.shape}")
        return np.broadcast_to(derivative.astype(self.dtype, copy=False), y.shape)


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
        If the architecture has a cost derivative of the user's, and the engine cannot call it.
    """

    calls_no_cost_derivative: ClassVar[str | None] = None
    """Why an engine cannot call a cost derivative of the user's; None if it can."""

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        data: Dataset | None = None,
    ) -> None:
        if architecture.cost_derivative is not None and self.calls_no_cost_derivative is not None:
            raise ValueError(
                f"{self.calls_no_cost_derivative} a cost_derivative of your own; "
                "engine='numpy' and engine='reference' can"
            )
        self.architecture = architecture
        self.data = data
        self.set_parameters(weights, biases)
        if data is not None:
            self._lay_out(data)

    def _lay_out(self, data: Dataset) -> None:  # noqa: B027 - most engines take the data as they are
        """Prepare what `epoch` needs of the data."""

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
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
        self._epoch(self.data, order, mini_batch_size, eta)

    @abstractmethod
    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        """Train on `data[order]`, all of it there."""

    @abstractmethod
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
        """

    def outputs(self, inputs: np.ndarray | Dataset) -> np.ndarray:
        """Feed samples forward.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in), or Dataset
            One sample a row. What an engine has to lay out of a data set, it does once.

        Returns
        -------
        ndarray, shape (n, n_out)
            The output activations.
        """
        return self._outputs(inputs.inputs if isinstance(inputs, Dataset) else inputs)

    @abstractmethod
    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Feed a matrix of samples forward."""

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Take over copies of these weights and biases, in the book's shapes."""
        self._weights = [np.array(w, self.architecture.dtype) for w in weights]
        self._biases = [np.array(b, self.architecture.dtype) for b in biases]

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return copies of the weights and the biases as they are now, in the book's shapes."""
        return [w.copy() for w in self._weights], [b.copy() for b in self._biases]
