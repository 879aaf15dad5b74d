"""An invalid value raises an error that names the parameter or argument, and leaves the estimator unchanged."""

import pickle
import signal
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from fastnet import BatchNormalization, Dataset, Dense
from fastnet.engines.numpy import Engine
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.neural_network import MLPClassifier, MLPRegressor, solvers
from fastnet.neural_network.callbacks import Callbacks
from fastnet.neural_network.settings import Settings
from fastnet.neural_network.stochastic import Samples, StochasticLearner
from fastnet.neural_network.stopping import Rule

KINDS = MLPClassifier, MLPRegressor
BOTH = pytest.mark.parametrize("kind", KINDS)
X = np.random.default_rng(0).random((20, 4), np.float32)
Y = np.arange(20) % 3
TARGETS = {MLPClassifier: Y, MLPRegressor: np.eye(3)[Y]}
CLASSES = {MLPClassifier: {"classes": [0, 1, 2]}, MLPRegressor: {}}
NAN, INFINITY = float("nan"), float("inf")
STEEP = {"hidden_layer_sizes": (10, 10), "learning_rate_init": 1e30, "batch_size": 5}


def with_a(value):
    copy = X.astype(np.float64)
    copy[5, 1] = value
    return copy


def masked(values):
    """Return a masked array in which the second element in row-major order is masked."""
    return np.ma.array(values, mask=np.arange(np.size(values)).reshape(np.shape(values)) == 1)


def trained(kind=MLPClassifier, **parameters):
    """Return an estimator after two calls of `partial_fit`, so that it has a solver state."""
    estimator = kind(hidden_layer_sizes=(7,), engine="numpy", dropout=0.1, random_state=0, max_iter=1)
    estimator.partial_fit(X, TARGETS[kind], **CLASSES[kind]).partial_fit(X, TARGETS[kind])
    return estimator.set_params(**parameters)


def fresh(kind=MLPClassifier, **parameters):
    return kind(**{"engine": "numpy", **parameters})


def assert_refused(estimator, call, error, message):
    """Check that the call raises, and that no bit of the estimator's attributes changes."""
    before = pickle.dumps(vars(estimator))
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        call(estimator)
    assert pickle.dumps(vars(estimator)) == before


@pytest.mark.parametrize(
    ("parameter", "error", "message"),
    [
        ({"hidden_layer_sizes": 0}, ValueError, "hidden_layer_sizes is 0; it must be at least 1"),
        ({"hidden_layer_sizes": (3, -1)}, ValueError, r"hidden_layer_sizes\[1\] is -1"),
        ({"hidden_layer_sizes": (3, "4")}, TypeError, r"hidden_layer_sizes\[1\] is '4'; it must be an integer"),
        ({"hidden_layer_sizes": 2.5}, TypeError, "hidden_layer_sizes is 2.5; it must be an integer, or a sequence of"),
        ({"hidden_layer_sizes": True}, TypeError, "hidden_layer_sizes is True"),
        ({"hidden_layer_sizes": None}, TypeError, "hidden_layer_sizes is None"),
        ({"hidden_layer_sizes": ""}, TypeError, "hidden_layer_sizes is ''; .* or a sequence of integers"),
        ({"hidden_layer_sizes": b"ab"}, TypeError, "hidden_layer_sizes is b'ab'; .* or a sequence of integers"),
        ({"hidden_layer_sizes": {3, 4}}, TypeError, "hidden_layer_sizes is {3, 4}; .* or a sequence of integers"),
        ({"hidden_layer_sizes": {3: 4}}, TypeError, "hidden_layer_sizes is {3: 4}; .* or a sequence of integers"),
        ({"hidden_layer_sizes": [[3], [4]]}, TypeError, r"hidden_layer_sizes\[0\] is \[3\]; it must be an integer"),
        ({"hidden_layer_sizes": 10**13}, ValueError, r"its weights need [\d,]+ GiB, and this machine has"),
        ({"activation": "step"}, ValueError, "The 'activation' parameter of MLP.* must be a str among .*'leaky_relu'"),
        ({"engine": "jax"}, ValueError, "The 'engine' parameter of MLP.* must be a str among .*Got 'jax' instead"),
        (
            {"alpha": -1},
            ValueError,
            r"The 'alpha' parameter of MLP.* a float in the range \[0.0, inf\). Got -1 instead",
        ),
        ({"alpha": NAN}, ValueError, "The 'alpha' parameter .* Got nan instead"),
        ({"alpha": INFINITY}, ValueError, "The 'alpha' parameter .* Got inf instead"),
        ({"alpha": 1e300}, ValueError, r"alpha is 1e\+300; it must be finite and not negative in float32"),
        ({"learning_rate_init": INFINITY}, ValueError, "The 'learning_rate_init' parameter .* Got inf instead"),
        ({"learning_rate_init": 1e39}, ValueError, r"learning_rate_init is 1e\+39; .* positive and finite in float32"),
        ({"learning_rate_init": 1e-50}, ValueError, "learning_rate_init is 1e-50; it must be at least 1.18e-38"),
        ({"dropout": 1}, ValueError, r"The 'dropout' parameter of MLP.* in the range \[0.0, 1.0\). Got 1 instead"),
        ({"dropout": "0"}, ValueError, "The 'dropout' parameter of MLP.* Got '0' instead"),
        ({"dropout": 0.5, "hidden_layer_sizes": ()}, ValueError, "there are no hidden neurons to drop"),
        ({"keep_if_interrupted": "no"}, ValueError, "The 'keep_if_interrupted' parameter of MLP.* Got 'no' instead"),
        ({"random_state": "seed"}, ValueError, "The 'random_state' parameter of MLP.* Got 'seed' instead"),
    ],
    ids=str,
)
@BOTH
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_parameter(method, kind, parameter, error, message):
    classes = CLASSES[kind] if method == "partial_fit" else {}

    def call(estimator):
        getattr(estimator, method)(X, TARGETS[kind], **classes)

    assert_refused(fresh(kind, **parameter), call, error, message)
    # With `hidden_layer_sizes` 10**13, `partial_fit` of a trained estimator says that its arrays have 7 hidden neurons.
    if parameter != {"hidden_layer_sizes": 10**13}:
        assert_refused(trained(kind, **parameter), call, error, message)


