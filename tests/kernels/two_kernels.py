"""Small kernels that another process can import and compile."""

from typing import NamedTuple

import numpy as np

from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes


class Scaled(NamedTuple):
    """Numbers and a factor."""

    numbers: np.ndarray
    factor: float


@kernel
def doubled(n):
    """Return `2 * n`."""
    return 2 * n


@kernel
def first(scaled):
    """Return the first number times the factor."""
    return scaled.factor * scaled.numbers[0]


@kernel
def width(numbers):
    """Return the number of lanes of a vector, which depends on the processor."""
    return lanes(numbers)
