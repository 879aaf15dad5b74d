"""Activation functions, of vectors, and what is done to a network's hidden neurons with them."""

from __future__ import annotations

import math
from typing import NamedTuple

from fastnet.kernels.compiler import part, variant
from fastnet.kernels.vectors import clamp, nearest, only, power_of_two

_LARGEST = 87.0  # so that neither exp(z) nor exp(-z) leaves the range of float32, nor becomes denormal
_LOG2_E = 1 / math.log(2)
# The logarithm of 2 in two parts: few enough bits in the first for its product with a small whole number to be exact.
_LN_2_HIGH = 0.693145751953125
_LN_2_LOW = 1.4286068203094172e-06
_DEGREE = 13  # of the Taylor series: the next term is below 1e-17


class Sigmoid(NamedTuple):
    """Hidden neurons have a = 1 / (1 + exp(-z))."""


class Tanh(NamedTuple):
    """Hidden neurons have a = tanh(z)."""


class ReLU(NamedTuple):
    """Hidden neurons have a = max(0, z)."""


def activation(kind, z):
    """Return the activation a of the weighted input z."""
    raise NotImplementedError


def times_slope(kind, a, x):
    """Return x times the derivative of a with respect to z."""
    raise NotImplementedError


@variant(activation, Sigmoid)
def _activation_of_sigmoid(kind, z):
    return sigmoid(z)


@variant(times_slope, Sigmoid)
def _times_slope_of_sigmoid(kind, a, x):
    return x * a * (1 - a)


@variant(activation, Tanh)
def _activation_of_tanh(kind, z):
    return tanh(z)


@variant(times_slope, Tanh)
def _times_slope_of_tanh(kind, a, x):
    return x * (1 - a * a)


@variant(activation, ReLU)
def _activation_of_relu(kind, z):
    return clamp(z, 0.0, math.inf)


@variant(times_slope, ReLU)
def _times_slope_of_relu(kind, a, x):
    return only(a, x)


@part
def sigmoid(z):
    """Return 1 / (1 + exp(-z)), for |z| > 87 that of 87."""
    return 1 / (1 + exp(clamp(0 - z, -_LARGEST, _LARGEST)))


@part
def tanh(z):
    """Return the hyperbolic tangent, to within a rounding of 1: near 0 it has fewer digits than z."""
    return 2 * sigmoid(2 * z) - 1


@part
def exp(x):
    """Return the exponential function, as 2^n exp(r) with |r| below half the logarithm of 2."""
    n = nearest(x * _LOG2_E)
    r = x - n * _LN_2_HIGH - n * _LN_2_LOW
    e = 1 + r * (1 / _DEGREE)
    for k in range(_DEGREE - 1, 0, -1):
        e = 1 + r * (1 / k) * e
    return e * power_of_two(n)
