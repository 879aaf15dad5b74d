"""Features that scikit-learn's estimators do not have."""

import pickle
import signal
import threading
import tracemalloc

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy import sparse
from scipy.special import ndtr
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, QuantileRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import compute_class_weight

from fastnet import BatchNormalization, Convolution, Dense, MaxPooling
from fastnet.neural_network import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NUMPY = {"engine": "numpy", "random_state": 0}


@pytest.fixture
def line():
    """Inputs, and targets that are a linear function of the inputs plus noise. Every fifth target is an outlier."""
    random = np.random.default_rng(0)
    x = random.standard_normal((300, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.1 * random.standard_normal(300)
    return x, np.where(np.arange(300) % 5 == 0, y + 50, y)


@pytest.mark.parametrize(
    ("parameters", "slope"),
    [
        ({"loss": "absolute_error"}, lambda r: np.sign(r)),
        ({"loss": "huber", "huber_delta": 0.5}, lambda r: np.clip(r, -0.5, 0.5)),
        ({"loss": "quantile", "quantile": 0.2}, lambda r: np.where(r > 0, 0.8, -0.2)),
    ],
)
def test_a_step_follows_the_loss(line, engine_name, parameters, slope):
    """Without hidden layers, gradient descent on one mini-batch follows the derivative of the loss."""
    x, y = line
    settings = {
        "solver": "sgd",
        "momentum": 0.0,
        "alpha": 0.0,
        "batch_size": 300,
        "max_iter": 1,
        "hidden_layer_sizes": (),
    }
    regressor = MLPRegressor(engine=engine_name, random_state=0, learning_rate_init=1e-9, **settings, **parameters)
    before = regressor.fit(x, y).coefs_[0]
    regressor.set_params(learning_rate_init=0.1, warm_start=True)
    r = regressor.predict(x) - y
    after = regressor.fit(x, y).coefs_[0]
    np.testing.assert_allclose(after - before, -0.1 * x.T @ slope(r)[:, np.newaxis] / 300, rtol=0, atol=1e-8)


def test_a_quantile_is_that_of_a_linear_program(line):
    x, y = line
    expected = QuantileRegressor(quantile=0.3, alpha=0).fit(x, y)
    regressor = MLPRegressor(
        "quantile", (), quantile=0.3, solver="sgd", learning_rate_init=0.2, learning_rate="invscaling", alpha=0,
        max_iter=2000, n_iter_no_change=2000, random_state=0,
    ).fit(x, y)  # fmt: skip
    np.testing.assert_allclose(regressor.coefs_[0][:, 0], expected.coef_, rtol=0, atol=0.05)
    assert np.mean(y < regressor.predict(x)) == pytest.approx(0.3, abs=0.02)


def test_outliers_have_little_effect(line):
    x, y = line
    errors = {}
    for loss in ("squared_error", "huber", "absolute_error"):
        regressor = MLPRegressor(hidden_layer_sizes=(), loss=loss, learning_rate_init=0.05, max_iter=500, **NUMPY).fit(
            x, y
        )
        errors[loss] = np.median(np.abs(regressor.predict(x) - y))
    assert max(errors["huber"], errors["absolute_error"]) < 0.1 * errors["squared_error"]


@pytest.mark.parametrize(
    ("activation", "function"),
    [("leaky_relu", lambda z: np.where(z > 0, z, 0.01 * z)), ("gelu", lambda z: z * ndtr(z))],
)
def test_activations(line, activation, function):
    x, y = line
    regressor = MLPRegressor(hidden_layer_sizes=(6,), activation=activation, max_iter=2, **NUMPY).fit(x, y)
    (w, v), (b, c) = regressor.coefs_, regressor.intercepts_
    hidden = function(x @ w + b)
    np.testing.assert_allclose(regressor.transform(x), hidden, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(regressor.predict(x), (hidden @ v + c)[:, 0], rtol=1e-12, atol=1e-13)


def test_class_weights_are_sample_weights(blobs):
    x, y = blobs(3)
    weights = {0: 1.0, 1: 5.0, 2: 0.5}
    one = MLPClassifier(class_weight=weights, max_iter=3, **NUMPY).fit(x, y, sample_weight=np.full(60, 2.0))
    other = MLPClassifier(max_iter=3, **NUMPY).fit(x, y, sample_weight=2 * np.vectorize(weights.get)(y))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    x, y = x[10:], y[10:]
    balanced = MLPClassifier(class_weight="balanced", max_iter=3, **NUMPY).fit(x, y)
    given = MLPClassifier(max_iter=3, **NUMPY).fit(x, y, sample_weight=(len(y) / 3 / np.bincount(y))[y])
    np.testing.assert_allclose(balanced.coefs_[0], given.coefs_[0], rtol=1e-12)


def test_class_weights_in_parts(blobs):
    x, y = blobs(3)
    one, other = (MLPClassifier(class_weight=w, **NUMPY).partial_fit(x, y, classes=[0, 1, 2]) for w in ({0: 5.0}, None))
    assert (one.coefs_[0] != other.coefs_[0]).any()
    one.partial_fit(x[y > 0], y[y > 0])  # no sample of this call has the weighted label


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0: -1.0}, r"class_weight\[0\] is -1.0; it must be finite and not negative"),
        ({0: np.nan}, r"class_weight\[0\] is nan"),
        ({7: 1.0}, r"class_weight has the label 7; classes_ has \[0, 1, 2\]"),
        ("even", "The 'class_weight' parameter of MLPClassifier must be"),
    ],
)
def test_wrong_class_weights(blobs, weights, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(class_weight=weights, **NUMPY).fit(*blobs(3))


def test_class_weights_that_cannot_be(blobs):
    x, y = blobs(3)
    with pytest.raises(ValueError, match="class_weight is 'balanced', but partial_fit does not see all samples"):
        MLPClassifier(class_weight="balanced", **NUMPY).partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="class_weight is given, but a sample may have several labels"):
        MLPClassifier(class_weight={0: 2.0}, **NUMPY).fit(x, np.eye(3, dtype=int)[y])
    with pytest.raises(ValueError, match="sample_weight multiplied by class_weight is infinite"):
        MLPClassifier(class_weight={0: 1e200}, **NUMPY).fit(x, y, np.full(60, 1e200))


