"""The book's algorithm, sample by sample: the slow reference with which the tests compare all other engines.

The same seed gives bit-identical results if the number of BLAS threads is the same. BLAS divides only products with
large matrices, such as 1000 x 1000 weights, among its threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import Factors, MiniBatch
from fastnet.engines.reference_layers import KINDS, Computed, Use
from fastnet.formulas.architecture import Arrays, Parameters


class Engine(ArrayEngine):
    """The engine that computes with one column vector per sample, in the order of the book's equations.

    All samples of a mini-batch are fed forward layer by layer. Then their errors are backpropagated layer by layer.
    Batch normalization is the only layer that combines samples.
    """

    samples_at_a_time = 1

    @cached_property
    def _layers(self) -> list[Computed]:
        pairs = zip(self.architecture.layers, self.architecture.shapes, strict=False)
        return [KINDS[type(layer)](layer, shape) for layer, shape in pairs]

    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        m, targets = len(mini_batch.inputs), self._columns(mini_batch.targets)
        uses = self._uses(mini_batch.factors, training=True, keep_statistics=keep_statistics)
        passed = list(self._forward(self._columns(mini_batch.inputs), uses))
        _, zs = passed[-1]
        weights = [1.0] * m if mini_batch.sample_weights is None else mini_batch.sample_weights
        errors = [
            weight * self.architecture.outputs.errors(z.T, y.T).T
            for z, y, weight in zip(zs, targets, weights, strict=True)
        ]  # BP1
        gradient: Parameters = []
        for i in reversed(range(len(passed))):
            layer, (inputs, zs_of_layer) = self._layers[i], passed[i]
            prime = self._activations[i].prime
            errors = [d * prime(z) for d, z in zip(errors, zs_of_layer, strict=True)]  # the second factor of BP2
            gradient.append(layer.gradients(errors, inputs))
            errors = layer.below(errors, inputs, self._parameters[i], uses[i])
        mean = [{name: total / mini_batch.divisor for name, total in layer.items()} for layer in gradient[::-1]]
        return mean, np.concatenate(zs, axis=1).T

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        *_, (_, zs) = self._forward(self._columns(inputs), self._uses(self._no_factors, training=False))
        outputs: np.ndarray = np.concatenate(zs, axis=1).T
        return outputs

    def _uses(self, factors: Factors, *, training: bool, keep_statistics: bool = False) -> list[Use]:
        columns = (None if each is None else self._columns(each) for each in factors)
        return [Use(training, keep_statistics, each) for each in columns]

    def _forward(self, inputs: Arrays, uses: list[Use]) -> Iterator[tuple[Arrays, Arrays]]:
        """Feed samples forward; yield the inputs and z of each layer, one column per sample."""
        layers = zip(self._layers, self._parameters, uses, self._activations, strict=True)
        for layer, parameters, use, activation in layers:
            zs = layer.forward(inputs, parameters, use)
            yield inputs, zs
            inputs = [activation.function(z) for z in zs]

    def _columns(self, rows: np.ndarray) -> Arrays:
        return list(self._typed(rows)[:, :, np.newaxis])
