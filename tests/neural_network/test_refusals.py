"""What the classifier refuses, with a line that names it, and stays as it was."""

import pickle
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from fastnet.estimator.settings import Settings
from fastnet.estimator.training import ClassifierLearner
from sklearn.exceptions import ConvergenceWarning

from fastnet import Dataset, NetworkClassifier
from fastnet.engines.contract import Engine

X = np.random.default_rng(0).random((20, 4))
Y = np.arange(20) % 3
NAN, INFINITY = float("nan"), float("inf")
STEEP = {"hidden_layer_sizes": (10, 10), "learning_rate_init": 1e30}


def with_a(value):
    copy = X.copy()
    copy[5, 1] = value
    return copy


def masked(values):
    """Mask the second row, or the second of a vector."""
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == 1)


def trained(**parameters):
    """Return a classifier that has what `fit` leaves, and `partial_fit` too: a velocity and a generator."""
    options = {"engine": "numpy", "momentum": 0.5, "dropout": 0.1, "random_state": 0, "max_iter": 1}
    classifier = NetworkClassifier((7,), **options)
    return classifier.partial_fit(X, Y, [0, 1, 2]).partial_fit(X, Y).set_params(**parameters)


def fresh(**parameters):
    return NetworkClassifier(**{"engine": "numpy", **parameters})


def assert_refused(classifier, call, error, message):
    """It raises, and all that the classifier has is as it was, bit by bit."""
    before = pickle.dumps(vars(classifier))
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        call(classifier)
    assert pickle.dumps(vars(classifier)) == before


