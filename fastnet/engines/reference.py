"""The book's algorithm, sample by sample: plain, slow, and the truth that the other engines are tested against.

The same seed gives the same bits again with the same number of BLAS threads. Only products with large matrices, such as
1000 x 1000 weights, are divided among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnet.engines.arrays import ArrayEngine
from fastnet.engines.contract import MiniBatch
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Arrays, Parameters
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout


class Engine(ArrayEngine):
    """Column vectors, one for each sample, in the order of the book's equations.

    Layer by layer, each sample is fed forward; then, layer by layer, its error goes back. Batch normalization is the
    only layer in which samples meet.
    """

    samples_at_a_time = 1

    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        layers, m = self.architecture.layers, len(mini_batch.inputs)
        activations = self._columns(mini_batch.inputs)
        weights = [1.0] * m if mini_batch.sample_weights is None else mini_batch.sample_weights
        passed: list[Any] = []  # for each layer, its inputs and its z, of all samples
        zs = activations
        last = len(layers) - 1
        for i, (layer, parameters, factors) in enumerate(
            zip(layers, self._parameters, mini_batch.factors, strict=True)
        ):
            inputs = activations
            if isinstance(layer, Dropout):
                if factors is not None:
                    columns = zip(inputs, self._columns(factors), strict=True)
                    activations = [a * factor for a, factor in columns]
                passed.append(None)
                continue
            if isinstance(layer, BatchNormalization):
                zs, mean, variance = _normalized(inputs, parameters, layer.epsilon)
                if keep_statistics and m > 1:
                    share, rest = layer.momentum, 1 - layer.momentum
                    parameters["mean"] = rest * parameters["mean"] + share * mean
                    parameters["variance"] = rest * parameters["variance"] + share * variance * m / (m - 1)
            else:
                zs = [parameters["weights"] @ a + parameters["biases"] for a in inputs]
            passed.append((inputs, zs))
            if i < last:
                activations = [ACTIVATIONS[layer.activation].function(z) for z in zs]
        targets = self._columns(mini_batch.targets)
        errors = [
            weight * self.architecture.outputs.errors(z.T, y.T).T
            for z, y, weight in zip(zs, targets, weights, strict=True)
        ]  # BP1
        gradient: Parameters = []
        for i in range(last, -1, -1):
            layer, parameters = layers[i], self._parameters[i]
            if isinstance(layer, Dropout):
                factors = mini_batch.factors[i]
                if factors is not None:
                    errors = [d * factor for d, factor in zip(errors, self._columns(factors), strict=True)]
                gradient.append({})
                continue
            inputs, zs_of_layer = passed[i]
            if i < last:
                prime = ACTIVATIONS[layer.activation].prime
                errors = [d * prime(z) for d, z in zip(errors, zs_of_layer, strict=True)]  # BP2, its second half
            if isinstance(layer, BatchNormalization):
                gradients, errors = _backpropagated(errors, inputs, parameters, layer.epsilon)
                gradient.append(gradients)
            elif isinstance(layer, Dense):
                biases = sum(errors)  # BP3
                matrices = sum(d @ a.T for d, a in zip(errors, inputs, strict=True))  # BP4
                gradient.append({"weights": matrices, "biases": biases})
                errors = [parameters["weights"].T @ d for d in errors]  # BP2, its first half
        mean = [{name: total / m for name, total in layer.items()} for layer in gradient[::-1]]
        return mean, np.concatenate(zs, axis=1).T

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        (activation,) = self._columns(inputs)
        z = activation
        last = len(self._parameters) - 1
        for i, (layer, parameters) in enumerate(zip(self.architecture.layers, self._parameters, strict=True)):
            if isinstance(layer, Dropout):
                continue
            if isinstance(layer, BatchNormalization):
                deviation = np.sqrt(parameters["variance"] + layer.epsilon)
                z = parameters["gamma"] * (activation - parameters["mean"]) / deviation + parameters["beta"]
            else:
                z = parameters["weights"] @ activation + parameters["biases"]
            if i < last:
                activation = ACTIVATIONS[layer.activation].function(z)
        return z.T

    def _columns(self, rows: np.ndarray) -> Arrays:
        return list(self._typed(rows)[:, :, np.newaxis])


def _normalized(
    inputs: Arrays, parameters: dict[str, np.ndarray], epsilon: float
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Return gamma (x - mean) / sqrt(variance + epsilon) + beta of each sample, and mean and variance over them."""
    m = len(inputs)
    mean = sum(inputs) / m
    variance = sum((x - mean) ** 2 for x in inputs) / m
    deviation = np.sqrt(variance + epsilon)
    return [parameters["gamma"] * (x - mean) / deviation + parameters["beta"] for x in inputs], mean, variance


def _backpropagated(
    errors: Arrays, inputs: Arrays, parameters: dict[str, np.ndarray], epsilon: float
) -> tuple[dict[str, np.ndarray], Arrays]:
    """Return the gradient with respect to gamma and beta, and the errors of the layer below.

    The equations are those of Ioffe and Szegedy (2015), section 3, in their order.
    """
    m = len(inputs)
    mean = sum(inputs) / m
    variance = sum((x - mean) ** 2 for x in inputs) / m
    deviation = np.sqrt(variance + epsilon)
    of_normalized = [d * parameters["gamma"] for d in errors]
    samples = list(zip(of_normalized, inputs, strict=True))
    of_variance = sum(d * (x - mean) for d, x in samples) * -0.5 / deviation**3
    of_mean = -sum(of_normalized) / deviation + of_variance * sum(-2 * (x - mean) for x in inputs) / m
    below = [d / deviation + of_variance * 2 * (x - mean) / m + of_mean / m for d, x in samples]
    gamma = sum(d * (x - mean) / deviation for d, x in zip(errors, inputs, strict=True))
    return {"gamma": gamma, "beta": sum(errors)}, below
