"""The programs of *Neural Networks and Deep Learning*, with the book's API, at the speed of the hardware.

>>> from fastnet import mnist_loader, network
>>> training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
>>> net = network.Network([784, 30, 10])
>>> net.SGD(training_data, 30, 10, 3.0, test_data=test_data)  # doctest: +SKIP

`mnist_loader`, `network` (chapter 1), `network2` and `expand_mnist` (chapter 3) are the book's modules. `Dataset` is
what the loader returns and what a network trains on fastest. `NetworkClassifier` is the network as scikit-learn's users
know classifiers; it is imported, and scikit-learn with it, when it is asked for. `sweep` trains many networks.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastnet import expand_mnist, mnist_loader, network, network2
from fastnet.datasets.dataset import Dataset

__version__ = "0.1.0"
__all__ = ["Dataset", "expand_mnist", "mnist_loader", "network", "network2"]

if TYPE_CHECKING:
    from fastnet.estimator import NetworkClassifier as NetworkClassifier
    from fastnet.sweeps import sweep as sweep

_LATE = {"NetworkClassifier": "fastnet.estimator", "sweep": "fastnet.sweeps"}
"""In which module a name is that is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    # Who goes through all names of a module, as `help` does, expects that they can be had.
    return sorted({*globals(), *_LATE} - ({"NetworkClassifier"} if find_spec("sklearn") is None else set()))
