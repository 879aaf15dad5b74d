"""`fit` warns of a label that at least 20 samples have, but that the network never predicts."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from joblib import Parallel, delayed
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from fastnet.learning.diagnostics import TrainingWarning
from fastnet.neural_network import MLPClassifier

PLAIN = {"solver": "sgd", "momentum": 0.0, "batch_size": 10, "learning_rate_init": 0.1}
SOON = {"n_iter_no_change": 2, "random_state": 0, **PLAIN}


def warnings_of(classifier, x, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier.fit(x, y)
    return caught


def alike(*counts):
    """Return identical inputs, and labels with these counts. Networks predict only the most frequent label."""
    return np.zeros((sum(counts), 3)), np.repeat(list("abcd"[: len(counts)]), counts)


@pytest.mark.parametrize(
    ("counts", "missing"),
    [((40, 20), "['b']"), ((40, 19), None), ((20, 40, 19), "['a']"), ((20, 21, 40), "['a', 'b']")],
)
def test_a_label_that_is_never_predicted(engine_name, counts, missing):
    x, y = alike(*counts)
    classifier = MLPClassifier(engine=engine_name, **SOON)
    caught = warnings_of(classifier, x, y)
    assert len(set(classifier.predict(x))) == 1
    assert [(each.category, each.filename) for each in caught] == [(TrainingWarning, __file__)] * bool(missing)
    if missing:
        assert f"no training sample is classified as any of {missing}, which many" in str(caught[0].message)


def test_samples_that_are_kept_out_of_training_do_not_count():
    x, y = alike(60, 36, 24)
    assert "any of ['b'], " in str(
        warnings_of(MLPClassifier(early_stopping=True, validation_fraction=0.25, **SOON), x, y)[0].message
    )


def test_training_that_reaches_max_iter_gives_one_warning():
    caught = warnings_of(MLPClassifier(max_iter=1), *alike(40, 20))
    assert [each.category for each in caught] == [ConvergenceWarning]


def test_what_was_learnt_is_kept_where_the_warning_is_an_error():
    x, y = alike(40, 20)
    classifier = MLPClassifier(**SOON)
    with pytest.raises(TrainingWarning):
        classifier.fit(x, y)
    assert classifier.predict(x).tolist() == ["a"] * 60


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"activation": "logistic"}])
@pytest.mark.parametrize("load", [load_digits, load_wine])
def test_ordinary_data(load, parameters):
    x, y = load(return_X_y=True)
    x, ours = StandardScaler().fit_transform(x), MLPClassifier(random_state=0, max_iter=1000, **PLAIN, **parameters)
    assert warnings_of(ours, x, y) == []
    assert ours.score(x, y) > 0.9


@pytest.mark.parametrize("parameters", [{"early_stopping": True}, {"max_iter": 3}])
def test_ordinary_data_that_are_not_scaled(parameters):
    """There are two warnings about unscaled inputs, whether training stops by itself or at `max_iter`."""
    x, y = load_wine(return_X_y=True)
    ours = MLPClassifier(random_state=0, **PLAIN, **parameters)
    first, *others = [each for each in warnings_of(ours, x, y) if each.category is TrainingWarning]
    assert "far from unit scale" in str(first.message)
    assert ["scale them first" in str(each.message) for each in others] == [True]
    assert {each.filename for each in (first, *others)} == {__file__}
    assert ours.score(x, y) < 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda fit, *data: Parallel(n_jobs=2, backend="threading")([delayed(fit)(*data)] * 2),
        lambda fit, *data: ThreadPoolExecutor().submit(fit, *data).result(),
    ],
    ids=["joblib", "concurrent"],
)
def test_a_warning_in_a_worker_names_fastnet(call):
    x, y = load_wine(return_X_y=True)
    with pytest.warns(ConvergenceWarning) as found:
        call(MLPClassifier(max_iter=1).fit, x / 1000, y)
    assert {Path(each.filename).parts[-3:-1] for each in found} == {("fastnet", "neural_network")}
