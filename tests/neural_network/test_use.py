"""What scikit-learn's users do with a classifier."""

import copy
import io
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnet import NetworkClassifier
from fastnet.learning.diagnostics import TrainingWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def joblib_copy(classifier):
    file = io.BytesIO()
    joblib.dump(classifier, file)
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
    classifier = NetworkClassifier(random_state=0, max_iter=20)
    for fitted in (clone(classifier).partial_fit(x, y, names[::-1]), classifier.fit(x, y)):
        np.testing.assert_array_equal(fitted.classes_, names, strict=True)
        assert fitted.predict(x).dtype == names.dtype
    np.testing.assert_array_equal(classifier.predict(x), y)
    assert classifier.score(x, y) == 1
    assert [list(names).index(label) for label in y] == classifier.predict_proba(x).argmax(axis=1).tolist()


def test_samples_may_be_a_data_frame(blobs):
    pandas = pytest.importorskip("pandas")
    x, y = blobs(2)
    frame = pandas.DataFrame(x, columns=list("abcde"))
    classifier = NetworkClassifier(max_iter=1).fit(frame, pandas.Series(y).map({0: "no", 1: "yes"}))
    assert classifier.feature_names_in_.tolist() == list("abcde")
    assert classifier.classes_.tolist() == ["no", "yes"]
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame[list("edcba")])


