"""The layers of chapter 6: convolution with pooling, fully connected, softmax."""

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
    """A layer as in the book, with weights `w` and biases `b`. An engine computes the layers in `parts`.

    Attributes
    ----------
    w, b : ndarray of float32
        Weights and biases. The arrays may be changed in place, and new arrays of the same shape may be assigned. The
        weights and biases are checked before each use.
    n_in, n_out : int
        Number of inputs and number of outputs of a sample.
    p_dropout : float
        Probability that an input is dropped in training, at least 0 and less than 1.
    activation_fn : function or None
        Activation function; None for softmax.
    """

    w: Any
    b: Any
    n_in: int
    n_out: int
    p_dropout: float = 0.0
    activation_fn: Activation | None = None

    described_by: ClassVar[tuple[str, ...]]
    """Names of the constructor's arguments that are saved in a file, besides `activation_fn`."""

    _as_drawn: str = ""  # checksum of the drawn initial parameters; empty if initial parameters were given

    @property
    def params(self) -> list[Any]:
        """The weights and the biases."""
        return [self.w, self.b]

    @property
    @abstractmethod
    def input_shape(self) -> Shape:
        """Shape of a sample's inputs."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """Return the engine's layers that this layer consists of."""

    @property
    @abstractmethod
    def _scale(self) -> float:
        """Standard deviation of the initial weights."""

    @abstractmethod
    def _shapes(self) -> tuple[Shape, Shape]:
        """Return the shapes of `w` and `b`."""

    @abstractmethod
    def _converted(self, w: np.ndarray) -> np.ndarray:
        """Convert weights from the book's layout to an engine's layout, or back. The conversion is its own inverse."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights and biases in an engine's layout, without checks. `take` is the inverse."""
        weights = np.ascontiguousarray(self._converted(np.asarray(self.w)), FLOAT32)
        return {"weights": weights, "biases": np.asarray(self.b, FLOAT32)[:, np.newaxis]}

    def take(self, arrays: dict[str, np.ndarray]) -> None:
        """Set the weights and biases, given arrays in an engine's layout."""
        self.w, self.b = np.ascontiguousarray(self._converted(arrays["weights"])), arrays["biases"][:, 0]

    def draw_anew(self, generator: Any) -> None:
        """Draw the initial weights and biases again from `generator`, unless they were given or have been changed.

        Parameters
        ----------
        generator : RandomState
            Random generator.

        Notes
        -----
        If weights or biases were given, learnt, assigned or changed in place, this method changes nothing and draws no
        random numbers.
        """
        if self._as_drawn and self._as_drawn == self._checksum():
            self._draw(generator)

    def check_params(self) -> None:
        """Raise a `TypeError` or a `ValueError` if `w` or `b` has a wrong type, shape or value."""
        for values, name, shape in zip(self.params, "wb", self._shapes(), strict=True):
            array = real_array(values, name)
            if array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}; it must be {shape}")
            check_numbers(extremes(array), FLOAT32, name)

    def description(self) -> dict[str, Any]:
        """Return the layer's kind and arguments as plain data for a file.

        Raises
        ------
        ValueError
            If the activation function is not one of `ACTIVATIONS`.
        """
        values = {name: getattr(self, name) for name in self.described_by}
        if self.activation_fn is not None:
            name = name_of(self.activation_fn)
            if name is None:
                names = ", ".join(ACTIVATIONS)
                raise ValueError(f"a layer's activation_fn is {self.activation_fn!r}; it must be one of {names}")
            values["activation_fn"] = name
        return {"layer": type(self).__name__, **values}

    def _begin(self, params: Parameters | None, argument: str) -> None:
        """Set the given parameters, or draw them. For a seed, the drawn parameters are those of the book's program."""
        shapes = self._shapes()
        if params is None:
            with arguments.named(argument):  # raises an error if the weights do not fit into the machine's memory
                arguments.sizes([shapes[0][0], math.prod(shapes[0][1:])])
            self._draw(np.random)  # NumPy's global generator, as in the book
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
            checksum.update(np.ascontiguousarray(param, FLOAT32).data)
        return checksum.hexdigest()


class ConvPoolLayer(Layer):
    """A convolution followed by max pooling (chapter 6, "Introducing convolutional networks").

    Parameters
    ----------
    filter_shape : tuple of 4 int
        Number of filters, number of input feature maps, height and width of a filter.
    image_shape : tuple of 4 int
        Mini-batch size, number of input feature maps, height and width of an image. The mini-batch size is ignored:
        any number of images is accepted.
    poolsize : tuple of 2 int, optional
        Height and width of a pooling window. Rows and columns that do not fill a window are ignored.
    activation_fn : function, optional
        Activation function after pooling: `sigmoid`, `tanh`, `ReLU` or `linear`. With the engine 'torch', a custom
        function that takes and returns a tensor is also allowed.
    params : tuple (w, b), optional
        Initial weights, shape `filter_shape`, and biases, shape (number of filters,); by default, they are drawn.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value, or the shapes do not fit one another.

    Notes
    -----
    As in Theano, filters are rotated by 180 degrees. The filters of `fastnet.formulas.layers.Convolution` are not
    rotated. Images are not padded.
    """

    activation_fn: Activation

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
            raise ValueError(
                f"filter_shape has {maps} input feature maps; it must have {self.image_shape[1]}, as image_shape has"
            )
        with arguments.named("filter_shape, image_shape and poolsize"):
            output_shape = _behind(self.parts(), self.input_shape)
        self.n_in, self.n_out = math.prod(self.input_shape), math.prod(output_shape)
        self._begin(params, "filter_shape")

    @property
    def input_shape(self) -> Shape:
        """Number of input feature maps, height and width of an image."""
        shape: Shape = self.image_shape[1:]
        return shape

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

    def _converted(self, w: np.ndarray) -> np.ndarray:
        return w[:, :, ::-1, ::-1]


