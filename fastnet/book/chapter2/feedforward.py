"""A network in the notation of the chapter: weight matrices, bias columns, and the quadratic cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastnet.network import sigmoid


class Parameters(NamedTuple):
    """Weights of shape (n_out, n_in) and biases of shape (n_out, 1) of each layer after the inputs."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]


def drawn(sizes: Sequence[int], random: np.random.Generator) -> Parameters:
    """Return random parameters for layers of the given sizes. Weights are divided by sqrt(n_in) to limit saturation."""
    weights = [random.standard_normal((n_out, n_in)) / np.sqrt(n_in) for n_in, n_out in pairwise(sizes)]
    return Parameters(weights, [random.standard_normal((n_out, 1)) for n_out in sizes[1:]])


def feedforward(parameters: Parameters, x: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return a list of each layer's weighted inputs z, and a list of the inputs `x` and each layer's activations.

    `x` and all returned arrays have one sample in each column.
    """
    zs, activations = [], [x]
    for w, b in zip(*parameters, strict=True):
        zs.append(w @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def cost(activations: np.ndarray, y: np.ndarray) -> float:
    """Return the quadratic cost of output activations, summed over the samples, which are columns."""
    return float(np.square(activations - y).sum() / 2)