@pytest.mark.parametrize(
    ("parameter", "error", "message"),
    [
        ({"hidden_layer_sizes": 0}, ValueError, "hidden_layer_sizes is 0; it must be at least 1"),
        ({"hidden_layer_sizes": (3, -1)}, ValueError, "hidden_layer_sizes is -1"),
        ({"hidden_layer_sizes": (3, "4")}, TypeError, "hidden_layer_sizes is '4'; it must be an integer"),
        ({"hidden_layer_sizes": 2.5}, TypeError, "hidden_layer_sizes is 2.5; it must be an integer, or a sequence of"),
        ({"hidden_layer_sizes": True}, TypeError, "hidden_layer_sizes is True"),
        ({"hidden_layer_sizes": None}, TypeError, "hidden_layer_sizes is None"),
        ({"hidden_layer_sizes": ""}, TypeError, "hidden_layer_sizes is ''; .* or a sequence of integers"),
        ({"hidden_layer_sizes": b"ab"}, TypeError, "hidden_layer_sizes is b'ab'; .* or a sequence of integers"),
        ({"hidden_layer_sizes": {3, 4}}, TypeError, "hidden_layer_sizes is {3, 4}; .* or a sequence of integers"),
        ({"hidden_layer_sizes": {3: 4}}, TypeError, "hidden_layer_sizes is {3: 4}; .* or a sequence of integers"),
        ({"hidden_layer_sizes": [[3], [4]]}, TypeError, r"hidden_layer_sizes is \[3\]; it must be an integer"),
        ({"hidden_layer_sizes": 10**13}, ValueError, r"its weights need [\d,]+ GiB, and this machine has"),
        ({"activation": "step"}, ValueError, "activation is 'step'; it must be one of"),
        ({"cost": "hinge"}, ValueError, "cost is 'hinge'; it must be one of"),
        ({"engine": "jax"}, ValueError, "engine is 'jax'; it must be one of"),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16'; it must be float32 or float64"),
        ({"alpha": -1}, ValueError, "alpha is -1.0; it must be finite and not negative"),
        ({"alpha": NAN}, ValueError, "alpha is nan"),
        ({"alpha": "0"}, TypeError, "alpha is '0'; it must be a number"),
        ({"alpha": 1e300}, ValueError, r"alpha is 1e\+300; it must be finite and not negative in float32"),
        ({"batch_size": 0}, ValueError, "batch_size is 0; it must be at least 1"),
        ({"batch_size": 10.0}, TypeError, "batch_size is 10.0; it must be an integer"),
        ({"learning_rate_init": 0}, ValueError, "learning_rate_init is 0.0; it must be positive and finite"),
        ({"learning_rate_init": INFINITY}, ValueError, "learning_rate_init is inf"),
        ({"learning_rate_init": 1e39}, ValueError, r"learning_rate_init is 1e\+39; .* positive and finite in float32"),
        ({"learning_rate_init": 1e-50}, ValueError, "learning_rate_init is 1e-50; .* positive and finite in float32"),
        ({"max_iter": 0}, ValueError, "max_iter is 0"),
        ({"momentum": 1}, ValueError, "momentum is 1.0; it must be at least 0 and less than 1"),
        ({"dropout": 1.5}, ValueError, "dropout is 1.5"),
        ({"dropout": 0.5, "hidden_layer_sizes": ()}, ValueError, "there are no hidden neurons to drop"),
        ({"early_stopping": "no"}, TypeError, "early_stopping is 'no'; it must be True or False"),
        ({"early_stopping": None}, TypeError, "early_stopping is None; it must be True or False"),
        ({"warm_start": 2}, TypeError, "warm_start is 2; it must be True or False"),
        ({"verbose": 10}, TypeError, "verbose is 10; it must be True or False"),
        ({"validation_fraction": 1}, ValueError, "validation_fraction is 1"),
        ({"n_iter_no_change": 0}, ValueError, "n_iter_no_change is 0"),
        ({"tol": -1}, ValueError, "tol is -1.0"),
        ({"random_state": "seed"}, ValueError, "'seed' cannot be used to seed"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_parameter(method, parameter, error, message):
    arguments = (X, Y) if method == "fit" else (X, Y, [0, 1, 2])
    assert_refused(fresh(**parameter), lambda c: getattr(c, method)(*arguments), error, message)
    if parameter != {"hidden_layer_sizes": 10**13}:  # `partial_fit` says that there are 7
        assert_refused(trained(**parameter), lambda c: getattr(c, method)(*arguments), error, message)


def test_what_float64_can_hold():
    with np.errstate(over="ignore"), pytest.warns(ConvergenceWarning):
        fresh(dtype="float64", learning_rate_init=1e-50, max_iter=1).fit(X, Y)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="the network diverged"):
        fresh(dtype="float64", alpha=1e300).fit(X, Y)


@pytest.mark.parametrize("parameter", ["early_stopping", "warm_start", "verbose"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_flag_may_be_numpys(parameter):
    fresh(max_iter=1, validation_fraction=0.5, **{parameter: np.bool_(True)}).fit(X, Y)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:0], Y[:0], ValueError, "minimum of 1 is required"),
        (X[:, 0], Y, ValueError, "Expected 2D array"),
        (X, Y[:5], ValueError, "inconsistent numbers of samples"),
        (with_a(NAN), Y, ValueError, "X contains NaN"),
        (with_a(INFINITY), Y, ValueError, "X contains infinity"),
        (with_a(1e300), Y, ValueError, "X contains infinity or a value too large"),
        (X + 1j, Y, ValueError, "Complex data not supported"),
        (masked(X), Y, TypeError, "X: something is masked"),
        (list(masked(X)), Y, TypeError, "X: something is masked"),
        (X, masked(Y), TypeError, "y: something is masked"),
        (X, Y + 0.5, ValueError, "y: Unknown label type"),
        (X, np.where(Y == 1, NAN, Y), ValueError, "y contains NaN"),
        (X, np.where(Y == 1, None, "a"), TypeError, "y: '<' not supported"),
        (X, np.zeros(20), ValueError, "one class only"),
    ],
)
def test_data(x, y, error, message):
    for classifier in (fresh(), trained()):
        assert_refused(classifier, lambda c: c.fit(x, y), error, message)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:, :3], Y, ValueError, "X has 3 features, but NetworkClassifier is expecting 4"),
        (with_a(NAN), Y, ValueError, "X contains NaN"),
        (masked(X), Y, TypeError, "X: something is masked"),
        (X, masked(Y), TypeError, "y: something is masked"),
        (X, Y + 1, ValueError, r"y has the label 3; the classes are \[0, 1, 2\]"),
    ],
)
def test_data_to_go_on_with(x, y, error, message):
    assert_refused(trained(), lambda c: c.partial_fit(x, y), error, message)
    assert_refused(trained(warm_start=True), lambda c: c.fit(x, y), error, message)


