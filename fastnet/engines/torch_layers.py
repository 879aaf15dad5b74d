"""The layers, computed by functions that PyTorch can differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.nn import functional

from fastnet.formulas.activations import LEAK, CustomActivation
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, Layer, MaxPooling

Named: TypeAlias = dict[str, torch.Tensor]
"""Arrays of a layer by name."""

ACTIVATIONS: dict[str, nn.Module] = {
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(LEAK),
    "gelu": nn.GELU(),
    "linear": nn.Identity(),
}
"""PyTorch's modules for the activation functions of `formulas.activations`."""


class Use(NamedTuple):
    """How a layer computes: with which statistics and dropout factors.

    Attributes
    ----------
    training : bool
        Whether batch normalization uses the statistics of the mini-batch, instead of the running statistics.
    keep_statistics : bool
        Whether batch normalization updates the running statistics.
    factors : Tensor or None
        Factors of the inputs of a Dropout layer, one row per sample; None if nothing is dropped.
    """

    training: bool
    keep_statistics: bool
    factors: torch.Tensor | None


def activated(activation: str | CustomActivation, z: torch.Tensor) -> torch.Tensor:
    """Return the activations for the weighted inputs `z`, in the shape of `z`.

    Raises
    ------
    ValueError
        If a custom activation function does not return a tensor with the shape of `z`.
    """
    if not isinstance(activation, CustomActivation):
        built_in: torch.Tensor = ACTIVATIONS[activation](z)
        return built_in
    own = activation.function(z)
    if not isinstance(own, torch.Tensor) or own.shape != z.shape:
        found = f"a tensor of shape {tuple(own.shape)}" if isinstance(own, torch.Tensor) else f"a {type(own).__name__}"
        raise ValueError(f"{activation} returned {found}; it must return a tensor of shape {tuple(z.shape)}")
    return own


def dense(layer: Dense, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the weighted inputs `a w^T + b`. An image is flattened to a row, map by map."""
    return functional.linear(_flat(a), arrays["weights"], arrays["biases"])


def convolution(layer: Convolution, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the cross-correlation of images with the filters, plus the biases (equation 125)."""
    (above, below), (left, right) = layer.borders()
    if (above, left) != (below, right):  # `conv2d` refuses asymmetric padding, or warns of it
        a, above, left = functional.pad(a, (left, right, above, below)), 0, 0
    return functional.conv2d(a, arrays["weights"], arrays["biases"], padding=(above, left))


def max_pooling(layer: MaxPooling, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the maximum of each window."""
    return functional.max_pool2d(a, layer.shape)


def batch_normalization(layer: BatchNormalization, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return gamma (a - mean) / deviation + beta. For images, each map has one mean and one deviation."""
    gamma, beta = arrays["gamma"], arrays["beta"]
    if use.training and a.numel() == a.shape[1]:  # PyTorch would raise an error: one number has no unbiased variance
        as_map = (1, -1) + (1,) * (a.ndim - 2)
        return gamma.reshape(as_map) * (a - a) + beta.reshape(as_map)
    running = not use.training or use.keep_statistics
    mean, variance = (arrays["mean"], arrays["variance"]) if running else (None, None)
    return functional.batch_norm(a, mean, variance, gamma, beta, use.training, layer.momentum, layer.epsilon)


def dropout(layer: Dropout, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the inputs times the dropout factors."""
    if use.factors is not None:
        return _flat(a) * use.factors
    return a if layer.inverted else a * layer.when_used


FORWARD: dict[type[Layer], Callable[[Any, Named, torch.Tensor, Use], torch.Tensor]] = {
    Dense: dense,
    Convolution: convolution,
    MaxPooling: max_pooling,
    BatchNormalization: batch_normalization,
    Dropout: dropout,
}
"""For each kind of layer, the function that computes z from inputs in the layer's input shape."""


def _flat(a: torch.Tensor) -> torch.Tensor:
    return a if a.ndim == 2 else a.flatten(1)
