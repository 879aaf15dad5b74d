"""What the neurons of chapter 6's networks compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Activation: TypeAlias = Callable[[Tensor], Tensor]


def linear(z: Tensor) -> Tensor:
    """Return z."""
    return z


def ReLU(z: Tensor) -> Tensor:  # noqa: N802 - the book's name
    """Return the larger one of z and 0."""
    return torch.relu(z)


def sigmoid(z: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-z))."""
    return torch.sigmoid(z)


def tanh(z: Tensor) -> Tensor:
    """Return the hyperbolic tangent of z."""
    return torch.tanh(z)


ACTIVATIONS: dict[str, Activation] = {"linear": linear, "ReLU": ReLU, "sigmoid": sigmoid, "tanh": tanh}
