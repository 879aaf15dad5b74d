"""Activation functions of vectors: each returns the activation a and the derivative of a with respect to z."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly, chebinterpolate

from fastnet.formulas.activations import LEAK
from fastnet.kernels.formulas import Value, absolute, choice, clamp, exp, where

_LARGEST = 87.0  # largest integer z for which exp(z) and exp(-z) are finite and not subnormal in float32
_FARTHEST = 9.2  # for larger x, erfc(x) is subnormal or 0 in float32
_SMALLEST_T = 2 / (2 + _FARTHEST)


def sigmoid(z: Value) -> tuple[Value, Value]:
    """Return 1 / (1 + exp(-z)) and its derivative; z is clamped to the range from -87 to 87."""
    a = logistic(z)
    return a, a * (1 - a)


def tanh(z: Value) -> tuple[Value, Value]:
    """Return tanh(z) and its derivative.

    The absolute error is as large as the rounding error of numbers near 1, so small values have few correct digits.
    """
    a = 2 * logistic(2 * z) - 1
    return a, 1 - a * a


def relu(z: Value) -> tuple[Value, Value]:
    """Return max(0, z) and its derivative, which is 0 at z = 0."""
    return where(z < 0, z.like(0.0), z), where(z > 0, z.like(1.0), 0.0)


def leaky_relu(z: Value) -> tuple[Value, Value]:
    """Return z for positive z and 0.01 z for all other z, and the derivative, which is 0.01 at z = 0."""
    return where(z > 0, z, LEAK * z), where(z > 0, z.like(1.0), LEAK)


def gelu(z: Value) -> tuple[Value, Value]:
    """Return z Phi(z) and its derivative, where Phi is the standard normal distribution function."""
    x = absolute(z) * math.sqrt(0.5)
    t = 2 / (2 + clamp(x, 0.0, _FARTHEST))
    u = (2 * t - (1 + _SMALLEST_T)) * (1 / (1 - _SMALLEST_T))
    exponent = u.like(0.0)
    for coefficient in _exponent_of_erfc(10 if z.bits == 32 else 20)[::-1]:
        exponent = exponent * u + coefficient
    square = clamp(x * x, 0.0, _LARGEST)
    tail = where(x > _FARTHEST, x.like(0.0), 0.5 * t * exp(clamp(exponent - square, -_LARGEST, 0.0)))
    density = where(x > _FARTHEST, x.like(0.0), exp(-square) * (1 / math.sqrt(2 * math.pi)))
    distribution = where(z < 0, tail, 1 - tail)
    inside = where(z < -_FARTHEST * math.sqrt(2), z.like(0.0), z)  # infinity times zero would be NaN
    return inside * distribution, distribution + where(x > _FARTHEST, x.like(0.0), z) * density


@cache
def _exponent_of_erfc(degree: int) -> list[float]:
    """Return the coefficients of a polynomial p for which t exp(p(u) - x^2) approximates erfc(x), for x from 0 to 9.2.

    Here, t = 2 / (2 + x) (Press et al., Numerical Recipes, section 6.2.2). u is a linear function of t whose values are
    from -1 to 1.
    """

    # `exponent` is annotated with Any, because NumPy's annotation of `chebinterpolate` wrongly expects a number.
    def exponent(u: np.ndarray) -> Any:
        ts = _SMALLEST_T + (1 - _SMALLEST_T) * (u + 1) / 2
        return np.array([math.log(math.erfc(2 / t - 2) / t) + (2 / t - 2) ** 2 for t in ts])

    coefficients: list[float] = cheb2poly(chebinterpolate(exponent, degree)).tolist()
    return coefficients


def linear(z: Value) -> tuple[Value, Value]:
    """Return z and its derivative, which is 1."""
    return z, z.like(1.0)


def logistic(z: Value) -> Value:
    """Return 1 / (1 + exp(-z)); z is clamped to the range from -87 to 87."""
    return 1 / (1 + exp(clamp(-z, -_LARGEST, _LARGEST)))


_BY_NAME: dict[str, Callable[[Value], tuple[Value, Value]]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "gelu": gelu,
    "linear": linear,
}
CODES = {name: code for code, name in enumerate(_BY_NAME)}
"""Integer code of each activation function in the kernels, by the function's name in `formulas.activations`."""

activation = choice(list(_BY_NAME.values()))
"""`activation(code, z)` returns the activation and its derivative."""
