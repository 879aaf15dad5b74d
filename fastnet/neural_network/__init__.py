"""scikit-learn's `MLPClassifier` and `MLPRegressor`, computed by fastnet.

`from fastnet.neural_network import MLPClassifier` replaces `from sklearn.neural_network import MLPClassifier`. All
parameters, defaults, attributes and methods of scikit-learn's classes exist here. With the same integer `random_state`,
the trained network is the same as in scikit-learn, up to rounding.
"""

from fastnet.utils.imports import of_extra

with of_extra("fastnet.neural_network", "scikit-learn", "sklearn"):
    import sklearn  # noqa: F401

from fastnet.neural_network.classifier import MLPClassifier
from fastnet.neural_network.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
