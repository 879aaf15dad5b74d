"""Layers: what each is, and which arrays it owns.

A layer is a frozen dataclass. It says what shape it gives to inputs of some shape, and the names and shapes of its
arrays: those that are trained, and statistics that training keeps beside them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, TypeAlias

from fastnet.formulas.activations import ACTIVATIONS, OwnActivation
from fastnet.utils import arguments

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = dict[str, Shape]

OF_OUTPUTS = ("softmax", "exp")
"""Activations of output neurons only, which go with one cost: the log-likelihood, and that of Poisson."""

PADDINGS = ("valid", "same")


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
        """Return the layer as plain data; `from_settings` reads it.

        An activation of the user's own is represented by its name, which `from_settings` refuses.
        """
        values = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        return {"layer": type(self).__name__, **values}


@dataclass(frozen=True)
class Dense(Layer):
    """Every neuron is connected with every input: a = activation(w x + b) (chapter 2, equation 25).

    Attributes
    ----------
    n_out : int
        Number of neurons.
    activation : str, OwnActivation or None
        One of `activations.ACTIVATIONS`, or the user's own; None for the network's default. The output layer's must go
        with the cost.

    Raises
    ------
    TypeError, ValueError
        If an attribute is not of that form.
    """

    n_out: int
    activation: str | OwnActivation | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_out", arguments.positive(self.n_out, "n_out of Dense"))
        _check_activation(self.activation, (*ACTIVATIONS, *OF_OUTPUTS), "activation of Dense")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n_out,)

    def trained(self, shape: Shape) -> Shapes:
        return {"weights": (self.n_out, prod(shape)), "biases": (self.n_out, 1)}


@dataclass(frozen=True)
class Convolution(Layer):
    """Filters that are moved over images: a = activation(b + sum of w x over a filter's place) (equation 125).

    An image is of shape (maps, height, width), and the outputs are one map a filter. As in the equation, and as
    PyTorch's `conv2d` does, filters are not rotated; those of `network3` are, as Theano's were.

    Attributes
    ----------
    filters : int
        Number of filters.
    shape : tuple of int
        Height and width of each filter; one integer stands for both.
    activation : str, OwnActivation or None
        One of `activations.ACTIVATIONS`, or the user's own; None for the network's default.
    padding : {'valid', 'same'}
        Where filters are placed: within the image; or, for outputs as large as it, also beyond its border, where
        inputs count as 0. Of an odd number of rows or columns beyond, the one more is below or on the right.

    Raises
    ------
    TypeError, ValueError
        If an attribute is not of that form.
    """

    filters: int
    shape: tuple[int, int]
    activation: str | OwnActivation | None = None
    padding: str = "valid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", arguments.positive(self.filters, "filters of Convolution"))
        object.__setattr__(self, "shape", _height_and_width(self.shape, "shape of Convolution"))
        _check_activation(self.activation, ACTIVATIONS, "activation of Convolution")
        arguments.one_of(self.padding, PADDINGS, "padding of Convolution")

    def output_shape(self, shape: Shape) -> Shape:
        _, height, width = _image(shape, self)
        if self.padding == "same":
            return self.filters, height, width
        if self.shape[0] > height or self.shape[1] > width:
            raise ValueError(f"{self} is larger than its inputs, images of {height} x {width}")
        return self.filters, height - self.shape[0] + 1, width - self.shape[1] + 1

    def trained(self, shape: Shape) -> Shapes:
        return {"weights": (self.filters, shape[0], *self.shape), "biases": (self.filters, 1)}

    def borders(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the number of rows above and below, and of columns left and right, that count as 0."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        (above, left) = ((n - 1) // 2 for n in self.shape)
        return (above, self.shape[0] - 1 - above), (left, self.shape[1] - 1 - left)


@dataclass(frozen=True)
class MaxPooling(Layer):
    """Keeps the largest of the activations in each window of each map (chapter 6, "Pooling layers").

    Windows do not overlap; rows and columns that do not fill a window are left out. Of several that are the largest,
    the first, row by row, gets the error in backpropagation. Directly behind a `Convolution`, the largest is found
    before its activation function, unless this is GELU, which falls somewhere: see `Architecture.activations`.

    Attributes
    ----------
    shape : tuple of int
        Height and width of a window; one integer stands for both.

    Raises
    ------
    TypeError, ValueError
        If it is not of that form.
    """

    shape: tuple[int, int] = (2, 2)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _height_and_width(self.shape, "shape of MaxPooling"))

    def output_shape(self, shape: Shape) -> Shape:
        maps, height, width = _image(shape, self)
        if self.shape[0] > height or self.shape[1] > width:
            raise ValueError(f"{self} is larger than its inputs, images of {height} x {width}")
        return maps, height // self.shape[0], width // self.shape[1]


@dataclass(frozen=True)
class Dropout(Layer):
    """Leaves out each of its inputs with a probability, for each sample of training anew (Srivastava et al. 2014).

    Either what is kept is divided by 1 - p in training, so that the trained network is used as it is. Or, as in the
    book's chapter 6, what is kept stays as it is, and the trained network's inputs are multiplied by 1 - p.

    Attributes
    ----------
    p : float
        The probability, at least 0 and less than 1.
    inverted : bool
        Whether to divide in training, instead of multiplying afterwards.

    Raises
    ------
    TypeError, ValueError
        If it is not of that form.
    """

    p: float
    inverted: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", arguments.fraction(self.p, "p of Dropout"))
        object.__setattr__(self, "inverted", arguments.flag(self.inverted, "inverted of Dropout"))

    @property
    def divisor(self) -> float:
        """What kept inputs are divided by in training."""
        return 1 - self.p if self.inverted else 1.0

    @property
    def when_used(self) -> float:
        """What all inputs are multiplied by when nothing is left out."""
        return 1.0 if self.inverted else 1 - self.p

    def settings(self) -> dict[str, Any]:
        settings = super().settings()
        if self.inverted:  # as files had it before there was a choice
            del settings["inverted"]
        return settings

    def __repr__(self) -> str:
        return f"Dropout(p={self.p})" if self.inverted else f"Dropout(p={self.p}, inverted=False)"


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Gives each neuron the mean beta and the standard deviation gamma over a mini-batch (Ioffe and Szegedy 2015).

    Of images, mean and deviation are those of each map, over all of its places.

    a = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta). In training, mean and variance are those of
    the mini-batch; a trained network uses running means of them. A mini-batch with one number for each neuron or map
    leaves these as they are.

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
        return {"gamma": (shape[0], 1), "beta": (shape[0], 1)}

    def statistics(self, shape: Shape) -> Shapes:
        return {"mean": (shape[0], 1), "variance": (shape[0], 1)}


LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind for kind in (Dense, Convolution, MaxPooling, BatchNormalization, Dropout)
}
"""The kinds of layers by name."""

__all__ = list(LAYERS)  # what can be had from the package


def as_layers(layers: Sequence[int | Layer], activation: str) -> tuple[Layer, ...]:
    """Return layers, where an integer is a dense layer of that many neurons.

    Parameters
    ----------
    layers : sequence of int or Layer
        All layers but the inputs.
    activation : str
        Activation of hidden layers of neurons that have none of their own.
    """
    found = [layer if isinstance(layer, Layer) else Dense(layer) for layer in layers]
    hidden = [
        replace(each, activation=activation)
        if isinstance(each, (Dense, Convolution)) and each.activation is None
        else each
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


def _plain(value: Any) -> Any:
    """Return an attribute as JSON would give it back."""
    if isinstance(value, OwnActivation):
        return repr(value)
    return list(value) if isinstance(value, tuple) else value


def _check_activation(value: Any, choices: Collection[str], argument: str) -> None:
    if value is not None and not isinstance(value, OwnActivation):
        arguments.one_of(value, choices, argument)


def _height_and_width(value: Any, argument: str) -> tuple[int, int]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 2:
            raise ValueError(f"{argument} is {arguments.brief(value)}; it must be a height and a width")
        height, width = (arguments.positive(n, f"a number in {argument}") for n in value)
        return height, width
    size = arguments.positive(value, argument)
    return size, size


def _image(shape: Shape, layer: Layer) -> tuple[int, int, int]:
    """Return the shape of a layer's inputs, if they are images."""
    if len(shape) != 3:
        raise ValueError(
            f"{layer} has {prod(shape)} numbers without a shape for inputs; it must have images: where they are the "
            "network's inputs, give their shape, such as (1, 28, 28), instead of their number"
        )
    maps, height, width = shape
    return maps, height, width
