"""The book's algorithm, sample by sample: plain, slow, and the truth that the other engines are tested against.

The same seed gives the same bits again with the same number of BLAS threads. Only products with large matrices, such as
1000 x 1000 weights, are divided among them.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Arrays, Descent, Pass, Receiver
from fastnet.formulas.activations import ACTIVATIONS


class Engine(contract.Engine):
    """Column vectors, one sample at a time, in the order of the book's equations."""

    _velocity_b: Arrays | None = None
    _velocity_w: Arrays | None = None

    def _epoch(self, work: Pass) -> None:
        for mini_batch in work.mini_batches(self.architecture.dtype):
            nabla_b, nabla_w = self._gradients(*mini_batch)
            self._descend(nabla_b, nabla_w, work.eta, work.descent)

    def _descend(self, nabla_b: Arrays, nabla_w: Arrays, eta: float, descent: Descent) -> None:
        """Change the parameters by the velocity: chapter 3, equations 107 and 108."""
        mu, l1, l2 = descent.momentum, descent.l1, descent.l2
        velocity_b = self._velocity_b or [np.zeros_like(b) for b in self._biases]
        velocity_w = self._velocity_w or [np.zeros_like(w) for w in self._weights]
        nabla_w = [nw + l2 * w + l1 * np.sign(w) for w, nw in zip(self._weights, nabla_w, strict=True)]
        self._velocity_b = [mu * v - eta * nb for v, nb in zip(velocity_b, nabla_b, strict=True)]
        self._velocity_w = [mu * v - eta * nw for v, nw in zip(velocity_w, nabla_w, strict=True)]
        self._biases = [b + v for b, v in zip(self._biases, self._velocity_b, strict=True)]
        self._weights = [w + v for w, v in zip(self._weights, self._velocity_w, strict=True)]

    def _velocities(self) -> tuple[Arrays, Arrays] | None:
        if self._velocity_w is None or self._velocity_b is None:
            return None
        return [v.copy() for v in self._velocity_w], [v.copy() for v in self._velocity_b]

    def _set_velocities(self, weights: Arrays, biases: Arrays) -> None:
        self._velocity_w, self._velocity_b = [v.copy() for v in weights], [v.copy() for v in biases]

    def _gradients(
        self, inputs: np.ndarray, targets: np.ndarray, factors: np.ndarray | None = None
    ) -> tuple[Arrays, Arrays]:
        """Return the gradient of the mean cost, where hidden neurons are multiplied by factors, a row a sample."""
        if factors is None:
            factors = np.ones((len(inputs), self.architecture.hidden))
        nabla_b = [np.zeros_like(b) for b in self._biases]
        nabla_w = [np.zeros_like(w) for w in self._weights]
        samples = zip(self._columns(inputs), self._columns(targets), self._columns(factors), strict=True)
        for x, y, factors_of_x in samples:
            delta_nabla_b, delta_nabla_w = self._backprop(x, y, self._layers(factors_of_x))
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b, strict=True)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w, strict=True)]
        return [nb / len(inputs) for nb in nabla_b], [nw / len(inputs) for nw in nabla_w]

    def _backprop(self, x: np.ndarray, y: np.ndarray, factors: Arrays) -> tuple[Arrays, Arrays]:
        """Return the gradient of one sample's cost: chapter 2, "The backpropagation algorithm"."""
        hidden = ACTIVATIONS[self.architecture.activation]
        cost = self.architecture.cost
        activations = [x]
        zs = []
        for b, w, factor in zip(self._biases, self._weights, [*factors, None], strict=True):
            zs.append(w @ activations[-1] + b)
            if factor is not None:
                activations.append(hidden.function(zs[-1]) * factor)
        delta = cost.delta(zs[-1], cost.output(zs[-1].T).T, y)  # BP1
        deltas = [delta]
        for w, z, factor in zip(self._weights[:0:-1], zs[-2::-1], factors[::-1], strict=True):
            delta = (w.T @ delta) * factor * hidden.prime(z)  # BP2
            deltas.insert(0, delta)
        nabla_w = [delta @ a.T for delta, a in zip(deltas, activations, strict=True)]  # BP4
        return deltas, nabla_w  # BP3: the deltas are the gradient with respect to the biases

    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        function = ACTIVATIONS[self.architecture.activation].function
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        for i in range(len(rows)):
            (activation,) = self._columns(rows[i : i + 1])
            for b, w in zip(self._biases[:-1], self._weights[:-1], strict=True):
                activation = function(w @ activation + b)
            z = self._weights[-1] @ activation + self._biases[-1]
            receive(slice(i, i + 1), z.T)

    def _layers(self, column: np.ndarray) -> Arrays:
        """Divide a column of all hidden neurons into one for each layer."""
        return np.split(column, list(accumulate(self.architecture.sizes[1:-1])))[:-1]

    def _columns(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(self.architecture.dtype, copy=False)[:, :, np.newaxis]
