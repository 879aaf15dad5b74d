"""Forward pass and backpropagation of each kind of layer, computed sample by sample.

A sample is a column. In the column of an image, the maps follow one another, each in row-major order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import product as pairs_of
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastnet.formulas import layers
from fastnet.formulas.architecture import Arrays
from fastnet.formulas.layers import Shape
from fastnet.formulas.products import product

Named: TypeAlias = dict[str, np.ndarray]
"""Arrays of a layer by name."""


class Use(NamedTuple):
    """How a layer computes: with which statistics and dropout factors.

    Attributes
    ----------
    training : bool
        Whether batch normalization uses the statistics of the mini-batch, instead of the running statistics.
    keep_statistics : bool
        Whether batch normalization updates the running statistics.
    factors : list of ndarray, or None
        Factors of the inputs of a Dropout layer, one column per sample; None if nothing is dropped.
    """

    training: bool
    keep_statistics: bool
    factors: Arrays | None


class Computed(ABC):
    """The computation of a layer.

    Parameters
    ----------
    layer : Layer
        The layer of the architecture.
    shape : tuple of int
        Shape of the inputs of one sample.
    """

    def __init__(self, layer: Any, shape: Shape) -> None:
        self.layer, self.shape = layer, shape
        self.output_shape: Shape = layer.output_shape(shape)

    @abstractmethod
    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        """Return z of each sample."""

    def gradients(self, errors: Arrays, inputs: Arrays) -> Named:
        """Return the gradient with respect to each trained array, summed over the samples.

        Parameters
        ----------
        errors : list of ndarray
            The derivative of each sample's cost with respect to z.
        inputs : list of ndarray
            The inputs that were given to `forward`.
        """
        return {}

    @abstractmethod
    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        """Return the derivative of each sample's cost with respect to the inputs."""


class Dense(Computed):
    """z = w a + b (equation 25)."""

    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        return [product(parameters["weights"], a) + parameters["biases"] for a in inputs]

    def gradients(self, errors: Arrays, inputs: Arrays) -> Named:
        biases = np.asarray(sum(errors))  # BP3
        matrices = np.asarray(sum(product(d, a.T) for d, a in zip(errors, inputs, strict=True)))  # BP4
        return {"weights": matrices, "biases": biases}

    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        return [product(parameters["weights"].T, d) for d in errors]  # the first factor of BP2


class Convolution(Computed):
    """z at a position is b plus the sum of w times the inputs in the local receptive field (equation 125).

    All positions share the weights of a filter, so the gradients are sums over positions.
    """

    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        zs = []
        for a in inputs:
            image, z = self._padded(a), np.empty(self.output_shape, a.dtype)
            for k, (w, b) in enumerate(zip(parameters["weights"], parameters["biases"], strict=True)):
                for row, column, patch in self._places():
                    z[k, row, column] = b[0] + np.sum(w * image[patch])
            zs.append(z.reshape(-1, 1))
        return zs

    def gradients(self, errors: Arrays, inputs: Arrays) -> Named:
        shapes, dtype = self.layer.trained(self.shape), errors[0].dtype
        weights, biases = np.zeros(shapes["weights"], dtype), np.zeros(shapes["biases"], dtype)
        for d, a in zip(errors, inputs, strict=True):
            image, error = self._padded(a), d.reshape(self.output_shape)
            for k, (row, column, patch) in pairs_of(range(self.layer.filters), self._places()):
                weights[k] += error[k, row, column] * image[patch]
                biases[k] += error[k, row, column]
        return {"weights": weights, "biases": biases}

    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        found = []
        for d, a in zip(errors, inputs, strict=True):
            error, of_image = d.reshape(self.output_shape), np.zeros_like(self._padded(a))
            for k, (row, column, patch) in pairs_of(range(self.layer.filters), self._places()):
                of_image[patch] += error[k, row, column] * parameters["weights"][k]
            found.append(of_image[self._within()].reshape(-1, 1))
        return found

    def _places(self) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """Yield each position of a filter, and its local receptive field as slices of the padded image."""
        rows, columns = self.layer.shape
        for row, column in np.ndindex(self.output_shape[1:]):
            yield row, column, (slice(None), slice(row, row + rows), slice(column, column + columns))

    def _padded(self, a: np.ndarray) -> np.ndarray:
        """Return a column as an image, padded with zeros where filters reach beyond the image."""
        return np.pad(a.reshape(self.shape), ((0, 0), *self.layer.borders()))

    def _within(self) -> tuple[slice, ...]:
        """Return the slices that select the image from the padded image."""
        (above, _), (left, _) = self.layer.borders()
        _, height, width = self.shape
        return slice(None), slice(above, above + height), slice(left, left + width)