@pytest.mark.parametrize(
    ("kind", "parameter", "message"),
    [
        (
            MLPClassifier,
            {"class_weight": "even"},
            "The 'class_weight' parameter of MLPClassifier .* Got 'even' instead",
        ),
        (MLPRegressor, {"loss": "hinge"}, "The 'loss' parameter of MLPRegressor .*'quantile'.* Got 'hinge' instead"),
        (MLPRegressor, {"quantile": 1}, r"The 'quantile' parameter .* range \(0.0, 1.0\). Got 1 instead"),
        (MLPRegressor, {"huber_delta": 0}, r"The 'huber_delta' parameter .* range \(0.0, inf\). Got 0 instead"),
    ],
)
def test_a_parameter_of_one_of_them(kind, parameter, message):
    for estimator in (fresh(kind, **parameter), trained(kind, **parameter)):
        assert_refused(estimator, lambda e: e.fit(X, TARGETS[kind]), ValueError, message)


@pytest.mark.parametrize("parameter", ["alpha", "learning_rate_init", "power_t", "tol", "epsilon"])
def test_an_integer_that_is_too_large_for_a_float(parameter):
    for classifier in (fresh(), trained()):
        classifier.set_params(**{parameter: 10**400})
        assert_refused(classifier, lambda c: c.fit(X, Y), ValueError, f"{parameter} is inf; it must be finite")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("x", [X, masked(X)], ids=["X", "masked"])
def test_a_wrong_parameter_is_named_before_a_wrong_argument(method, x):
    """As in scikit-learn, the error names `alpha`, although `y` is too short and `partial_fit` gets no `classes`."""
    assert_refused(fresh(alpha=-1), lambda c: getattr(c, method)(x, Y[:3]), ValueError, "The 'alpha' parameter")


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes is 2.5; it must be an integer"),
        ({"hidden_layer_sizes": (7, 7)}, "coefs_ has 2 arrays; to fit hidden_layer_sizes, it must have 3"),
        ({"image_shape": (1, 3, 3)}, r"image_shape is \(1, 3, 3\), 9 numbers"),
        ({"engine": "jax"}, "engine"),
        ({"activation": "step"}, "activation"),
    ],
    ids=str,
)
@BOTH
def test_a_parameter_to_predict_with(kind, parameter, message):
    if parameter == {"hidden_layer_sizes": (7, 7)}:  # `predict` does not compare integers with `coefs_`
        parameter = {"hidden_layer_sizes": (Dense(7), Dense(7))}
    estimator = trained(kind)
    estimator.predict(X)
    estimator.set_params(**parameter)
    for predict in (kind.predict, kind.transform):
        assert_refused(estimator, lambda e, predict=predict: predict(e, X), (TypeError, ValueError), message)


@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_float64_can_hold(kind):
    x, y = X.astype(np.float64), TARGETS[kind]
    assert fresh(kind, learning_rate_init=1e-50, max_iter=1).fit(x, y).coefs_[0].dtype == np.float64
    steep = fresh(kind, alpha=1e300, solver="sgd")
    assert_refused(steep, lambda e: e.fit(x, y), ValueError, "the network diverged")


