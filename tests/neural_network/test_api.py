"""fastnet's estimators have every parameter, attribute and method of scikit-learn's estimators of the same name."""

import inspect
import re

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn import neural_network as theirs

from fastnet import neural_network as ours

NAMES = ["MLPClassifier", "MLPRegressor"]
OWN = {
    "MLPClassifier": ["class_weight", "dropout", "image_shape", "engine", "keep_if_interrupted"],
    "MLPRegressor": ["quantile", "huber_delta", "dropout", "image_shape", "engine", "keep_if_interrupted"],
}


def both(name):
    return getattr(ours, name), getattr(theirs, name)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_and_defaults(name):
    one, other = (inspect.signature(each).parameters for each in both(name))
    assert list(one) == [*other, *OWN[name]]
    for parameter, expected in other.items():
        assert (one[parameter].default, one[parameter].kind) == (expected.default, expected.kind), parameter


@pytest.mark.parametrize("name", NAMES)
def test_methods(name):
    one, other = both(name)
    for method in (each for each in dir(other) if not each.startswith("_") and callable(getattr(other, each))):
        if method.startswith("set_") and method.endswith("_request"):
            continue  # fastnet's methods for metadata routing have more parameters
        found = list(inspect.signature(getattr(one, method)).parameters.values())
        expected = list(inspect.signature(getattr(other, method)).parameters.values())
        pairs = zip(found, expected, strict=False)
        assert all((a.name, a.default, a.kind) == (b.name, b.default, b.kind) for a, b in pairs), method
        assert all(each.kind is each.KEYWORD_ONLY for each in found[len(expected) :]), method
        assert inspect.getdoc(getattr(one, method)), method


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_attributes(name, solver):
    """fastnet's estimator has all attributes of scikit-learn's, and no others that scikit-learn documents."""
    x, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40) % 3
    one, other = (each(solver=solver, max_iter=2).fit(x, y) for each in both(name))
    documented = re.findall(r"^ {4}(\w+_) : ", inspect.getdoc(other).replace("\n", "\n    "), re.M)
    assert len(documented) > 10
    there = {each for each in vars(other) if each.endswith("_") and not each.startswith("_")}
    assert there <= set(vars(one))
    for attribute in {*documented, *there}:
        assert hasattr(one, attribute) == hasattr(other, attribute), attribute
        found, expected = getattr(one, attribute, None), getattr(other, attribute, None)
        assert isinstance(expected, type(found)), attribute  # numpy.float64 is a subclass of float


WRONG = [
    {"hidden_layer_sizes": -1}, {"hidden_layer_sizes": (3, 0)}, {"activation": "step"}, {"solver": "newton"},
    {"alpha": -1}, {"alpha": "0"}, {"batch_size": 0}, {"batch_size": "all"}, {"learning_rate": "fast"},
    {"learning_rate_init": 0}, {"power_t": -1}, {"max_iter": 0}, {"max_iter": 1.5}, {"shuffle": "no"},
    {"random_state": "seed"}, {"tol": -1}, {"verbose": "yes"}, {"warm_start": "no"}, {"momentum": 1.1},
    {"nesterovs_momentum": None}, {"early_stopping": "no"}, {"validation_fraction": 1}, {"beta_1": 1}, {"beta_2": -0.1},
    {"epsilon": 0}, {"n_iter_no_change": 0}, {"max_fun": 0},
]  # fmt: skip


@pytest.mark.parametrize("parameter", WRONG, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_wrong_parameters(name, parameter):
    """fastnet and scikit-learn raise a `ValueError` whose message names the parameter."""
    x, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40) % 2
    for each in both(name):
        with pytest.raises(ValueError, match=next(iter(parameter))):
            each(**parameter).fit(x, y)