def test_data_to_predict():
    for predict in (NetworkClassifier.predict, NetworkClassifier.predict_proba):
        assert_refused(trained(), lambda c, predict=predict: predict(c, masked(X)), TypeError, "X: something is masked")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_masked_arrays_of_which_nothing_is_masked_are_as_others():
    plain, whole = (fresh(random_state=0, max_iter=1).fit(f(X), f(Y)) for f in (np.array, np.ma.array))
    np.testing.assert_array_equal(plain.predict_proba(X), whole.predict_proba(np.ma.array(X)))


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([], ValueError, r"classes is \[\]; it must be a sequence of at least two labels that can be sorted"),
        ([1, 1], ValueError, r"classes is \[1, 1\]; it must be"),
        ("abc", ValueError, "classes is 'abc'; it must be"),
        (3, ValueError, "classes is 3; it must be"),
        ({0, 1, 2}, ValueError, "classes is {0, 1, 2}; it must be"),
        ((n for n in range(3)), ValueError, "classes is <generator object .*; it must be"),
        ([[0, 1], [2, 3]], ValueError, r"classes is \[\[0, 1\], \[2, 3\]\]; it must be"),
        ([[0, 1], 2], ValueError, r"classes is \[\[0, 1\], 2\]; it must be"),
        ([0, None], ValueError, r"classes is \[0, None\]; it must be"),
        ([0, 1, 2, NAN], ValueError, r"classes is \[0, 1, 2, nan\]; it must be"),
        (masked([0, 1, 2]), TypeError, "classes: something is masked"),
        ([0, 1], ValueError, r"y has the label 2; the classes are \[0, 1\]|classes are \[0, 1\]; in the first call"),
    ],
)
def test_classes(classes, error, message):
    for classifier in (fresh(), trained()):
        assert_refused(classifier, lambda c: c.partial_fit(X, Y, classes), error, message)


def no_engine(self, *arguments):
    raise AssertionError("an engine is about to see it")


@pytest.mark.parametrize(
    ("attribute", "i", "value", "error", "message"),
    [
        ("coefs_", 0, np.ones((5, 7)), ValueError, r"coefs_\[0\] has shape \(5, 7\); .* it must be \(4, 7\)"),
        ("coefs_", 0, np.ones((4, 8)), ValueError, r"coefs_\[0\] has shape \(4, 8\); .* it must be \(4, 7\)"),
        ("coefs_", 1, np.ones((8, 3)), ValueError, r"coefs_\[1\] has shape \(8, 3\); .* it must be \(7, 3\)"),
        ("coefs_", 1, np.ones((7, 4)), ValueError, r"coefs_\[1\] has shape \(7, 4\); .* it must be \(7, 3\)"),
        ("coefs_", 1, np.ones(21), ValueError, r"coefs_\[1\] has shape \(21,\); .* it must be \(7, 3\)"),
        ("coefs_", 1, 1.0, ValueError, r"coefs_\[1\] has shape \(\); .* it must be \(7, 3\)"),
        ("coefs_", 0, np.full((4, 7), NAN), ValueError, r"coefs_\[0\] has a number that is not a number"),
        ("coefs_", 0, np.full((4, 7), -INFINITY), ValueError, r"coefs_\[0\] has a number that is infinite"),
        ("coefs_", 0, np.full((4, 7), 1e39), ValueError, r"coefs_\[0\] has the number 1e\+39, which float32 cannot"),
        ("coefs_", 1, np.ones((7, 3), complex), TypeError, r"coefs_\[1\] are of type complex128; .* real numbers"),
        ("coefs_", 0, "ones", TypeError, r"coefs_\[0\] are of type <U4; .* real numbers"),
        ("coefs_", 0, [[1], [2, 3]], ValueError, r"coefs_\[0\] are ragged"),
        ("coefs_", 0, masked(np.ones((4, 7))), TypeError, r"coefs_\[0\]: something is masked"),
        ("intercepts_", 0, np.ones(6), ValueError, r"coefs_\[0\] has shape \(4, 7\); .*intercepts_.* be \(4, 6\)"),
        ("intercepts_", 0, [], ValueError, r"the size of intercepts_\[0\] is 0; it must be at least 1"),
        ("intercepts_", 1, np.ones(4), ValueError, r"intercepts_\[1\] has shape \(4,\); .* it must be \(3,\)"),
        ("intercepts_", 1, np.ones((3, 1)), ValueError, r"intercepts_\[1\] has shape \(3, 1\); .* it must be \(3,\)"),
        ("intercepts_", 1, [0, NAN, 0], ValueError, r"intercepts_\[1\] has a number that is not a number"),
        ("intercepts_", 0, ["a"] * 7, TypeError, r"intercepts_\[0\] are of type <U1"),
        ("intercepts_", 0, masked(np.ones(7)), TypeError, r"intercepts_\[0\]: something is masked"),
        ("coefs_", None, None, TypeError, "coefs_ is None; it must be a list of arrays"),
        ("intercepts_", None, {}, TypeError, "intercepts_ is {}; it must be a list of arrays"),
        ("coefs_", None, [], ValueError, "coefs_ has 0 arrays, and intercepts_ 2; each must have one a layer"),
        ("intercepts_", None, [np.ones(3)], ValueError, "coefs_ has 2 arrays, and intercepts_ 1"),
    ],
)
def test_what_is_assigned(monkeypatch, attribute, i, value, error, message):
    classifier = trained(warm_start=True)
    if i is None:
        setattr(classifier, attribute, value)
    else:
        getattr(classifier, attribute)[i] = value
    monkeypatch.setattr(Settings, "make_engine", no_engine)
    for method, arguments in {"predict": [X], "predict_proba": [X], "fit": [X, Y], "partial_fit": [X, Y]}.items():
        assert_refused(
            classifier, lambda c, method=method, arguments=arguments: getattr(c, method)(*arguments), error, message
        )


