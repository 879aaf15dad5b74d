"""Two kernels, which another process can import and compile."""

from typing import NamedTuple

import numpy as np

from fastnet.kernels.compiler import kernel


class Scaled(NamedTuple):
    """Numbers and a factor."""

    numbers: np.ndarray
    factor: float


@kernel
def doubled(n):
    """Return 2 n."""
    return 2 * n


@kernel
def first(scaled):
    """Return the first of some numbers, times their factor."""
    return scaled.factor * scaled.numbers[0]
