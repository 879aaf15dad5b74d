"""Activation functions and their derivatives, in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

LEAK = 0.01
"""Slope of `leaky_relu` where its argument is negative."""


@np.errstate(under="ignore")  # what is too small for a number is zero
def sigmoid(z: npt.ArrayLike) -> Any:
    """Return the sigmoid function of `z`, 1 / (1 + exp(-z)) (chapter 1, equation 3).

    Parameters
    ----------
    z : array_like of real numbers
        Any shape, any magnitude: nothing overflows.

    Returns
    -------
    ndarray or scalar
        Of the shape of `z`, between 0 and 1, in the precision of `z`.
    """
    z = _floating(z)
    e = np.exp(-np.abs(z))  # in 0 to 1, whatever the sign of z
    return np.where(z < 0, e, 1) / (1 + e)


@np.errstate(under="ignore")
def sigmoid_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of the sigmoid function at `z`.

    Parameters
    ----------
    z : array_like of real numbers
        Any shape, any magnitude.

    Returns
    -------
    ndarray or scalar
        Of the shape of `z`, between 0 and 1/4, in the precision of `z`.
    """
    e = np.exp(-np.abs(_floating(z)))
    return e / (1 + e) ** 2  # the same as sigmoid(z) * (1 - sigmoid(z)), without the loss of digits


@np.errstate(under="ignore")
def tanh(z: npt.ArrayLike) -> Any:
    """Return the hyperbolic tangent of `z` (chapter 3, "Other models of artificial neuron").

    Parameters
    ----------
    z : array_like of real numbers
        Any shape, any magnitude.

    Returns
    -------
    ndarray or scalar
        Of the shape of `z`, between -1 and 1, in the precision of `z`.
    """
    return np.tanh(_floating(z))


@np.errstate(under="ignore")
def tanh_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of the hyperbolic tangent at `z`: between 0 and 1, in the shape and precision of `z`."""
    return 4 * sigmoid_prime(2 * _floating(z))  # the same as 1 - tanh(z)**2, without the loss of digits


def relu(z: npt.ArrayLike) -> Any:
    """Return max(0, z), as a rectified linear neuron does (chapter 3), in the shape and precision of `z`."""
    return np.maximum(_floating(z), 0)


def relu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `relu` at `z`: 1 where `z` is positive, and 0 elsewhere, at 0 too."""
    z = _floating(z)
    return (z > 0).astype(z.dtype)


def leaky_relu(z: npt.ArrayLike) -> Any:
    """Return `z` where it is positive and 0.01 `z` elsewhere (Maas et al. 2013), in the shape and precision of `z`."""
    z = _floating(z)
    return np.where(z > 0, z, z.dtype.type(LEAK) * z)


def leaky_relu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `leaky_relu` at `z`: 1 where `z` is positive, and 0.01 elsewhere, at 0 too."""
    z = _floating(z)
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAK))


@np.errstate(under="ignore", invalid="ignore")
def gelu(z: npt.ArrayLike) -> Any:
    """Return z Phi(z), where Phi is the distribution function of the normal distribution (Hendrycks and Gimpel 2016).

    Parameters
    ----------
    z : array_like of real numbers
        Any shape, any magnitude.

    Returns
    -------
    ndarray or scalar
        Of the shape and precision of `z`, at least -0.17.
    """
    z = _floating(z)
    return np.where(z < -_NEGLIGIBLE, z.dtype.type(0), z * _normal_distribution(z))


@np.errstate(under="ignore", over="ignore", invalid="ignore")
def gelu_prime(z: npt.ArrayLike) -> Any:
    """Return the derivative of `gelu` at `z`: Phi(z) + z phi(z), where phi is the derivative of Phi."""
    z = _floating(z)
    density = np.exp(-z * z / 2) / z.dtype.type(math.sqrt(2 * math.pi))
    return _normal_distribution(z) + np.where(np.abs(z) > _NEGLIGIBLE, z.dtype.type(0), z * density)


_NEGLIGIBLE = 40.0  # beyond it, Phi(-z) and phi(z) are less than the smallest number
_erfc = np.vectorize(math.erfc, otypes=[float])


def _normal_distribution(z: np.ndarray) -> np.ndarray:
    values: np.ndarray = _erfc(-z.astype(np.float64) / math.sqrt(2)) / 2
    return values.astype(z.dtype)


def linear(z: npt.ArrayLike) -> Any:
    """Return `z`: the weighted input is the activation."""
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
        Any magnitude: nothing overflows.
    axis : int, optional
        Along which the sum goes; by default that of a column.

    Returns
    -------
    ndarray
        Of the shape of `z`, between 0 and 1, with the sum 1 along the axis, in the precision of `z`.
    """
    z = _floating(z)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@np.errstate(under="ignore", over="ignore")
def exponential(z: npt.ArrayLike) -> Any:
    """Return exp(z), in the shape and precision of `z`; infinite where that is too large for it."""
    return np.exp(_floating(z))


def _floating(z: npt.ArrayLike) -> np.ndarray:
    """Return integers as floating point numbers: the smaller ones could not be negated."""
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(np.float64)


class Activation(NamedTuple):
    """An activation function.

    Attributes
    ----------
    function : callable
        The activation a, of the weighted input z.
    prime : callable
        Its derivative at z.
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
"""The activation functions of a layer, by name. Every engine has an entry for each."""

FALLING = ("gelu",)
"""Names of the activation functions that fall somewhere: a larger z may have a smaller activation there."""


@dataclass(frozen=True, repr=False)
class OwnActivation:
    """An activation function that the user wrote, for the engine 'torch', which has its derivative from PyTorch.

    Attributes
    ----------
    function : callable
        Takes z, a tensor, and returns a tensor of the same shape, by functions of PyTorch.

    Raises
    ------
    TypeError
        If it cannot be called.
    """

    function: Callable[[Any], Any]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function of OwnActivation is {self.function!r}; it must be a function of a tensor")

    def __repr__(self) -> str:
        return f"OwnActivation({getattr(self.function, '__name__', repr(self.function))})"
