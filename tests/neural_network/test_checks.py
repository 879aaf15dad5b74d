"""scikit-learn's own checks, all of them."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet.neural_network import MLPClassifier, MLPRegressor

# Two solvers go through mini-batches, by the same code but for the optimizer: one is checked with each estimator. What
# "lbfgs" is given, and what is kept of it, is the same for both estimators.
SHORT = {"max_iter": 30, "learning_rate_init": 0.02}  # what is checked does not depend on how long they learn
ESTIMATORS = [
    MLPClassifier(solver="sgd", **SHORT), MLPRegressor(solver="adam", **SHORT), MLPClassifier(solver="lbfgs", **SHORT),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as scikit-learn's own tests have it
@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")  # some inputs are not scaled
@parametrize_with_checks(ESTIMATORS)  # what an engine computes is tested elsewhere
def test_a_check_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one would be skipped
    check(estimator)
