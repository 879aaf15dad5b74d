"""Activation functions and their derivatives, in NumPy. The results for integers are float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LEAK = 0.01
"""Slope of `leaky_relu` where z is negative."""


@np.errstate(under="ignore")  # no warning is needed: results that underflow become 0
def sigmoid(z: npt.ArrayLike) -> Any:
    """Return the sigmoid function of `z`, 1 / (1 + exp(-z)) (chapter 1, equation 3).

    Parameters
    ----------
    z : array_like of real numbers
        Array of any shape. Numbers with large absolute values cause no overflow.

    Returns
    -------
    ndarray or scalar
        Values from 0 to 1, in the shape and precision of `z`. Integers are converted to float64.
    """
    z = _floating(z)
    e = np.exp(-np.abs(z))  # from 0 to 1 for both signs of z: no overflow
    return np.where(z < 0, e, 1) / (1 + e)


@np.errstate(under="ignore")
def sigmoid_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of the sigmoid function at `z`.

    Parameters
    ----------
    z : array_like of real numbers
        Array of any shape. Numbers with large absolute values cause no overflow.

    Returns
    -------
    ndarray or scalar
        Values from 0 to 1/4, in the shape and precision of `z`. Integers are converted to float64.
    """
    e = np.exp(-np.abs(_floating(z)))
    return e / (1 + e) ** 2  # sigmoid(z) * (1 - sigmoid(z)), without the cancellation in 1 - sigmoid(z) for large z


@np.errstate(under="ignore")
def tanh(z: npt.ArrayLike) -> Any:
    """Return the hyperbolic tangent of `z` (chapter 3, "Other models of artificial neuron").

    Parameters
    ----------
    z : array_like of real numbers
        Array of any shape, with numbers of any magnitude.

    Returns
    -------
    ndarray or scalar
        Values from -1 to 1, in the shape and precision of `z`. Integers are converted to float64.
    """
    return np.tanh(_floating(z))


@np.errstate(under="ignore")
def tanh_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of the hyperbolic tangent at `z`: values from 0 to 1, in the shape and precision of `z`."""
    return 4 * sigmoid_prime(2 * _floating(z))  # 1 - tanh(z)**2, without cancellation for large abs(z)


def relu(z: npt.ArrayLike) -> Any:
    """Return max(0, z), the output of a rectified linear neuron (chapter 3), in the shape and precision of `z`."""
    return np.maximum(_floating(z), 0)


def relu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `relu` at `z`, in the shape and precision of `z`: 1 if `z` is positive, otherwise 0."""
    z = _floating(z)
    return (z > 0).astype(z.dtype)


def leaky_relu(z: npt.ArrayLike) -> Any:
    """Return `z` where it is positive and 0.01 `z` elsewhere (Maas et al. 2013), in the shape and precision of `z`."""
    z = _floating(z)
    return np.where(z > 0, z, z.dtype.type(LEAK) * z)


def leaky_relu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `leaky_relu`, in the shape and precision of `z`: 1 for positive `z`, otherwise 0.01."""
    z = _floating(z)
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))


@np.errstate(under="ignore", invalid="ignore")
def gelu(z: npt.ArrayLike) -> Any:
    """Return z Phi(z) (Hendrycks and Gimpel 2016).

    Phi is the cumulative distribution function of the standard normal distribution.

    Parameters
    ----------
    z : array_like of real numbers
        Array of any shape, with numbers of any magnitude.

    Returns
    -------
    ndarray or scalar
        Values of at least -0.17, in the shape and precision of `z`. Integers are converted to float64.
    """
    z = _floating(z)
    return np.where(z < -_NEGLIGIBLE, z.dtype.type(0), z * _normal_distribution(z))


@np.errstate(under="ignore", over="ignore", invalid="ignore")
def gelu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `gelu` at `z`: Phi(z) + z phi(z), where phi is the standard normal density."""
    z = _floating(z)
    density = np.exp(-z * z / 2) / z.dtype.type(math.sqrt(2 * math.pi))
    return _normal_distribution(z) + np.where(np.abs(z) > _NEGLIGIBLE, z.dtype.type(0), z * density)


_NEGLIGIBLE = 40.0  # z above which Phi(-z) and phi(z) are less than the smallest positive float64
_erfc = np.vectorize(math.erfc, otypes=[float])


def _normal_distribution(z: np.ndarray) -> np.ndarray:
    values: np.ndarray = _erfc(-z.astype(np.float64) / math.sqrt(2)) / 2
    return values.astype(z.dtype)


def linear(z: npt.ArrayLike) -> Any:
    """Return `z` in floating point: the activation is the weighted input."""
    return _floating(z)


def linear_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `linear` at `z`: ones, in the shape and precision of `z`."""
    return np.ones_like(_floating(z))


@np.errstate(under="ignore")
def softmax(z: npt.ArrayLike, axis: int = 0) -> Any:
    """Return exp(z) / sum(exp(z)) (chapter 3, equation 78).

    Parameters
    ----------
    z : array_like of real numbers
        Array of any shape. Numbers with large absolute values cause no overflow.
    axis : int, optional
        Axis of the sum; by default 0, so each column is one sample.

    Returns
    -------
    ndarray
        Values from 0 to 1 with the sum 1 along the axis, in the shape and precision of `z`. Integers are converted to
        float64.
    """
    z = _floating(z)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@np.errstate(under="ignore", over="ignore")
def exponential(z: npt.ArrayLike) -> Any:
    """Return exp(z), in the shape and precision of `z`; infinite on overflow."""
    return np.exp(_floating(z))


def _floating(z: npt.ArrayLike) -> np.ndarray:
    """Convert integers to float64, because small integer types overflow when negated; return floats unchanged."""
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(np.float64)


class Activation(NamedTuple):
    """An activation function.

    Attributes
    ----------
    function : callable
        Function that returns the activation for the weighted input z.
    prime : callable
        Function that returns the derivative at z.
    """

    function: Callable[[Any], Any]
    prime: Callable[[Any], Any]


LINEAR = Activation(linear, linear_prime)

ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_prime),
    "tanh": Activation(tanh, tanh_prime),
    "relu": Activation(relu, relu_prime),
    "leaky_relu": Activation(leaky_relu, leaky_relu_prime),
    "gelu": Activation(gelu, gelu_prime),
    "linear": LINEAR,
}
"""Activation functions of layers by name. Every engine implements each of these functions."""

NOT_MONOTONIC = ("gelu",)
"""Names of the activation functions that are not monotonic: a larger z may have a smaller activation."""


@dataclass(frozen=True, repr=False)
class CustomActivation:
    """A custom activation function, for the engine 'torch'. PyTorch computes the derivative.

    Attributes
    ----------
    function : callable
        Function that takes the tensor z, and returns a tensor of the same shape, computed with PyTorch's functions.

    Raises
    ------
    TypeError
        If `function` cannot be called.
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function of CustomActivation is {self.function!r}; it must be a function of a tensor")

    def __repr__(self) -> str:
        return f"CustomActivation({getattr(self.function, '__name__', repr(self.function))})"
