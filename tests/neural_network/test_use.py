"""Common uses of a scikit-learn estimator."""

import copy
import gc
import io
import pickle
import weakref

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import BatchNormalization
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.neural_network import MLPClassifier, MLPRegressor
from fastnet.neural_network.engine_cache import cached_engines

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
SGD = {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0, "batch_size": 10}


def made(kind=MLPClassifier, **parameters):
    return kind(**{"engine": "numpy", "random_state": 0, **parameters})


def classes_for(kind):
    return {"classes": [0, 1, 2]} if kind is MLPClassifier else {}


def arrays(estimator):
    return [*estimator.coefs_, *estimator.intercepts_]


def assert_same(one, other):
    for ours, expected in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_array_equal(ours, expected, strict=True)


def joblib_copy(estimator):
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    return joblib.load(file)


COPIES = {"pickle": lambda c: pickle.loads(pickle.dumps(c)), "joblib": joblib_copy, "deepcopy": copy.deepcopy}


@pytest.mark.parametrize(
    "names",
    [
        np.array(["cat", "dog", "mouse"]),
        np.array(["cat", "dog", "mouse"], object),
        np.array([-7, 0, 1000]),
        np.array([False, True]),
        np.array([0.0, 1.0]),
        np.array([3, 200], np.uint8),
    ],
    ids=lambda names: f"{names.dtype} {len(names)}",
)
def test_labels_of_any_type(blobs, names):
    x, numbers = blobs(len(names), spread=0.5)
    y = names[numbers]
    expected = theirs.MLPClassifier(max_iter=1).fit(x, y).classes_  # string objects become NumPy strings
    assert expected.tolist() == names.tolist()
    classifier = made(max_iter=20, **SGD)
    for fitted in (clone(classifier).partial_fit(x, y, classes=names[::-1]), classifier.fit(x, y)):
        np.testing.assert_array_equal(fitted.classes_, expected, strict=True)
        assert fitted.predict(x).dtype == expected.dtype
    np.testing.assert_array_equal(classifier.predict(x), y)
    assert classifier.score(x, y) == 1
    assert [list(names).index(label) for label in y] == classifier.predict_proba(x).argmax(axis=1).tolist()


def test_samples_may_be_a_data_frame(blobs):
    pandas = pytest.importorskip("pandas")
    x, y = blobs(2)
    frame = pandas.DataFrame(x, columns=list("abcde"))
    classifier = made(max_iter=1).fit(frame, pandas.Series(y).map({0: "no", 1: "yes"}))
    assert classifier.feature_names_in_.tolist() == list("abcde")
    assert classifier.classes_.tolist() == ["no", "yes"]
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame[list("edcba")])