def test_random_state_alone_makes_a_run_repeatable(blobs, engine_name):
    x, y = blobs(3)
    parameters = {"engine": engine_name, "dropout": 0.3, "early_stopping": True, "max_iter": 2}
    before = np.random.get_state()[1].copy()
    one, same = (NetworkClassifier(random_state=3, **parameters).fit(x, y) for _ in range(2))
    other = NetworkClassifier(random_state=np.random.RandomState(3), **parameters).fit(x, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for again in (same, other, clone(one).fit(x, y)):
        for ours, theirs in zip(one.coefs_ + one.intercepts_, again.coefs_ + again.intercepts_, strict=True):
            assert ours.tobytes() == theirs.tobytes()
        assert one.validation_scores_ == again.validation_scores_
    assert (NetworkClassifier(random_state=4, **parameters).fit(x, y).coefs_[0] != one.coefs_[0]).any()


def test_fitting_again_forgets(blobs):
    classifier = NetworkClassifier(random_state=0, max_iter=3)
    first = classifier.fit(*blobs(3)).coefs_
    classifier.fit(*blobs(2, n_in=4)).fit(*blobs(3))
    np.testing.assert_array_equal(classifier.coefs_[0], first[0])
    assert len(classifier.loss_curve_) == classifier.n_iter_ == 3


def test_warm_start_goes_on(blobs):
    x, y = blobs(3)
    classifier = NetworkClassifier(random_state=0, max_iter=3, warm_start=True).fit(x, y)
    first, losses = classifier.coefs_[0].copy(), list(classifier.loss_curve_)
    classifier.fit(x, y)
    assert classifier.loss_curve_[:3] == losses
    assert len(classifier.loss_curve_) == 6
    assert classifier.n_iter_ == 3
    assert classifier.loss_ < losses[-1]
    assert classifier.best_loss_ == min(classifier.loss_curve_)
    assert np.abs(classifier.coefs_[0] - first).max() < 0.5  # what a network that began anew would not be

    classifier.set_params(hidden_layer_sizes=(50,))
    with pytest.raises(ValueError, match=r"hidden_layer_sizes is \(50,\), .* has \(100,\)"):
        classifier.fit(x, y)
    classifier.set_params(hidden_layer_sizes=100)
    with pytest.raises(ValueError, match=r"y has the label 3; the classes are \[0, 1, 2\]"):
        classifier.fit(x, y + 1)


def test_the_coefficients_may_be_assigned(blobs):
    x, y = blobs(3)
    one, other = (NetworkClassifier(random_state=seed, max_iter=2, warm_start=True).fit(x, y) for seed in (0, 1))
    other.coefs_, other.intercepts_ = one.coefs_, [b.tolist() for b in one.intercepts_]
    np.testing.assert_array_equal(other.predict_proba(x), one.predict_proba(x))
    other.set_params(random_state=0)
    for go_on in (lambda c: c.fit(x, y), lambda c: c.partial_fit(x, y)):
        np.testing.assert_array_equal(go_on(other).coefs_[0], go_on(one).coefs_[0])


def test_partial_fit_needs_all_classes_once(blobs):
    x, y = blobs(3)
    classifier = NetworkClassifier(random_state=0)
    with pytest.raises(ValueError, match="classes is missing"):
        classifier.partial_fit(x, y)
    classifier.partial_fit(x[y == 0], y[y == 0], [2, 1, 0])
    classifier.partial_fit(x[y == 1], y[y == 1]).partial_fit(x[y == 2], y[y == 2], classes=[0, 1, 2])
    assert classifier.classes_.tolist() == [0, 1, 2]
    assert classifier.predict_proba(x).shape == (60, 3)
    assert len(classifier.loss_curve_) == 3
    assert classifier.n_iter_ == 1
    with pytest.raises(ValueError, match=r"classes are \[0, 1\]; in the first call they were \[0, 1, 2\]"):
        classifier.partial_fit(x, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"y has the label 3; the classes are \[0, 1, 2\]"):
        classifier.partial_fit(x, y + 1)
    with pytest.raises(ValueError, match=r"y has the label 'a'; the classes are"):
        classifier.partial_fit(x[:1], ["a"])
    with pytest.raises(ValueError, match="early_stopping is set"):
        classifier.set_params(early_stopping=True).partial_fit(x, y)
    assert len(classifier.loss_curve_) == 3


@pytest.mark.parametrize("made", COPIES)
def test_a_copy_goes_on_as_the_original_does(blobs, made, engine_name):
    """With the velocity, the order of the samples and the neurons that are left out next."""
    x, y = blobs(3)
    parameters = {"momentum": 0.9, "dropout": 0.5, "learning_rate_init": 0.01, "engine": engine_name}
    classifier = COPIES[made](NetworkClassifier(random_state=0, **parameters))
    for _ in range(2):
        classifier.partial_fit(x, y, [0, 1, 2])
    other = COPIES[made](classifier)
    np.testing.assert_array_equal(other.predict_proba(x), classifier.predict_proba(x))
    for each in (classifier, other):
        each.partial_fit(x, y)
    np.testing.assert_allclose(other.coefs_[0], classifier.coefs_[0], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(COPIES[made](classifier.fit(x, y)).predict_proba(x), classifier.predict_proba(x))


def test_a_pickled_classifier_holds_its_coefficients_and_no_data():
    random = np.random.default_rng(0)
    x, y = random.random((2000, 50)), random.integers(0, 3, 2000)
    classifier = NetworkClassifier(max_iter=1, early_stopping=True).fit(x, y)
    assert len(pickle.dumps(classifier)) < 4 * (51 * 100 + 101 * 3) + 5000


def test_other_parameters_between_two_calls_of_partial_fit(blobs):
    x, y = blobs(3)
    classifier = NetworkClassifier(random_state=0, momentum=0.9).partial_fit(x, y, [0, 1, 2])
    before = classifier.coefs_[0].copy()
    classifier.set_params(learning_rate_init=1e-12).partial_fit(x, y)
    assert np.abs(classifier.coefs_[0] - before).max() > 1e-4  # the velocity is still there
    before = classifier.coefs_[0].copy()
    classifier.set_params(momentum=0.5).partial_fit(x, y)  # that of another momentum is of no use
    np.testing.assert_allclose(classifier.coefs_[0], before, rtol=0, atol=1e-6)
    classifier.set_params(engine="numpy", dtype="float64", dropout=0.2, learning_rate_init=0.1).partial_fit(x, y)
    assert classifier.coefs_[0].dtype == np.float64


def test_pipelines_searches_and_cross_validation(blobs):
    x, y = blobs(3, samples=90)
    model = make_pipeline(StandardScaler(), NetworkClassifier(random_state=0, max_iter=30))
    assert cross_val_score(model, 100 * x, y).mean() > 0.8
    grid = {"networkclassifier__hidden_layer_sizes": [(4,), (8, 8)], "networkclassifier__alpha": [0, 50.0]}
    with pytest.warns(TrainingWarning, match="a smaller learning_rate_init or alpha"):
        search = GridSearchCV(model, grid, cv=3).fit(x, y)
    assert search.best_params_["networkclassifier__alpha"] == 0
    assert search.best_score_ > 0.8 > search.cv_results_["mean_test_score"].min()


def test_networks_without_hidden_neurons_and_with_many_layers(blobs):
    x, y = blobs(3, spread=0.5)
    for hidden in ((), [], np.array([6, 5]), 4, (4, 4, 4)):
        classifier = NetworkClassifier(hidden, random_state=0, max_iter=60, activation="tanh").fit(x, y)
        assert classifier.score(x, y) == 1
        assert len(classifier.coefs_) == np.size(hidden) + 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes is 0; it must be at least 1"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes is 2.5; it must be an integer"),
        ({"activation": "sigmoid"}, "activation is 'sigmoid'; it must be one of logistic, tanh, relu"),
        ({"alpha": -1}, "alpha is -1.0; it must be finite and not negative"),
        ({"batch_size": "auto"}, "batch_size is 'auto'; it must be an integer"),
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"learning_rate_init": 0}, "learning_rate_init is 0.0; it must be positive and finite"),
        ({"max_iter": 0}, "max_iter is 0; it must be at least 1"),
        ({"momentum": 1}, "momentum is 1.0; it must be at least 0 and less than 1"),
        ({"dropout": 1.5}, "dropout is 1.5; it must be at least 0 and less than 1"),
        ({"dropout": 0.5, "hidden_layer_sizes": ()}, "dropout is 0.5, but there are no hidden neurons to drop"),
        ({"cost": "log_loss"}, "cost is 'log_loss'; it must be one of quadratic, cross-entropy, log-likelihood"),
        ({"validation_fraction": 0}, "validation_fraction is 0.0; it must be positive and finite"),
        ({"validation_fraction": 1}, "validation_fraction is 1.0; it must be at least 0 and less than 1"),
        ({"n_iter_no_change": 0}, "n_iter_no_change is 0; it must be at least 1"),
        ({"tol": -1e-4}, "tol is -0.0001; it must be finite and not negative"),
        ({"engine": "jax"}, "engine is 'jax'; it must be one of numba"),
        ({"dtype": "float16"}, "dtype is 'float16'; it must be float32 or float64"),
        ({"random_state": "seed"}, "'seed' cannot be used to seed"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_is_done(blobs, parameters, message):
    x, y = blobs(2)
    classifier = NetworkClassifier(**parameters)
    for train in (classifier.fit, classifier.partial_fit):
        with pytest.raises((TypeError, ValueError)) as caught:
            train(x, y)
        assert str(caught.value).startswith(message)
    assert not any(name.endswith("_") for name in vars(classifier))


def test_wrong_samples(blobs):
    x, y = blobs(3)
    classifier = NetworkClassifier(max_iter=1)
    with pytest.raises(NotFittedError):
        classifier.predict(x)
    with pytest.raises(ValueError, match="one class only, 2"):
        classifier.fit(x, np.full(60, 2))
    with pytest.raises(ValueError, match="NaN"):
        classifier.fit(np.where(x == x.max(), np.nan, x), y)
    with pytest.raises(ValueError, match="continuous"):
        classifier.fit(x, x[:, 0])
    with pytest.raises(ValueError, match=r"should be a 1d array"):
        classifier.fit(x, np.eye(3, dtype=int)[y])


@pytest.mark.parametrize("engine", ["numba", "numpy"])
def test_a_network_that_diverges_is_no_result(blobs, engine):
    x, y = blobs(3)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(ValueError, match=r"diverged.*too large"):
        NetworkClassifier((10, 10), learning_rate_init=1e6, engine=engine, random_state=0).fit(x, y)
