"""The book's algorithm, with mini-batches as matrices, and matrix products instead of loops over samples.

The same seed gives bit-identical results if the number of BLAS threads is the same. BLAS divides large products, such
as those of a 784-30-10 network in mini-batches of 100, among its threads. The number of threads determines the order of
additions. With OMP_NUM_THREADS=1, results do not depend on the number of processors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import Factors, MiniBatch
from fastnet.engines.numpy_layers import KINDS, Computed, Use
from fastnet.formulas.activations import ACTIVATIONS, LINEAR
from fastnet.formulas.architecture import Parameters


class Engine(ArrayEngine):
    """The engine that computes in NumPy, with matrices of one sample per row."""

    samples_at_a_time = 4096

    @cached_property
    def _layers(self) -> list[Computed]:
        pairs = zip(self.architecture.layers, self.architecture.shapes, strict=False)
        return [KINDS[type(layer)](layer, shape) for layer, shape in pairs]

    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        inputs = self._typed(mini_batch.inputs)
        passed = list(self._forward(inputs, mini_batch.factors, training=True, keep_statistics=keep_statistics))
        z, _ = passed[-1]
        error = self.architecture.outputs.errors(z, self._typed(mini_batch.targets)) / mini_batch.divisor  # BP1
        if mini_batch.sample_weights is not None:
            error = error * mini_batch.sample_weights[:, np.newaxis]
        gradient: Parameters = []
        for i in reversed(range(len(passed))):
            z_of_layer, kept = passed[i]
            error = self._before_activation(i, error, z_of_layer)
            gradient.append(self._layers[i].gradients(error, kept))
            if i:
                error = self._layers[i].below(error, kept, self._parameters[i])
        return gradient[::-1], z

    def _before_activation(self, index: int, error: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the derivative with respect to a layer's z, given the derivative with respect to its activations."""
        activation = self._activations[index]
        return error if activation is LINEAR else error * activation.prime(z)

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        ((z, _),) = deque(self._forward(inputs, self._no_factors, training=False), maxlen=1)  # keeps the last layer
        return z

    def activations(self, inputs: np.ndarray) -> list[np.ndarray]:
        """Feed samples forward, and return the activations of each layer.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in)
            One sample per row.

        Returns
        -------
        list of ndarray
            The inputs, and the activations of each layer: arrays of shape (n, *shape), for each shape in
            `Architecture.shapes`.
        """
        rows = self._typed(inputs)
        found, last = [rows], len(self.architecture.layers) - 1
        for i, (z, _) in enumerate(self._forward(rows, self._no_factors, training=False)):
            # If pooling computes a convolution's activation function, `_activations` has `LINEAR` for the convolution.
            own = getattr(self.architecture.layers[i], "activation", None)
            activation = self._activations[i] if own is None or i == last else ACTIVATIONS[own]
            found.append(self.architecture.outputs.activations(z) if i == last else activation.function(z))
        shapes = self.architecture.shapes
        return [array.reshape(-1, *shape) for array, shape in zip(found, shapes, strict=True)]

    def input_gradients(self, inputs: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """For each sample, return the derivative of one output activation with respect to the inputs.

        Parameters
        ----------
        inputs : ndarray of float32 or float64, shape (n, n_in)
            One sample per row.
        neurons : ndarray of int, shape (n,)
            Index of the output neuron of each sample.

        Returns
        -------
        ndarray, shape (n, n_in)
        """
        passed = list(self._forward(self._typed(inputs), self._no_factors, training=False))
        z, _ = passed[-1]
        error = self.architecture.outputs.derivatives(z, neurons)
        for i in reversed(range(len(passed))):
            z_of_layer, kept = passed[i]
            error = self._layers[i].below(self._before_activation(i, error, z_of_layer), kept, self._parameters[i])
        return error.reshape(len(inputs), -1)

    def hidden_activations(self, inputs: np.ndarray | SparseInputs, index: int) -> np.ndarray:
        """Return the activations of the hidden layer `index`, shape (n, neurons), one sample per row."""
        found, activation = [], self._activations[index]
        most = contract.samples_at_a_time(self.architecture, self.samples_at_a_time)
        for part in contract.parts(inputs, most):
            layers = self._forward(self._typed(inputs[part]), self._no_factors, training=False)
            z, _ = next(islice(layers, index, None))
            found.append(activation.function(z).reshape(len(z), -1))
        return np.concatenate(found)

    def _forward(
        self, a: np.ndarray, factors: Factors, *, training: bool, keep_statistics: bool = False
    ) -> Iterator[tuple[np.ndarray, Any]]:
        """Feed samples forward; yield z of each layer, and the data that backpropagation through the layer needs."""
        layers = zip(self._layers, self._parameters, factors, self._activations, strict=True)
        for layer, parameters, factor, activation in layers:
            z, kept = layer.forward(a, parameters, Use(training, keep_statistics, factor))
            yield z, kept
            a = activation.function(z)
