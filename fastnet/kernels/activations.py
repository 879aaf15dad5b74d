"""Activation functions, of vectors."""

from __future__ import annotations

import math

from fastnet.kernels.compiler import part
from fastnet.kernels.vectors import clamp, nearest, power_of_two

_LARGEST = 87.0  # so that neither exp(z) nor exp(-z) leaves the range of float32, nor becomes denormal
_LOG2_E = 1 / math.log(2)
# The logarithm of 2 in two parts: few enough bits in the first for its product with a small whole number to be exact.
_LN_2_HIGH = 0.693145751953125
_LN_2_LOW = 1.4286068203094172e-06
_DEGREE = 13  # of the Taylor series: the next term is below 1e-17


@part
def sigmoid(z):
    """Return 1 / (1 + exp(-z)), for |z| > 87 that of 87."""
    return 1 / (1 + exp(clamp(0 - z, _LARGEST)))


@part
def exp(x):
    """Return the exponential function, as 2^n exp(r) with |r| below half the logarithm of 2."""
    n = nearest(x * _LOG2_E)
    r = x - n * _LN_2_HIGH - n * _LN_2_LOW
    e = 1 + r * (1 / _DEGREE)
    for k in range(_DEGREE - 1, 0, -1):
        e = 1 + r * (1 / k) * e
    return e * power_of_two(n)