@BOTH
def test_random_state_alone_makes_a_run_repeatable(blobs, engine_name, kind):
    x, y = blobs(3)
    parameters = {"engine": engine_name, "dropout": 0.3, "early_stopping": True, "max_iter": 2}
    before = np.random.get_state()[1].copy()
    one, same = (kind(random_state=3, **parameters).fit(x, y) for _ in range(2))
    other = kind(random_state=np.random.RandomState(3), **parameters).fit(x, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for again in (same, other, clone(one).fit(x, y)):
        assert [ours.tobytes() for ours in arrays(one)] == [found.tobytes() for found in arrays(again)]
        assert one.validation_scores_ == again.validation_scores_
    assert (kind(random_state=4, **parameters).fit(x, y).coefs_[0] != one.coefs_[0]).any()


@BOTH
def test_fitting_again_starts_anew(blobs, kind):
    x, y = blobs(3)
    estimator, fresh = made(kind, max_iter=3), made(kind, max_iter=3).fit(x, y)
    estimator.fit(*blobs(2, n_in=4)).fit(x, y)
    assert_same(estimator, fresh)
    assert estimator.loss_curve_ == fresh.loss_curve_
    assert len(estimator.loss_curve_) == estimator.n_iter_ == 3
    estimator.partial_fit(x, y)
    assert_same(estimator.fit(x, y), fresh)


def test_warm_start_continues(blobs):
    x, y = blobs(3)
    classifier = made(max_iter=3, warm_start=True, **SGD).fit(x, y)
    first, losses = classifier.coefs_[0].copy(), list(classifier.loss_curve_)
    classifier.fit(x, y)
    assert classifier.loss_curve_[:3] == losses
    assert len(classifier.loss_curve_) == 6
    assert classifier.n_iter_ == 3
    assert classifier.loss_ < losses[-1]
    assert classifier.best_loss_ == min(classifier.loss_curve_)
    assert np.abs(classifier.coefs_[0] - first).max() < 0.5  # a new network would differ more
    assert np.abs(made(max_iter=3, **{**SGD, "random_state": 1}).fit(x, y).coefs_[0] - first).max() > 0.5

    classifier.set_params(hidden_layer_sizes=(50,))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes is \(50,\), .* has \(100,\)"):
        classifier.fit(x, y)
    classifier.set_params(hidden_layer_sizes=100)
    with pytest.raises(ValueError, match=r"y has the labels \[3\]; the classes are \[0, 1, 2\]"):
        classifier.fit(x, y + 1)
    with pytest.raises(ValueError, match="the same classes as in the previous call"):
        classifier.fit(x, y % 2)


@BOTH
def test_the_coefficients_may_be_assigned(blobs, kind):
    x, y = blobs(3)
    one, other = (made(kind, random_state=seed, max_iter=2, warm_start=True).fit(x, y) for seed in (0, 1))
    assert (other.predict(x) != one.predict(x)).any()
    other.coefs_, other.intercepts_ = one.coefs_, [b.tolist() for b in one.intercepts_]
    np.testing.assert_array_equal(other.predict(x), one.predict(x))
    other.set_params(random_state=0)
    assert_same(other.fit(x, y), one.fit(x, y))
    assert_same(other.partial_fit(x, y), one.partial_fit(x, y))


def test_partial_fit_needs_all_classes_once(blobs):
    x, y = blobs(3)
    classifier = made()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        classifier.partial_fit(x, y)
    assert not hasattr(classifier, "classes_")
    classifier.partial_fit(x[y == 0], y[y == 0], classes=[2, 1, 0])
    classifier.partial_fit(x[y == 1], y[y == 1]).partial_fit(x[y == 2], y[y == 2], classes=[0, 1, 2])
    assert classifier.classes_.tolist() == [0, 1, 2]
    assert classifier.predict_proba(x).shape == (60, 3)
    assert len(classifier.loss_curve_) == 3
    assert classifier.n_iter_ == 1
    with pytest.raises(ValueError, match=r"`classes=\[0, 1\]` is not the same as on last call"):
        classifier.partial_fit(x, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"y has the labels \[3\]; the classes are \[0, 1, 2\]"):
        classifier.partial_fit(x, y + 1)
    with pytest.raises(ValueError, match=r"y has the labels \['a'\]; the classes are"):
        classifier.partial_fit(x[:1], ["a"])
    with pytest.raises(ValueError, match="early_stopping is True"):
        classifier.set_params(early_stopping=True).partial_fit(x, y)
    assert len(classifier.loss_curve_) == 3


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.01},
        {"kind": MLPRegressor, "loss": "huber", "huber_delta": 0.7},
    ],
    ids=["adam", "sgd", "regressor"],
)
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_continues_as_the_original_does(blobs, how, engine_name, parameters):
    """The copy has the solver's state, the learning rate and the next dropout masks."""
    x, y = blobs(3)
    parameters = {"dropout": 0.5, "engine": engine_name, "batch_size": 20, **parameters}
    estimator = COPIES[how](made(**parameters))
    classes = classes_for(type(estimator))
    for _ in range(2):
        estimator.partial_fit(x, y, **classes)
    other = COPIES[how](estimator)
    np.testing.assert_array_equal(other.predict(x), estimator.predict(x))
    assert_same(other.partial_fit(x, y), estimator.partial_fit(x, y))
    forgetful = COPIES[how](estimator)
    forgetful._continuation = None
    estimator.partial_fit(x, y)
    assert (forgetful.partial_fit(x, y).coefs_[0] != estimator.coefs_[0]).any()


@BOTH
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_after_fit(blobs, how, kind):
    x, y = blobs(3)
    estimator = made(kind, max_iter=2).fit(x, y)
    other = COPIES[how](estimator)
    assert_same(other, estimator)
    np.testing.assert_array_equal(other.predict(x), estimator.predict(x))
    assert len(other.partial_fit(x, y).loss_curve_) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_pickle_holds_the_coefficients_once_and_no_data(solver, early_stopping, dtype):
    random = np.random.default_rng(0)
    x, y = random.random((500, 50)).astype(dtype), random.integers(0, 3, 500)
    classifier = made(solver=solver, max_iter=1, early_stopping=early_stopping).fit(x, y)
    classifier.predict(x)
    size = classifier.coefs_[0].itemsize * (51 * 100 + 101 * 3)
    assert size < len(pickle.dumps(classifier)) < size + 5000
    classifier.partial_fit(x, y) if solver != "lbfgs" and not early_stopping else None
    assert size < len(pickle.dumps(classifier.fit(x, y))) < size + 5000


