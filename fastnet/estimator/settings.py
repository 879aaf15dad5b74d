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
from fastnet.formulas.architecture import Architecture, Arrays
from fastnet.formulas.costs import NAMES
from fastnet.utils import arguments

_ACTIVATIONS = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


@dataclass(frozen=True)
class Settings:
    """The network and its training: the parameters of `NetworkClassifier`, checked.

    Attributes
    ----------
    hidden : tuple of int
        `hidden_layer_sizes`.
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

    hidden: tuple[int, ...]
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
            activation=_ACTIVATIONS[arguments.one_of(parameters["activation"], _ACTIVATIONS, "activation")],
            cost=arguments.one_of(parameters["cost"], NAMES, "cost"),
            engine=parameters["engine"],
            dtype=dtype,
            eta=arguments.positive_number(parameters["learning_rate_init"], "learning_rate_init", dtype),
            **checked,
        )
        if settings.dropout and not settings.hidden:
            raise ValueError(f"dropout is {settings.dropout}, but there are no hidden neurons to drop")
        return settings

    def sizes(self, n_in: int, classes: int) -> tuple[int, ...]:
        """Return the number of neurons in each layer."""
        return tuple(arguments.sizes([n_in, *self.hidden, outputs(classes)]))

    def threads(self) -> AbstractContextManager[None]:
        """Compute with all processors in the `with` block, or in this thread alone if it is not the main thread.

        Outside of the main thread, other networks are likely to be trained at the same time. Their threads would wait
        for one another.
        """
        if self.engine != "numba" or threading.current_thread() is threading.main_thread():
            return contextlib.nullcontext()
        from fastnet.kernels import threads

        return threads.limited(1)

    def make_engine(self, weights: Arrays, biases: Arrays, data: Dataset | None = None) -> Engine:
        """Make an engine that has these parameters, and data if it is to train on them."""
        sizes = weights[0].shape[1], *map(len, weights)
        # The log-likelihood of a single sigmoid output is its cross-entropy.
        name = "cross-entropy" if sizes[-1] == 1 and self.cost == "log-likelihood" else self.cost
        architecture = Architecture.dense(sizes, self.dtype, self.activation, NAMES[name])
        if self.dropout and data is not None:
            architecture = architecture.with_dropout(self.dropout)
        return engine_class(self.engine)(architecture, architecture.parameters(weights, biases), data)


def outputs(classes: int) -> int:
    """Return the number of output neurons: of two classes, a single one decides."""
    return classes if classes > 2 else 1


def _part(value: Any, argument: str) -> float:
    """Return a number between 0 and 1."""
    return arguments.fraction(arguments.positive_number(value, argument), argument)


def _hidden(value: Any, argument: str) -> tuple[int, ...]:
    """Return the number of neurons in each hidden layer, given as that of a single one or as a sequence."""
    if isinstance(value, (Sequence, np.ndarray)) and np.iterable(value) and not isinstance(value, (str, bytes)):
        return tuple(arguments.positive(n, argument) for n in value)
    try:
        return (arguments.positive(value, argument),)
    except TypeError as error:
        raise TypeError(f"{error}, or a sequence of integers") from None
