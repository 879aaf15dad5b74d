"""L1 and L2 regularization (chapter 3, "Overfitting and regularization"), and max-norm regularization."""

from __future__ import annotations

import numpy as np


def decayed(gradient: np.ndarray, w: np.ndarray, l2: float, l1: float) -> np.ndarray:
    """Return a gradient plus the gradient of l2 / 2 sum(w^2) + l1 sum(|w|) (chapter 3, equations 87 and 95)."""
    if l2:
        gradient = gradient + l2 * w
    if l1:
        gradient = gradient + l1 * np.sign(w)
    return gradient


def bounded(w: np.ndarray, max_norm: float) -> np.ndarray:
    """Return weights, scaled so that no neuron's weights have a norm above `max_norm` (Srivastava et al. 2014).

    If the norm of a neuron's weights is above `max_norm`, these weights are scaled to the norm `max_norm`.

    Parameters
    ----------
    w : ndarray, shape (n_out, ...)
        Weights. The first axis counts the neurons or filters.
    max_norm : float
        Upper bound of the Euclidean norm of each neuron's or filter's weights, positive.
    """
    norms = np.sqrt(np.sum(np.square(w), axis=tuple(range(1, w.ndim)), keepdims=True))
    too_large = norms > max_norm
    return np.where(too_large, w * (max_norm / np.where(too_large, norms, 1)), w)
