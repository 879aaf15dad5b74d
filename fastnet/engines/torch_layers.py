"""What each kind of layer computes, by functions of PyTorch, which knows their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch.nn import functional

from fastnet.formulas.activations import LEAK, OwnActivation
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
    """How a layer is used.

    Attributes
    ----------
    training : bool
        Whether batch normalization takes mean and variance of the mini-batch, instead of the running ones.
    keep_statistics : bool
        Whether it updates the running ones.
    factors : Tensor or None
        What the inputs of a Dropout layer are multiplied by, one sample a row; None if nothing is dropped.
    """

    training: bool
    keep_statistics: bool
    factors: torch.Tensor | None


def activated(activation: str | OwnActivation, z: torch.Tensor) -> torch.Tensor:
    """Return the activations of weighted inputs.

    Raises
    ------
    ValueError
        If a function of the user's returns anything but a tensor of the same shape.
    """
    if not isinstance(activation, OwnActivation):
        built_in: torch.Tensor = ACTIVATIONS[activation](z)
        return built_in
    own = activation.function(z)
    if not isinstance(own, torch.Tensor) or own.shape != z.shape:
        found = f"a tensor of shape {tuple(own.shape)}" if isinstance(own, torch.Tensor) else f"a {type(own).__name__}"
        raise ValueError(f"{activation} returned {found}; it must return a tensor of shape {tuple(z.shape)}")
    return own


def dense(layer: Dense, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return a w^T + b, where an image is a row of its numbers, map by map."""
    return functional.linear(_flat(a), arrays["weights"], arrays["biases"])


def convolution(layer: Convolution, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the cross-correlation of images with the filters (equation 125)."""
    (above, below), (left, right) = layer.borders()
    if (above, left) != (below, right):  # which `conv2d` cannot add, or warns of
        a, above, left = functional.pad(a, (left, right, above, below)), 0, 0
    return functional.conv2d(a, arrays["weights"], arrays["biases"], padding=(above, left))


def max_pooling(layer: MaxPooling, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the largest number of each window."""
    return functional.max_pool2d(a, layer.shape)


def batch_normalization(layer: BatchNormalization, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return gamma (a - mean) / deviation + beta, of images with the moments of each map."""
    gamma, beta = arrays["gamma"], arrays["beta"]
    if use.training and a.numel() == a.shape[1]:  # PyTorch's function raises: one number has no unbiased variance
        as_map = (1, -1) + (1,) * (a.ndim - 2)
        return gamma.reshape(as_map) * (a - a) + beta.reshape(as_map)
    running = (None, None) if use.training and not use.keep_statistics else (arrays["mean"], arrays["variance"])
    return functional.batch_norm(a, *running, gamma, beta, use.training, layer.momentum, layer.epsilon)


def dropout(layer: Dropout, arrays: Named, a: torch.Tensor, use: Use) -> torch.Tensor:
    """Return the inputs times the factors."""
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
"""How z of each kind of layer is computed, given the inputs in the shape that the layer has them in."""


def _flat(a: torch.Tensor) -> torch.Tensor:
    return a if a.ndim == 2 else a.flatten(1)
