"""What a user hands to the classifier, or assigns to it: looked at before anything is done with it."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from fastnet.datasets.dataset import finite_arrays, refuse_masked
from fastnet.estimator.settings import Settings
from fastnet.formulas.architecture import Architecture, Arrays, Parameters
from fastnet.formulas.layers import BatchNormalization, Shape
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


def parameters(
    coefs: Any, intercepts: Any, normalization: Any, settings: Settings, n_in: int, classes: int
) -> tuple[Architecture, Parameters]:
    """Return what a classifier computes, and the arrays of each layer, of what the user may have assigned.

    Parameters
    ----------
    coefs, intercepts, normalization : list
        `coefs_`, `intercepts_` and `normalization_` of the classifier.
    settings : Settings
        The classifier's parameters. Where `hidden_layer_sizes` has only integers, the number of hidden neurons is the
        one that the intercepts have.
    n_in, classes : int
        The numbers of inputs and of classes.

    Raises
    ------
    TypeError
        If they are not lists of real numbers.
    ValueError
        If they do not fit one another, the layers, the inputs and the classes; or if a number is not finite.
    """
    dtype = settings.dtype
    weights, biases = finite_arrays(coefs, "coefs_", dtype), finite_arrays(intercepts, "intercepts_", dtype)
    if not 0 < len(weights) == len(biases):
        raise ValueError(
            f"coefs_ has {len(weights)} arrays, and intercepts_ {len(biases)}; each must have one a layer with weights"
        )
    hidden = None
    if settings.has_sizes_only:
        hidden = [arguments.positive(b.size, f"the size of intercepts_[{i}]") for i, b in enumerate(biases[:-1])]
    architecture = settings.architecture(n_in, classes, hidden)
    shapes = architecture.weight_shapes
    if len(weights) != len(shapes):
        raise ValueError(f"coefs_ has {len(weights)} arrays; to fit hidden_layer_sizes, it must have {len(shapes)}")
    others = f"{'n_features_in_, intercepts_' if settings.has_sizes_only else 'hidden_layer_sizes'} and classes_"
    _check_shapes(weights, "coefs_", [shape[::-1] if len(shape) == 2 else shape for shape in shapes], others)
    _check_shapes(biases, "intercepts_", [(n_out,) for n_out, *_ in shapes], others)
    found = architecture.parameters(transposed(weights), [b[:, np.newaxis] for b in biases])
    _take_over(normalization, architecture, found)
    return architecture, found


def transposed(weights: Arrays) -> Arrays:
    """Return the weights of the book as scikit-learn has them, or the other way: those of filters are the same."""
    return [w.T if w.ndim == 2 else w for w in weights]


def _take_over(normalization: Any, architecture: Architecture, parameters: Parameters) -> None:
    """Put the arrays of `normalization_` into those of the layers."""
    places = [i for i, layer in enumerate(architecture.layers) if isinstance(layer, BatchNormalization)]
    if not (isinstance(normalization, list) and len(normalization) == len(places)):
        raise ValueError(
            f"normalization_ is {arguments.brief(normalization)}; to fit hidden_layer_sizes, it must be a list of "
            f"{len(places)} dictionaries"
        )
    for i, given in zip(places, normalization, strict=True):
        expected = architecture.arrays[i]
        found = {name: np.shape(array) for name, array in given.items()} if isinstance(given, dict) else None
        if found != {name: (n,) for name, (n, _) in expected.items()}:
            raise ValueError(f"normalization_ has {found}; for hidden_layer_sizes[{i}], it must have {expected}")
        if np.any(np.asarray(given["variance"]) < 0):
            raise ValueError("normalization_ has a negative variance; a variance must be at least 0")
        values = finite_arrays([*given.values()], "normalization_", architecture.dtype)
        parameters[i] = {name: array[:, np.newaxis] for name, array in zip(given, values, strict=True)}


def _check_shapes(arrays: Arrays, name: str, shapes: list[Shape], others: str) -> None:
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] has shape {array.shape}; to fit {others}, it must be {shape}")
