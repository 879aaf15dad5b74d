"""The classifier's parameters, in the library's own terms."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.formulas import images
from fastnet.formulas.architecture import Architecture, Parameters, check_memory
from fastnet.formulas.costs import NAMES, BuiltIn
from fastnet.formulas.layers import Dense, Layer, Shape, as_layers
from fastnet.networks.learner import for_layers_of
from fastnet.utils import arguments

_ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


@dataclass(frozen=True)
class Settings:
    """The network and its training: the parameters of `NetworkClassifier`, checked.

    Attributes
    ----------
    hidden : tuple of int and Layer
        `hidden_layer_sizes`.
    image_shape : tuple of int or None
        As in `NetworkClassifier`.
    activation : str
        Name of the activation in `activations.ACTIVATIONS`.
    cost : str
        Name of the cost in `costs.NAMES`.
    eta : float
        `learning_rate_init`.
    engine, dtype, alpha, batch_size, max_iter, momentum, dropout
        As in `NetworkClassifier`.
    early_stopping, validation_fraction, n_iter_no_change, tol, warm_start, verbose
        As in `NetworkClassifier`.
    """

    hidden: tuple[int | Layer, ...]
    image_shape: Shape | None
    activation: str
    cost: str
    engine: str
    dtype: np.dtype
    alpha: float
    batch_size: int
    eta: float
    max_iter: int
    momentum: float
    dropout: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    verbose: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Settings:
        """Check a classifier's parameters.

        Raises
        ------
        ImportError
            If what the engine needs is not installed.
        TypeError, ValueError
            If a parameter has another type, or is out of range.
        """
        engine_class(parameters["engine"])
        dtype = arguments.float_type(parameters["dtype"])
        checked: dict[str, Any] = {
            name: check(parameters[name], name)
            for check, names in (
                (arguments.positive, ("batch_size", "max_iter", "n_iter_no_change")),
                (arguments.number_from_zero, ("tol",)),
                (partial(arguments.number_from_zero, dtype=dtype), ("alpha",)),
                (arguments.fraction, ("momentum", "dropout")),
                (_part, ("validation_fraction",)),
                (arguments.flag, ("early_stopping", "warm_start", "verbose")),
            )
            for name in names
        }
        settings = cls(
            hidden=_hidden(parameters["hidden_layer_sizes"], "hidden_layer_sizes"),
            image_shape=None if parameters["image_shape"] is None else images.image_shape(parameters["image_shape"]),
            activation=_ACTIVATIONS[arguments.one_of(parameters["activation"], _ACTIVATIONS, "activation")],
            cost=arguments.one_of(parameters["cost"], NAMES, "cost"),
            engine=parameters["engine"],
            dtype=dtype,
            eta=arguments.positive_number(parameters["learning_rate_init"], "learning_rate_init", dtype),
            **checked,
        )
        if settings.dropout and not settings.hidden:
            raise ValueError(f"dropout is {settings.dropout}, but there are no hidden neurons to drop")
        settings._check_layers()
        return settings

    @property
    def has_sizes_only(self) -> bool:
        """Whether the hidden layers are given as numbers of neurons."""
        return not any(isinstance(layer, Layer) for layer in self.hidden)

    def architecture(self, n_in: int, classes: int, hidden: Sequence[int] | None = None) -> Architecture:
        """Return what the network computes.

        Parameters
        ----------
        n_in : int
            Number of inputs.
        classes : int
            Number of classes.
        hidden : sequence of int, optional
            Number of neurons in each hidden layer, instead of `hidden_layer_sizes`.

        Raises
        ------
        ValueError
            If layers do not fit one another or the inputs, or the machine cannot hold them.
        """
        layers = [*(self.hidden if hidden is None else hidden), outputs(classes)]
        if self.has_sizes_only:
            arguments.sizes([n_in, *layers])
        shape = images.input_shape(n_in, layers, self.image_shape)
        with arguments.named("hidden_layer_sizes"):
            completed = as_layers(layers, self.activation)
            with images.assumed(shape, self.image_shape):
                check_memory(shape, completed)
            return Architecture(shape, completed, self._cost(classes), self.dtype)

    def _cost(self, classes: int) -> BuiltIn:
        """Return the cost; the log-likelihood of a single sigmoid output is its cross-entropy."""
        alone = outputs(classes) == 1 and self.cost == "log-likelihood"
        return NAMES["cross-entropy" if alone else self.cost]

    def _check_layers(self) -> None:
        """Raise a `ValueError` if dropout does not go with the layers."""
        if self.dropout and not all(isinstance(layer, (int, Dense)) for layer in self.hidden):
            raise ValueError(
                f"dropout is {self.dropout}, but not all of hidden_layer_sizes are dense; put Dropout({self.dropout}) "
                "where it belongs among them"
            )

    def threads(self) -> AbstractContextManager[None]:
        """Compute with all processors in the `with` block, or in this thread alone if it is not the main thread.

        Outside of the main thread, other networks are likely to be trained at the same time. Their threads would wait
        for one another.
        """
        if self.engine != "numba" or threading.current_thread() is threading.main_thread():
            return contextlib.nullcontext()
        from fastnet.kernels import threads

        return threads.limited(1)

    def make_engine(self, architecture: Architecture, parameters: Parameters, data: Dataset | None = None) -> Engine:
        """Make an engine that has these parameters, and data if it is to train on them."""
        if self.dropout and data is not None:
            architecture = architecture.with_dropout(self.dropout)
        return engine_class(self.engine)(architecture, for_layers_of(architecture, parameters), data)


def outputs(classes: int) -> int:
    """Return the number of output neurons: of two classes, a single one decides."""
    return classes if classes > 2 else 1


def _part(value: Any, argument: str) -> float:
    """Return a number between 0 and 1."""
    return arguments.fraction(arguments.positive_number(value, argument), argument)


def _hidden(value: Any, argument: str) -> tuple[int | Layer, ...]:
    """Return the hidden layers, given as the number of neurons of a single one, a layer, or a sequence of these."""
    if isinstance(value, (Sequence, np.ndarray)) and np.iterable(value) and not isinstance(value, (str, bytes)):
        return tuple(_layer(layer, argument) for layer in value)
    try:
        return (_layer(value, argument),)
    except TypeError as error:
        raise TypeError(f"{error}, or a sequence of integers and layers") from None


def _layer(value: Any, argument: str) -> int | Layer:
    if isinstance(value, type) and issubclass(value, Layer):
        raise TypeError(f"{argument} has the class {value.__name__}; it must be a layer, {value.__name__}(...)")
    return value if isinstance(value, Layer) else arguments.positive(value, argument)
