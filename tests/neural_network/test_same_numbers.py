"""With the same `random_state`, fastnet's and scikit-learn's estimators train the same network."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnet import neural_network as ours
from fastnet.learning.diagnostics import TrainingWarning

SGD = {"solver": "sgd", "learning_rate_init": 0.05}


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", TrainingWarning)
        yield


def data_of(kind, samples=120, n_in=6, seed=0):
    random = np.random.default_rng(seed)
    x = random.standard_normal((samples, n_in))
    z = x @ random.standard_normal((n_in, 3)) + 0.5 * random.standard_normal((samples, 3))
    y = {
        "binary": (z[:, 0] > 0).astype(int),
        "multiclass": np.array(["a", "b", "c"])[z.argmax(axis=1)],
        "multilabel": (z > 0).astype(int),
        "regression": z[:, 0],
        "several outputs": z,
        "counts": random.poisson(np.exp(z[:, 0] / 3)).astype(float),
    }[kind]
    return x, y


def pair(kind, **parameters):
    name = "MLPRegressor" if kind in ("regression", "several outputs", "counts") else "MLPClassifier"
    settings = {"hidden_layer_sizes": (7, 5), "max_iter": 5, "batch_size": 25, "random_state": 3, **parameters}
    if kind == "counts":
        settings["loss"] = "poisson"
    return [getattr(module, name)(**settings) for module in (ours, theirs)]


def assert_same(one, other, tolerance=1e-10):
    arrays = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    for found, expected in arrays:
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
        assert found.dtype == expected.dtype
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("loss_", "best_loss_", "best_validation_score_", "loss_curve_", "validation_scores_"):
        found, expected = getattr(one, name, "missing"), getattr(other, name, "missing")
        if found is None or isinstance(found, str):
            assert found == expected, name
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=tolerance, err_msg=name)


def fitted(kind, *, weighted=False, weights=None, **parameters):
    x, y = data_of(kind)
    both = pair(kind, **parameters)
    given = {"sample_weight": np.random.default_rng(1).uniform(0.2, 3, len(x))} if weighted else {}
    for each in both:
        each.fit(x, y, **given)
    return both, x, y


KINDS = ["binary", "multiclass", "multilabel", "regression", "several outputs", "counts"]
SOLVERS = {
    "adam": {"learning_rate_init": 0.01},
    "adam's settings": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "learning_rate_init": 0.01},
    "nesterov": SGD,
    "momentum": {**SGD, "nesterovs_momentum": False},
    "plain": {**SGD, "momentum": 0.0},
    "invscaling": {**SGD, "learning_rate": "invscaling", "power_t": 0.25},
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_and_solvers(kind, solver, weighted):
    """The last mini-batch has 20 samples instead of 25.

    In each mini-batch, the regularization is divided by the number of samples, or by the sum of the sample weights.
    """
    (one, other), x, _ = fitted(kind, weighted=weighted, alpha=0.3, **SOLVERS[solver])
    assert_same(one, other)
    if kind in ("binary", "multiclass", "multilabel"):
        np.testing.assert_array_equal(one.predict(x), other.predict(x), strict=True)
    else:
        np.testing.assert_allclose(one.predict(x), other.predict(x), rtol=0, atol=1e-9)
    if hasattr(other, "predict_proba"):
        for method in ("predict_proba", "predict_log_proba"):
            np.testing.assert_allclose(getattr(one, method)(x), getattr(other, method)(x), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("precision", "size", "alpha"),
    [("float32", 1e39, 0.0), ("float32", 1e-50, 0.0), ("float64", 1e307, 0.3), ("float64", 1e-307, 0.3)],
)
@pytest.mark.parametrize("solver", ["adam", "nesterov", "plain"])
def test_any_scale_of_the_sample_weights_and_alpha(solver, precision, size, alpha):
    """scikit-learn gets sample weights of about 1; fastnet gets the same weights times `size`.

    With `size` 1e307, the sum of fastnet's weights is infinite.
    """
    x, y = data_of("binary")
    weights = np.random.default_rng(1).uniform(0.2, 3, len(x))
    one = pair("binary", alpha=alpha * size, **SOLVERS[solver])[0].fit(x.astype(precision), y, weights * size)
    other = pair("binary", alpha=alpha, **SOLVERS[solver])[1].fit(x, y, weights)
    tolerance = {"float32": 1e-4, "float64": 1e-10}[precision]
    for found, expected in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert one.loss_ == pytest.approx(other.loss_, rel=tolerance)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), 9])
def test_activations(activation, hidden):
    assert_same(*fitted("multiclass", activation=activation, hidden_layer_sizes=hidden, learning_rate_init=0.01)[0])


@pytest.mark.parametrize(
    "parameters",
    [
        {"shuffle": False},
        {"batch_size": "auto"},
        {"batch_size": 1, "max_iter": 2},
        {"batch_size": 1000},
        {"batch_size": 110},  # the second mini-batch has 10 samples
        {"batch_size": 110, **SGD},
        {"batch_size": 110, "momentum": 0.0, "alpha": 0.3, **SGD},
        {"hidden_layer_sizes": (70, 60), "alpha": 3.0},  # squared weights are summed in blocks
        {"alpha": 0.0},
        {"momentum": 1.0, **SGD},
        {"momentum": 0.0, "alpha": 20.0, "learning_rate_init": 0.5, "solver": "sgd"},
        {"max_iter": 1},
        {"n_iter_no_change": np.inf, "tol": 10.0},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Got `batch_size`:UserWarning")
def test_other_parameters(parameters):
    assert_same(*fitted("binary", **parameters)[0])


def test_a_given_generator():
    x, y = data_of("binary")
    both = [each.set_params(random_state=np.random.RandomState(5)) for each in pair("binary")]
    for each in both:
        each.fit(x, y).fit(x, y)
    assert_same(*both)
    assert both[0].random_state.randint(2**31) == both[1].random_state.randint(2**31)


@pytest.mark.parametrize("learning_rate", ["constant", "adaptive", "invscaling"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_when_it_stops(kind, early_stopping, learning_rate):
    """With these settings, training stops after few iterations, before rounding errors have grown."""
    parameters = {
        "early_stopping": early_stopping, "learning_rate": learning_rate, "n_iter_no_change": 2, "tol": 0.02,
        "max_iter": 60, "validation_fraction": 0.25, **SGD,
    }  # fmt: skip
    (one, other), x, y = fitted(kind, **parameters)
    assert one.n_iter_ < 60
    assert_same(one, other, 1e-8)
    assert one.score(x, y) == pytest.approx(other.score(x, y), rel=1e-9)


@pytest.mark.parametrize("solver", ["adam", "nesterov", "invscaling"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["multiclass", "multilabel", "regression"])
def test_partial_fit(kind, weighted, solver):
    x, y = data_of(kind)
    both = pair(kind, **SOLVERS[solver])
    for part in np.split(np.arange(120), [30, 60, 86]):
        for each in both:
            weights = {"sample_weight": np.abs(x[part, 0]) + 0.1} if weighted else {}
            classes = np.unique(y) if kind == "multiclass" else np.arange(3)
            first = {"classes": classes} if kind != "regression" and not hasattr(each, "t_") else {}
            each.partial_fit(x[part], y[part], **weights, **first)
        assert_same(*both)


@pytest.mark.parametrize("orders", ["fit partial_fit", "partial_fit fit", "fit fit", "fit partial_fit fit partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["adam", "nesterov"])
def test_orders_of_calls(orders, warm_start, solver):
    x, y = data_of("multiclass")
    both = pair("multiclass", warm_start=warm_start, **SOLVERS[solver])
    for call in orders.split():
        for each in both:
            first = {"classes": np.unique(y)} if call == "partial_fit" else {}
            getattr(each, call)(x, y, **first)
        assert_same(*both)


def test_a_warm_start_after_a_stop():
    """As in scikit-learn, the count of iterations without an improvement is continued, not reset."""
    x, y = data_of("multiclass")
    both = pair("multiclass", warm_start=True, n_iter_no_change=2, tol=0.5, **SGD)
    for _ in range(4):
        for each in both:
            each.fit(x, y)
        assert_same(*both)
    assert both[0].n_iter_ == 1


def test_parts_of_another_precision():
    """Parameters keep the first call's dtype. scikit-learn computes in the dtype of each call, and rounds the steps."""
    x, y = data_of("multiclass")
    both = pair("multiclass", **SGD)
    for kind in ("float32", "float64", "float32", "float64"):
        for each in both:
            each.partial_fit(x.astype(kind), y, classes=["a", "b", "c"])
        assert [each.coefs_[0].dtype for each in both] == [np.float32] * 2
        assert_same(*both, tolerance=1e-5)


