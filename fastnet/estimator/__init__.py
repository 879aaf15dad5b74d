"""The network as a scikit-learn classifier."""

try:
    import sklearn  # noqa: F401
except ImportError:
    raise ImportError("NetworkClassifier needs scikit-learn; pip install 'fastnet-nndl[sklearn]' installs it") from None

from fastnet.estimator.classifier import NetworkClassifier

__all__ = ["NetworkClassifier"]