def test_another_network_may_be_assigned():
    """With other hidden layers, if it has the same inputs and outputs; to go on, the parameters have to say so."""
    other = trained()
    other.coefs_ = [np.ones((4, 2)), np.ones((2, 5)), np.eye(5, 3)]
    other.intercepts_ = [[0, 0], np.zeros(5, int), (0.0, 0.5, 0.0)]
    assert other.predict(X).tolist() == [1] * 20
    assert_refused(other, lambda c: c.partial_fit(X, Y), ValueError, r"hidden_layer_sizes is \(7,\), .* has \(2, 5\)")
    other.set_params(hidden_layer_sizes=(2, 5)).partial_fit(X, Y)
    assert [w.shape for w in other.coefs_] == [(4, 2), (2, 5), (5, 3)]


def interrupt(*arguments, **keywords):
    raise KeyboardInterrupt("while it computes")


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_training_that_diverges(engine):
    """Of other inputs, and other classes, than the classifier knew."""
    names = np.array(["a", "b", "c", "d"])[np.arange(20) % 4]
    for classifier in (fresh(**STEEP), trained(**STEEP)):
        classifier.set_params(engine=engine)
        assert_refused(classifier, lambda c: c.fit(X[:, :3], names), ValueError, "the network diverged")
    goes_on = trained(warm_start=True, learning_rate_init=1e38, engine=engine)
    assert_refused(goes_on, lambda c: c.fit(X, Y), ValueError, "the network diverged")


def test_a_call_of_partial_fit_that_diverges_takes_nothing_from_the_generator():
    one, other = trained(), trained()
    assert_refused(one.set_params(learning_rate_init=1e38), lambda c: c.partial_fit(X, Y), ValueError, "diverged")
    for each in (one, other):
        each.set_params(learning_rate_init=0.1).partial_fit(X, Y)
    assert pickle.dumps(vars(one)) == pickle.dumps(vars(other))


def test_weights_that_are_no_numbers_where_the_loss_is_one():
    """Of ReLU neurons that always give 0."""
    settings = Settings.of(vars(fresh(hidden_layer_sizes=3, alpha=0)))
    weights, biases = [np.full((3, 4), -INFINITY), np.zeros((3, 3))], [np.zeros((3, 1)), np.zeros((3, 1))]
    architecture = settings.architecture(4, 3)
    parameters = architecture.parameters(weights, biases)
    learner = ClassifierLearner(settings, architecture, parameters, Dataset(X, Y), np.random.RandomState(0))
    assert np.isfinite(learner.findings().training_cost)
    with pytest.raises(ValueError, match="diverged, its weights are infinite or not a number"):
        learner.run(1, print)


def test_a_class_of_which_no_part_can_be_kept_out():
    y = np.where(np.arange(20) == 7, 3, Y)
    for classifier in (fresh(early_stopping=True), trained(early_stopping=True)):
        assert_refused(classifier, lambda c: c.fit(X, y), ValueError, "least populated class")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Engine, "measure"),
        (NetworkClassifier, "_report"),
        (ClassifierLearner, "parameters"),
        (ClassifierLearner, "continuation"),
    ],
)
def test_an_interrupt(monkeypatch, owner, name):
    """After the network is trained, and after all is kept."""
    classifiers = fresh(), trained(), trained(warm_start=True)
    monkeypatch.setattr(owner, name, interrupt)
    for classifier in classifiers:
        assert_refused(classifier, lambda c: c.partial_fit(X, Y, [0, 1, 2]), KeyboardInterrupt, "while it computes")
        if name != "continuation":
            assert_refused(classifier, lambda c: c.fit(X[:, ::-1], Y), KeyboardInterrupt, "while it computes")


def test_what_is_drawn_from_a_generator_of_the_users_stays_drawn():
    """So that another attempt may end in another way."""
    random = np.random.RandomState(0)
    before = random.get_state()[2]
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="diverged"):
        fresh(random_state=random, **STEEP).fit(X, Y)
    assert random.get_state()[2] != before


def test_a_warning_that_is_an_error_loses_nothing():
    expected, classifier = fresh(random_state=0, max_iter=2), fresh(random_state=0, max_iter=2)
    with pytest.warns(ConvergenceWarning):
        expected.fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            classifier.fit(X, Y)
    assert pickle.dumps(vars(classifier)) == pickle.dumps(vars(expected))
