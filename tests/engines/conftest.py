import pytest

from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from fastnet.kernels import choice

WITHOUT_ZEROS_TOO = {
    ("sigmoid", QuadraticCost),
    ("sigmoid", CrossEntropyCost),
    ("tanh", LogLikelihoodCost),
    ("relu", QuadraticCost),
}


@pytest.fixture
def few_kernels(monkeypatch):
    """Keep inputs as matrices but with these formulas: each combination is a kernel that takes seconds to compile."""

    def limit(activation, cost):
        if (activation, cost) not in WITHOUT_ZEROS_TOO:
            monkeypatch.setattr(choice, "without_zeros", lambda density: False)

    return limit
