"""What a parameter means: as in scikit-learn's `MLPClassifier`, where it is called the same."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from fastnet import NetworkClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
HIDDEN = {"logistic": expit, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}
MLP = {"solver": "sgd", "nesterovs_momentum": False}
SAME = ("hidden_layer_sizes", "activation", "alpha", "batch_size", "learning_rate_init", "momentum", "random_state")


def fitted(x, y, **parameters):
    """Return a classifier in float64 that has gone through the samples three times."""
    parameters = {"hidden_layer_sizes": (7, 4), "max_iter": 3, "dtype": "float64", "random_state": 5, **parameters}
    return NetworkClassifier(**parameters).fit(x, y)


def assert_same(classifier, peer):
    for ours, theirs in zip(classifier.coefs_ + classifier.intercepts_, peer.coefs_ + peer.intercepts_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("activation", "alpha", "batch_size", "momentum"),
    [("relu", 0.0, 60, 0.0), ("relu", 2.0, 7, 0.9), ("logistic", 0.5, 100, 0.0), ("tanh", 0.3, 1, 0.5)],
)
def test_it_becomes_the_network_of_mlpclassifier(blobs, engine_name, classes, activation, alpha, batch_size, momentum):
    """Mini-batches of 7 leave four samples for the last, which are regularized as so few are."""
    x, y = blobs(classes)
    classifier = fitted(
        x, y, engine=engine_name, activation=activation, alpha=alpha, batch_size=batch_size, momentum=momentum,
        learning_rate_init=0.05,
    )  # fmt: skip
    peer = MLPClassifier(max_iter=3, **MLP, **{name: getattr(classifier, name) for name in SAME})
    peer.set_params(batch_size=min(batch_size, len(x))).fit(x, y)  # it would warn
    assert_same(classifier, peer)
    np.testing.assert_allclose(classifier.predict_proba(x), peer.predict_proba(x), rtol=0, atol=1e-10)
    squares = sum(np.sum(w**2) for w in peer.coefs_)
    loss = log_loss(y, peer.predict_proba(x)) + alpha / 2 * squares / min(batch_size, len(x))
    assert classifier.loss_ == pytest.approx(loss, rel=1e-10)


def test_partial_fit_keeps_the_velocity_as_mlpclassifier_does(blobs, engine_name):
    x, y = blobs(3)
    classifier = NetworkClassifier(
        (7, 4), momentum=0.9, learning_rate_init=0.02, batch_size=20, alpha=0.1, random_state=5, engine=engine_name,
        dtype="float64",
    )  # fmt: skip
    peer = MLPClassifier(**MLP, **{name: getattr(classifier, name) for name in SAME})
    for part in np.split(np.arange(60), 3):
        for each in (classifier, peer):
            each.partial_fit(x[part], y[part], classes=[0, 1, 2])
        assert_same(classifier, peer)
    assert len(classifier.loss_curve_) == 3


@pytest.mark.parametrize("cost", ["log-likelihood", "cross-entropy", "quadratic"])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("activation", HIDDEN)
def test_probabilities_are_the_outputs(blobs, classes, cost, activation):
    x, y = blobs(classes)
    classifier = fitted(x, y, cost=cost, activation=activation)
    (*hidden, (w, b)), a = zip(classifier.coefs_, classifier.intercepts_, strict=True), x
    for w_below, b_below in hidden:
        a = HIDDEN[activation](a @ w_below + b_below)
    z = a @ w + b
    if classes == 2:
        expected = np.hstack([1 - expit(z), expit(z)])
    elif cost == "log-likelihood":
        expected = softmax(z, axis=1)
    else:
        expected = expit(z) / expit(z).sum(axis=1, keepdims=True)
    probabilities = classifier.predict_proba(x)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-9)
    np.testing.assert_array_equal(classifier.predict(x), expected.argmax(axis=1))
    assert classifier.score(x, y) == np.mean(expected.argmax(axis=1) == y)


def test_outputs_that_are_all_zero_say_nothing_of_the_class(blobs):
    x, y = blobs(4)
    classifier = fitted(x, y, cost="quadratic", hidden_layer_sizes=(3,), dtype="float32")
    classifier.coefs_[1], classifier.intercepts_[1] = np.zeros((3, 4)), np.full(4, -1000.0)
    np.testing.assert_array_equal(classifier.predict_proba(x), np.full((60, 4), 0.25))


@pytest.mark.parametrize("classes", [2, 3])
def test_outputs_that_are_not_numbers_are_no_probabilities(blobs, engine_name, classes):
    """The hidden neurons are infinite, and the outputs the differences of such."""
    x, y = blobs(classes)
    classifier = fitted(x, y, hidden_layer_sizes=4, dtype="float32", engine=engine_name, activation="relu")
    classifier.coefs_ = [np.full((5, 4), 1e38), np.outer([1, -1, 1, -1], np.ones(len(classifier.intercepts_[1])))]
    for predict in (classifier.predict, classifier.predict_proba):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="an output of the network is not a number"):
            predict(100 * np.abs(x))


@pytest.mark.parametrize("cost", ["cross-entropy", "quadratic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_other_costs_are_lowered_too(blobs, classes, cost):
    x, y = blobs(classes, spread=0.5)
    classifier = NetworkClassifier(random_state=0, cost=cost, max_iter=60, learning_rate_init=0.5, alpha=0).fit(x, y)
    assert classifier.loss_ < 0.2 * classifier.loss_curve_[0]
    assert classifier.score(x, y) == 1


def test_dropout_leaves_neurons_out_in_training_only(blobs):
    x, y = blobs(3)
    plain, dropped = (NetworkClassifier(random_state=0, dropout=d, max_iter=1).fit(x, y) for d in (0, 0.5))
    assert (plain.coefs_[0] != dropped.coefs_[0]).any()
    np.testing.assert_array_equal(dropped.predict_proba(x), dropped.predict_proba(x))


def stops_after(values, tol, n_iter_no_change):
    """Return after how many iterations scikit-learn stops, of values that are to grow."""
    best, count = -np.inf, 0
    for i, value in enumerate(values, start=1):
        count = count + 1 if value < best + tol else 0
        best = max(best, value)
        if count > n_iter_no_change:
            return i
    return None


@pytest.mark.parametrize(("tol", "n_iter_no_change"), [(1e-2, 2), (1e-3, 5), (0.1, 1)])
def test_it_stops_when_the_loss_falls_no_more(blobs, tol, n_iter_no_change):
    x, y = blobs(3)
    classifier = NetworkClassifier(random_state=0, tol=tol, n_iter_no_change=n_iter_no_change, learning_rate_init=0.3)
    classifier.fit(x, y)
    losses = classifier.loss_curve_
    assert stops_after([-loss for loss in losses], tol, n_iter_no_change) == classifier.n_iter_ == len(losses) < 200
    assert classifier.best_loss_ == min(losses)
    assert classifier.loss_ == losses[-1]
    assert classifier.validation_scores_ is classifier.best_validation_score_ is None


def test_early_stopping_keeps_the_parameters_with_which_accuracy_was_best(blobs):
    x, y = blobs(3, samples=200, spread=4)
    classifier = NetworkClassifier(
        random_state=0, early_stopping=True, validation_fraction=0.25, n_iter_no_change=5, learning_rate_init=0.3
    ).fit(x, y)
    scores = classifier.validation_scores_
    assert stops_after(scores, 1e-4, 5) == classifier.n_iter_ == len(scores) == len(classifier.loss_curve_)
    assert scores[-1] < max(scores) == classifier.best_validation_score_
    assert classifier.best_loss_ is None

    random = np.random.RandomState(0)
    random.uniform(size=5 * 100 + 100 + 100 * 3 + 3)  # the initial parameters
    _, held_out, _, labels = train_test_split(x, y, test_size=0.25, stratify=y, random_state=random)
    assert classifier.score(held_out, labels) == max(scores)


def test_it_warns_when_there_was_more_to_do(blobs):
    x, y = blobs(3)
    with pytest.warns(ConvergenceWarning, match="max_iter is 2") as caught:
        NetworkClassifier(max_iter=2).fit(x, y)
    assert caught[0].filename == __file__


def test_it_says_what_it_does(blobs, capsys):
    x, y = blobs(3)
    classifier = NetworkClassifier(verbose=True, early_stopping=True, n_iter_no_change=1, tol=0.5).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    assert classifier.n_iter_ == 3
    assert lines[0] == f"Iteration 1, loss = {classifier.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {classifier.validation_scores_[0]:f}"
    assert len(lines) == 7
    assert "did not grow by 0.5 for 2 iterations" in lines[-1]
    NetworkClassifier(max_iter=1).fit(x, y)
    assert capsys.readouterr().out == ""
