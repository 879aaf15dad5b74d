"""Mini-batches as matrices: the book's algorithm, with a matrix product where it has a loop over samples.

The same seed gives the same bits again with the same number of BLAS threads. BLAS divides larger products, such as
those of 784-30-10 in mini-batches of 100, among its threads, and with more or fewer of them adds in another order; with
OMP_NUM_THREADS=1, the number of processors makes no difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import MiniBatch
from fastnet.formulas import normalization
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.layers import BatchNormalization, Dropout

# Some versions of OpenBLAS raise the processor's flag for invalid operations by what they do beyond a matrix's edge,
# with all numbers of the result as they should be; NumPy would warn of it. What is not a number stays so, unannounced.
_without_false_alarms = np.errstate(invalid="ignore")


class Engine(ArrayEngine):
    """Matrices of one sample a row, and NumPy."""

    samples_at_a_time = 4096

    @_without_false_alarms
    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        layers = self.architecture.layers
        a, m, last = self._typed(mini_batch.inputs), len(mini_batch.inputs), len(layers) - 1
        kept: list[Any] = []  # what the backward pass needs of each layer
        z = a
        for i, (layer, parameters, factor) in enumerate(zip(layers, self._parameters, mini_batch.factors, strict=True)):
            if isinstance(layer, Dropout):
                kept.append(factor)
                a = a if factor is None else a * factor
                continue
            if isinstance(layer, BatchNormalization):
                normalized = normalization.normalize(a, layer.epsilon)
                if keep_statistics:
                    normalization.keep(parameters, normalized.mean, normalized.variance, m, layer.momentum)
                z = normalized.values * parameters["gamma"].T + parameters["beta"].T
                kept.append((normalized, z))
            else:
                z = a @ parameters["weights"].T + parameters["biases"].T
                kept.append((a, z))
            a = z if i == last else ACTIVATIONS[layer.activation].function(z)
        error = self.architecture.outputs.errors(z, self._typed(mini_batch.targets)) / m  # BP1
        if mini_batch.sample_weights is not None:
            error = error * mini_batch.sample_weights[:, np.newaxis]
        gradient: Parameters = []
        for i in range(last, -1, -1):
            layer, parameters = layers[i], self._parameters[i]
            if isinstance(layer, Dropout):
                gradient.append({})
                error = error if kept[i] is None else error * kept[i]
                continue
            below, z_of_layer = kept[i]
            if i < last:
                error = error * ACTIVATIONS[layer.activation].prime(z_of_layer)
            total = error.sum(axis=0)[:, np.newaxis]  # BP3
            if isinstance(layer, BatchNormalization):
                gradient.append({"gamma": np.sum(error * below.values, axis=0)[:, np.newaxis], "beta": total})
                error = normalization.backpropagate(error, parameters["gamma"].T, below)
            else:
                gradient.append({"weights": error.T @ below, "biases": total})  # BP4
                error = error @ parameters["weights"] if i else error  # BP2
        return gradient[::-1], z

    @_without_false_alarms
    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        a = z = inputs
        last = len(self._parameters) - 1
        for i, (layer, parameters) in enumerate(zip(self.architecture.layers, self._parameters, strict=True)):
            if isinstance(layer, Dropout):
                continue
            if isinstance(layer, BatchNormalization):
                deviation = np.sqrt(parameters["variance"] + a.dtype.type(layer.epsilon))
                z = (a - parameters["mean"].T) / deviation.T * parameters["gamma"].T + parameters["beta"].T
            else:
                z = a @ parameters["weights"].T + parameters["biases"].T
            a = z if i == last else ACTIVATIONS[layer.activation].function(z)
        return z
