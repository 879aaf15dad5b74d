"""The layers: convolution with pooling, fully connected, softmax."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fastnet.datasets.dataset import finite_arrays
from fastnet.network3.activations import ACTIVATIONS, Activation, sigmoid
from fastnet.network3.data import check_tensor
from fastnet.utils import arguments

Parameters: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]


def dropout_layer(layer: Tensor, p_dropout: float, generator: torch.Generator | None = None) -> Tensor:
    """Return `layer` with each number set to 0 with the probability `p_dropout`; the others stay as they are."""
    if p_dropout == 0:
        return layer
    return layer * torch.empty_like(layer).bernoulli_(1 - p_dropout, generator=generator)


class Layer(ABC):
    """What all layers are: weights `w` and biases `b`, between so many inputs and outputs a sample.

    Attributes
    ----------
    w, b : tensors of float32
        The weights and biases. Their numbers may be changed, or others of the same shape assigned.
    n_in, n_out : int
        The numbers of inputs and outputs of a sample.
    p_dropout : float
        With which probability an input is left out in training.
    activation_fn : function or None
        None for softmax.
    """

    w: Tensor
    b: Tensor
    n_in: int
    n_out: int
    p_dropout: float = 0.0
    activation_fn: Activation | None = None
    _shapes: tuple[tuple[int, ...], tuple[int, ...]]

    described_by: ClassVar[tuple[str, ...]]
    """The arguments that make such a layer again."""

    @property
    def params(self) -> list[Tensor]:
        """The weights and the biases."""
        return [self.w, self.b]

    @abstractmethod
    def output(self, inpt: Tensor) -> Tensor:
        """Return what the layer makes of its inputs when it is used: of shape (n, n_out)."""

    @abstractmethod
    def output_dropout(self, inpt: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what the layer makes of its inputs in training, where some of them are left out."""

    def to(self, device: torch.device) -> None:
        """Move the parameters to a device."""
        self.w, self.b = self.w.to(device), self.b.to(device)

    def description(self) -> dict[str, Any]:
        """Return what the layer is, as plain data."""
        values = {name: getattr(self, name) for name in self.described_by}
        if self.activation_fn is not None:
            names = [name for name, function in ACTIVATIONS.items() if function is self.activation_fn]
            if not names:
                raise ValueError(
                    f"a layer's activation_fn is {self.activation_fn!r}, which is none of {', '.join(ACTIVATIONS)}"
                )
            values["activation_fn"] = names[0]
        return {"layer": type(self).__name__, **values}

    def check_params(self) -> None:
        """Raise a `TypeError` or a `ValueError` if the weights or biases, which may have been assigned, are none."""
        for name, param, shape in zip("wb", self.params, self._shapes, strict=True):
            check_tensor(param, torch.float32, name)
            if param.shape != shape:
                raise ValueError(f"{name} has the shape {tuple(param.shape)}; it must be {shape}")

    def _begin_with(self, params: Parameters, shape: tuple[int, ...], biases: int) -> None:
        arrays = finite_arrays(params, "params", np.dtype("float32"))
        self._shapes = shape, (biases,)
        if tuple(array.shape for array in arrays) != self._shapes:
            found = " and ".join(str(array.shape) for array in arrays)
            raise ValueError(f"params have the shapes {found}; they must be {shape} and {(biases,)}")
        self.w, self.b = map(torch.tensor, arrays)


