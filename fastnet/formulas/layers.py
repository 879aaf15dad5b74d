"""Layers of networks.

A layer is a frozen dataclass of settings. Given the shape of its inputs, a layer returns the shape of its outputs, and
the names and shapes of its arrays. Some arrays are trained. All other arrays are statistics, which training updates
without a gradient.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from fastnet.formulas.activations import ACTIVATIONS, CustomActivation
from fastnet.utils import arguments

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = dict[str, Shape]

OF_OUTPUTS = ("softmax", "exp")
"""Activations for output neurons only: "softmax" needs `LogLikelihoodCost`, and "exp" needs `PoissonCost`."""

PADDINGS = ("valid", "same")


@dataclass(frozen=True)
class Layer:
    """Base class of all layers."""

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sample's activations, given the shape of its inputs.

        Raises
        ------
        ValueError
            If the layer cannot have inputs of that shape.
        """
        return shape

    def trained(self, shape: Shape) -> Shapes:
        """Return the names and shapes of the trained arrays, given the shape of the inputs."""
        return {}

    def statistics(self, shape: Shape) -> Shapes:
        """Return names and shapes of the arrays that training updates without a gradient, given the inputs' shape."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Return the layer as plain data; `from_settings` is the inverse.

        A custom activation is represented by its `repr`, which `from_settings` does not accept.
        """
        values = {each.name: _plain(getattr(self, each.name)) for each in fields(self)}
        return {"layer": type(self).__name__, **values}


@dataclass(frozen=True)
class Dense(Layer):
    """A layer in which every neuron is connected with every input: a = activation(w x + b) (chapter 2, equation 25).

    Attributes
    ----------
    n_out : int
        Number of neurons, at least 1.
    activation : str, CustomActivation or None
        Name in `activations.ACTIVATIONS`, or a custom activation; None for the network's default. An output layer may
        also have "softmax" or "exp"; the cost must allow the activation.

    Raises
    ------
    TypeError, ValueError
        If an attribute has a wrong type or value.
    """

    n_out: int
    activation: str | CustomActivation | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "n_out", arguments.positive(self.n_out, "n_out of Dense"))
        _check_activation(self.activation, (*ACTIVATIONS, *OF_OUTPUTS), "activation of Dense")

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n_out,)

    def trained(self, shape: Shape) -> Shapes:
        return {"weights": (self.n_out, prod(shape)), "biases": (self.n_out, 1)}