@pytest.mark.parametrize("parameter", ["early_stopping", "warm_start", "verbose", "shuffle", "keep_if_interrupted"])
@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_flag_may_be_numpys(kind, parameter):
    estimators = (
        fresh(kind, random_state=0, max_iter=2, validation_fraction=0.5, **{parameter: value}).fit(X, TARGETS[kind])
        for value in (True, np.bool_(True))
    )
    np.testing.assert_array_equal(*(each.coefs_[0] for each in estimators))


DATA = [
    (X[:0], Y[:0], ValueError, "minimum of 1 is required"),
    (X[:, 0], Y, ValueError, "Expected 2D array"),
    (X, Y[:5], ValueError, "inconsistent numbers of samples"),
    (with_a(NAN), Y, ValueError, "X contains NaN"),
    (with_a(INFINITY), Y, ValueError, "X contains infinity"),
    (X + 1j, Y, ValueError, "Complex data not supported"),
    (np.full((20, 4), "a"), Y, ValueError, "could not convert string to float"),
    (masked(X), Y, TypeError, "X: masked values are not allowed"),
    (list(masked(X)), Y, TypeError, "X: masked values are not allowed"),
    (X, masked(Y), TypeError, "y: masked values are not allowed"),
    (X, np.where(Y == 1, NAN, Y), ValueError, "y contains NaN"),
]
OF_LABELS = [
    (X, Y + 0.5, ValueError, "y: Unknown label type: continuous"),
    (X, np.c_[Y, Y], ValueError, "y: Unknown label type: multiclass-multioutput"),
    (X, np.where(Y == 1, None, "a"), TypeError, "y: '<' not supported"),
]
OF_NUMBERS = [
    (X, np.where(Y == 1, "b", "a"), ValueError, "y is of type <U1; it must have numbers"),
    (X, np.where(Y == 1, INFINITY, Y), ValueError, "y contains infinity"),
    (X, np.ones((20, 3, 2)), ValueError, "Found array with dim 3"),
]


@pytest.mark.parametrize(
    ("kind", "x", "y", "error", "message"),
    [
        *((kind, *data) for kind in KINDS for data in DATA),
        *((MLPClassifier, *data) for data in OF_LABELS),
        *((MLPRegressor, *data) for data in OF_NUMBERS),
    ],
)
def test_data(kind, x, y, error, message):
    for estimator in (fresh(kind), trained(kind)):
        assert_refused(estimator, lambda e: e.fit(x, y), error, message)
        assert_refused(estimator, lambda e: e.partial_fit(x, y, **CLASSES[kind]), error, message)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (np.ones(19), ValueError, r"sample_weight.shape == \(19,\), expected \(20,\)"),
        (np.ones((20, 2)), ValueError, "Sample weights must be 1D array or scalar"),
        (-np.ones(20), ValueError, "Negative values in data passed to `sample_weight`"),
        (np.where(Y == 1, NAN, 1), ValueError, "sample_weight contains NaN"),
        (np.zeros(20), ValueError, "[Ss]ample weights"),
        (masked(np.ones(20)), TypeError, "sample_weight: masked values are not allowed"),
        (np.full(20, 1e-310), ValueError, "sample_weight is at most 1e-310, and alpha is 0.0001"),
    ],
)
@BOTH
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_of_samples(kind, weights, error, message):
    y = TARGETS[kind]
    for estimator in (fresh(kind), trained(kind)):
        assert_refused(estimator, lambda e: e.fit(X, y, weights), error, message)
        assert_refused(estimator, lambda e: e.partial_fit(X, y, weights, **CLASSES[kind]), error, message)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X, None, ValueError, "X_val is given, but y_val is not; give both"),
        (X[:, :3], Y, ValueError, "X_val and y_val: X has 3 features"),
        (with_a(NAN), Y, ValueError, "X_val and y_val: Input X contains NaN"),
        (X, Y[:5], ValueError, "X_val and y_val: Found input variables with inconsistent numbers of samples"),
        (with_a(1e39), Y, ValueError, "X_val has a number that is too large for float32; scale it"),
        (sparse.csr_array(with_a(1e39)), Y, ValueError, "X_val has a number that is too large for float32"),
        (masked(X), Y, TypeError, "masked values are not allowed"),
        (X, Y + 1, ValueError, r"X_val and y_val: y has the labels \[3\]; the classes are \[0, 1, 2\]"),
    ],
)
def test_validation_data(x, y, error, message):
    for classifier in (fresh(early_stopping=True), trained(early_stopping=True)):
        assert_refused(classifier, lambda c: c.fit(X, Y, X_val=x, y_val=y), error, message)


def test_a_classifier_may_be_validated_with_one_sample():
    classifier = fresh(early_stopping=True).fit(X, Y, X_val=X[:1], y_val=Y[:1])
    assert set(classifier.validation_scores_) <= {0, 1}


