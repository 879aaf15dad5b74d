"""scikit-learn's own checks, all of them."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet.neural_network import MLPClassifier, MLPRegressor

ESTIMATORS = [kind(solver=solver) for kind in (MLPClassifier, MLPRegressor) for solver in ("adam", "sgd", "lbfgs")]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as scikit-learn's own tests have it
@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")  # some inputs are not scaled
@parametrize_with_checks(ESTIMATORS)  # what an engine computes is tested elsewhere
def test_a_check_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one would be skipped
    check(estimator)
