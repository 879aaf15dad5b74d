"""Converts a fitted estimator's arrays between scikit-learn's shapes and fastnet's, and checks assigned arrays."""

from __future__ import annotations

import copy
from math import prod
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.base import is_classifier

from fastnet.datasets.dataset import finite_array, finite_arrays
from fastnet.formulas.architecture import Architecture, Arrays, Parameters
from fastnet.formulas.costs import BuiltIn, CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from fastnet.formulas.layers import BatchNormalization, Shape
from fastnet.formulas.regression import PoissonCost
from fastnet.neural_network.settings import ACTIVATIONS, NetworkSettings
from fastnet.utils import arguments

_COSTS: dict[str, BuiltIn] = {
    "softmax": LogLikelihoodCost,
    "logistic": CrossEntropyCost,
    "identity": QuadraticCost,
    "exp": PoissonCost,
}
"""A cost for each `out_activation_`. All costs with the same output activation give the same predictions."""


def attributes(architecture: Architecture, found: Parameters) -> dict[str, Any]:
    """Return the arrays of each layer as the attributes of an estimator."""
    weights, biases = architecture.book_lists(found)
    others = (arrays for arrays in found if arrays and "weights" not in arrays)
    return {
        "coefs_": _transposed(weights),
        "intercepts_": [b[:, 0] for b in biases],
        "normalization_": [{name: array[:, 0] for name, array in arrays.items()} for arrays in others],
    }


def checked(estimator: Any, settings: NetworkSettings) -> tuple[Architecture, Parameters]:
    """Return the architecture of a fitted estimator, and the arrays of each layer, which the user may have assigned.

    If `hidden_layer_sizes` has only integers, the sizes of the arrays `intercepts_` replace these integers.

    Raises
    ------
    TypeError
        If `coefs_` or `intercepts_` is not a list of arrays of real numbers.
    ValueError
        If the arrays' shapes do not fit one another, the layers, or the number of inputs or outputs. If a number is
        not finite, or a variance is negative.
    """
    dtype = settings.dtype
    weights = finite_arrays(estimator.coefs_, "coefs_", dtype)
    biases = finite_arrays(estimator.intercepts_, "intercepts_", dtype)
    if not 0 < len(weights) == len(biases):
        raise ValueError(
            f"coefs_ has {len(weights)} arrays, and intercepts_ {len(biases)}; both must have one array for each layer "
            "with weights"
        )
    hidden = None
    if settings.has_sizes_only:
        hidden = [arguments.positive(b.size, f"the size of intercepts_[{i}]") for i, b in enumerate(biases[:-1])]
    architecture = settings.architecture(estimator.n_features_in_, estimator.n_outputs_, hidden)
    shapes = architecture.weight_shapes
    if len(weights) != len(shapes):
        raise ValueError(f"coefs_ has {len(weights)} arrays; to fit hidden_layer_sizes, it must have {len(shapes)}")
    others = f"{'n_features_in_, intercepts_' if settings.has_sizes_only else 'hidden_layer_sizes'} and n_outputs_"
    _check_shapes(weights, "coefs_", [shape[::-1] if len(shape) == 2 else shape for shape in shapes], others)
    _check_shapes(biases, "intercepts_", [(n_out,) for n_out, *_ in shapes], others)
    found = architecture.parameters(_transposed(weights), [b[:, np.newaxis] for b in biases])
    _take_over(estimator.normalization_, architecture, found)
    return architecture, found


def dtype_of(estimator: Any) -> np.dtype:
    """Return the precision of a fitted estimator: float32 if its first weights are float32, otherwise float64."""
    coefs = estimator.coefs_
    first = coefs[0] if isinstance(coefs, (list, tuple)) and coefs else None
    return np.dtype(np.float32 if getattr(first, "dtype", None) == np.float32 else np.float64)


def settings_of(estimator: Any) -> NetworkSettings:
    """Return the settings of a fitted estimator's network."""
    return NetworkSettings.of(estimator, _COSTS[estimator.out_activation_], dtype_of(estimator))


