"""What a user hands to the classifier, or assigns to it: looked at before anything is done with it."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from typing import Any

import numpy as np

from fastnet.datasets.dataset import finite_arrays, refuse_masked
from fastnet.formulas.architecture import Arrays
from fastnet.utils import arguments


def labels(classes: Any) -> np.ndarray:
    """Return the labels that are named by the argument `classes`, each once, in their order.

    Raises
    ------
    TypeError, ValueError
        If it is not a sequence of at least two that have an order.
    """
    refuse_masked(classes, "classes")
    known = np.empty(0)
    with contextlib.suppress(TypeError, ValueError):  # of what is ragged, or of kinds that cannot be compared
        known = np.unique(classes) if np.ndim(classes) == 1 else known
    if len(known) < 2 or not (known[:-1] < known[1:]).all():  # which NaN is not either
        raise ValueError(
            f"classes is {arguments.brief(classes)}; it must be a sequence of at least two labels that can be sorted"
        )
    return known


def parameters(coefs: Any, intercepts: Any, n_in: int, n_out: int, dtype: np.dtype) -> tuple[Arrays, Arrays]:
    """Return `coefs_` and `intercepts_` as weights and biases in the book's shapes.

    Parameters
    ----------
    coefs, intercepts : list of array_like
        What the classifier has for them, which the user may have assigned.
    n_in, n_out : int
        The number of inputs and of outputs. How many hidden neurons there are, the intercepts say.
    dtype : numpy.dtype
        What has to hold them.

    Raises
    ------
    TypeError
        If they are not lists of real numbers.
    ValueError
        If they do not fit one another, the inputs and the outputs; or if a number is not finite.
    """
    matrices, vectors = finite_arrays(coefs, "coefs_", dtype), finite_arrays(intercepts, "intercepts_", dtype)
    if not 0 < len(matrices) == len(vectors):
        raise ValueError(
            f"coefs_ has {len(matrices)} arrays, and intercepts_ {len(vectors)}; each must have one a layer"
        )
    hidden = [arguments.positive(b.size, f"the size of intercepts_[{i}]") for i, b in enumerate(vectors[:-1])]
    sizes = [n_in, *hidden, n_out]
    _check_shapes(matrices, "coefs_", list(pairwise(sizes)))
    _check_shapes(vectors, "intercepts_", [(n,) for n in sizes[1:]])
    return [w.T for w in matrices], [b[:, np.newaxis] for b in vectors]


def _check_shapes(arrays: Arrays, name: str, shapes: list[tuple[int, ...]]) -> None:
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(
                f"{name}[{i}] has shape {array.shape}; to fit n_features_in_, intercepts_ and classes_, "
                f"it must be {shape}"
            )