@BOTH
def test_another_engine_and_solver_between_two_calls_of_partial_fit(blobs, kind):
    x, y = blobs(3)
    estimator = made(kind, solver="sgd").partial_fit(x, y, **classes_for(kind))
    estimator.set_params(engine="reference", dropout=0.2, solver="adam").partial_fit(x.astype(np.float32), y)
    assert estimator.coefs_[0].dtype == np.float64


@pytest.mark.parametrize(
    ("parameters", "others"),
    [
        ({}, {"alpha": 2.0}),
        ({}, {"learning_rate_init": 1.0, "beta_1": 0.1, "beta_2": 0.2, "epsilon": 1.0}),
        ({"solver": "sgd"}, {"learning_rate": "invscaling", "learning_rate_init": 1.0, "momentum": 0.1}),
        ({"solver": "sgd", "learning_rate": "invscaling"}, {"power_t": 2.0, "learning_rate_init": 1.0}),
        ({"solver": "sgd", "learning_rate": "invscaling"}, {"learning_rate": "constant"}),
        ({"solver": "sgd", "n_iter_no_change": 1, "tol": 9.0}, {"learning_rate": "adaptive"}),
        (
            {"solver": "sgd", "n_iter_no_change": 1, "tol": 9.0, "learning_rate": "adaptive"},
            {"learning_rate": "constant"},
        ),
    ],
    ids=str,
)
def test_other_parameters_between_two_calls_of_partial_fit_are_as_in_scikit_learn(blobs, parameters, others):
    """The optimizer of the first call is kept: its settings, its schedule and the moments of the earlier gradients."""
    x, y = blobs(3)
    settings = {"hidden_layer_sizes": (7,), "random_state": 0, **parameters}
    one, other = MLPClassifier(engine="numpy", **settings), theirs.MLPClassifier(**settings)
    for each in (one, other):
        each.partial_fit(x, y, classes=[0, 1, 2]).partial_fit(x, y).set_params(**others)
        for _ in range(4):
            each.partial_fit(x, y)
    for ours, expected in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-10)


