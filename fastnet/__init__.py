"""The programs of *Neural Networks and Deep Learning* with the book's API, compiled with Numba.

>>> from fastnet import mnist_loader, network
>>> training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
>>> net = network.Network([784, 30, 10])
>>> net.SGD(training_data, 30, 10, 3.0, test_data=test_data)  # doctest: +SKIP

`mnist_loader`, `network` (chapter 1), `network2` and `expand_mnist` (chapter 3), and `network3` (chapter 6) are the
book's modules. `mnist_loader` returns each data set as a `Dataset`. Training on a `Dataset` is faster than training on
a list of tuples (x, y). `network2` takes the layers `Dense`, `Convolution`, `MaxPooling`, `Dropout` and
`BatchNormalization`, optimizers such as `Adam`, and learning-rate schedules such as `Cosine`. `neural_network` has
`MLPClassifier` and `MLPRegressor` with scikit-learn's API. `sweep` trains many networks. `book` has the book's figures
and experiments. Modules and classes are imported on first access.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Adam", "BatchNormalization", "Convolution", "Cosine", "Dataset", "Dense", "Dropout", "Geometric",  # noqa: F405
    "GradientDescent", "MaxPooling", "RMSProp", "Steps",  # noqa: F405
    "expand_mnist", "mnist_loader", "network", "network2", "sweep",
]  # fmt: skip

if TYPE_CHECKING:
    from fastnet import book as book
    from fastnet import comparison as comparison
    from fastnet import expand_mnist, mnist_loader, network, network2
    from fastnet import handwriting as handwriting
    from fastnet import network3 as network3
    from fastnet import neural_network as neural_network
    from fastnet import plots as plots
    from fastnet import pytorch_mnist as pytorch_mnist
    from fastnet import sweeps as sweeps
    from fastnet import torch_models as torch_models
    from fastnet.datasets.dataset import Dataset
    from fastnet.formulas.layers import *  # noqa: F403
    from fastnet.formulas.optimizers import *  # noqa: F403
    from fastnet.learning.schedules import *  # noqa: F403
    from fastnet.sweeps import sweep

_MODULES = (
    "book",
    "comparison",
    "expand_mnist",
    "handwriting",
    "mnist_loader",
    "network",
    "network2",
    "network3",
    "neural_network",
    "plots",
    "pytorch_mnist",
    "sweeps",
    "torch_models",
)
_IN_MODULES = {
    "Dataset": "fastnet.datasets.dataset",
    "sweep": "fastnet.sweeps",
}
_ALL_OF = ("fastnet.formulas.layers", "fastnet.formulas.optimizers", "fastnet.learning.schedules")
"""Modules whose public names are also attributes of the package."""
_NEEDED = {
    "neural_network": ("sklearn",),
    "pytorch_mnist": ("torch", "torchvision"),
    "torch_models": ("torch",),
}
"""Optional dependencies without which a module cannot be imported."""


def _attribute(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"fastnet.{name}")
    if name in _IN_MODULES:
        return getattr(importlib.import_module(_IN_MODULES[name]), name)
    if name[:1].isupper():  # the modules' public names are capitalized, so no module is imported for other names
        for module in map(importlib.import_module, _ALL_OF):
            if name in module.__all__:
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:  # type checkers must not see `__getattr__`, because they would then accept every name
    __getattr__ = _attribute


def __dir__() -> list[str]:
    # `help` accesses every listed name, so modules whose dependencies are missing are not listed.
    missing = {name for name, needed in _NEEDED.items() if not all(map(find_spec, needed))}
    classes = (name for module in _ALL_OF for name in importlib.import_module(module).__all__)
    own = {name for name in globals() if name.startswith("__")}
    return sorted({*own, *_MODULES, *_IN_MODULES, *classes} - missing)
