"""Sample weights: their product with class weights, and their scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def class_indices(outputs: np.ndarray) -> np.ndarray:
    """Return the index of each sample's class, given the outputs of a classifier or the desired outputs."""
    found: np.ndarray = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
    return found


def weighted(weights: np.ndarray | None, class_weights: np.ndarray | None, targets: np.ndarray) -> np.ndarray | None:
    """Return sample weights multiplied by the weights of the samples' classes. None stands for weights of 1.

    Raises
    ------
    ValueError
        If all products are 0, or a product is too large for a float.
    """
    if class_weights is not None:
        factors = class_weights[class_indices(targets)]
        with np.errstate(over="ignore"):
            weights = factors if weights is None else weights * factors
    if weights is not None and not weights.any():
        raise ValueError("all sample weights are 0; at least one must be positive")
    if weights is not None and not np.isfinite(weights).all():
        raise ValueError("sample_weight multiplied by class_weight is infinite; use smaller weights")
    return weights


def scaled(
    weights: np.ndarray | None, alpha: float = 0.0, dtype: npt.DTypeLike = "float64"
) -> tuple[np.ndarray | None, float]:
    """Multiply sample weights and `alpha` by the power of 2 that makes the largest weight at least 0.5 and less than 1.

    Training divides both by the sum of the weights, so it gives the same network. Without the scale, weights and their
    sums could be too large or too small for the precision `dtype`.

    Raises
    ------
    ValueError
        If the weights are so small that `alpha` becomes too large for the precision.
    """
    if weights is None:
        return None, alpha
    largest = weights.max()
    exponent = -int(np.frexp(largest)[1])
    with np.errstate(over="ignore", under="ignore"):
        scaled_alpha = float(np.ldexp(alpha, exponent))
        if scaled_alpha > np.finfo(dtype).max:
            raise ValueError(
                f"sample_weight is at most {largest:g}, and alpha is {alpha:g}; alpha divided by the weights is too "
                f"large for {np.dtype(dtype)}; use larger weights or a smaller alpha"
            )
        return np.ldexp(weights, exponent), scaled_alpha
