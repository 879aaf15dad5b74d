"""scikit-learn's own checks, all of them."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import NetworkClassifier


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # as scikit-learn's own tests have it
@pytest.mark.filterwarnings("ignore::fastnet.learning.diagnostics.TrainingWarning")  # some labels are drawn by chance
@parametrize_with_checks([NetworkClassifier()])  # what an engine computes is tested elsewhere
def test_a_check_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # or one would be skipped
    check(estimator)
