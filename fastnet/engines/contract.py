"""The contract between a network and the engine that computes for it.

Given the same parameters, data and order, every engine gives the same result up to rounding. An engine knows nothing
of networks: it is handed numbers, and hands numbers back, in the book's shapes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fastnet.activations import sigmoid
from fastnet.datasets.dataset import Dataset

Arrays: TypeAlias = list[np.ndarray]
CostDerivative: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]

_ROWS_AT_A_TIME = 4096  # of a matrix of samples: bounds the memory that feeding it forward takes


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
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        data: Dataset | None = None,
    ) -> None:
        self.architecture = architecture
        self.data = data
        self.set_parameters(weights, biases)

    @abstractmethod
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
        """

    @abstractmethod
    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        """Return the gradient of the mean cost over the samples, by backpropagation (chapter 2).

        Parameters
        ----------
        inputs : ndarray, shape (n, n_in)
            One sample a row.
        targets : ndarray, shape (n, n_out)
            The desired outputs.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            Shaped as the biases and the weights are, in the book's order.
        """

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Feed a matrix of samples forward.

        Parameters
        ----------
        inputs : ndarray, shape (n, n_in)
            One sample a row.

        Returns
        -------
        ndarray, shape (n, n_out)
            The output activations.
        """
        weights, biases = self.parameters()
        result = np.empty((len(inputs), self.architecture.sizes[-1]), self.architecture.dtype)
        for start in range(0, len(inputs), _ROWS_AT_A_TIME):
            rows = slice(start, start + _ROWS_AT_A_TIME)
            activations = inputs[rows].astype(self.architecture.dtype, copy=False)
            for w, b in zip(weights, biases, strict=True):
                activations = sigmoid(activations @ w.T + b.T)
            result[rows] = activations
        return result

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        """Take over copies of these weights and biases, in the book's shapes."""
        self._weights = [np.array(w, self.architecture.dtype) for w in weights]
        self._biases = [np.array(b, self.architecture.dtype) for b in biases]

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return copies of the weights and the biases as they are now, in the book's shapes."""
        return [w.copy() for w in self._weights], [b.copy() for b in self._biases]
