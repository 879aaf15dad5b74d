"""Regularization: what keeps weights small (chapter 3, "Overfitting and regularization")."""

from __future__ import annotations

import numpy as np


def decay(w: np.ndarray, l2: float, l1: float) -> np.ndarray:
    """Return the gradient of l2 / 2 sum(w^2) + l1 sum(|w|) (chapter 3, equations 87 and 95)."""
    return l2 * w + l1 * np.sign(w)


def bounded(w: np.ndarray, max_norm: float) -> np.ndarray:
    """Return weights, one neuron a row, of which no row has a larger Euclidean norm (Srivastava et al. 2014)."""
    norms = np.sqrt(np.sum(np.square(w), axis=1, keepdims=True))
    return np.where(norms > max_norm, w * (max_norm / np.maximum(norms, np.finfo(w.dtype).tiny)), w)