def test_dropout_leaves_neurons_out_in_training_only(blobs):
    x, y = blobs(3)
    plain, dropped = (MLPClassifier(dropout=d, max_iter=1, **NUMPY).fit(x, y) for d in (0, 0.5))
    assert (plain.coefs_[0] != dropped.coefs_[0]).any()
    np.testing.assert_array_equal(dropped.predict_proba(x), dropped.predict_proba(x))


def test_layers_in_a_regressor(line, engine_name):
    x, y = line
    layers = Dense(8, "tanh"), BatchNormalization("relu"), 5
    one = MLPRegressor(hidden_layer_sizes=layers, engine=engine_name, random_state=0, max_iter=2).fit(x, y)
    other = MLPRegressor(hidden_layer_sizes=layers, max_iter=2, **NUMPY).fit(x, y)
    np.testing.assert_allclose(one.predict(x), other.predict(x), rtol=0, atol=1e-9)


class TestValidationSet:
    def test_scores_are_those_of_the_given_samples(self, blobs):
        x, y = blobs(3, samples=120)
        weights = np.arange(40.0)
        huge = 1e306 * weights  # their sum is infinite
        classifier = MLPClassifier(early_stopping=True, n_iter_no_change=2, tol=0.5, max_iter=20, **NUMPY)
        classifier.fit(x[:80], y[:80], X_val=x[80:], y_val=y[80:], sample_weight_val=huge)
        found = accuracy_score(y[80:], classifier.predict(x[80:]), sample_weight=weights)
        assert max(classifier.validation_scores_) == classifier.best_validation_score_ == pytest.approx(found)
        assert classifier.t_ == 80 * classifier.n_iter_  # `fit` trains on all 80 samples of x[:80]

    @pytest.mark.parametrize("class_weight", [{0: 1.0, 1: 5.0, 2: 0.5}, "balanced"], ids=str)
    @pytest.mark.parametrize("own", [False, True])
    def test_class_weights_are_weights_of_the_validation_samples_too(self, blobs, own, class_weight):
        x, y = blobs(3, samples=120, spread=9)
        x, y = x[10:] / 9, y[10:]
        balanced = dict(enumerate(compute_class_weight("balanced", classes=np.arange(3), y=y)))
        weights = np.vectorize((balanced if class_weight == "balanced" else class_weight).get)
        given = {"X_val": x[::4], "y_val": y[::4]} if own else {}
        parameters = {"early_stopping": True, "max_iter": 4, **NUMPY}
        one = MLPClassifier(class_weight=class_weight, **parameters).fit(x, y, **given)
        given |= {"sample_weight_val": weights(y[::4])} if own else {}
        other = MLPClassifier(**parameters).fit(x, y, weights(y), **given)
        np.testing.assert_allclose(one.validation_scores_, other.validation_scores_, rtol=1e-12)

    def test_of_a_regressor(self, line):
        x, y = line
        regressor = MLPRegressor(early_stopping=True, max_iter=5, **NUMPY).fit(
            x[:200], y[:200], X_val=x[200:], y_val=y[200:]
        )
        assert regressor.best_validation_score_ == pytest.approx(r2_score(y[200:], regressor.predict(x[200:])))

    @pytest.mark.parametrize(
        ("early_stopping", "given", "message"),
        [
            (False, {"X_val": np.ones((3, 5)), "y_val": [0, 1, 2]}, "X_val is given, but early_stopping is False"),
            (True, {"X_val": np.ones((3, 5))}, "X_val is given, but y_val is not"),
            (True, {"y_val": [0, 1, 2]}, "y_val or sample_weight_val is given, but X_val is not"),
            (True, {"X_val": np.ones((3, 4)), "y_val": [0, 1, 2]}, "X_val and y_val: X has 4 features"),
            (True, {"X_val": np.ones((3, 5)), "y_val": [0, 1, 7]}, r"X_val and y_val: y has the labels \[7\]"),
        ],
    )
    def test_what_is_refused(self, blobs, early_stopping, given, message):
        classifier = MLPClassifier(early_stopping=early_stopping, **NUMPY)
        with pytest.raises(ValueError, match=message):
            classifier.fit(*blobs(3), **given)
        assert not hasattr(classifier, "coefs_")