@dataclass(frozen=True)
class Convolution(Layer):
    """Filters that move over images: a = activation(b + sum of w x over the local receptive field) (equation 125).

    Inputs are images of shape (maps, height, width). Outputs have one map for each filter. As in equation 125 and in
    PyTorch's `conv2d`, filters are not rotated. In `network3`, filters are rotated, as in Theano.

    Attributes
    ----------
    filters : int
        Number of filters, at least 1.
    shape : tuple of int
        Height and width of each filter, or one integer for both.
    activation : str, CustomActivation or None
        Name in `activations.ACTIVATIONS`, or a custom activation; None for the network's default.
    padding : {'valid', 'same'}
        With 'valid', filters stay within the image. With 'same', the image is padded with zeros, so that output
        images are as large as input images. If the number of padded rows is odd, one more is at the bottom than at the
        top. If the number of padded columns is odd, one more is on the right than on the left.

    Raises
    ------
    TypeError, ValueError
        If an attribute has a wrong type or value.
    """

    filters: int
    shape: tuple[int, int]
    activation: str | CustomActivation | None = None
    padding: str = "valid"

    if TYPE_CHECKING:  # the argument `shape` may be an integer, but the attribute is always a tuple

        def __init__(
            self,
            filters: int,
            shape: int | Sequence[int],
            activation: str | CustomActivation | None = None,
            padding: str = "valid",
        ) -> None: ...

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
            raise ValueError(f"{self} is larger than its inputs, images of {height} x {width}; give a smaller shape")
        return self.filters, height - self.shape[0] + 1, width - self.shape[1] + 1

    def trained(self, shape: Shape) -> Shapes:
        return {"weights": (self.filters, shape[0], *self.shape), "biases": (self.filters, 1)}

    def borders(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return ((above, below), (left, right)): the numbers of padded rows and columns at the edges of an image."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        (above, left) = ((n - 1) // 2 for n in self.shape)
        return (above, self.shape[0] - 1 - above), (left, self.shape[1] - 1 - left)


@dataclass(frozen=True)
class MaxPooling(Layer):
    """Keeps the largest activation in each window of each map (chapter 6, "Pooling layers").

    Windows do not overlap. Rows and columns that do not fill a window are ignored. If several activations of a window
    are the largest, backpropagation assigns the error to the first of them, row by row. Directly after a `Convolution`,
    pooling is computed before the activation function, except for GELU, which is not monotonic. See
    `Architecture.activations`.

    Attributes
    ----------
    shape : tuple of int
        Height and width of a window, or one integer for both.

    Raises
    ------
    TypeError, ValueError
        If `shape` has a wrong type or value.
    """

    shape: tuple[int, int] = (2, 2)

    if TYPE_CHECKING:  # the argument `shape` may be an integer, but the attribute is always a tuple

        def __init__(self, shape: int | Sequence[int] = (2, 2)) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", _height_and_width(self.shape, "shape of MaxPooling"))

    def output_shape(self, shape: Shape) -> Shape:
        maps, height, width = _image(shape, self)
        if self.shape[0] > height or self.shape[1] > width:
            raise ValueError(f"{self} is larger than its inputs, images of {height} x {width}; give a smaller shape")
        return maps, height // self.shape[0], width // self.shape[1]


@dataclass(frozen=True)
class Dropout(Layer):
    """Drops each input with probability `p` in training, independently for each sample (Srivastava et al. 2014).

    Inverted dropout divides kept inputs by 1 - p in training, so the trained network needs no change. Dropout that is
    not inverted, as in the book's chapter 6, multiplies all inputs by 1 - p outside training.

    Attributes
    ----------
    p : float
        Probability with which an input is dropped, at least 0 and less than 1.
    inverted : bool
        Whether dropout is inverted.

    Raises
    ------
    TypeError, ValueError
        If an attribute has a wrong type or value.
    """

    p: float
    inverted: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", arguments.fraction(self.p, "p of Dropout"))
        object.__setattr__(self, "inverted", arguments.flag(self.inverted, "inverted of Dropout"))

    @property
    def divisor(self) -> float:
        """Divisor of kept inputs in training."""
        return 1 - self.p if self.inverted else 1.0

    @property
    def when_used(self) -> float:
        """Factor of all inputs outside training."""
        return 1.0 if self.inverted else 1 - self.p

    def settings(self) -> dict[str, Any]:
        settings = super().settings()
        if self.inverted:  # the default is left out, as in files that are older than this setting
            del settings["inverted"]
        return settings

    def __repr__(self) -> str:
        return f"Dropout(p={self.p})" if self.inverted else f"Dropout(p={self.p}, inverted=False)"


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Gives each neuron the mean beta and the standard deviation gamma over a mini-batch (Ioffe and Szegedy 2015).

    For images, mean and variance are computed for each map, over all samples and all positions.

    a = activation(gamma (x - mean) / sqrt(variance + epsilon) + beta). In training, mean and variance are those of the
    mini-batch. Outside training, the running mean and the running variance are used. A mini-batch with only one number
    for each neuron or map does not change the running mean and variance.

    Attributes
    ----------
    activation : str
        Name in `activations.ACTIVATIONS`. In the paper, normalization comes before the activation function. For this
        order, the preceding layer must have the activation "linear".
    momentum : float
        Weight of a mini-batch in the running mean and variance, greater than 0 and at most 1.
    epsilon : float
        Number added to the variance, at least 1.18e-38, the smallest normal number of float32.

    Raises
    ------
    TypeError, ValueError
        If an attribute has a wrong type or value.
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
"""Layer classes by name."""

__all__ = ["BatchNormalization", "Convolution", "Dense", "Dropout", "MaxPooling"]  # also available from `fastnet`


def as_layers(layers: Sequence[int | Layer], activation: str) -> tuple[Layer, ...]:
    """Return layers, with each integer replaced by a dense layer of that many neurons.

    Parameters
    ----------
    layers : sequence of int or Layer
        All layers, in order; the inputs are no layer.
    activation : str
        Activation of hidden dense and convolutional layers whose activation is None.
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
    """Return the layer whose `Layer.settings` are given.

    Raises
    ------
    KeyError, TypeError, ValueError
        If `settings` are not the settings of a layer.
    """
    values = dict(settings)
    return LAYERS[values.pop("layer")](**values)


def _plain(value: Any) -> Any:
    """Return an attribute as plain data for JSON."""
    if isinstance(value, CustomActivation):
        return repr(value)
    return list(value) if isinstance(value, tuple) else value


def _check_activation(value: Any, choices: Collection[str], argument: str) -> None:
    if value is not None and not isinstance(value, CustomActivation):
        arguments.one_of(value, choices, argument)


def _height_and_width(value: Any, argument: str) -> tuple[int, int]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 2:
            raise ValueError(f"{argument} is {arguments.brief(value)}; it must be an integer, or a height and a width")
        height, width = (arguments.positive(n, f"a number in {argument}") for n in value)
        return height, width
    size = arguments.positive(value, argument)
    return size, size


def _image(shape: Shape, layer: Layer) -> tuple[int, int, int]:
    """Return the shape of a layer's inputs, (maps, height, width), or raise a `ValueError` if they are not images."""
    if len(shape) != 3:
        raise ValueError(
            f"{layer} needs images, but its inputs are {prod(shape)} numbers without a shape; if the network's inputs "
            "are images, give their shape, such as (1, 28, 28), instead of the number of inputs"
        )
    maps, height, width = shape
    return maps, height, width
