"""Products of matrices by BLAS, without its false warnings."""

from __future__ import annotations

import numpy as np


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return `a @ b`, without a warning of what the processor's flags say.

    BLAS computes beyond a matrix's edge on some processors, and NumPy would warn of what it finds there: of invalid
    operations with some versions of OpenBLAS, of division by zero and overflow on Apple's M4, too. The result is right.
    What is infinite or not a number in it stays so: training stops then, and says so.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        result: np.ndarray = a @ b
    return result