class TestTransform:
    def test_each_hidden_layer(self, blobs):
        x, y = blobs(3)
        classifier = MLPClassifier((7, 4), activation="tanh", random_state=0, max_iter=2).fit(x, y)
        (w, v, _), (b, c, _) = classifier.coefs_, classifier.intercepts_
        first = np.tanh(x @ w + b)
        for layer in (0, -2):
            np.testing.assert_allclose(classifier.transform(x, layer=layer), first, rtol=1e-12)
        np.testing.assert_allclose(classifier.transform(x), np.tanh(first @ v + c), rtol=1e-12)
        assert classifier.get_feature_names_out().tolist() == [f"mlpclassifier{i}" for i in range(4)]
        with pytest.raises(ValueError, match="layer is 2; it must be an index of the hidden layers, from -2 to 1"):
            classifier.transform(x, layer=2)
        classifier.set_output(transform="pandas")
        assert classifier.transform(x).columns.tolist() == [f"mlpclassifier{i}" for i in range(4)]
        with pytest.raises(ValueError, match="layer is 0, but set_output asks for a table"):
            classifier.transform(x, layer=0)

    @pytest.mark.parametrize("form", [np.array, sparse.csr_array, sparse.csc_array])
    @pytest.mark.parametrize("size", [1, 1e100])
    def test_in_the_higher_precision_of_the_samples_and_the_network(self, blobs, form, size):
        x, y = blobs(3)
        classifier = MLPClassifier((7,), max_iter=2, **NUMPY).fit(x.astype(np.float32), y)
        w, b = (each[0].astype(np.float64) for each in (classifier.coefs_, classifier.intercepts_))
        expected = np.maximum(size * x @ w + b, 0)
        np.testing.assert_allclose(classifier.transform(form(size * x)), expected, rtol=1e-12, atol=size * 1e-14)
        assert classifier.transform(form(x.astype(np.float32))).dtype == np.float32

    def test_without_hidden_layers(self, blobs):
        with pytest.raises(ValueError, match="the network has no hidden layers"):
            MLPClassifier((), max_iter=1, **NUMPY).fit(*blobs(3)).transform(blobs(3)[0])

    def test_maps_are_rows(self):
        x, y = np.random.default_rng(0).random((12, 36)), np.arange(12) % 2
        classifier = MLPClassifier((Convolution(2, 3, "relu"), MaxPooling(2), 3), max_iter=1, **NUMPY).fit(x, y)
        assert [classifier.transform(x, layer=i).shape for i in range(3)] == [(12, 32), (12, 8), (12, 3)]

    def test_features_for_another_estimator(self, blobs):
        x, y = blobs(3, spread=0.5)
        hidden = MLPClassifier((9,), max_iter=100, **NUMPY)
        model = make_pipeline(StandardScaler(), hidden, LogisticRegression())
        assert model.fit(x, y).score(x, y) > 0.9


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("kind", ["classifier", "labels", "regressor", "counts"])
def test_to_sklearn(blobs, kind, solver):
    x, y = blobs(3)
    if kind == "labels":
        y = np.eye(3, dtype=int)[y]
    ours = MLPClassifier if kind in ("classifier", "labels") else MLPRegressor
    loss = {"loss": "poisson"} if kind == "counts" else {}
    one = ours(hidden_layer_sizes=(6, 4), activation="logistic", solver=solver, max_iter=5, random_state=0, **loss).fit(
        x, y
    )
    other = one.to_sklearn()
    assert type(other) is getattr(theirs, type(one).__name__)
    assert other.get_params() == {name: one.get_params()[name] for name in other.get_params()}
    for fitted in (other, pickle.loads(pickle.dumps(other))):
        np.testing.assert_allclose(fitted.predict(x), one.predict(x), rtol=0, atol=1e-10)
    if solver == "adam":
        other.partial_fit(x, y)
    np.testing.assert_array_equal(clone(other).fit(x, y).n_iter_, one.n_iter_)


