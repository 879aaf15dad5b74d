"""The chapter's deep networks, and how fast their hidden layers learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnet import network2

DEPTHS = (2, 3, 4)
"""Numbers of hidden layers in the networks whose learning speeds the chapter compares."""


def deep_network(depth: int, seed: int) -> network2.Network:
    """Return a network of `depth` hidden layers of 30 neurons, with chapter 3's cost and initial weights."""
    return network2.Network([784, *[30] * depth, 10], seed=seed)


def speeds(nabla_b: Sequence[np.ndarray]) -> list[float]:
    """Return the speed of each hidden layer, the first layer first: the norm of the gradient of the layer's biases."""
    return [float(np.linalg.norm(nabla)) for nabla in nabla_b[:-1]]


def hidden_layers(number: int) -> str:
    """Return a number of hidden layers in words, such as "2 hidden layers"."""
    return "1 hidden layer" if number == 1 else f"{number} hidden layers"
