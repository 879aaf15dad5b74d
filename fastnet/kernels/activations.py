"""Activation functions of vectors: each gives the activation a and its derivative with respect to z."""

from __future__ import annotations

from collections.abc import Callable

from fastnet.formulas.activations import LEAK
from fastnet.kernels.formulas import Value, choice, clamp, exp, where

_LARGEST = 87.0  # so that neither exp(z) nor exp(-z) leaves the range of float32, nor becomes denormal


def sigmoid(z: Value) -> tuple[Value, Value]:
    """Return 1 / (1 + exp(-z)), for |z| > 87 that of 87, and its derivative."""
    a = logistic(z)
    return a, a * (1 - a)


def tanh(z: Value) -> tuple[Value, Value]:
    """Return the hyperbolic tangent, to within a rounding of 1: near 0 it has fewer digits than z."""
    a = 2 * logistic(2 * z) - 1
    return a, 1 - a * a


def relu(z: Value) -> tuple[Value, Value]:
    """Return max(0, z); at 0 the derivative is 0."""
    return where(z < 0, z.like(0.0), z), where(z > 0, z.like(1.0), 0.0)


def leaky_relu(z: Value) -> tuple[Value, Value]:
    """Return z where it is positive and 0.01 z elsewhere; at 0 the derivative is 0.01."""
    return where(z > 0, z, LEAK * z), where(z > 0, z.like(1.0), LEAK)


def linear(z: Value) -> tuple[Value, Value]:
    """Return z."""
    return z, z.like(1.0)


def logistic(z: Value) -> Value:
    """Return the sigmoid function."""
    return 1 / (1 + exp(clamp(-z, -_LARGEST, _LARGEST)))


_BY_NAME: dict[str, Callable[[Value], tuple[Value, Value]]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "linear": linear,
}
CODES = {name: code for code, name in enumerate(_BY_NAME)}
"""The number that kernels have for each activation function of `formulas.activations`."""

activation = choice(list(_BY_NAME.values()))
"""`activation(code, z)` returns the activation and its derivative."""
