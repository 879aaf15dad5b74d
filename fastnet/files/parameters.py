"""Checks of parameters that were read from a file."""

from __future__ import annotations

import numpy as np

from fastnet.formulas.layers import Shape


def check_parameter(array: np.ndarray, name: str, shape: Shape, dtype: np.dtype) -> None:
    """Raise a `ValueError` if an array from a file is not valid as the parameter `name` of a layer.

    Parameters
    ----------
    array : ndarray
        Array from the file.
    name : str
        Name of the parameter in its layer.
    shape : tuple of int
        Expected shape.
    dtype : numpy.dtype
        Expected dtype: the dtype of the network.
    """
    if (array.dtype, array.shape) != (dtype, shape):
        raise ValueError(f"its {name} are of {array.dtype} {array.shape}; they must be of {dtype} {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"its {name} are not finite")
    if name == "variance" and (array < 0).any():
        raise ValueError("its variance is negative")
