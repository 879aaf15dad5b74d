"""The book's algorithm, sample by sample: plain, slow, and the truth that the other engines are tested against."""

from __future__ import annotations

import numpy as np

from fastnet.activations import sigmoid, sigmoid_prime
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Arrays


class Engine(contract.Engine):
    """Column vectors, one sample at a time, in the order of the book's equations."""

    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        for start in range(0, len(order), mini_batch_size):
            mini_batch = order[start : start + mini_batch_size]
            nabla_b, nabla_w = self.gradients(data.inputs[mini_batch], data.targets[mini_batch])
            self._weights = [w - eta * nw for w, nw in zip(self._weights, nabla_w, strict=True)]
            self._biases = [b - eta * nb for b, nb in zip(self._biases, nabla_b, strict=True)]

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        nabla_b = [np.zeros_like(b) for b in self._biases]
        nabla_w = [np.zeros_like(w) for w in self._weights]
        for x, y in zip(self._columns(inputs), self._columns(targets), strict=True):
            delta_nabla_b, delta_nabla_w = self._backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b, strict=True)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w, strict=True)]
        return [nb / len(inputs) for nb in nabla_b], [nw / len(inputs) for nw in nabla_w]

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        result = np.empty((len(inputs), self.architecture.sizes[-1]), self.architecture.dtype)
        for row, x in zip(result, self._columns(inputs), strict=True):
            activation = x
            for b, w in zip(self._biases, self._weights, strict=True):
                activation = sigmoid(w @ activation + b)
            row[:] = activation[:, 0]
        return result

    def _backprop(self, x: np.ndarray, y: np.ndarray) -> tuple[Arrays, Arrays]:
        """Return the gradient of one sample's cost: chapter 2, "The backpropagation algorithm"."""
        activations = [x]
        zs = []
        for b, w in zip(self._biases, self._weights, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        delta = self.architecture.nabla_a(activations[-1], y) * sigmoid_prime(zs[-1])  # BP1
        deltas = [delta]
        for w, z in zip(self._weights[:0:-1], zs[-2::-1], strict=True):
            delta = (w.T @ delta) * sigmoid_prime(z)  # BP2
            deltas.insert(0, delta)
        nabla_w = [delta @ a.T for delta, a in zip(deltas, activations[:-1], strict=True)]  # BP4
        return deltas, nabla_w  # BP3: the deltas are the gradient with respect to the biases

    def _columns(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(self.architecture.dtype, copy=False)[:, :, np.newaxis]
