"""scikit-learn's `MLPClassifier` and `MLPRegressor`, computed by fastnet.

`from fastnet.neural_network import MLPClassifier` replaces `from sklearn.neural_network import MLPClassifier`. The
parameters, defaults, attributes and methods are the same. With the same `random_state`, the trained network is the same
as in scikit-learn, up to rounding.
"""

from fastnet.utils.imports import of_extra

with of_extra("fastnet.neural_network", "scikit-learn", "sklearn"):
    import sklearn  # noqa: F401

from fastnet.neural_network.classifier import MLPClassifier
from fastnet.neural_network.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
