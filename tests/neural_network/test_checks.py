"""All of scikit-learn's checks of estimators."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet.neural_network import MLPClassifier, MLPRegressor

# The solvers "sgd" and "adam" differ only in the optimizer, so "sgd" is checked with the classifier only, and "adam"
# with the regressor only. For "lbfgs", both estimators prepare the data and store the results in the same way, so only
# the classifier is checked.
SHORT = {"max_iter": 30, "learning_rate_init": 0.02}  # the checks do not depend on the number of iterations
ESTIMATORS = [
    MLPClassifier(solver="sgd", **SHORT), MLPRegressor(solver="adam", **SHORT), MLPClassifier(solver="lbfgs", **SHORT),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as in scikit-learn's own tests
@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")  # some inputs are not scaled
@parametrize_with_checks(ESTIMATORS)  # with the default engine, because other tests compare the engines
def test_a_check_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # otherwise, scikit-learn would skip a check
    check(estimator)