class MaxPooling(Computed):
    """z is the maximum of a window; the error goes to the first input that equals this maximum."""

    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        zs = []
        for a in inputs:
            image, z = a.reshape(self.shape), np.empty(self.output_shape, a.dtype)
            for place, largest in self._largest(image):
                z[place] = image[largest]
            zs.append(z.reshape(-1, 1))
        return zs

    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        found = []
        for d, a in zip(errors, inputs, strict=True):
            error, of_image = d.reshape(self.output_shape), np.zeros(self.shape, d.dtype)
            for place, largest in self._largest(a.reshape(self.shape)):
                of_image[largest] = error[place]
            found.append(of_image.reshape(-1, 1))
        return found

    def _largest(self, image: np.ndarray) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Yield the index of each output, and the index of its window's maximum in the image."""
        rows, columns = self.layer.shape
        for k, row, column in np.ndindex(self.output_shape):
            top, left = row * rows, column * columns
            down, across = divmod(int(image[k, top : top + rows, left : left + columns].argmax()), columns)
            yield (k, row, column), (k, top + down, left + across)


class BatchNormalization(Computed):
    """z = gamma (x - mean) / deviation + beta. Each neuron, or each map of images, has one mean and one deviation.

    Only this layer combines samples. The equations and their order are those of Ioffe and Szegedy (2015), section 3.
    """

    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        samples, momentum = self._places(inputs), self.layer.momentum
        mean, variance = _moments(samples) if use.training else (parameters["mean"], parameters["variance"])
        if use.keep_statistics and len(samples) > 1:
            share, rest, m = momentum, 1 - momentum, len(samples)
            parameters["mean"] = rest * parameters["mean"] + share * mean
            parameters["variance"] = rest * parameters["variance"] + share * variance * m / (m - 1)
        deviation = np.sqrt(variance + self.layer.epsilon)
        zs = [parameters["gamma"] * (x - mean) / deviation + parameters["beta"] for x in samples]
        return self._images(zs)

    def gradients(self, errors: Arrays, inputs: Arrays) -> Named:
        errors, samples = self._places(errors), self._places(inputs)
        mean, variance = _moments(samples)
        deviation = np.sqrt(variance + self.layer.epsilon)
        gamma = sum(d * (x - mean) / deviation for d, x in zip(errors, samples, strict=True))
        return {"gamma": gamma, "beta": sum(errors)}

    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        samples = self._places(inputs)
        m, (mean, variance) = len(samples), _moments(samples)
        square = variance + self.layer.epsilon
        deviation = np.sqrt(square)
        of_normalized = [d * parameters["gamma"] for d in self._places(errors)]
        pairs = list(zip(of_normalized, samples, strict=True))
        of_variance = sum(d * (x - mean) for d, x in pairs) * -0.5 / square / deviation  # the cube may be 0
        of_mean = -sum(of_normalized) / deviation + of_variance * sum(-2 * (x - mean) for x in samples) / m
        return self._images([d / deviation + of_variance * 2 * (x - mean) / m + of_mean / m for d, x in pairs])

    def _places(self, columns: Arrays) -> Arrays:
        """Return a column for each position of each image, with one number per map; a vector stays one column."""
        maps = self.shape[0]
        return [place.reshape(maps, 1) for column in columns for place in column.reshape(maps, -1).T]

    def _images(self, places: Arrays) -> Arrays:
        """Return one column per sample, given one column per position."""
        number = int(np.prod(self.shape[1:]))
        return [
            np.concatenate(places[start : start + number], axis=1).reshape(-1, 1)
            for start in range(0, len(places), number)
        ]


class Dropout(Computed):
    """z = a times the dropout factors."""

    def forward(self, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        if use.factors is None:
            return [self.layer.when_used * a for a in inputs]
        return [a * factors for a, factors in zip(inputs, use.factors, strict=True)]

    def below(self, errors: Arrays, inputs: Arrays, parameters: Named, use: Use) -> Arrays:
        return self.forward(errors, parameters, use)


KINDS: dict[type[layers.Layer], type[Computed]] = {
    layers.Dense: Dense,
    layers.Convolution: Convolution,
    layers.MaxPooling: MaxPooling,
    layers.BatchNormalization: BatchNormalization,
    layers.Dropout: Dropout,
}
"""The class that computes each kind of layer."""


def _moments(samples: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the biased variance over the samples."""
    mean = np.asarray(sum(samples)) / len(samples)
    return mean, np.asarray(sum((x - mean) ** 2 for x in samples)) / len(samples)