def test_partial_fit_is_there_only_with_mini_batches(blobs):
    assert hasattr(made(solver="sgd"), "partial_fit")
    assert not hasattr(made(MLPRegressor, solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        made(solver="lbfgs").partial_fit(*blobs(2), classes=[0, 1])


def test_pipelines_searches_and_cross_validation(blobs):
    x, y = blobs(3, samples=90)
    model = make_pipeline(StandardScaler(), made(max_iter=30, **SGD))
    assert cross_val_score(model, 100 * x, y).mean() > 0.8
    grid = {"mlpclassifier__hidden_layer_sizes": [(4,), (8, 8)], "mlpclassifier__alpha": [0, 50.0]}
    with pytest.warns(TrainingWarning, match="a smaller alpha"):
        search = GridSearchCV(model, grid, cv=3).fit(x, y)
    assert search.best_params_["mlpclassifier__alpha"] == 0
    assert search.best_score_ > 0.8 > search.cv_results_["mean_test_score"].min()


def test_a_regressor_in_a_pipeline(blobs):
    x = blobs(3, samples=90)[0]
    y = 1000 + 50 * np.tanh(x @ [1, -1, 0.5, 0, 0])
    model = make_pipeline(StandardScaler(), made(MLPRegressor, hidden_layer_sizes=8, max_iter=60, **SGD))
    scaled = TransformedTargetRegressor(model, transformer=StandardScaler())
    assert cross_val_score(scaled, 100 * x, y).mean() > 0.8


@pytest.mark.parametrize("hidden", [(), [], np.array([6, 5]), 4, (4, 4, 4)], ids=repr)
def test_networks_without_hidden_neurons_and_with_many_layers(blobs, hidden):
    x, y = blobs(3, spread=0.5)
    classifier = made(hidden_layer_sizes=hidden, max_iter=60, activation="tanh", **SGD).fit(x, y)
    assert classifier.score(x, y) == 1
    assert [w.shape[1] for w in classifier.coefs_] == [*np.ravel(hidden), 3]


@BOTH
def test_given_validation_samples(blobs, kind):
    x, y = blobs(3, samples=120, spread=4)
    parameters = {"early_stopping": True, "n_iter_no_change": 3, **SGD, "learning_rate_init": 0.005}
    estimator = made(kind, **parameters).fit(x[:80], y[:80], X_val=x[80:], y_val=y[80:])
    scores = estimator.validation_scores_
    assert scores[-1] <= max(scores) == estimator.best_validation_score_
    assert estimator.score(x[80:], y[80:]) == pytest.approx(max(scores), rel=1e-12)


def test_another_loss_after_fit_is_for_the_next_one(blobs):
    """As in scikit-learn, a new `loss` does not change predictions of the estimator or a copy until the next `fit`."""
    x, y = blobs(3)
    regressor = made(MLPRegressor, max_iter=2).fit(x, y)
    expected = regressor.predict(x)
    regressor.set_params(loss="poisson")
    for each in (regressor, pickle.loads(pickle.dumps(regressor))):
        np.testing.assert_array_equal(each.predict(x), expected)


def test_a_layer_whose_activations_are_not_numbers_is_no_result(blobs):
    """The first hidden layer's activations are infinite, so those of the second are differences of infinities."""
    x, y = np.abs(blobs(3)[0]).astype(np.float32), blobs(3)[1]
    classifier = made(hidden_layer_sizes=(2, 3), max_iter=1).fit(x, y)
    classifier.coefs_[:2] = [np.full((5, 2), 1e38, np.float32), np.outer([1, -1], np.ones(3))]
    assert np.isposinf(classifier.transform(100 * x, layer=0)).all()
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match="an activation of the network is NaN"):
        classifier.transform(100 * x)


def test_an_estimator_without_a_hash_predicts_and_frees_its_engines(blobs):
    class Equal(MLPClassifier):
        def __eq__(self, other):
            return True

    x, y = blobs(3)
    for seed in (0, 1):
        one, other = (kind(random_state=seed, max_iter=1).fit(x, y) for kind in (Equal, MLPClassifier))
        np.testing.assert_array_equal(one.predict_proba(x), other.predict_proba(x))
    engines = weakref.ref(cached_engines(one))
    del one
    gc.collect()
    assert engines() is None


@BOTH
def test_predictions_depend_on_no_parameter_of_training(blobs, kind):
    x, y = blobs(3)
    layers = 6, BatchNormalization("relu"), 4
    one, other = (made(kind, hidden_layer_sizes=layers, max_iter=1).fit(x, y) for _ in range(2))
    expected = other.predict(x), other.transform(x), other.get_feature_names_out()
    of_training = {"solver": "lbfgs", "alpha": -1, "learning_rate_init": 0, "beta_1": 2, "epsilon": 0, "dropout": 1}
    one.set_params(**of_training)
    for found, truth in zip((one.predict(x), one.transform(x), one.get_feature_names_out()), expected, strict=True):
        np.testing.assert_array_equal(found, truth, strict=True)


@BOTH
def test_it_must_be_fitted(blobs, kind):
    x, y = blobs(3)
    estimator = made(kind)
    for use in (
        estimator.predict,
        estimator.transform,
        lambda x: estimator.score(x, y),
        lambda _: estimator.to_sklearn(),
    ):
        with pytest.raises(NotFittedError):
            use(x)


@BOTH
@pytest.mark.parametrize("engine", ["numba", "numpy"])
@pytest.mark.parametrize("parameters", [{"solver": "sgd", "learning_rate_init": 1e6}, {"learning_rate_init": 1e38}])
def test_a_network_that_diverges_is_no_result(blobs, kind, engine, parameters):
    x, y = blobs(3)
    estimator = made(kind, hidden_layer_sizes=(10, 10), engine=engine, batch_size=10, **parameters)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"diverged.*too large"):
        estimator.fit(x.astype(np.float32), y)


@pytest.mark.parametrize("classes", [2, 3])
def test_outputs_that_are_not_numbers_are_no_probabilities(blobs, engine_name, classes):
    """The hidden activations are infinite, so the outputs are differences of infinities, which are NaN."""
    x, y = blobs(classes)
    classifier = made(hidden_layer_sizes=4, max_iter=1, engine=engine_name).fit(x.astype(np.float32), y)
    signs = np.outer([1, -1, 1, -1], np.ones(len(classifier.intercepts_[1])))
    classifier.coefs_ = [np.full((5, 4), 1e38, np.float32), signs]
    for predict in (classifier.predict, classifier.predict_proba):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="an output of the network is NaN"):
            predict((100 * np.abs(x)).astype(np.float32))


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_it_warns_when_there_was_more_to_do(blobs, kind, solver):
    with pytest.warns(ConvergenceWarning, match="larger max_iter") as caught:
        made(kind, max_iter=2, solver=solver).fit(*blobs(3))
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.parametrize(
    "parameters",
    [
        {"early_stopping": True, "n_iter_no_change": 1, "tol": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1.0, "max_iter": 6},
        {"max_iter": 2},
    ],
)
def test_it_says_what_scikit_learn_says(blobs, capsys, parameters):
    said = []
    for estimator in (made(**parameters), theirs.MLPClassifier(random_state=0, **parameters)):
        estimator.set_params(verbose=True).fit(*blobs(3))
        said.append(capsys.readouterr().out)
        estimator.set_params(verbose=False).fit(*blobs(3))
        assert capsys.readouterr().out == ""
    assert "Iteration 2, loss = " in said[1]
    assert said[0] == said[1]
