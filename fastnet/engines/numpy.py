"""Mini-batches as matrices: the book's algorithm, with a matrix product where it has a loop over samples.

The same seed gives the same bits again with the same number of BLAS threads. BLAS divides larger products, such as
those of 784-30-10 in mini-batches of 100, among its threads, and with more or fewer of them adds in another order; with
OMP_NUM_THREADS=1, the number of processors makes no difference.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import Factors, MiniBatch
from fastnet.formulas import normalization
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.layers import BatchNormalization, Dropout
from fastnet.formulas.products import product


class Engine(ArrayEngine):
    """Matrices of one sample a row, and NumPy."""

    samples_at_a_time = 4096

    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        layers, inputs = self.architecture.layers, self._typed(mini_batch.inputs)
        passed = list(self._forward(inputs, mini_batch.factors, training=True, keep_statistics=keep_statistics))
        last, (_, z) = len(layers) - 1, passed[-1]
        error = self.architecture.outputs.errors(z, self._typed(mini_batch.targets)) / len(inputs)  # BP1
        if mini_batch.sample_weights is not None:
            error = error * mini_batch.sample_weights[:, np.newaxis]
        gradient: Parameters = []
        for i in range(last, -1, -1):
            layer, parameters, (below, z_of_layer) = layers[i], self._parameters[i], passed[i]
            if isinstance(layer, Dropout):
                gradient.append({})
                error = error if below is None else error * below
                continue
            if i < last:
                error = error * ACTIVATIONS[layer.activation].prime(z_of_layer)
            total = error.sum(axis=0)[:, np.newaxis]  # BP3
            if isinstance(layer, BatchNormalization):
                gradient.append({"gamma": np.sum(error * below.values, axis=0)[:, np.newaxis], "beta": total})
                error = normalization.backpropagate(error, parameters["gamma"].T, below)
            else:
                gradient.append({"weights": product(error.T, below), "biases": total})  # BP4
                error = product(error, parameters["weights"]) if i else error  # BP2
        return gradient[::-1], z

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        ((_, z),) = deque(self._forward(inputs, self._no_factors, training=False), maxlen=1)  # no other is kept
        return z

    def _forward(
        self, a: np.ndarray, factors: Factors, *, training: bool, keep_statistics: bool = False
    ) -> Iterator[tuple[Any, np.ndarray]]:
        """Feed samples forward; yield for each layer what its backward pass needs of the layer below, and its z."""
        layers = self.architecture.layers
        for i, (layer, parameters, factor) in enumerate(zip(layers, self._parameters, factors, strict=True)):
            if isinstance(layer, Dropout):
                a = a if factor is None else a * factor
                yield factor, a
                continue
            below: Any = a
            if isinstance(layer, BatchNormalization):
                running = None if training else (parameters["mean"].T, parameters["variance"].T)
                below = normalization.normalize(a, layer.epsilon, running)
                if keep_statistics:
                    normalization.keep(parameters, below.mean, below.variance, len(a), layer.momentum)
                z = below.values * parameters["gamma"].T + parameters["beta"].T
            else:
                z = product(a, parameters["weights"].T) + parameters["biases"].T
            yield below, z
            if i < len(layers) - 1:
                a = ACTIVATIONS[layer.activation].function(z)
