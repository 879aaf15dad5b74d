"""Recipes: a network and its training in plain values, as a command, a grid or a file has them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy.typing as npt

from fastnet import network2
from fastnet.engines import ENGINES, VARIANTS
from fastnet.formulas import costs
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.optimizers import NAMES as OPTIMIZERS
from fastnet.formulas.optimizers import as_optimizer
from fastnet.learning.schedules import SCHEDULES
from fastnet.utils import arguments

INITS = ("large", "small")
_ETA = {"quadratic": 3.0, "cross-entropy": 0.5, "log-likelihood": 0.5}  # of gradient descent
_ETA_OF_OTHERS = 0.001  # which divide the gradient by its size


class _LargeWeights(network2.Network):
    default_weight_initializer = network2.Network.large_weight_initializer


@dataclass(frozen=True)
class Recipe:
    """A network and the arguments of its training. `recipe` makes one.

    With a seed and the data, they determine every number of the training.

    Attributes
    ----------
    sizes, cost, init, activation, engine, dtype
        The network.
    epochs, mini_batch_size, eta, lmbda, l1, max_norm, optimizer, momentum, dropout, patience, schedule
        The arguments of `network2.Network.SGD`.
    """

    sizes: tuple[int, ...]
    cost: str
    init: str
    activation: str
    epochs: int
    mini_batch_size: int
    eta: float
    lmbda: float
    l1: float
    max_norm: float | None
    optimizer: str
    momentum: float
    dropout: float
    patience: int | None
    schedule: str | None
    engine: str
    dtype: str

    def network(self, seed: int | None) -> network2.Network:
        """Return the network, with its initial parameters drawn."""
        kind = _LargeWeights if self.init == "large" else network2.Network
        return kind(
            self.sizes,
            costs.NAMES[self.cost],
            activation=self.activation,
            engine=self.engine,
            dtype=self.dtype,
            seed=seed,
        )

    def training(self) -> dict[str, Any]:
        """Return the arguments of `SGD`, by their names."""
        return {name: getattr(self, name) for name in ARGUMENTS if name in _OF_SGD}

    def work(self) -> int:
        """Return an estimate of the training's duration, in an arbitrary unit."""
        return self.epochs * sum(n_in * n_out for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False))

    def as_json(self) -> str:
        """Return the recipe as JSON; equal recipes have equal texts."""
        return json.dumps(asdict(self), sort_keys=True)


_OF_SGD = inspect.signature(network2.Network.SGD).parameters
ARGUMENTS = tuple(field.name for field in fields(Recipe))


def recipe(
    sizes: Sequence[int] = (784, 30, 10),
    *,
    cost: str = "quadratic",
    init: str | None = None,
    activation: str = "sigmoid",
    epochs: int = 30,
    mini_batch_size: int = 10,
    eta: float | None = None,
    lmbda: float = 0.0,
    l1: float = 0.0,
    max_norm: float | None = None,
    optimizer: str = "sgd",
    momentum: float = 0.0,
    dropout: float = 0.0,
    patience: int | None = None,
    schedule: str | None = None,
    engine: str = "numba",
    dtype: npt.DTypeLike = "float32",
) -> Recipe:
    """Make a recipe; by default, the one of chapter 1.

    Parameters
    ----------
    sizes, activation, engine, dtype
        As for `network2.Network`.
    cost : {'quadratic', 'cross-entropy', 'log-likelihood'}, optional
        The cost function.
    init : {'large', 'small'}, optional
        Initial weights: chapter 1's, or chapter 3's, which are divided by the root of their number. By default 'large'
        with the quadratic cost, and 'small' with any other cost.
    epochs, mini_batch_size, lmbda, l1, max_norm, momentum, dropout, patience, schedule
        As for `network2.Network.SGD`.
    optimizer : str, optional
        One of `optimizers.NAMES`.
    eta : float, optional
        The learning rate. By default 3.0 with the quadratic cost and 0.5 with any other cost. With an optimizer other
        than 'sgd' and 'nesterov', 0.001.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.

    Examples
    --------
    >>> recipe([784, 100, 10], cost="cross-entropy").eta
    0.5
    """
    cost, dtype = arguments.one_of(cost, costs.NAMES, "cost"), arguments.float_type(dtype)
    optimizer = arguments.one_of(optimizer, OPTIMIZERS, "optimizer")
    as_optimizer(optimizer, momentum)
    if eta is None:
        eta = _ETA[cost] if optimizer in ("sgd", "nesterov") else _ETA_OF_OTHERS
    return Recipe(
        sizes=tuple(arguments.sizes(sizes)),
        cost=cost,
        init=arguments.one_of(init or ("large" if cost == "quadratic" else "small"), INITS, "init"),
        activation=arguments.one_of(activation, ACTIVATIONS, "activation"),
        epochs=arguments.natural(epochs, "epochs"),
        mini_batch_size=arguments.positive(mini_batch_size, "mini_batch_size"),
        eta=arguments.positive_number(eta, "eta", dtype),
        lmbda=arguments.number_from_zero(lmbda, "lmbda", dtype),
        l1=arguments.number_from_zero(l1, "l1", dtype),
        max_norm=None if max_norm is None else arguments.positive_number(max_norm, "max_norm", dtype),
        optimizer=optimizer,
        momentum=arguments.fraction(momentum, "momentum"),
        dropout=arguments.fraction(dropout, "dropout"),
        patience=None if patience is None else arguments.positive(patience, "patience"),
        schedule=None if schedule is None else arguments.one_of(schedule, SCHEDULES, "schedule"),
        engine=arguments.one_of(engine, ENGINES + VARIANTS, "engine"),
        dtype=dtype.name,
    )
