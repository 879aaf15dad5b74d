"""The book's algorithm, sample by sample: plain, slow, and the truth that the other engines are tested against.

The same seed gives the same bits again with the same number of BLAS threads. Only products with large matrices, such as
1000 x 1000 weights, are divided among them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import Factors, MiniBatch
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Arrays, Parameters
from fastnet.formulas.layers import BatchNormalization, Dropout
from fastnet.formulas.products import product


class Engine(ArrayEngine):
    """Column vectors, one for each sample, in the order of the book's equations.

    Layer by layer, each sample is fed forward; then, layer by layer, its error goes back. Batch normalization is the
    only layer in which samples meet.
    """

    samples_at_a_time = 1

    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        layers, m = self.architecture.layers, len(mini_batch.inputs)
        inputs, targets = self._columns(mini_batch.inputs), self._columns(mini_batch.targets)
        passed = list(self._forward(inputs, mini_batch.factors, training=True, keep_statistics=keep_statistics))
        last, (_, zs) = len(layers) - 1, passed[-1]
        weights = [1.0] * m if mini_batch.sample_weights is None else mini_batch.sample_weights
        errors = [
            weight * self.architecture.outputs.errors(z.T, y.T).T
            for z, y, weight in zip(zs, targets, weights, strict=True)
        ]  # BP1
        gradient: Parameters = []
        for i in range(last, -1, -1):
            layer, parameters, (inputs, zs_of_layer) = layers[i], self._parameters[i], passed[i]
            if isinstance(layer, Dropout):
                gradient.append({})
                errors = self._multiplied(errors, mini_batch.factors[i])
                continue
            if i < last:
                prime = ACTIVATIONS[layer.activation].prime
                errors = [d * prime(z) for d, z in zip(errors, zs_of_layer, strict=True)]  # BP2, its second half
            if isinstance(layer, BatchNormalization):
                gradients, errors = _backpropagated(errors, inputs, parameters, layer.epsilon)
                gradient.append(gradients)
            else:
                biases = sum(errors)  # BP3
                matrices = sum(product(d, a.T) for d, a in zip(errors, inputs, strict=True))  # BP4
                gradient.append({"weights": matrices, "biases": biases})
                errors = [product(parameters["weights"].T, d) for d in errors]  # BP2, its first half
        mean = [{name: total / m for name, total in layer.items()} for layer in gradient[::-1]]
        return mean, np.concatenate(zs, axis=1).T

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        *_, (_, zs) = self._forward(self._columns(inputs), self._no_factors, training=False)
        return np.concatenate(zs, axis=1).T

    def _forward(
        self, activations: Arrays, factors: Factors, *, training: bool, keep_statistics: bool = False
    ) -> Iterator[tuple[Arrays, Arrays]]:
        """Feed samples forward; yield the inputs and the z of each layer, a column a sample."""
        layers = self.architecture.layers
        for i, (layer, parameters) in enumerate(zip(layers, self._parameters, strict=True)):
            inputs = activations
            if isinstance(layer, Dropout):
                activations = self._multiplied(inputs, factors[i])
                yield inputs, activations
                continue
            if isinstance(layer, BatchNormalization):
                mean, variance = _moments(inputs) if training else (parameters["mean"], parameters["variance"])
                if keep_statistics and len(inputs) > 1:
                    share, rest, m = layer.momentum, 1 - layer.momentum, len(inputs)
                    parameters["mean"] = rest * parameters["mean"] + share * mean
                    parameters["variance"] = rest * parameters["variance"] + share * variance * m / (m - 1)
                deviation = np.sqrt(variance + layer.epsilon)
                zs = [parameters["gamma"] * (x - mean) / deviation + parameters["beta"] for x in inputs]
            else:
                zs = [product(parameters["weights"], a) + parameters["biases"] for a in inputs]
            yield inputs, zs
            if i < len(layers) - 1:
                activations = [ACTIVATIONS[layer.activation].function(z) for z in zs]

    def _multiplied(self, columns: Arrays, factors: np.ndarray | None) -> Arrays:
        if factors is None:
            return columns
        return [column * factor for column, factor in zip(columns, self._columns(factors), strict=True)]

    def _columns(self, rows: np.ndarray) -> Arrays:
        return list(self._typed(rows)[:, :, np.newaxis])


def _moments(inputs: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the biased variance over the samples."""
    mean = sum(inputs) / len(inputs)
    return mean, sum((x - mean) ** 2 for x in inputs) / len(inputs)


def _backpropagated(
    errors: Arrays, inputs: Arrays, parameters: dict[str, np.ndarray], epsilon: float
) -> tuple[dict[str, np.ndarray], Arrays]:
    """Return the gradient with respect to gamma and beta, and the errors of the layer below.

    The equations are those of Ioffe and Szegedy (2015), section 3, in their order.
    """
    m, (mean, variance) = len(inputs), _moments(inputs)
    deviation = np.sqrt(variance + epsilon)
    of_normalized = [d * parameters["gamma"] for d in errors]
    samples = list(zip(of_normalized, inputs, strict=True))
    of_variance = sum(d * (x - mean) for d, x in samples) * -0.5 / deviation**3
    of_mean = -sum(of_normalized) / deviation + of_variance * sum(-2 * (x - mean) for x in inputs) / m
    below = [d / deviation + of_variance * 2 * (x - mean) / m + of_mean / m for d, x in samples]
    gamma = sum(d * (x - mean) / deviation for d, x in zip(errors, inputs, strict=True))
    return {"gamma": gamma, "beta": sum(errors)}, below