class ConvPoolLayer(Layer):
    """A convolution, and max pooling of what it gives.

    Parameters
    ----------
    filter_shape : tuple of 4 int
        The number of filters, the number of input feature maps, and the filters' height and width.
    image_shape : tuple of 4 int
        The mini-batch size, the number of input feature maps, and the images' height and width. There may be any
        number of images: the first of the four is not looked at.
    poolsize : tuple of 2 int, optional
        The height and width of what is pooled. Rows and columns that are left over are left out.
    activation_fn : function, optional
        Of the neurons: `sigmoid`, `tanh`, `ReLU`, `linear`, or one of your own that takes and returns a tensor.
    params : tuple (w, b), optional
        What to begin with, instead of drawing it: of shape `filter_shape` and of as many biases as there are filters.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.

    Notes
    -----
    It is a convolution, as Theano has it: filters are applied rotated by 180 degrees, where PyTorch's `conv2d` does not
    rotate. No padding. The biases are added after pooling, which gives the same and takes less time.
    """

    described_by = ("filter_shape", "image_shape", "poolsize")

    def __init__(
        self,
        filter_shape: Sequence[int],
        image_shape: Sequence[int],
        poolsize: Sequence[int] = (2, 2),
        activation_fn: Activation = sigmoid,
        *,
        params: Parameters | None = None,
    ) -> None:
        self.filter_shape = _shape(filter_shape, 4, "filter_shape")
        self.image_shape = _shape(image_shape, 4, "image_shape")
        self.poolsize = _shape(poolsize, 2, "poolsize")
        self.activation_fn = _function(activation_fn)
        filters, maps, *filter_size = self.filter_shape
        pooled = [
            (image - one + 1) // pool
            for image, one, pool in zip(self.image_shape[2:], filter_size, self.poolsize, strict=True)
        ]
        if maps != self.image_shape[1]:
            raise ValueError(f"filter_shape has {maps} input feature maps, but image_shape {self.image_shape[1]}")
        if min(pooled) < 1:
            raise ValueError(
                f"of images of {self.image_shape[2:]}, filters of {tuple(filter_size)} and pooling by {self.poolsize} "
                "leave nothing"
            )
        self.n_in, self.n_out = math.prod(self.image_shape[1:]), filters * math.prod(pooled)
        if params is None:
            _check_memory(self.filter_shape, "filter_shape")
            scale = math.sqrt(math.prod(self.poolsize) / (filters * math.prod(filter_size)))
            params = _drawn(scale, self.filter_shape, filters)
        self._begin_with(params, self.filter_shape, filters)

    def output(self, inpt: Tensor) -> Tensor:
        """Return what the layer makes of its inputs: of shape (n, filters, height, width)."""
        assert self.activation_fn is not None
        images = inpt.reshape(len(inpt), *self.image_shape[1:])
        convolved = functional.conv2d(images, self.w.flip(2, 3))
        return self.activation_fn(functional.max_pool2d(convolved, self.poolsize) + self.b[:, None, None])

    def output_dropout(self, inpt: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the same: there is no dropout in the convolutional layers."""
        return self.output(inpt)


class FullyConnectedLayer(Layer):
    """A layer of neurons, each connected with all of its inputs.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of inputs and of neurons.
    activation_fn : function, optional
        Of the neurons: `sigmoid`, `tanh`, `ReLU`, `linear`, or one of your own that takes and returns a tensor.
    p_dropout : float, optional
        With which probability an input of the layer is left out in training, from 0 to less than 1. When the layer is
        used, its weights are multiplied by 1 - `p_dropout`.
    params : tuple (w, b), optional
        What to begin with, instead of drawing it: of shape (n_in, n_out) and (n_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.
    """

    described_by = ("n_in", "n_out", "p_dropout")

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation_fn: Activation = sigmoid,
        p_dropout: float = 0.0,
        *,
        params: Parameters | None = None,
    ) -> None:
        self.n_in, self.n_out = arguments.positive(n_in, "n_in"), arguments.positive(n_out, "n_out")
        self.activation_fn = _function(activation_fn)
        self.p_dropout = arguments.fraction(p_dropout, "p_dropout")
        if params is None:
            _check_memory((self.n_in, self.n_out), "n_in and n_out")
            params = _drawn(math.sqrt(1 / self.n_out), (self.n_in, self.n_out), self.n_out)
        self._begin_with(params, (self.n_in, self.n_out), self.n_out)

    def output(self, inpt: Tensor) -> Tensor:
        """Return what the layer makes of its inputs when it is used: of shape (n, n_out)."""
        assert self.activation_fn is not None
        return self.activation_fn(_weighted_input(self, inpt))

    def output_dropout(self, inpt: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what the layer makes of its inputs in training, where some of them are left out."""
        assert self.activation_fn is not None
        return self.activation_fn(_weighted_input_dropout(self, inpt, generator))


class SoftmaxLayer(Layer):
    """The last layer: the outputs are probabilities.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of inputs and of neurons.
    p_dropout : float, optional
        As for `FullyConnectedLayer`.
    params : tuple (w, b), optional
        What to begin with, instead of zeros: of shape (n_in, n_out) and (n_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.
    """

    described_by = ("n_in", "n_out", "p_dropout")

    def __init__(self, n_in: int, n_out: int, p_dropout: float = 0.0, *, params: Parameters | None = None) -> None:
        self.n_in, self.n_out = arguments.positive(n_in, "n_in"), arguments.positive(n_out, "n_out")
        self.p_dropout = arguments.fraction(p_dropout, "p_dropout")
        if params is None:
            _check_memory((self.n_in, self.n_out), "n_in and n_out")
            params = np.zeros((self.n_in, self.n_out)), np.zeros(self.n_out)
        self._begin_with(params, (self.n_in, self.n_out), self.n_out)

    def output(self, inpt: Tensor) -> Tensor:
        """Return the probabilities that the layer gives when it is used: of shape (n, n_out)."""
        return torch.softmax(_weighted_input(self, inpt), dim=1)

    def output_dropout(self, inpt: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the probabilities that the layer gives in training, where some of its inputs are left out."""
        return torch.softmax(_weighted_input_dropout(self, inpt, generator), dim=1)

    def cost(self, inpt: Tensor, y: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the log-likelihood cost in training: the mean over the samples, of which `y` are the labels."""
        return functional.cross_entropy(_weighted_input_dropout(self, inpt, generator), y)


def _weighted_input(layer: Layer, inpt: Tensor) -> Tensor:
    return (1 - layer.p_dropout) * (inpt.reshape(len(inpt), layer.n_in) @ layer.w) + layer.b


def _weighted_input_dropout(layer: Layer, inpt: Tensor, generator: torch.Generator | None) -> Tensor:
    kept = dropout_layer(inpt.reshape(len(inpt), layer.n_in), layer.p_dropout, generator)
    return torch.addmm(layer.b, kept, layer.w)


def _drawn(scale: float, shape: tuple[int, ...], biases: int) -> Parameters:
    """Draw initial weights and biases as the book does: the same numbers for the same seed."""
    # The book's generator is NumPy's old one.
    return np.random.normal(0.0, scale, shape), np.random.normal(0.0, 1.0, (biases,))  # noqa: NPY002


def _check_memory(shape: tuple[int, ...], argument: str) -> None:
    """Raise a `ValueError` if so many weights need more memory than there is."""
    with arguments.named(argument):
        arguments.sizes([shape[0], math.prod(shape[1:])])


def _shape(value: Any, length: int, argument: str) -> tuple[int, ...]:
    if not (isinstance(value, Sequence) and len(value) == length):
        raise ValueError(f"{argument} is {value!r}; it must be a tuple of {length} integers")
    return tuple(arguments.positive(n, f"a number of {argument}") for n in value)


def _function(value: Any) -> Activation:
    if not callable(value):
        raise TypeError(f"activation_fn is {value!r}; it must be a function")
    function: Activation = value
    return function


def check_layers(layers: Any) -> None:
    """Raise a `TypeError` or a `ValueError` if these layers do not make a network."""
    if not isinstance(layers, Sequence):
        raise TypeError(f"layers is {arguments.brief(layers)}; it must be a list of layers")
    if not all(isinstance(layer, Layer) for layer in layers):
        raise TypeError("layers must be layers of this module")
    if not (layers and isinstance(layers[-1], SoftmaxLayer)):
        raise ValueError("the last one of layers must be a SoftmaxLayer, which has the cost")
    for i, (layer, following) in enumerate(pairwise(layers)):
        if layer.n_out != following.n_in:
            raise ValueError(f"layer {i} has {layer.n_out} outputs, but layer {i + 1} {following.n_in} inputs")
    for i, layer in enumerate(layers):
        with arguments.named(f"layers[{i}]"):
            layer.check_params()