def network(estimator: Any) -> tuple[Architecture, Parameters]:
    """Return the architecture of a fitted estimator, and the arrays of each layer."""
    return checked(estimator, settings_of(estimator))


def number_of_hidden_activations(estimator: Any) -> int:
    """Return the number of activations of the last hidden layer."""
    return prod(network(estimator)[0].shapes[-2])


def to_sklearn(estimator: Any) -> Any:
    """Convert a fitted estimator to a fitted estimator of scikit-learn with the same network.

    Raises
    ------
    ValueError
        If scikit-learn's estimator cannot compute the network.
    """
    kind = sklearn.neural_network.MLPClassifier if is_classifier(estimator) else sklearn.neural_network.MLPRegressor
    settings = settings_of(estimator)
    architecture, found = checked(estimator, settings)
    activation = {library: name for name, library in ACTIVATIONS.items()}[settings.activation]
    theirs = {"relu", "tanh", "logistic", "identity"}
    if not settings.has_sizes_only or activation not in theirs:
        raise ValueError(
            "scikit-learn's estimators have only dense layers, given as integers, with one of the activations "
            f"identity, logistic, tanh and relu; hidden_layer_sizes is {estimator.hidden_layer_sizes!r}, and "
            f"activation is {estimator.activation!r}"
        )
    names = kind().get_params()
    given = {name: value for name, value in estimator.get_params(deep=False).items() if name in names}
    if "loss" in given and given["loss"] not in ("squared_error", "poisson"):
        given["loss"] = "squared_error"  # scikit-learn lacks the loss, but does not need it to predict
    made = kind(**given)
    for name, value in vars(estimator).items():
        if name.endswith("_") and not name.startswith("_") and name != "normalization_":
            setattr(made, name, copy.deepcopy(value))
    fitted = attributes(architecture, found)
    for name in ("coefs", "intercepts"):  # copies, because scikit-learn's training changes arrays in place
        setattr(made, f"{name}_", [np.array(array) for array in fitted[f"{name}_"]])
        setattr(made, f"_best_{name}", [np.array(array) for array in fitted[f"{name}_"]])
    made._no_improvement_count = estimator._since_improvement
    if hasattr(estimator, "_label_binarizer"):
        made._label_binarizer = copy.deepcopy(estimator._label_binarizer)
    return made


def _transposed(weights: Arrays) -> Arrays:
    """Convert weights between the book's shapes and scikit-learn's: dense weights are transposed, filters are not."""
    return [w.T if w.ndim == 2 else w for w in weights]


def _take_over(normalization: Any, architecture: Architecture, parameters: Parameters) -> None:
    """Check the arrays of `normalization_`, and put them into `parameters`."""
    places = [i for i, layer in enumerate(architecture.layers) if isinstance(layer, BatchNormalization)]
    if not (isinstance(normalization, list) and len(normalization) == len(places)):
        raise ValueError(
            f"normalization_ is {arguments.brief(normalization)}; to fit hidden_layer_sizes, it must be a list of "
            f"{len(places)} dictionaries"
        )
    for k, (i, given) in enumerate(zip(places, normalization, strict=True)):
        which = f"normalization_[{k}]"
        if not isinstance(given, dict):
            raise ValueError(f"{which} is {arguments.brief(given)}; it must be a dictionary of arrays")
        found = {name: np.shape(array) for name, array in given.items()}
        expected = {name: (n,) for name, (n, _) in architecture.arrays[i].items()}
        if found != expected:
            raise ValueError(
                f"{which} has arrays of the shapes {found}; to fit hidden_layer_sizes[{i}], they must be {expected}"
            )
        if np.any(np.asarray(given["variance"]) < 0):
            raise ValueError(f"{which} has a negative variance; a variance must be at least 0")
        parameters[i] = {
            name: finite_array(array, f"{which}[{name!r}]", architecture.dtype)[:, np.newaxis]
            for name, array in given.items()
        }


def _check_shapes(arrays: Arrays, name: str, shapes: list[Shape], others: str) -> None:
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"{name}[{i}] has shape {array.shape}; to fit {others}, it must be {shape}")