def test_to_sklearn_is_a_copy(blobs):
    """Training the copy leaves the original unchanged, even if the copy's loss does not improve."""
    x, y = blobs(3)
    one = MLPClassifier(tol=10.0, max_iter=3, random_state=0).fit(x, y)
    before = pickle.dumps(vars(one))
    for _ in range(2):
        other = one.to_sklearn().partial_fit(x, y)
    assert (other.coefs_[0] != one.coefs_[0]).any()
    one.to_sklearn().set_params(warm_start=True, early_stopping=False).fit(x, y)
    assert pickle.dumps(vars(one)) == before

    class Own(MLPClassifier):
        pass

    assert type(Own(max_iter=1).fit(x, y).to_sklearn()) is theirs.MLPClassifier


def test_to_sklearn_of_another_loss(line):
    regressor = MLPRegressor(loss="huber", max_iter=2, **NUMPY).fit(*line)
    np.testing.assert_allclose(regressor.to_sklearn().predict(line[0]), regressor.predict(line[0]), rtol=1e-12)


@pytest.mark.parametrize("parameters", [{"activation": "gelu"}, {"hidden_layer_sizes": (Dense(4), 3)}])
def test_what_scikit_learn_cannot_have(blobs, parameters):
    classifier = MLPClassifier(max_iter=1, **NUMPY, **parameters).fit(*blobs(3))
    with pytest.raises(ValueError, match="scikit-learn's estimators have only dense layers, given as integers"):
        classifier.to_sklearn()


def interrupt_after(iterations):
    """Return a callable that sends Ctrl-C to this process in call number `iterations`."""
    calls = []

    def called(line):
        calls.append(line)
        if len(calls) == iterations:
            signal.raise_signal(signal.SIGINT)

    return called


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals need the main thread")
class TestInterruption:
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_by_default_nothing_has_happened(self, blobs, monkeypatch, solver):
        x, y = blobs(3)
        classifier = MLPClassifier(solver=solver, **NUMPY)
        monkeypatch.setattr(classifier, "_report", interrupt_after(3))
        before = dict(vars(classifier))
        with pytest.raises(KeyboardInterrupt):
            classifier.fit(x, y)
        assert vars(classifier) == before

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_on_request_what_was_learnt_is_kept(self, blobs, monkeypatch, early_stopping):
        x, y = blobs(3)
        classifier = MLPClassifier(keep_if_interrupted=True, early_stopping=early_stopping, **NUMPY)
        monkeypatch.setattr(classifier, "_report", interrupt_after(3))
        with pytest.warns(UserWarning, match="training was interrupted in iteration .*; what was learnt is kept"):
            classifier.fit(x, y)
        assert 1 <= classifier.n_iter_ <= 3
        assert len(classifier.loss_curve_) == classifier.n_iter_
        expected = MLPClassifier(max_iter=classifier.n_iter_, early_stopping=early_stopping, **NUMPY)
        np.testing.assert_allclose(classifier.coefs_[0], expected.fit(x, y).coefs_[0], rtol=1e-12)