class _NeuronLayer(Layer):
    """Base class of layers in which each neuron is connected with all inputs."""

    described_by = ("n_in", "n_out", "p_dropout")

    def __init__(self, n_in: int, n_out: int, p_dropout: float = 0.0, *, params: Parameters | None = None) -> None:
        self.n_in, self.n_out = arguments.positive(n_in, "n_in"), arguments.positive(n_out, "n_out")
        self.p_dropout = arguments.fraction(p_dropout, "p_dropout")
        self.parts()  # raises an error if activation_fn is not a function
        self._begin(params, "n_in and n_out")

    @property
    def input_shape(self) -> Shape:
        """Number of inputs, as a tuple."""
        return (self.n_in,)

    def parts(self) -> list[Part]:
        """Return a dense layer, preceded by a dropout layer if `p_dropout` is positive."""
        p = arguments.fraction(self.p_dropout, "p_dropout")
        return [*([Dropout(p, inverted=False)] if p else []), Dense(self.n_out, self._activation())]

    @property
    def _scale(self) -> float:
        return math.sqrt(1 / self.n_out)

    def _activation(self) -> Any:
        return for_engines(self.activation_fn)

    def _shapes(self) -> tuple[Shape, Shape]:
        return (self.n_in, self.n_out), (self.n_out,)

    def _converted(self, w: np.ndarray) -> np.ndarray:
        converted: np.ndarray = w.T
        return converted


class FullyConnectedLayer(_NeuronLayer):
    """A layer in which each neuron is connected with all inputs.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and number of neurons.
    activation_fn : function, optional
        Activation function: `sigmoid`, `tanh`, `ReLU` or `linear`. With the engine 'torch', a custom function that
        takes and returns a tensor is also allowed.
    p_dropout : float, optional
        Probability that an input of the layer is dropped in training, at least 0 and less than 1. Outside training, all
        inputs are multiplied by 1 - `p_dropout`.
    params : tuple (w, b), optional
        Initial weights, shape (n_in, n_out), and biases, shape (n_out,); by default, they are drawn.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.
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
    """The last layer of a network. The outputs are probabilities (chapter 3, equation 78).

    The cost of the network is the log-likelihood cost.

    Parameters
    ----------
    n_in, n_out : int
        Number of inputs and number of neurons.
    p_dropout : float, optional
        Probability that an input of the layer is dropped in training, at least 0 and less than 1. Outside training, all
        inputs are multiplied by 1 - `p_dropout`.
    params : tuple (w, b), optional
        Initial weights, shape (n_in, n_out), and biases, shape (n_out,); by default, zeros.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.
    """

    def _activation(self) -> Any:
        return "softmax"

    def _drawn(self, generator: Any) -> Parameters:
        of_weights, of_biases = self._shapes()
        return np.zeros(of_weights), np.zeros(of_biases)


def check_layers(layers: Any) -> Architecture:
    """Check layers and their current weights and biases. Return the layers' architecture for an engine.

    Raises
    ------
    TypeError, ValueError
        If the layers do not fit one another, or weights or biases have a wrong type, shape or value.
    """
    if not isinstance(layers, Sequence):
        raise TypeError(f"layers is {arguments.brief(layers)}; it must be a list of layers")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            kinds = "a ConvPoolLayer, a FullyConnectedLayer or a SoftmaxLayer"
            raise TypeError(f"layers[{i}] is {arguments.brief(layer)}; it must be {kinds}")
        for j, earlier in enumerate(layers[:i]):
            if layer is earlier:  # training could keep the parameters of only one of the two places
                raise ValueError(f"layers[{i}] is the same object as layers[{j}]; make a separate layer for each place")
    if not (layers and isinstance(layers[-1], SoftmaxLayer)):
        raise ValueError("the last of the layers must be a SoftmaxLayer, which defines the cost")
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
    """Return the shape of a sample after layers of an engine, given the shape of the sample before these layers."""
    for part in parts:
        shape = part.output_shape(shape)
    return shape


def _shape(value: Any, length: int, argument: str) -> Any:
    if not (isinstance(value, Sequence) and len(value) == length):
        raise ValueError(f"{argument} is {value!r}; it must be a tuple of {length} integers")
    return tuple(arguments.positive(n, f"a number of {argument}") for n in value)
