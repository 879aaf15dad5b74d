"""Layers: what each is, and which arrays it owns.

A layer is a frozen dataclass. It says what shape it gives to inputs of some shape, and the names and shapes of its
arrays: those that are trained, and statistics that training keeps beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

from fastnet.formulas.activations import ACTIVATIONS
from fastnet.utils import arguments

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = dict[str, Shape]

OF_OUTPUTS = ("softmax",)
"""Activations of output neurons only: each depends on all neurons of its layer."""


@dataclass(frozen=True)
class Layer:
    """What all layers have."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample's activations, given that of its inputs."""
        return shape

    def trained(self, shape: Shape) -> Shapes:
        """Return the names and shapes of the arrays that follow the gradient, for inputs of that shape."""
        return {}

    def statistics(self, shape: Shape) -> Shapes:
        """Return the names and shapes of the arrays that training keeps without a gradient."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Return the layer as plain data; `from_settings` reads it."""
        return {"layer": type(self).__name__, **{each.name: getattr(self, each.name) for each in fields(self)}}


@dataclass(frozen=True)
class Dense(Layer):
    """Every neuron is connected with every input: a = activation(w x + b) (chapter 2, equation 25).

    Attributes
    ----------
    n_out : int
        Number of neurons.
    activation : str or None
        One of `activations.ACTIVATIONS`; None for the network's default. The output layer's must go with the cost.

    Raises
    ------
    TypeError, ValueError
        If an attribute is not of that form.
    """

    n_out: int
    activation: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_out", arguments.positive(self.n_out, "n_out of Dense"))
        if self.activation is not None:
            arguments.one_of(self.activation, (*ACTIVATIONS, *OF_OUTPUTS), "activation of Dense")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n_out,)

    def trained(self, shape: Shape) -> Shapes:
        (n_in,) = shape
        return {"weights": (self.n_out, n_in), "biases": (self.n_out, 1)}


@dataclass(frozen=True)
class Dropout(Layer):
    """Leaves out each of its inputs with a probability, for each sample of training anew (Srivastava et al. 2014).

    What is kept is divided by 1 - p, so that the trained network is used as it is.

    Attributes
    ----------
    p : float
        The probability, at least 0 and less than 1.

    Raises
    ------
    TypeError, ValueError
        If it is not of that form.
    """

    p: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", arguments.fraction(self.p, "p of Dropout"))


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Gives each neuron the mean beta and the standard deviation gamma over a mini-batch (Ioffe and Szegedy 2015).

    a = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta). In training, mean and variance are those of
    the mini-batch; a trained network uses running means of them. A mini-batch of one sample leaves these as they are.

    Attributes
    ----------
    activation : str
        One of `activations.ACTIVATIONS`. For the order of the paper, give it here, and "linear" to the layer before.
    momentum : float
        The share of a mini-batch in the running means, greater than 0 and at most 1.
    epsilon : float
        What is added to the variance, positive.

    Raises
    ------
    TypeError, ValueError
        If an attribute is not of that form.
    """

    activation: str = "linear"
    momentum: float = 0.1
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        arguments.one_of(self.activation, ACTIVATIONS, "activation of BatchNormalization")
        momentum = arguments.positive_number(self.momentum, "momentum of BatchNormalization")
        if momentum > 1:
            raise ValueError(f"momentum of BatchNormalization is {momentum}; it must be greater than 0 and at most 1")
        object.__setattr__(self, "momentum", momentum)
        epsilon = arguments.positive_number(self.epsilon, "epsilon of BatchNormalization", "float32")
        object.__setattr__(self, "epsilon", epsilon)

    def trained(self, shape: Shape) -> Shapes:
        (n,) = shape
        return {"gamma": (n, 1), "beta": (n, 1)}

    def statistics(self, shape: Shape) -> Shapes:
        (n,) = shape
        return {"mean": (n, 1), "variance": (n, 1)}


LAYERS: dict[str, type[Layer]] = {kind.__name__: kind for kind in (Dense, Dropout, BatchNormalization)}
"""The kinds of layers by name."""

__all__ = list(LAYERS)  # what can be had from the package


def as_layers(layers: Sequence[int | Layer], activation: str) -> tuple[Layer, ...]:
    """Return layers, where an integer is a dense layer of that many neurons.

    Parameters
    ----------
    layers : sequence of int or Layer
        All layers but the inputs.
    activation : str
        Activation of hidden dense layers that have none of their own.
    """
    found = [layer if isinstance(layer, Layer) else Dense(layer) for layer in layers]
    hidden = [
        replace(each, activation=activation) if isinstance(each, Dense) and each.activation is None else each
        for each in found[:-1]
    ]
    return (*hidden, *found[-1:])


def from_settings(settings: dict[str, Any]) -> Layer:
    """Return the layer that `Layer.settings` described.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not such a description.
    """
    values = dict(settings)
    return LAYERS[values.pop("layer")](**values)