class TestCallbacks:
    """Tests of scikit-learn's callbacks, if the installed version has callbacks."""

    @pytest.fixture(autouse=True)
    def sklearn_callback(self):
        return pytest.importorskip("sklearn.callback")

    class Recorder:
        def __init__(self, stop_after=None):
            self.begun, self.scores, self.stop_after = 0, [], stop_after

        def setup(self, estimator, context):
            self.set_up = True

        def teardown(self, estimator, context):
            self.torn_down = True

        def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):  # noqa: N803
            self.begun += 1

        def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):  # noqa: N803
            if fitted_estimator is not None:
                self.scores.append(fitted_estimator.score(X, y))
            return self.stop_after is not None and len(self.scores) >= self.stop_after

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_they_are_called_for_each_iteration(self, blobs, solver):
        x, y = blobs(3)
        recorder = self.Recorder()
        classifier = MLPClassifier(solver=solver, max_iter=4, **NUMPY).set_callbacks(recorder).fit(x, y)
        assert recorder.set_up
        assert recorder.torn_down
        assert recorder.begun == len(recorder.scores) == 5  # four iterations, and `fit` itself
        assert recorder.scores[-1] == classifier.score(x, y)

    def test_partial_fit_calls_no_callback(self, blobs):
        recorder = self.Recorder()
        MLPClassifier(**NUMPY).set_callbacks(recorder).partial_fit(*blobs(3), classes=[0, 1, 2])
        assert not hasattr(recorder, "set_up")

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_they_can_stop(self, blobs, solver):
        classifier = MLPClassifier(solver=solver, max_iter=50, **NUMPY).set_callbacks(self.Recorder(stop_after=2))
        assert classifier.fit(*blobs(3)).n_iter_ == 2


def test_the_warning_of_convergence_names_max_iter(blobs):
    for parameters in ({}, {"solver": "lbfgs"}):
        with pytest.warns(ConvergenceWarning, match=r"max_iter") as caught:
            MLPClassifier(max_iter=2, **NUMPY, **parameters).fit(*blobs(3))
        assert {each.filename for each in caught} == {__file__}


def test_what_is_assigned_after_a_prediction(blobs):
    """With `out_activation_` "identity", `predict_proba` returns the outputs before the softmax."""
    x, y = blobs(3)
    classifier = MLPClassifier(max_iter=2, **NUMPY).fit(x, y)
    (w, v), (b, c) = classifier.coefs_, classifier.intercepts_
    classifier.predict_proba(x)
    classifier.out_activation_ = "identity"
    np.testing.assert_allclose(classifier.predict_proba(x), np.maximum(x @ w + b, 0) @ v + c, rtol=1e-10)
    classifier.coefs_, classifier.intercepts_ = (w, 2 * v), (b, 2 * c)
    np.testing.assert_allclose(classifier.predict_proba(x), 2 * (np.maximum(x @ w + b, 0) @ v + c), rtol=1e-10)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(60).astype(str), "y is of type <U21; it must have numbers"),
        (np.full(60, 1e39), "y has a number that is too large for float32; scale it"),
        (sparse.csr_matrix(np.ones((60, 1))), "y is sparse; it must be an array"),
    ],
)
def test_targets_that_a_regressor_does_not_take(blobs, y, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**NUMPY).fit(blobs(3)[0].astype(np.float32), y)


def test_validation_samples_stay_sparse():
    """As a dense array, the validation samples would take 160 MB."""
    random = np.random.default_rng(0)  # with RandomState, SciPy would shuffle an array as large as the dense matrix
    x = sparse.random(10_000, 20_000, density=0.001, format="csr", random_state=random)
    y = np.arange(10_000) % 2
    tracemalloc.start()
    MLPClassifier((3,), early_stopping=True, max_iter=1, random_state=0).fit(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
