"""Matrix products by BLAS, without false warnings."""

from __future__ import annotations

import numpy as np


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return `a @ b` without floating-point warnings.

    On some processors, BLAS computes with memory beyond a matrix's edge, and sets floating-point flags although the
    result is right. NumPy would then warn of invalid operations (with some versions of OpenBLAS), or of division by
    zero and overflow (on Apple's M4). Infinities and NaNs remain in the result.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        result: np.ndarray = a @ b
    return result
