"""All of scikit-learn's checks of estimators."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet.neural_network import MLPClassifier, MLPRegressor

# "sgd" and "adam" differ only in the optimizer, so each is checked with one estimator. Both estimators prepare the data
# for "lbfgs" and store its results in the same way, so "lbfgs" is checked with one of them.
SHORT = {"max_iter": 30, "learning_rate_init": 0.02}  # the checks do not depend on the number of iterations
ESTIMATORS = [
    MLPClassifier(solver="sgd", **SHORT), MLPRegressor(solver="adam", **SHORT), MLPClassifier(solver="lbfgs", **SHORT),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as in scikit-learn's own tests
@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")  # some inputs are not scaled
@parametrize_with_checks(ESTIMATORS)  # the engines' results are tested elsewhere
def test_a_check_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # otherwise a check would be skipped
    check(estimator)