def test_validation_data_that_would_not_be_used():
    assert_refused(
        fresh(), lambda c: c.fit(X, Y, X_val=X, y_val=Y), ValueError, "X_val is given, but early_stopping is"
    )


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, Y, "X_val and y_val: y has"),
        (X[:1], TARGETS[MLPRegressor][:1], "X_val has 1 sample; the score R.2 needs at least two"),
        (X, 1e39 * TARGETS[MLPRegressor], "y_val has a number that is too large for float32"),
        (3e38 * X, TARGETS[MLPRegressor], "the network diverged, its validation score is nan"),
    ],
)
def test_validation_data_of_a_regressor(x, y, message):
    for make in (fresh, trained):
        regressor = make(MLPRegressor, early_stopping=True, hidden_layer_sizes=7, random_state=0)
        assert_refused(regressor, lambda r: r.fit(X, TARGETS[MLPRegressor], X_val=x, y_val=y), ValueError, message)


@pytest.mark.parametrize(
    ("kind", "x", "y", "error", "message"),
    [
        (MLPClassifier, X[:, :3], Y, ValueError, "X has 3 features, but MLPClassifier is expecting 4"),
        (MLPRegressor, X[:, :3], Y, ValueError, "X has 3 features, but MLPRegressor is expecting 4"),
        (MLPClassifier, with_a(NAN), Y, ValueError, "X contains NaN"),
        (MLPClassifier, masked(X), Y, TypeError, "X: masked values are not allowed"),
        (MLPClassifier, X, masked(Y), TypeError, "y: masked values are not allowed"),
        (MLPClassifier, X, Y + 1, ValueError, r"y has the labels \[3\]; the classes are \[0, 1, 2\]"),
        (MLPRegressor, X, Y, ValueError, "y has 1 outputs; the fitted network has 3"),
    ],
)
def test_data_to_continue_with(kind, x, y, error, message):
    assert_refused(trained(kind), lambda e: e.partial_fit(x, y), error, message)
    assert_refused(trained(kind, warm_start=True), lambda e: e.fit(x, y), error, message)


SEVERAL = np.eye(3, dtype=int)[Y]


@pytest.mark.parametrize(
    ("fitted", "y", "message"),
    [
        (SEVERAL, Y, "y has one label for each sample; the classifier was fitted to a row of zeros and ones"),
        (SEVERAL, Y % 2, "y has one label for each sample; the classifier was fitted to a row of zeros and ones"),
        (SEVERAL, SEVERAL[:, :2], "y has 2 columns; it must have one for each of the 3 classes"),
        (SEVERAL, np.c_[SEVERAL, Y % 2], "y has 4 columns; it must have one for each of the 3 classes"),
        (Y, SEVERAL, "y has a row of zeros and ones for each sample; the classifier was fitted to one label"),
        (
            Y % 2,
            SEVERAL[:, :2],
            "y has a row of zeros and ones for each sample; the classifier was fitted to one label",
        ),
    ],
)
def test_targets_of_another_kind_than_those_before(fitted, y, message):
    classes = [0, 1] if fitted.max() == 1 and fitted.ndim == 1 else [0, 1, 2]
    known = fresh(hidden_layer_sizes=7).partial_fit(X, fitted, classes=classes)
    assert_refused(known, lambda c: c.partial_fit(X, y), ValueError, message)
    known.set_params(warm_start=True)
    assert_refused(known, lambda c: c.fit(X, y), ValueError, message)
    for classifier in (known, fresh()):
        classifier.set_params(early_stopping=True)
        assert_refused(classifier, lambda c: c.fit(X, fitted, X_val=X, y_val=y), ValueError, message)


def test_as_many_columns_as_classes():
    message = "y has 3 columns; it must have one for each of the 4 classes"
    assert_refused(fresh(), lambda c: c.partial_fit(X, SEVERAL, classes=[0, 1, 2, 3]), ValueError, message)


