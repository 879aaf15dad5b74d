"""Mini-batches as matrices: the book's algorithm, with a matrix product where it has a loop over samples.

The same seed gives the same bits again with the same number of BLAS threads. BLAS divides larger products, such as
those of 784-30-10 in mini-batches of 100, among its threads, and with more or fewer of them adds in another order; with
OMP_NUM_THREADS=1, the number of processors makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Arrays, Descent, Pass, Receiver
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.costs import OwnCost

# Some versions of OpenBLAS raise the processor's flag for invalid operations by what they do beyond a matrix's edge,
# with all numbers of the result as they should be; NumPy would warn of it. What is not a number stays so, unannounced.
_without_false_alarms = np.errstate(invalid="ignore")
_SAMPLES_AT_A_TIME = 4096  # when feeding forward only: bounds the memory that it takes


class Engine(contract.Engine):
    """Matrices of one sample a row, and NumPy."""

    _velocity: Arrays | None = None  # of the biases, then the weights

    def _epoch(self, work: Pass) -> None:
        for mini_batch in work.mini_batches(self.architecture.dtype):
            nabla_b, nabla_w = self._gradients(*mini_batch)
            self._descend(nabla_b, nabla_w, work.eta, work.descent)

    def _descend(self, nabla_b: Arrays, nabla_w: Arrays, eta: float, descent: Descent) -> None:
        """Change the parameters by the velocity (chapter 3, equations 107 and 108), which is computed in place."""
        for w, nw in zip(self._weights, nabla_w, strict=True):
            if descent.l2:
                nw += descent.l2 * w
            if descent.l1:
                nw += descent.l1 * np.sign(w)
        velocity = nabla_b + nabla_w
        for v in velocity:
            v *= -eta
        if descent.momentum:
            for v, before in zip(velocity, self._velocity or [], strict=False):
                v += descent.momentum * before
            self._velocity = velocity
        for parameters, v in zip(self._biases + self._weights, velocity, strict=True):
            parameters += v

    def _velocities(self) -> tuple[Arrays, Arrays] | None:
        if self._velocity is None:
            return None
        copies, depth = [v.copy() for v in self._velocity], len(self._biases)
        return copies[depth:], copies[:depth]

    def _set_velocities(self, weights: Arrays, biases: Arrays) -> None:
        self._velocity = [v.copy() for v in biases + weights]

    @_without_false_alarms
    def _gradients(
        self, inputs: np.ndarray, targets: np.ndarray, factors: np.ndarray | None = None
    ) -> tuple[Arrays, Arrays]:
        """Return the gradient of the mean cost, where hidden neurons are multiplied by factors, a row a sample."""
        hidden, dtype = ACTIVATIONS[self.architecture.activation], self.architecture.dtype
        activations, slopes = [inputs.astype(dtype, copy=False)], []
        for w, b, factor in zip(self._weights[:-1], self._biases[:-1], self._layers(factors), strict=True):
            a = hidden.function(activations[-1] @ w.T + b.T)
            activations.append(a * factor)
            slopes.append(hidden.slope(a) * factor)
        z = activations[-1] @ self._weights[-1].T + self._biases[-1].T
        deltas = [self._output_errors(z, targets.astype(dtype, copy=False)) / len(inputs)]  # BP1
        for w, slope in zip(self._weights[:0:-1], slopes[::-1], strict=True):
            deltas.append((deltas[-1] @ w) * slope)  # BP2
        deltas.reverse()
        nabla_b = [delta.sum(axis=0)[:, np.newaxis] for delta in deltas]  # BP3
        nabla_w = [delta.T @ a for delta, a in zip(deltas, activations, strict=True)]  # BP4
        return nabla_b, nabla_w

    def _output_errors(self, z: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the derivative of each sample's cost with respect to z, one sample a row."""
        cost = self.architecture.cost
        a = cost.output(z)
        if not isinstance(cost, OwnCost):
            return cost.delta(z, a, targets)
        # A function written for the book's columns may do anything with them, so it is given columns.
        columns = zip(z[:, :, np.newaxis], a[:, :, np.newaxis], targets[:, :, np.newaxis], strict=True)
        return np.concatenate([cost.delta(*each) for each in columns], axis=1).T

    @_without_false_alarms
    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        function = ACTIVATIONS[self.architecture.activation].function
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        for part in contract.parts(rows, _SAMPLES_AT_A_TIME):
            a = rows[part].astype(self.architecture.dtype, copy=False)
            for w, b in zip(self._weights[:-1], self._biases[:-1], strict=True):
                a = function(a @ w.T + b.T)
            receive(part, a @ self._weights[-1].T + self._biases[-1].T)

    def _layers(self, factors: np.ndarray | None) -> Sequence[np.ndarray | int]:
        """Divide the factors of all hidden neurons into a matrix for each layer; without any, they are 1."""
        sizes = self.architecture.sizes[1:-1]
        return [1] * len(sizes) if factors is None else np.split(factors, list(accumulate(sizes)), axis=1)[:-1]
