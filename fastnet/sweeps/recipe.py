"""Recipes: a recipe describes a network and its training by plain values, for commands, grids and files."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy.typing as npt

from fastnet import network2
from fastnet.engines import ENGINES, VARIANTS
from fastnet.formulas import costs, images, notation
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Architecture, check_memory
from fastnet.formulas.layers import Layer, Shape, as_layers
from fastnet.formulas.optimizers import NAMES as OPTIMIZERS
from fastnet.formulas.optimizers import as_optimizer
from fastnet.learning.schedules import SCHEDULES
from fastnet.utils import arguments

INITS = ("large", "small")
_SIZES, _ENDS = (784, 30, 10), (784, 10)  # sizes of chapter 1's network; numbers of inputs and outputs for MNIST
_ETA = {"quadratic": 3.0, "cross-entropy": 0.5, "log-likelihood": 0.5}  # default learning rates of gradient descent
# Learning rate with layers, as in chapter 6, or with another activation than sigmoid. With the rates in `_ETA`, many of
# these networks learn little or nothing.
_SMALLER_ETA = 0.1
_ETA_OF_OTHERS = 0.001  # default learning rate of optimizers that divide the gradient by its magnitude


class _LargeWeights(network2.Network):
    default_weight_initializer = network2.Network.large_weight_initializer


@dataclass(frozen=True)
class Recipe:
    """A network and the arguments of its training. The function `recipe` makes a recipe.

    A recipe, a seed and the data together determine every result of the training.

    Attributes
    ----------
    sizes : tuple of int
        Number of inputs, and number of neurons in each dense layer. With `layers`, numbers of inputs and outputs only.
    layers : str or None
        The hidden layers, in the notation of `fastnet.formulas.notation`.
    image_shape : tuple of int or None
        Shape of an image, (maps, height, width). None if the shape follows from the number of inputs, or no layer needs
        images.
    cost, init, activation, engine, dtype
        Cost, initial weights, activation function, engine and precision of the network.
    epochs, mini_batch_size, eta, lmbda, l1, deform, max_norm, optimizer, momentum, dropout, patience, schedule
        The arguments of `network2.Network.SGD`.
    """

    sizes: tuple[int, ...]
    layers: str | None
    image_shape: Shape | None
    cost: str
    init: str
    activation: str
    epochs: int
    mini_batch_size: int
    eta: float
    lmbda: float
    l1: float
    deform: bool
    max_norm: float | None
    optimizer: str
    momentum: float
    dropout: float
    patience: int | None
    schedule: str | None
    engine: str
    dtype: str

    @property
    def input_shape(self) -> Shape:
        """Shape of a sample: (n_in,), or (maps, height, width) of an image."""
        return images.input_shape(self.sizes[0], self._layers(), self.image_shape)

    def network(self, seed: int | None) -> network2.Network:
        """Return the network, with initial parameters drawn from the seed."""
        kind: type[network2.Network] = network2.Network
        if self.init == "large":
            kind = _LargeWeights
        shape = self.input_shape
        return kind(
            [shape if len(shape) > 1 else self.sizes[0], *self._layers()],
            costs.NAMES[self.cost],
            activation=self.activation,
            engine=self.engine,
            dtype=self.dtype,
            seed=seed,
        )

    def architecture(self) -> Architecture:
        """Return the network's architecture.

        Raises
        ------
        ValueError
            If the layers do not fit one another, the inputs or the cost.
        """
        cost, dtype = costs.NAMES[self.cost], arguments.float_type(self.dtype)
        return Architecture(self.input_shape, as_layers(self._layers(), self.activation), cost, dtype)

    def training(self) -> dict[str, Any]:
        """Return the arguments of `SGD`, by name."""
        return {name: getattr(self, name) for name in ARGUMENTS if name in _OF_SGD}

    def work(self) -> int:
        """Return an estimate of the training's duration, in an arbitrary unit."""
        return self.epochs * self.architecture().multiplications

    def as_json(self) -> str:
        """Return the recipe as JSON; equal recipes have equal texts."""
        values = asdict(self)
        for name in ("layers", "image_shape", "deform"):  # omitted by default, so that texts equal those of old records
            if not values[name]:
                del values[name]
        return json.dumps(values, sort_keys=True)

    def _layers(self) -> list[int | Layer]:
        """Return all layers; an integer is the number of neurons of a dense layer."""
        return [*self.sizes[1:-1], *(notation.read(self.layers) if self.layers else ()), self.sizes[-1]]


_OF_SGD = inspect.signature(network2.Network.SGD).parameters
ARGUMENTS = tuple(field.name for field in fields(Recipe))


