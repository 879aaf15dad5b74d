"""What the classifier refuses, with a line that names it, and stays as it was."""

import numpy as np
import pytest

from fastnet import NetworkClassifier

X = np.random.default_rng(0).random((20, 4))
Y = np.arange(20) % 3
NAN, INFINITY = float("nan"), float("inf")


def with_a(value):
    copy = X.copy()
    copy[5, 1] = value
    return copy


@pytest.mark.parametrize(
    ("parameter", "error", "message"),
    [
        ({"hidden_layer_sizes": 0}, ValueError, "hidden_layer_sizes is 0; it must be at least 1"),
        ({"hidden_layer_sizes": (3, -1)}, ValueError, "hidden_layer_sizes is -1"),
        ({"hidden_layer_sizes": 2.5}, TypeError, "hidden_layer_sizes is 2.5; it must be an integer"),
        ({"hidden_layer_sizes": True}, TypeError, "hidden_layer_sizes is True"),
        ({"hidden_layer_sizes": 10**13}, ValueError, r"its weights need [\d,]+ GiB, and this machine has"),
        ({"activation": "step"}, ValueError, "activation is 'step'; it must be one of"),
        ({"cost": "hinge"}, ValueError, "cost is 'hinge'; it must be one of"),
        ({"engine": "jax"}, ValueError, "engine is 'jax'; it must be one of"),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16'; it must be float32 or float64"),
        ({"alpha": -1}, ValueError, "alpha is -1.0; it must be finite and not negative"),
        ({"alpha": NAN}, ValueError, "alpha is nan"),
        ({"alpha": "0"}, TypeError, "alpha is '0'; it must be a number"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; it must be at least 1"),
        ({"batch_size": 10.0}, TypeError, "batch_size is 10.0; it must be an integer"),
        ({"learning_rate_init": 0}, ValueError, "learning_rate_init is 0.0; it must be positive and finite"),
        ({"learning_rate_init": INFINITY}, ValueError, "learning_rate_init is inf"),
        ({"max_iter": 0}, ValueError, "max_iter is 0"),
        ({"momentum": 1}, ValueError, "momentum is 1.0; it must be at least 0 and less than 1"),
        ({"dropout": 1.5}, ValueError, "dropout is 1.5"),
        ({"dropout": 0.5, "hidden_layer_sizes": ()}, ValueError, "there are no hidden neurons to drop"),
        ({"validation_fraction": 1}, ValueError, "validation_fraction is 1"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change is 0"),
        ({"tol": -1}, ValueError, "tol is -1.0"),
        ({"random_state": "seed"}, ValueError, "'seed' cannot be used to seed"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_parameter(method, parameter, error, message):
    classifier = NetworkClassifier(**parameter)
    with pytest.raises(error, match=message):
        getattr(classifier, method)(X, Y, *([[0, 1, 2]] if method == "partial_fit" else []))
    assert not hasattr(classifier, "coefs_")


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:0], Y[:0], "minimum of 1 is required"),
        (X[:, 0], Y, "Expected 2D array"),
        (X, Y[:5], "inconsistent numbers of samples"),
        (with_a(NAN), Y, "NaN"),
        (with_a(INFINITY), Y, "infinity"),
        (with_a(1e300), Y, "infinity or a value too large"),
        (X + 1j, Y, "Complex data not supported"),
        (X, Y + 0.5, "Unknown label type"),
        (X, np.where(Y == 1, NAN, Y), "contains NaN"),
        (X, np.zeros(20), "one class only"),
    ],
)
def test_data(x, y, message):
    classifier = NetworkClassifier(engine="numpy", max_iter=1)
    with pytest.raises(ValueError, match=message), np.errstate(over="ignore"):
        classifier.fit(x, y)
    assert not hasattr(classifier, "coefs_")
