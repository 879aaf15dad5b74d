"""Initial weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from fastnet.formulas.layers import Shape


def normal(weight_shapes: Sequence[Shape], random: Any, *, scaled: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw weights and biases from normal distributions, as the book does: all biases first, then all weights.

    Parameters
    ----------
    weight_shapes : sequence of tuple of int
        Shape of the weights of each layer: (n_out, n_in), or (filters, maps, rows, columns).
    random : module or RandomState
        Random generator: `numpy.random` or a `RandomState`.
    scaled : bool
        Whether to divide each neuron's weights by the square root of their number (chapter 3, "Weight
        initialization"). Otherwise, neurons with many inputs are saturated at first.

    Returns
    -------
    weights, biases : lists of ndarray of float64
        Weights of the given shapes, and biases of shapes (n_out, 1) or (filters, 1).
    """
    biases = [random.randn(n_out, 1) for n_out, *_ in weight_shapes]
    weights = [random.randn(*shape) / (np.sqrt(prod(shape[1:])) if scaled else 1) for shape in weight_shapes]
    return weights, biases


def glorot(
    weight_shapes: Sequence[Shape], activations: Sequence[object], random: np.random.RandomState
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw weights and biases from uniform distributions (Glorot and Bengio 2010), in scikit-learn's order.

    With the book's standard normal biases, ReLU networks classified about 1% fewer MNIST digits correctly than with
    these biases.

    Parameters
    ----------
    weight_shapes : sequence of tuple of int
        Shape of the weights of each layer: (n_out, n_in), or (filters, maps, rows, columns).
    activations : sequence of str or CustomActivation
        Activation of each layer.
    random : RandomState
        Random generator.

    Returns
    -------
    weights, biases : lists of ndarray of float64
        Weights of the given shapes, and biases of shapes (n_out, 1) or (filters, 1).

    Notes
    -----
    The numbers are drawn from -bound to bound. The bound is sqrt(6 / (fan_in + fan_out)). For sigmoid neurons, the
    bound is sqrt(2 / (fan_in + fan_out)), as in scikit-learn. For a convolution, fan_in is maps * rows * columns, the
    number of weights on which one output depends. fan_out is filters * rows * columns, the number of weights through
    which one input affects the outputs. PyTorch's `xavier_uniform_` and Keras's `GlorotUniform` define fan_in and
    fan_out in the same way.
    """
    weights, biases = [], []
    for shape, activation in zip(weight_shapes, activations, strict=True):
        n_out, n_in, *window = shape
        bound = np.sqrt((2 if activation == "sigmoid" else 6) / ((n_in + n_out) * prod(window)))
        weights.append(_uniform(shape, bound, random))
        biases.append(random.uniform(-bound, bound, n_out)[:, np.newaxis])
    return weights, biases


def _uniform(shape: Shape, bound: float, random: np.random.RandomState) -> np.ndarray:
    """Draw weights. For dense layers, the transposed matrix is drawn, as in scikit-learn."""
    drawn: np.ndarray = random.uniform(-bound, bound, shape[::-1] if len(shape) == 2 else shape)
    return drawn.T if len(shape) == 2 else drawn