def recipe(
    sizes: Sequence[int] | None = None,
    *,
    layers: str | Sequence[int | Layer] | None = None,
    image_shape: Sequence[int] | None = None,
    cost: str | None = None,
    init: str | None = None,
    activation: str = "sigmoid",
    epochs: int = 30,
    mini_batch_size: int = 10,
    eta: float | None = None,
    lmbda: float = 0.0,
    l1: float = 0.0,
    deform: bool = False,
    max_norm: float | None = None,
    optimizer: str = "sgd",
    momentum: float = 0.0,
    dropout: float = 0.0,
    patience: int | None = None,
    schedule: str | None = None,
    engine: str = "numba",
    dtype: npt.DTypeLike = "float32",
) -> Recipe:
    """Make a recipe; by default, the recipe of chapter 1's network.

    Parameters
    ----------
    sizes : sequence of int, optional
        Number of inputs, and number of neurons in each dense layer; by default (784, 30, 10). With `layers`, numbers of
        inputs and outputs only; by default (784, 10).
    layers : str or sequence of int and Layer, optional
        The hidden layers, in the notation of `fastnet.formulas.notation`, such as "conv 20 5x5 relu, pool 2x2, dense
        100 relu"; or a sequence of layers that the notation can describe.
    image_shape : sequence of int, optional
        Shape of an image, (maps, height, width), if the layers need images. By default, n*n inputs are one map, and
        3*n*n inputs are three maps.
    activation, engine, dtype
        The arguments of `network2.Network`.
    cost : {'quadratic', 'cross-entropy', 'log-likelihood'}, optional
        The cost function. By default 'quadratic', and with `layers` 'log-likelihood', as in chapter 6.
    init : {'large', 'small'}, optional
        Initial weights: 'large' as in chapter 1, or 'small' as in chapter 3. Small weights are divided by the square
        root of the neuron's number of weights. By default 'large' with the quadratic cost, sigmoid neurons and without
        `layers`, and 'small' otherwise.
    epochs, mini_batch_size, lmbda, l1, max_norm, momentum, dropout, patience, schedule
        The arguments of `network2.Network.SGD`.
    deform : bool, optional
        Whether to deform the training images anew for each epoch, as `network2.Network.SGD` does.
    optimizer : str, optional
        One of `optimizers.NAMES`.
    eta : float, optional
        The learning rate. With the optimizers 'sgd' and 'nesterov', the default is 0.1 with `layers` or an activation
        other than 'sigmoid'. Otherwise, the default is 3.0 with the quadratic cost, and 0.5 with any other cost. With
        any other optimizer, the default is 0.001.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.

    Examples
    --------
    >>> recipe([784, 100, 10], cost="cross-entropy").eta
    0.5
    >>> made = recipe(layers="conv 20 5x5 relu, pool 2x2")
    >>> made.cost, made.eta, made.input_shape
    ('log-likelihood', 0.1, (1, 28, 28))
    """
    sizes, layers, image_shape = _network(sizes, layers, image_shape)
    if cost is None:
        cost = "quadratic" if layers is None else "log-likelihood"
    cost, dtype = arguments.one_of(cost, costs.NAMES, "cost"), arguments.float_type(dtype)
    optimizer = arguments.one_of(optimizer, OPTIMIZERS, "optimizer")
    activation = arguments.one_of(activation, ACTIVATIONS, "activation")
    as_optimizer(optimizer, momentum)
    is_sigmoid = layers is None and activation == "sigmoid"
    if eta is None:
        of_descent = _ETA[cost] if is_sigmoid else _SMALLER_ETA
        eta = of_descent if optimizer in ("sgd", "nesterov") else _ETA_OF_OTHERS
    if init is None:
        init = "large" if cost == "quadratic" and is_sigmoid else "small"
    made = Recipe(
        sizes=sizes,
        layers=layers,
        image_shape=image_shape,
        cost=cost,
        init=arguments.one_of(init, INITS, "init"),
        activation=activation,
        epochs=arguments.natural(epochs, "epochs"),
        mini_batch_size=arguments.positive(mini_batch_size, "mini_batch_size"),
        eta=arguments.positive_number(eta, "eta", dtype),
        lmbda=arguments.number_from_zero(lmbda, "lmbda", dtype),
        l1=arguments.number_from_zero(l1, "l1", dtype),
        deform=arguments.flag(deform, "deform"),
        max_norm=None if max_norm is None else arguments.positive_number(max_norm, "max_norm", dtype),
        optimizer=optimizer,
        momentum=arguments.fraction(momentum, "momentum"),
        dropout=arguments.fraction(dropout, "dropout"),
        patience=None if patience is None else arguments.positive(patience, "patience"),
        schedule=None if schedule is None else arguments.one_of(schedule, SCHEDULES, "schedule"),
        engine=arguments.one_of(engine, ENGINES + VARIANTS, "engine"),
        dtype=dtype.name,
    )
    if layers is not None:
        _check_layers(made)
    return made


def _network(
    sizes: Sequence[int] | None, layers: str | Sequence[int | Layer] | None, image_shape: Sequence[int] | None
) -> tuple[tuple[int, ...], str | None, Shape | None]:
    """Return the attributes `sizes`, `layers` and `image_shape` of a recipe, given the arguments of the same names."""
    if layers is None:
        if image_shape is not None:
            raise ValueError(f"image_shape is {image_shape}, but layers is not given; give layers that take images")
        return tuple(arguments.sizes(_SIZES if sizes is None else sizes)), None, None
    ends = tuple(arguments.sizes(_ENDS if sizes is None else sizes))
    if len(ends) != 2:
        raise ValueError(
            f"sizes is {list(ends)}, and layers are given; with layers, sizes must be the numbers of inputs and "
            f"outputs only, such as {list(_ENDS)}"
        )
    with arguments.named("layers"):
        text = notation.write(notation.read(layers) if isinstance(layers, str) else layers)
    return ends, text, None if image_shape is None else images.image_shape(image_shape)


def _check_layers(made: Recipe) -> None:
    """Raise a `ValueError` if `dropout` is given, or if layers do not fit one another, the inputs, cost or memory."""
    if made.dropout:
        raise ValueError(
            f"dropout is {made.dropout}, and layers are given; write 'dropout {made.dropout}' among the layers instead"
        )
    layers = as_layers(made._layers(), made.activation)
    try:
        with arguments.named("layers"):
            shape = made.input_shape
            with images.assumed(shape, made.image_shape):
                check_memory(shape, layers)
            made.architecture()
    except ValueError as error:
        message = str(error)
        for layer, written in zip(layers, made._layers(), strict=True):
            if isinstance(written, Layer):
                for each in (layer, written):
                    message = message.replace(repr(each), repr(notation.describe(written)))
        raise ValueError(message) from None
