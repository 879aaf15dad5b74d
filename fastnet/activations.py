"""Activation functions, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


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


def _floating(z: npt.ArrayLike) -> np.ndarray:
    """Return integers as floating point numbers: the smaller ones could not be negated."""
    z = np.asarray(z)
    return z if z.dtype.kind == "f" else z.astype(np.float64)
