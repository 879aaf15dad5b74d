"""Mini-batches as matrices: the book's algorithm, with a matrix product where it has a loop over samples."""

from __future__ import annotations

import numpy as np

from fastnet.activations import sigmoid
from fastnet.engines import contract
from fastnet.engines.contract import Arrays


class Engine(contract.Engine):
    """Matrices of one sample a row, and NumPy."""

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        assert self.data is not None
        for start in range(0, len(order), mini_batch_size):
            mini_batch = order[start : start + mini_batch_size]
            nabla_b, nabla_w = self.gradients(self.data.inputs[mini_batch], self.data.targets[mini_batch])
            for parameters, nabla in zip(self._biases + self._weights, nabla_b + nabla_w, strict=True):
                nabla *= eta
                parameters -= nabla

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        dtype = self.architecture.dtype
        activations = [inputs.astype(dtype, copy=False)]
        for w, b in zip(self._weights, self._biases, strict=True):
            activations.append(sigmoid(activations[-1] @ w.T + b.T))
        a = activations[-1]
        nabla_a = self._cost_derivatives(a, targets.astype(dtype, copy=False)) / len(inputs)
        deltas = [nabla_a * a * (1 - a)]  # BP1: the derivative of the sigmoid is a (1 - a)
        for w, a in zip(self._weights[:0:-1], activations[-2:0:-1], strict=True):
            deltas.append((deltas[-1] @ w) * a * (1 - a))  # BP2
        deltas.reverse()
        nabla_b = [delta.sum(axis=0)[:, np.newaxis] for delta in deltas]  # BP3
        nabla_w = [delta.T @ a for delta, a in zip(deltas, activations[:-1], strict=True)]  # BP4
        return nabla_b, nabla_w

    def _cost_derivatives(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the derivative of each sample's cost with respect to its outputs, one sample a row."""
        cost_derivative = self.architecture.cost_derivative
        if cost_derivative is None:
            return outputs - targets
        # A function written for the book's columns may do anything with them, so it is given columns.
        columns = [
            cost_derivative(a, y) for a, y in zip(outputs[:, :, np.newaxis], targets[:, :, np.newaxis], strict=True)
        ]
        return np.concatenate(columns, axis=1).T