def test_counts_are_not_negative():
    for regressor in (fresh(MLPRegressor, loss="poisson"), trained(MLPRegressor, loss="poisson")):
        assert_refused(regressor, lambda r: r.fit(X, Y - 1), ValueError, "y has the number -1; with loss='poisson'")


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (masked(X), TypeError, "X: masked values are not allowed"),
        (with_a(NAN), ValueError, "X contains NaN"),
        (X[:, :3], ValueError, "X has 3 features"),
        (X[0], ValueError, "Expected 2D array"),
    ],
)
def test_data_to_predict(x, error, message):
    for kind, name in [
        *((kind, name) for kind in KINDS for name in ("predict", "transform")),
        (MLPClassifier, "predict_proba"),
    ]:
        assert_refused(trained(kind), lambda e, name=name: getattr(e, name)(x), error, message)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_masked_arrays_of_which_nothing_is_masked_are_as_others():
    plain, whole = (fresh(random_state=0, max_iter=1).fit(f(X), f(Y)) for f in (np.array, np.ma.array))
    np.testing.assert_array_equal(plain.predict_proba(X), whole.predict_proba(np.ma.array(X)))


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (None, ValueError, "classes must be passed on the first call"),
        ([], ValueError, r"0 samples: \[\]|classes=\[\]` is not the same as on last call"),
        ([1, 1], ValueError, r"y has the labels \[0, 2\]; the classes are \[1\]|is not the same as on last call"),
        ("abc", ValueError, "Expected array-like .* got 'abc'"),
        (3, ValueError, "Expected array-like .* got 3"),
        ({0, 1, 2}, ValueError, "Expected array-like .* got {0, 1, 2}"),
        ((n for n in range(3)), ValueError, "Expected array-like .* got <generator object"),
        ([[0, 1], [2, 3]], ValueError, "Unknown label type"),
        ([0, None], ValueError, "Unknown label type"),
        ([0.5, 1], ValueError, "Unknown label type"),
        ([0, 1, 2, NAN], ValueError, "contains NaN"),
        (masked([0, 1, 2]), TypeError, "classes: masked values are not allowed"),
        ([0, 1], ValueError, r"y has the labels \[2\]; the classes are \[0, 1\]|is not the same as on last call"),
    ],
)
def test_classes(classes, error, message):
    for classifier in (fresh(), trained()) if classes is not None else [fresh()]:
        assert_refused(classifier, lambda c: c.partial_fit(X, Y, classes=classes), error, message)


def no_engine(self, *arguments):
    raise AssertionError("an engine is made from invalid arrays")


@pytest.mark.parametrize(
    ("attribute", "i", "value", "error", "message"),
    [
        ("coefs_", 0, np.ones((5, 7)), ValueError, r"coefs_\[0\] has shape \(5, 7\); .* it must be \(4, 7\)"),
        ("coefs_", 0, np.ones((4, 8)), ValueError, r"coefs_\[0\] has shape \(4, 8\); .* it must be \(4, 7\)"),
        ("coefs_", 1, np.ones((8, 3)), ValueError, r"coefs_\[1\] has shape \(8, 3\); .* it must be \(7, 3\)"),
        ("coefs_", 1, np.ones((7, 4)), ValueError, r"coefs_\[1\] has shape \(7, 4\); .* it must be \(7, 3\)"),
        ("coefs_", 1, np.ones(21), ValueError, r"coefs_\[1\] has shape \(21,\); .* it must be \(7, 3\)"),
        ("coefs_", 1, 1.0, ValueError, r"coefs_\[1\] has shape \(\); .* it must be \(7, 3\)"),
        ("coefs_", 0, np.full((4, 7), NAN), ValueError, r"coefs_\[0\] contains NaN"),
        ("coefs_", 0, np.full((4, 7), -INFINITY), ValueError, r"coefs_\[0\] contains an infinite number"),
        ("coefs_", 1, np.full((7, 3), 1e39), ValueError, r"coefs_\[1\] has the number 1e\+39, which float32 cannot"),
        ("coefs_", 1, np.ones((7, 3), complex), TypeError, r"coefs_\[1\] are of type complex128; .* real numbers"),
        ("coefs_", 0, "ones", TypeError, r"coefs_\[0\] are of type <U4; .* real numbers"),
        ("coefs_", 0, [[1], [2, 3]], ValueError, r"coefs_\[0\] are ragged"),
        ("coefs_", 0, masked(np.ones((4, 7))), TypeError, r"coefs_\[0\]: masked values are not allowed"),
        ("intercepts_", 0, np.ones(6), ValueError, r"coefs_\[0\] has shape \(4, 7\); .*intercepts_.* be \(4, 6\)"),
        ("intercepts_", 0, [], ValueError, r"the size of intercepts_\[0\] is 0; it must be at least 1"),
        ("intercepts_", 1, np.ones(4), ValueError, r"intercepts_\[1\] has shape \(4,\); .* it must be \(3,\)"),
        ("intercepts_", 1, np.ones((3, 1)), ValueError, r"intercepts_\[1\] has shape \(3, 1\); .* it must be \(3,\)"),
        ("intercepts_", 1, [0, NAN, 0], ValueError, r"intercepts_\[1\] contains NaN"),
        ("intercepts_", 0, ["a"] * 7, TypeError, r"intercepts_\[0\] are of type <U1"),
        ("intercepts_", 0, masked(np.ones(7)), TypeError, r"intercepts_\[0\]: masked values are not allowed"),
        ("coefs_", None, None, TypeError, "coefs_ is None; it must be a list of arrays"),
        ("intercepts_", None, {}, TypeError, "intercepts_ is {}; it must be a list of arrays"),
        (
            "coefs_",
            None,
            [],
            ValueError,
            "coefs_ has 0 arrays, and intercepts_ 2; both must have one array for each layer",
        ),
        ("intercepts_", None, [np.ones(3)], ValueError, "coefs_ has 2 arrays, and intercepts_ 1"),
    ],
)
@BOTH
def test_what_is_assigned(monkeypatch, kind, attribute, i, value, error, message):
    """Invalid arrays are refused even if the estimator has cached an engine from an earlier prediction."""
    y = TARGETS[kind]
    calls = [
        lambda e: e.predict(X), lambda e: e.transform(X), lambda e: e.to_sklearn(), lambda e: e.fit(X, y),
        lambda e: e.partial_fit(X, y), *([lambda c: c.predict_proba(X)] if kind is MLPClassifier else []),
    ]  # fmt: skip
    new, used = trained(kind, warm_start=True), trained(kind, warm_start=True)
    used.predict(X)
    monkeypatch.setattr(Settings, "make_engine", no_engine)
    for estimator in (new, used):
        if i is None:
            setattr(estimator, attribute, value)
        else:
            getattr(estimator, attribute)[i] = value
        for call in calls:
            assert_refused(estimator, call, error, message)


