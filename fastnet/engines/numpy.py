"""Mini-batches as matrices: the book's algorithm, with a matrix product where it has a loop over samples."""

from __future__ import annotations

import numpy as np

from fastnet.activations import sigmoid
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Arrays

# Some versions of OpenBLAS raise the processor's flag for invalid operations by what they do beyond a matrix's edge,
# with all numbers of the result as they should be; NumPy would warn of it. What is not a number stays so, unannounced.
_without_false_alarms = np.errstate(invalid="ignore")
_SAMPLES_AT_A_TIME = 4096  # when feeding forward only: bounds the memory that it takes


class Engine(contract.Engine):
    """Matrices of one sample a row, and NumPy."""

    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        for start in range(0, len(order), mini_batch_size):
            mini_batch = order[start : start + mini_batch_size]
            nabla_b, nabla_w = self.gradients(data.inputs[mini_batch], data.targets[mini_batch])
            for parameters, nabla in zip(self._biases + self._weights, nabla_b + nabla_w, strict=True):
                nabla *= eta
                parameters -= nabla

    @_without_false_alarms
    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        activations = self._feed_forward(inputs)
        a = activations[-1]
        nabla_a = self._nabla_a(a, targets.astype(self.architecture.dtype, copy=False)) / len(inputs)
        deltas = [nabla_a * a * (1 - a)]  # BP1: the derivative of the sigmoid is a (1 - a)
        for w, a in zip(self._weights[:0:-1], activations[-2:0:-1], strict=True):
            deltas.append((deltas[-1] @ w) * a * (1 - a))  # BP2
        deltas.reverse()
        nabla_b = [delta.sum(axis=0)[:, np.newaxis] for delta in deltas]  # BP3
        nabla_w = [delta.T @ a for delta, a in zip(deltas, activations[:-1], strict=True)]  # BP4
        return nabla_b, nabla_w

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        result = np.empty((len(inputs), self.architecture.sizes[-1]), self.architecture.dtype)
        for start in range(0, len(inputs), _SAMPLES_AT_A_TIME):
            part = slice(start, start + _SAMPLES_AT_A_TIME)
            result[part] = self._feed_forward(inputs[part])[-1]
        return result

    @_without_false_alarms
    def _feed_forward(self, inputs: np.ndarray) -> Arrays:
        """Return the activations of every layer, the inputs first."""
        activations = [inputs.astype(self.architecture.dtype, copy=False)]
        for w, b in zip(self._weights, self._biases, strict=True):
            activations.append(sigmoid(activations[-1] @ w.T + b.T))
        return activations

    def _nabla_a(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the derivative of each sample's cost with respect to its outputs, one sample a row."""
        if self.architecture.cost_derivative is None:
            return outputs - targets
        # A function written for the book's columns may do anything with them, so it is given columns.
        columns = zip(outputs[:, :, np.newaxis], targets[:, :, np.newaxis], strict=True)
        return np.concatenate([self.architecture.nabla_a(a, y) for a, y in columns], axis=1).T
