"""The layers: convolution with pooling, fully connected, softmax."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet.datasets.dataset import check_numbers, extremes, finite_arrays, real_array
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import LogLikelihoodCost
from fastnet.formulas.layers import Convolution, Dense, Dropout, MaxPooling, Shape
from fastnet.formulas.layers import Layer as Part
from fastnet.network3.activations import ACTIVATIONS, Activation, for_engines, name_of, sigmoid
from fastnet.network3.data import FLOAT32
from fastnet.utils import arguments

Parameters: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]


class Layer(ABC):
    """A layer of the book's: one or more layers of an engine, with weights `w` and biases `b`.

    Attributes
    ----------
    w, b : ndarray of float32
        The weights and biases. Their numbers may be changed, or other arrays of the same shape assigned: they are
        checked when they are used.
    n_in, n_out : int
        Number of inputs and of outputs of a sample.
    p_dropout : float
        The probability with which an input is left out in training.
    activation_fn : function or None
        None for softmax.
    """

    w: Any
    b: Any
    n_in: int
    n_out: int
    p_dropout: float = 0.0
    activation_fn: Activation | None = None

    described_by: ClassVar[tuple[str, ...]]
    """Names of the arguments that make such a layer again."""

    _as_drawn: str = ""  # a checksum of the parameters that were drawn; empty where they were given

    @property
    def params(self) -> list[Any]:
        """The weights and the biases."""
        return [self.w, self.b]

    @property
    @abstractmethod
    def input_shape(self) -> Shape:
        """The shape of a sample's inputs."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Return the layers that an engine has for it."""

    @property
    @abstractmethod
    def _scale(self) -> float:
        """The standard deviation of the initial weights."""

    @abstractmethod
    def _shapes(self) -> tuple[Shape, Shape]:
        """Return the shapes of `w` and `b`."""

    @abstractmethod
    def _turned(self, w: np.ndarray) -> np.ndarray:
        """Return the book's weights as an engine has them, or an engine's as the book has them."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights and biases as an engine has them, without checks; `take` takes them."""
        weights = np.ascontiguousarray(self._turned(np.asarray(self.w)), FLOAT32)
        return {"weights": weights, "biases": np.asarray(self.b, FLOAT32)[:, np.newaxis]}

    def take(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over weights and biases of an engine."""
        self.w, self.b = np.ascontiguousarray(self._turned(arrays["weights"])), arrays["biases"][:, 0]

    def draw_anew(self, generator: Any) -> None:
        """Draw the initial weights and biases from another generator, if the layer still has those that it drew.

        Parameters
        ----------
        generator : RandomState
            A generator of NumPy's old kind.

        Notes
        -----
        Weights and biases that were given, learnt, assigned or changed in place remain as they are, and nothing is
        drawn for them.
        """
        if self._as_drawn and self._as_drawn == self._checksum():
            self._draw(generator)

    def check_params(self) -> None:
        """Raise a `TypeError` or a `ValueError` if weights or biases that were assigned are not of the right form."""
        for values, name, shape in zip(self.params, "wb", self._shapes(), strict=True):
            array = real_array(values, name)
            if array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}; it must be {shape}")
            check_numbers(extremes(array), FLOAT32, name)

    def description(self) -> dict[str, Any]:
        """Return what the layer is, as plain data.

        Raises
        ------
        ValueError
            If the activation function has no name.
        """
        values = {name: getattr(self, name) for name in self.described_by}
        if self.activation_fn is not None:
            name = name_of(self.activation_fn)
            if name is None:
                names = ", ".join(ACTIVATIONS)
                raise ValueError(f"a layer's activation_fn is {self.activation_fn!r}, which is none of {names}")
            values["activation_fn"] = name
        return {"layer": type(self).__name__, **values}

    def _begin(self, params: Parameters | None, argument: str) -> None:
        """Begin with parameters, or draw them as the book does: the same numbers for the same seed."""
        shapes = self._shapes()
        if params is None:
            with arguments.named(argument):  # whether the machine can hold the weights
                arguments.sizes([shapes[0][0], math.prod(shapes[0][1:])])
            self._draw(np.random)  # the book's generator
            return
        arrays = finite_arrays(params, "params", FLOAT32)
        if tuple(array.shape for array in arrays) != shapes:
            found = " and ".join(str(array.shape) for array in arrays)
            raise ValueError(f"params have the shapes {found}; they must be {shapes[0]} and {shapes[1]}")
        self.w, self.b = map(np.array, arrays)

    def _draw(self, generator: Any) -> None:
        self.w, self.b = (np.array(each, FLOAT32) for each in self._drawn(generator))
        self._as_drawn = self._checksum()

    def _drawn(self, generator: Any) -> Parameters:
        of_weights, of_biases = self._shapes()
        return generator.normal(0.0, self._scale, of_weights), generator.normal(0.0, 1.0, of_biases)

    def _checksum(self) -> str:
        checksum = hashlib.sha256()
        for param in self.params:
            checksum.update(np.ascontiguousarray(param, FLOAT32))
        return checksum.hexdigest()


class ConvPoolLayer(Layer):
    """A convolution, and max pooling of what it gives (chapter 6, "Introducing convolutional networks").

    Parameters
    ----------
    filter_shape : tuple of 4 int
        The number of filters, the number of input feature maps, and the filters' height and width.
    image_shape : tuple of 4 int
        The mini-batch size, the number of input feature maps, and the images' height and width. There may be any
        number of images: the first of the four is not used.
    poolsize : tuple of 2 int, optional
        The height and width of a pooling window. Rows and columns that do not fill a window are left out.
    activation_fn : function, optional
        Of the neurons, behind pooling: `sigmoid`, `tanh`, `ReLU`, `linear`; or, for the engine 'torch', one of your own
        that takes and returns a tensor.
    params : tuple (w, b), optional
        What to begin with, instead of drawing it: of shape `filter_shape` and (number of filters,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.

    Notes
    -----
    It is a convolution, as Theano has it: filters are rotated by 180 degrees, which those of
    `fastnet.formulas.layers.Convolution` are not. There is no padding.
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
        self.activation_fn = activation_fn
        maps = self.filter_shape[1]
        if maps != self.image_shape[1]:
            raise ValueError(f"filter_shape has {maps} input feature maps, but image_shape {self.image_shape[1]}")
        with arguments.named("filter_shape, image_shape and poolsize"):
            output_shape = _behind(self.parts(), self.input_shape)
        self.n_in, self.n_out = math.prod(self.input_shape), math.prod(output_shape)
        self._begin(params, "filter_shape")

    @property
    def input_shape(self) -> Shape:
        """The number of input feature maps, and the images' height and width."""
        return self.image_shape[1:]

    def parts(self) -> list[Part]:
        """Return a convolution and max pooling."""
        activation = for_engines(self.activation_fn)
        return [Convolution(self.filter_shape[0], self.filter_shape[2:], activation), MaxPooling(self.poolsize)]

    @property
    def _scale(self) -> float:
        filters, _, height, width = self.filter_shape
        return math.sqrt(math.prod(self.poolsize) / (filters * height * width))

    def _shapes(self) -> tuple[Shape, Shape]:
        return self.filter_shape, self.filter_shape[:1]

    def _turned(self, w: np.ndarray) -> np.ndarray:
        return w[:, :, ::-1, ::-1]


class _NeuronLayer(Layer):
    """Neurons, each connected with all inputs."""

    described_by = ("n_in", "n_out", "p_dropout")

    def __init__(self, n_in: int, n_out: int, p_dropout: float = 0.0, *, params: Parameters | None = None) -> None:
        self.n_in, self.n_out = arguments.positive(n_in, "n_in"), arguments.positive(n_out, "n_out")
        self.p_dropout = arguments.fraction(p_dropout, "p_dropout")
        self.parts()  # which refuses an activation that is none
        self._begin(params, "n_in and n_out")

    @property
    def input_shape(self) -> Shape:
        """The number of inputs."""
        return (self.n_in,)

    def parts(self) -> list[Part]:
        """Return a dense layer, behind dropout if there is some."""
        p = arguments.fraction(self.p_dropout, "p_dropout")
        return [*([Dropout(p, inverted=False)] if p else []), Dense(self.n_out, self._activation())]

    @property
    def _scale(self) -> float:
        return math.sqrt(1 / self.n_out)

    def _activation(self) -> Any:
        return for_engines(self.activation_fn)

    def _shapes(self) -> tuple[Shape, Shape]:
        return (self.n_in, self.n_out), (self.n_out,)

    def _turned(self, w: np.ndarray) -> np.ndarray:
        return w.T


class FullyConnectedLayer(_NeuronLayer):
    """A layer of neurons, each connected with all of its inputs.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of neurons.
    activation_fn : function, optional
        Of the neurons: `sigmoid`, `tanh`, `ReLU`, `linear`; or, for the engine 'torch', one of your own that takes and
        returns a tensor.
    p_dropout : float, optional
        The probability with which an input of the layer is left out in training, from 0 to less than 1. When the layer
        is used, its inputs are multiplied by 1 - `p_dropout`.
    params : tuple (w, b), optional
        What to begin with, instead of drawing it: of shape (n_in, n_out) and (n_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation_fn: Activation = sigmoid,
        p_dropout: float = 0.0,
        *,
        params: Parameters | None = None,
    ) -> None:
        self.activation_fn = activation_fn
        super().__init__(n_in, n_out, p_dropout, params=params)


class SoftmaxLayer(_NeuronLayer):
    """The last layer: the outputs are probabilities (chapter 3, equation 78), the cost is the log-likelihood.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and of neurons.
    p_dropout : float, optional
        As for `FullyConnectedLayer`.
    params : tuple (w, b), optional
        What to begin with, instead of zeros: of shape (n_in, n_out) and (n_out,).

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form.
    """

    def _activation(self) -> Any:
        return "softmax"

    def _drawn(self, generator: Any) -> Parameters:
        of_weights, of_biases = self._shapes()
        return np.zeros(of_weights), np.zeros(of_biases)


def check_layers(layers: Any) -> Architecture:
    """Return what an engine computes of layers, whose weights and biases may have been assigned.

    Raises
    ------
    TypeError, ValueError
        If these layers do not make a network, or weights or biases are not of the right form.
    """
    if not isinstance(layers, Sequence):
        raise TypeError(f"layers is {arguments.brief(layers)}; it must be a list of layers")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            kinds = "a ConvPoolLayer, a FullyConnectedLayer or a SoftmaxLayer"
            raise TypeError(f"layers[{i}] is {arguments.brief(layer)}; it must be {kinds}")
    if not (layers and isinstance(layers[-1], SoftmaxLayer)):
        raise ValueError("the last one of layers must be a SoftmaxLayer, which has the cost")
    parts: list[Part] = []
    shape: Shape = layers[0].input_shape
    for i, layer in enumerate(layers):
        takes = layer.input_shape
        if takes != shape and takes != (math.prod(shape),):
            raise ValueError(f"layers[{i}] takes inputs of the shape {takes}, but layers[{i - 1}] gives {shape}")
        with arguments.named(f"layers[{i}]"):
            parts += layer.parts()
            shape = _behind(layer.parts(), shape)
            layer.check_params()
    with arguments.named("layers"):
        return Architecture(layers[0].input_shape, tuple(parts), LogLikelihoodCost, FLOAT32)


def _behind(parts: Sequence[Part], shape: Shape) -> Shape:
    """Return the shape of a sample behind layers of an engine, given that of their inputs."""
    for part in parts:
        shape = part.output_shape(shape)
    return shape


def _shape(value: Any, length: int, argument: str) -> Any:
    if not (isinstance(value, Sequence) and len(value) == length):
        raise ValueError(f"{argument} is {value!r}; it must be a tuple of {length} integers")
    return tuple(arguments.positive(n, f"a number of {argument}") for n in value)