def test_what_is_masked_in_the_array_that_was_predicted_with():
    classifier = trained()
    classifier.predict(X)
    classifier.coefs_[0] = masked(classifier.coefs_[0])
    assert_refused(classifier, lambda c: c.predict(X), TypeError, r"coefs_\[0\]: masked values are not allowed")


@BOTH
def test_another_network_may_be_assigned(kind):
    """If `hidden_layer_sizes` has only integers, `predict` accepts `coefs_` of other sizes. `partial_fit` does not."""
    y, other = TARGETS[kind], trained(kind)
    other.predict(X)
    other.coefs_ = [np.ones((4, 2)), np.ones((2, 5)), np.eye(5, 3)]
    other.intercepts_ = [[0, 0], np.zeros(5, int), (0.0, 0.5, 0.0)]
    sums = 2 * X.sum(axis=1, dtype=np.float64)  # output of each neuron of the second hidden layer
    expected = [1] * 20 if kind is MLPClassifier else sums[:, np.newaxis] + [0, 0.5, 0]
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-6)
    assert_refused(other, lambda c: c.partial_fit(X, y), ValueError, r"hidden_layer_sizes is \(7,\), .* has \(2, 5\)")
    other.set_params(hidden_layer_sizes=(2, 5)).partial_fit(X, y)
    assert [w.shape for w in other.coefs_] == [(4, 2), (2, 5), (5, 3)]


@BOTH
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_training_that_diverges(kind, engine, solver):
    """In the loop, the data have fewer inputs and other targets than those on which `trained` trains."""
    others = np.array(["a", "b", "c", "d"])[np.arange(20) % 4] if kind is MLPClassifier else 1.0 * Y
    for estimator in (fresh(kind, **STEEP), trained(kind, **STEEP)):
        estimator.set_params(engine=engine, solver=solver)
        assert_refused(estimator, lambda e: e.fit(X[:, :3], others), ValueError, "the network diverged")
    goes_on = trained(
        kind, warm_start=True, learning_rate_init=1e38, engine=engine, solver=solver, batch_size=5, max_iter=9
    )
    assert_refused(goes_on, lambda e: e.fit(X, TARGETS[kind]), ValueError, "the network diverged")


def test_lbfgs_that_diverges():
    x = 1e200 * X.astype(np.float64)
    for regressor in (fresh(MLPRegressor, solver="lbfgs"), trained(MLPRegressor, solver="lbfgs", dropout=0)):
        with pytest.warns(TrainingWarning, match="far from unit scale"):
            assert_refused(regressor, lambda r: r.fit(x, Y), ValueError, "the network diverged, its loss is")


@BOTH
def test_a_call_of_partial_fit_that_diverges_leaves_the_state_of_the_solver(kind):
    one, other = trained(kind, batch_size=5), trained(kind, batch_size=5)
    assert_refused(one, lambda e: e.partial_fit(3e38 * X, TARGETS[kind]), ValueError, "the network diverged")
    for each in (one, other):
        each.partial_fit(X, TARGETS[kind])
    assert pickle.dumps(vars(one)) == pickle.dumps(vars(other))


