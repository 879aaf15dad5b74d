"""scikit-learn's `MLPClassifier` and `MLPRegressor`, computed by fastnet.

`from fastnet.neural_network import MLPClassifier` replaces `from sklearn.neural_network import MLPClassifier`. The
parameters, defaults, attributes and methods are the same. With the same `random_state`, the network is the same, up to
rounding.
"""

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError(
        "fastnet.neural_network needs scikit-learn; pip install 'fastnet-nndl[sklearn]' installs it"
    ) from None

from fastnet.neural_network.classifier import MLPClassifier
from fastnet.neural_network.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
