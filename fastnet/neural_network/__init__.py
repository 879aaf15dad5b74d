"""scikit-learn's `MLPClassifier` and `MLPRegressor`, computed by fastnet.

`from fastnet.neural_network import MLPClassifier` stands for `from sklearn.neural_network import MLPClassifier`: the
same parameters, defaults, attributes and methods, and, from the same `random_state`, the same network up to rounding.
"""

from fastnet.utils.imports import of_extra

with of_extra("fastnet.neural_network", "scikit-learn", "sklearn"):
    import sklearn  # noqa: F401

from fastnet.neural_network.classifier import MLPClassifier
from fastnet.neural_network.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