@BOTH
def test_weights_that_are_no_numbers_where_the_loss_is_one(kind):
    """With weights of -inf, ReLU neurons always give 0, so the loss stays finite."""
    estimator = fresh(kind, hidden_layer_sizes=3, alpha=0, solver="sgd")
    estimator._label_binarizer = trained()._label_binarizer
    settings = Settings.of(estimator, estimator._cost(3), X.dtype)
    weights, biases = [np.full((3, 4), -INFINITY), np.zeros((3, 3))], [np.zeros((3, 1)), np.zeros((3, 1))]
    architecture = settings.architecture(4, 3)
    samples = Samples(Dataset(X, np.eye(3, dtype=np.float32)[Y]), None, np.arange(20), None)
    learner = StochasticLearner(
        settings, architecture, architecture.parameters(weights, biases), samples, 20, np.random.RandomState(0), True,
        Rule(estimator, settings.rates, 20, 0.001, 0, -INFINITY, 0),
    )  # fmt: skip
    with pytest.raises(ValueError, match="diverged, its weights are infinite or NaN"):
        learner.run(1, print, lambda number: False)
    assert np.isfinite(learner._loss)
    assert learner.losses == []  # `losses` contains completed iterations only


def test_a_class_of_which_no_part_can_be_kept_out():
    y = np.arange(20) == 7
    for classifier in (fresh(early_stopping=True), trained(early_stopping=True)):
        assert_refused(classifier, lambda c: c.fit(X, y), ValueError, "least populated class")


@BOTH
def test_a_single_sample_is_too_few_to_validate_with(kind):
    parameters = {"early_stopping": True, "validation_fraction": 0.05}
    for estimator in (fresh(kind, **parameters), trained(kind, **parameters)):
        assert_refused(estimator, lambda e: e.fit(X, Y), ValueError, "validation set is too small: it has 1")