@pytest.mark.parametrize("fitted_on", ["float32", "float64"])
@pytest.mark.parametrize("given", ["float32", "float64", "int64"])
def test_the_precision_of_predictions(fitted_on, given):
    x, y = data_of("binary")
    both = pair("binary")
    for each in both:
        each.fit(x.astype(fitted_on), y)
    one, other = (each.predict_proba((3 * x).astype(given)) for each in both)
    assert one.dtype == other.dtype
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_warm_start_with_another_solver():
    """scikit-learn's estimator fails if the solver is changed."""
    x, y = data_of("binary")
    one, _ = pair("binary", solver="lbfgs", warm_start=True)
    one.fit(x, y).set_params(solver="adam").fit(x, y).partial_fit(x, y)
    assert len(one.loss_curve_) == 6


def test_a_warm_start_with_early_stopping():
    x, y = data_of("regression")
    both = pair("regression", warm_start=True, early_stopping=True, n_iter_no_change=3, **SGD)
    for _ in range(3):
        for each in both:
            each.fit(x, y)
        assert_same(*both)


def test_a_warm_start_without_improvement_keeps_the_best_parameters():
    """scikit-learn overwrites the best parameters, because it continues to train the arrays that hold them."""
    x, y = data_of("binary")
    one, other = pair("binary", warm_start=True, early_stopping=True, max_iter=30, **SGD)
    before = [each.fit(x, y).coefs_[0].copy() for each in (one, other)]
    best = one.best_validation_score_
    after = [each.fit(x, y).coefs_[0] for each in (one, other)]
    assert one.best_validation_score_ == other.best_validation_score_ == best
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[1] != after[1]).any()


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.csc_matrix])
def test_sparse_inputs(form):
    x, y = data_of("multiclass")
    x[x < 0.5] = 0
    both = pair("multiclass")
    for each in both:
        each.fit(form(x), y)
    assert_same(*both)
    np.testing.assert_allclose(both[0].predict_proba(form(x)), both[1].predict_proba(form(x)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression", "counts"])
def test_float32(kind):
    """fastnet and scikit-learn round differently in float32."""
    x, y = data_of(kind)
    both = pair(kind)
    for each in both:
        each.fit(x.astype(np.float32), y)
    assert both[0].coefs_[0].dtype == np.float32
    assert_same(*both, tolerance=1e-4) if kind != "regression" else None
    np.testing.assert_allclose(both[0].coefs_[0], both[1].coefs_[0], rtol=0, atol=1e-4)
    if kind in ("binary", "multiclass"):
        assert both[0].predict_proba(x.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "several outputs"])
def test_lbfgs(kind, weighted):
    (one, other), x, y = fitted(
        kind, weighted=weighted, solver="lbfgs", alpha=1.0, hidden_layer_sizes=4, activation="tanh", max_iter=3000
    )
    assert one.loss_ == pytest.approx(other.loss_, abs=1e-6)
    assert one.score(x, y) == pytest.approx(other.score(x, y), abs=0.02)
    assert not hasattr(one, "loss_curve_")


def test_lbfgs_of_several_outputs_finds_what_the_solver_adam_would():
    """scikit-learn's line search fails, because its loss is a mean over outputs, but its gradient is that of a sum."""
    (one, other), _, _ = fitted("several outputs", solver="lbfgs", alpha=1.0, max_iter=3000, activation="tanh")

    def summed(net):
        x, y = data_of("several outputs")
        squares = sum(np.sum(w**2) for w in net.coefs_)
        return (np.sum((net.predict(x) - y) ** 2) + squares) / 2 / len(x)

    assert summed(one) <= summed(other) + 1e-9


def test_scaled_digits_with_defaults():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    one, other = (module.MLPClassifier(random_state=0, max_iter=3).fit(x, y) for module in (ours, theirs))
    assert_same(one, other)
