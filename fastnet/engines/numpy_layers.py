"""Forward pass and backpropagation of each kind of layer, computed with matrices of one sample per row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastnet.formulas import convolution, layers, normalization
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
    factors : ndarray or None
        Factors of the inputs of a Dropout layer, one row per sample; None if nothing is dropped.
    """

    training: bool
    keep_statistics: bool
    factors: np.ndarray | None


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
    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        """Return z of the samples with inputs `a`, and `kept`: the data that `gradients` and `below` need."""

    def gradients(self, error: np.ndarray, kept: Any) -> Named:
        """Return the gradient with respect to each trained array, given the gradient with respect to z."""
        return {}

    @abstractmethod
    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        """Return the derivative of the cost with respect to the inputs, given the derivative with respect to z."""


class Dense(Computed):
    """z = a w^T + b."""

    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        return product(a, parameters["weights"].T) + parameters["biases"].T, a

    def gradients(self, error: np.ndarray, kept: Any) -> Named:
        return {"weights": product(error.T, kept), "biases": error.sum(axis=0)[:, np.newaxis]}  # BP4 and BP3

    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        return product(error, parameters["weights"])  # the first factor of BP2


class Convolution(Computed):
    """`Dense`, applied to patches: the patch at each position of a filter counts as one sample (equation 125)."""

    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        images = convolution.padded(a.reshape(-1, *self.shape), self.layer.borders())
        patches = convolution.patches(images, self.layer.shape)
        z = product(patches, _as_matrix(parameters["weights"]).T) + parameters["biases"].T
        return convolution.rows_as_samples(z, len(a)), patches

    def gradients(self, error: np.ndarray, kept: Any) -> Named:
        rows = convolution.places_as_rows(error, self.layer.filters)
        weights = product(rows.T, kept).reshape(self.layer.trained(self.shape)["weights"])
        return {"weights": weights, "biases": rows.sum(axis=0)[:, np.newaxis]}

    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        rows = convolution.places_as_rows(error, self.layer.filters)
        of_patches = product(rows, _as_matrix(parameters["weights"]))
        images = convolution.add_patches(of_patches, self.layer.shape, self.shape, self.layer.borders())
        return images.reshape(len(error), -1)


class MaxPooling(Computed):
    """z is the maximum of each window; the error of a window goes to the position of the maximum."""

    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        largest, places = convolution.max_pool(a.reshape(-1, *self.shape), self.layer.shape)
        return largest.reshape(len(a), -1), places

    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        errors = error.reshape(-1, *self.output_shape)
        return convolution.max_pool_back(errors, kept, self.layer.shape, self.shape).reshape(len(error), -1)


class BatchNormalization(Computed):
    """z = gamma (a - mean) / deviation + beta. Each neuron, or each map of images, has one mean and one deviation."""

    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        rows = convolution.places_as_rows(a, self.shape[0])
        running = None if use.training else (parameters["mean"].T, parameters["variance"].T)
        kept = normalization.normalize(rows, self.layer.epsilon, running)
        if use.keep_statistics:
            normalization.keep(parameters, kept.mean, kept.variance, len(rows), self.layer.momentum)
        z = kept.values * parameters["gamma"].T + parameters["beta"].T
        return convolution.rows_as_samples(z, len(a)), kept

    def gradients(self, error: np.ndarray, kept: Any) -> Named:
        rows = convolution.places_as_rows(error, self.shape[0])
        gamma = np.sum(rows * kept.values, axis=0)[:, np.newaxis]
        return {"gamma": gamma, "beta": rows.sum(axis=0)[:, np.newaxis]}

    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        rows = convolution.places_as_rows(error, self.shape[0])
        back = normalization.backpropagate(rows, parameters["gamma"].T, kept)
        return convolution.rows_as_samples(back, len(error))


class Dropout(Computed):
    """z = a times the dropout factors."""

    def forward(self, a: np.ndarray, parameters: Named, use: Use) -> tuple[np.ndarray, Any]:
        factors = self.layer.when_used if use.factors is None else use.factors
        return a * factors, factors

    def below(self, error: np.ndarray, kept: Any, parameters: Named) -> np.ndarray:
        below: np.ndarray = error * kept
        return below


KINDS: dict[type[layers.Layer], type[Computed]] = {
    layers.Dense: Dense,
    layers.Convolution: Convolution,
    layers.MaxPooling: MaxPooling,
    layers.BatchNormalization: BatchNormalization,
    layers.Dropout: Dropout,
}
"""The class that computes each kind of layer."""


def _as_matrix(weights: np.ndarray) -> np.ndarray:
    """Return a matrix whose rows are the weights of the filters."""
    return weights.reshape(len(weights), -1)