def interrupt(*arguments, **keywords):
    raise KeyboardInterrupt("interrupted by the test")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Engine, "epoch"),
        (StochasticLearner, "findings"),
        (MLPClassifier, "_report"),
        (StochasticLearner, "best_parameters"),
        (solvers, "_note"),
        (StochasticLearner, "continuation"),
        (Callbacks, "end"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_interrupt(monkeypatch, owner, name):
    """The interrupt comes during training, after training, or after the results are stored."""
    classifiers = fresh(), trained(), trained(warm_start=True)
    monkeypatch.setattr(owner, name, interrupt)
    for classifier in classifiers:
        assert_refused(
            classifier, lambda c: c.partial_fit(X, Y, classes=[0, 1, 2]), KeyboardInterrupt, "interrupted by the test"
        )
        assert_refused(classifier, lambda c: c.fit(X[:, ::-1], Y), KeyboardInterrupt, "interrupted by the test")


@BOTH
def test_an_interrupt_of_lbfgs(monkeypatch, kind):
    estimators = fresh(kind, solver="lbfgs"), trained(kind, solver="lbfgs", dropout=0)
    monkeypatch.setattr(kind, "_report", interrupt)
    for estimator in estimators:
        assert_refused(estimator, lambda e: e.fit(X[:, :3], Y), KeyboardInterrupt, "interrupted by the test")


def interrupted(monkeypatch, estimator, owner, name, call):
    """Fit, and send Ctrl-C when the method is called for the `call`-th time. Return the texts of the warnings."""
    method, calls = getattr(owner, name), []

    def pressed(*arguments, **keywords):
        calls.append(name)
        if len(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return method(*arguments, **keywords)

    with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        patch.setattr(owner, name, pressed)
        try:
            estimator.fit(X, TARGETS[type(estimator)])
        except KeyboardInterrupt:  # an uncaught KeyboardInterrupt would end pytest
            pytest.fail("KeyboardInterrupt was raised, and nothing is kept")
    return [str(each.message) for each in caught]


def after(iterations, kind=MLPClassifier, **parameters):
    """Return an estimator trained for `iterations` iterations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return fresh(kind, **{**parameters, "max_iter": iterations}).fit(X, TARGETS[kind])


@BOTH
def test_what_was_learnt_until_an_interrupt_is_kept_if_wanted(monkeypatch, kind):
    """The current mini-batch is completed. Here, this mini-batch is the whole third iteration."""
    estimator = fresh(kind, keep_if_interrupted=True, random_state=0)
    said = interrupted(monkeypatch, estimator, Engine, "epoch", 3)
    assert said == ["training was interrupted in iteration 3; what was learnt is kept"]
    for ours, expected in zip(estimator.coefs_, after(3, kind, random_state=0).coefs_, strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert estimator.loss_curve_ == after(2, kind, random_state=0).loss_curve_
    assert estimator.n_iter_ == 2


@pytest.mark.parametrize("before", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_nothing_of_an_earlier_fit_is_kept_where_the_first_iteration_is_interrupted(
    monkeypatch, before, early_stopping
):
    again = after(2, random_state=0, validation_fraction=0.5, **before)
    again.set_params(solver="adam", early_stopping=early_stopping, keep_if_interrupted=True)
    new = fresh(**again.get_params())
    for classifier in (again, new):
        interrupted(monkeypatch, classifier, StochasticLearner, "findings", 1)
    assert pickle.dumps(dict(sorted(vars(again).items()))) == pickle.dumps(dict(sorted(vars(new).items())))


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [
        (Engine, "epoch", 3),
        (MLPRegressor, "_score_of", 3),
        (MLPRegressor, "_report", 5),
        (MLPRegressor, "_report", 6),
        (Callbacks, "after_iteration", 3),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_kept_with_early_stopping_belongs_together(monkeypatch, owner, name, call):
    """Ctrl-C comes at one of several places in an iteration. The score rises in each of the first three iterations."""
    parameters = {"random_state": 1, "early_stopping": True, "validation_fraction": 0.5, "learning_rate_init": 0.01}
    scores = after(3, MLPRegressor, **parameters).validation_scores_
    assert scores[0] < scores[1] < scores[2]
    regressor = fresh(MLPRegressor, keep_if_interrupted=True, **parameters)
    (message,) = interrupted(monkeypatch, regressor, owner, name, call)
    assert message.startswith("training was interrupted in iteration ")
    expected = after(len(regressor.validation_scores_), MLPRegressor, **parameters)
    assert regressor.validation_scores_ == expected.validation_scores_
    assert regressor.best_validation_score_ == expected.best_validation_score_
    for ours, theirs in zip(regressor.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert regressor.loss_curve_ == expected.loss_curve_
    assert regressor.n_iter_ == expected.n_iter_


def test_what_lbfgs_has_learnt_until_an_interrupt_is_kept_if_wanted(monkeypatch):
    classifier = fresh(solver="lbfgs", random_state=0, keep_if_interrupted=True)
    assert "interrupted" in str(interrupted(monkeypatch, classifier, MLPClassifier, "_report", 2))
    expected = after(2, solver="lbfgs", random_state=0)
    np.testing.assert_allclose(classifier.coefs_[0], expected.coefs_[0], rtol=1e-9)


@BOTH
@pytest.mark.filterwarnings("ignore:inputs go from|training was interrupted")
def test_a_network_that_diverges_is_not_kept_where_it_is_interrupted(monkeypatch, kind):
    """If the interrupted iteration diverges, `fit` raises and changes nothing, despite `keep_if_interrupted`."""
    epoch = Engine.epoch

    def pressed(*arguments, **keywords):
        signal.raise_signal(signal.SIGINT)
        return epoch(*arguments, **keywords)

    estimators = [make(kind, keep_if_interrupted=True, batch_size=5, solver="sgd") for make in (fresh, trained)]
    monkeypatch.setattr(Engine, "epoch", pressed)
    for estimator in estimators:
        assert_refused(
            estimator, lambda e: e.fit(3e38 * X, TARGETS[kind]), (ValueError, KeyboardInterrupt), "diverged|^$"
        )


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        ({"early_stopping": True}, {"X_val": X[:, :2], "y_val": Y}),
        ({"early_stopping": True, "validation_fraction": 0.05}, {}),
        ({"hidden_layer_sizes": (BatchNormalization(),), "batch_size": 1}, {}),
        ({}, {"y": 1e39 * Y}),
    ],
    ids=str,
)
@pytest.mark.parametrize("of_the_user", [np.random.RandomState(0), np.random.RandomState(np.random.PCG64(0)), None])
def test_a_call_that_is_refused_draws_nothing(of_the_user, parameters, arguments):
    random = check_random_state(of_the_user)  # for None, NumPy's global generator
    before = pickle.dumps(random)
    with pytest.raises(ValueError):  # noqa: PT011 - any refusal
        fresh(MLPRegressor, random_state=of_the_user, **parameters).fit(**{"X": X, "y": Y, **arguments})
    unchanged = pickle.dumps(random) == before  # not in the assertion, because pytest takes seconds to compare pickles
    assert unchanged


def test_what_is_drawn_by_training_that_diverges_stays_drawn():
    """Another attempt draws other numbers, so it may succeed."""
    random = np.random.RandomState(0)
    before = random.get_state()[2]
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="diverged"):
        fresh(random_state=random, **STEEP).fit(X, Y)
    assert random.get_state()[2] != before


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warning_that_is_an_error_loses_nothing(kind, solver):
    expected, estimator = (fresh(kind, random_state=0, max_iter=2, solver=solver) for _ in range(2))
    with pytest.warns(ConvergenceWarning):
        expected.fit(X, TARGETS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            estimator.fit(X, TARGETS[kind])
    assert pickle.dumps(vars(estimator)) == pickle.dumps(vars(expected))


@BOTH
def test_a_warning_before_training_that_is_an_error_changes_nothing(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for estimator in (fresh(kind), trained(kind)):
            assert_refused(estimator, lambda e: e.fit(100 * X, TARGETS[kind]), TrainingWarning, "far from unit scale")
            estimator.set_params(batch_size=100)
            assert_refused(estimator, lambda e: e.fit(X, TARGETS[kind]), UserWarning, "batch_size")
