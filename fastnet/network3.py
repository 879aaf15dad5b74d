"""Convolutional networks: the book's `network3.py` (chapter 6), on PyTorch instead of Theano.

It has the book's names and their meaning: fully connected layers, layers of convolution and max pooling, a softmax
layer, dropout and L2 regularization, trained by plain stochastic gradient descent. What Theano compiled beforehand is
computed when it is asked for: `layer.output` and `layer.output_dropout` are functions of the layer's input here. New
are `device=`, the expanded training data, and networks on the disk.

>>> from fastnet import network3
>>> from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer
>>> training_data, validation_data, test_data = network3.load_data_shared()  # doctest: +SKIP
>>> net = Network(
...     [
...         ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(10, 1, 28, 28), activation_fn=ReLU),
...         FullyConnectedLayer(n_in=20 * 12 * 12, n_out=100, activation_fn=ReLU, p_dropout=0.5),
...         SoftmaxLayer(n_in=100, n_out=10),
...     ],
...     mini_batch_size=10,
... )
>>> net.SGD(training_data, 60, 10, 0.03, validation_data, test_data, lmbda=0.1)  # doctest: +SKIP

What is random comes from NumPy's global generator, so that `np.random.seed` makes it repeatable. Layers draw their
initial weights from it when they are made, the numbers that the book's program draws. A network that has dropout draws
one integer more in each `SGD`, which seeds the masks on the network's device. On a CPU the same seed gives the same
network, bit for bit, with as many threads; on a GPU the same initial weights and masks, but PyTorch does not promise in
which order it adds there. The expanded data are shuffled the same way each time, and draw nothing.
"""

from __future__ import annotations

import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet import arguments, expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.files import DataError, read_exactly, replaced

if find_spec("torch") is None:
    raise ImportError("fastnet.network3 needs PyTorch; pip install 'fastnet[torch]' installs it")

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "ConvPoolLayer",
    "DataError",
    "FullyConnectedLayer",
    "Network",
    "ReLU",
    "SoftmaxLayer",
    "dropout_layer",
    "linear",
    "load",
    "load_data_shared",
    "shared",
    "sigmoid",
    "size",
    "tanh",
]

StrPath: TypeAlias = str | os.PathLike[str]
Pair: TypeAlias = tuple[Tensor, Tensor]
Activation: TypeAlias = Callable[[Tensor], Tensor]
Parameters: TypeAlias = tuple[npt.ArrayLike, npt.ArrayLike]

DEVICES = ("auto", "cpu", "cuda")
_AT_A_TIME = 1000  # samples whose outputs are computed at once when nothing is learned: bounds the memory it takes
_MINI_BATCHES_PER_LINE = 1000
_LONGEST_HEADER = 1 << 20  # bytes
_LONGEST_REASON = 100  # characters
_DESCRIPTION = "fastnet.network3"  # where in a file the network is described


# What neurons compute.


def linear(z: Tensor) -> Tensor:
    """Return z."""
    return z


def ReLU(z: Tensor) -> Tensor:  # noqa: N802 - the book's name
    """Return the larger one of z and 0."""
    return torch.relu(z)


def sigmoid(z: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-z))."""
    return torch.sigmoid(z)


def tanh(z: Tensor) -> Tensor:
    """Return the hyperbolic tangent of z."""
    return torch.tanh(z)


_ACTIVATIONS: dict[str, Activation] = {"linear": linear, "ReLU": ReLU, "sigmoid": sigmoid, "tanh": tanh}


# The data.


def load_data_shared(filename: StrPath | None = None, *, expanded: bool = False, device: str = "auto") -> list[Pair]:
    """Return the MNIST data as tensors on a device.

    Parameters
    ----------
    filename : path, optional
        The book's `mnist.pkl.gz`, or what else `mnist_loader.load_data` reads. Without it, the files that come with
        fastnet.
    expanded : bool, optional
        Whether the training data are to be what `expand_mnist.expand` makes of them, 250,000 images of 50,000, in a
        random order, which is the same each time: as in the file that the book's `expand_mnist.py` writes.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to; 'auto' is the GPU if there is one.

    Returns
    -------
    training_data, validation_data, test_data : list of three tuples (x, y)
        As `shared` returns them.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    DataError
        If a file is damaged or of another kind. It is a `ValueError`.
    ValueError
        If there is no such device.
    """
    to = _device(device)
    try:
        training, *others = mnist_loader.load_data(filename)
    except (FileNotFoundError, DataError) as error:
        if filename is None:
            raise
        advice = "load_data_shared(expanded=True) makes the book's expanded data of those that come with fastnet"
        raise type(error)(f"{error}; {advice}") from None
    if expanded:
        training = _expanded(*training)
    return [_shared(*pair, to) for pair in (training, *others)]


def _expanded(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    data = expand_mnist.expand(Dataset(images, labels))
    # SGD does not shuffle, and an image and its copies in one mini-batch would teach little more than the image.
    order = np.random.default_rng(0).permutation(len(data))
    return data.inputs[order], data.targets[order]


def shared(data: Dataset | tuple[npt.ArrayLike, npt.ArrayLike], device: str = "auto") -> Pair:
    """Return data of one's own as tensors on a device.

    Parameters
    ----------
    data : Dataset or tuple (x, y)
        Samples with labels; or their inputs, shape (n, n_in), and labels, shape (n,), integers. A `Dataset` may have
        vectors too: the label is then where the largest component stands.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to; 'auto' is the GPU if there is one.

    Returns
    -------
    x, y : tensors
        `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    ValueError
        If there is no such device, the shapes do not fit, or labels are not integers from 0.

    Examples
    --------
    >>> x, y = shared(([[0.0, 1.0], [1.0, 0.0]], [1, 0]), device="cpu")
    >>> x.shape, y
    (torch.Size([2, 2]), tensor([1, 0]))
    """
    if isinstance(data, Dataset):
        vectors = data.targets.ndim == 2
        data = data.inputs, data.targets.argmax(axis=1) if vectors else data.targets
    return _shared(np.asarray(data[0]), np.asarray(data[1]), _device(device))


def _shared(inputs: np.ndarray, labels: np.ndarray, device: torch.device) -> Pair:
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1]:
        raise ValueError(f"x and y have the shapes {inputs.shape} and {labels.shape}; they must be (n, n_in) and (n,)")
    if labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ValueError("y must be labels: integers from 0")
    return (
        torch.tensor(inputs, dtype=torch.float32, device=device),
        torch.tensor(labels, dtype=torch.int64, device=device),
    )


def size(data: Pair) -> int:
    """Return the number of samples in `data`."""
    return len(data[0])


def _device(name: str) -> torch.device:
    name = arguments.one_of(name, DEVICES, "device")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("device is 'cuda', but PyTorch finds no GPU that it can use")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


# The layers.


def dropout_layer(layer: Tensor, p_dropout: float, generator: torch.Generator | None = None) -> Tensor:
    """Return `layer` with each number set to 0 with the probability `p_dropout`; the others stay as they are."""
    if p_dropout == 0:
        return layer
    return layer * torch.empty_like(layer).bernoulli_(1 - p_dropout, generator=generator)


class _Layer(ABC):
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

    _described_by: ClassVar[tuple[str, ...]]
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
        values = {name: getattr(self, name) for name in self._described_by}
        if self.activation_fn is not None:
            names = [name for name, function in _ACTIVATIONS.items() if function is self.activation_fn]
            if not names:
                raise ValueError(
                    f"a layer's activation_fn is {self.activation_fn!r}, which is none of {', '.join(_ACTIVATIONS)}; "
                    "it cannot be saved"
                )
            values["activation_fn"] = names[0]
        return {"layer": type(self).__name__, **values}

    def _begin_with(self, params: Parameters, shape: tuple[int, ...], biases: int) -> None:
        w, b = (torch.tensor(np.asarray(param), dtype=torch.float32) for param in params)
        if (w.shape, b.shape) != (shape, (biases,)):
            raise ValueError(
                f"params have the shapes {tuple(w.shape)} and {tuple(b.shape)}; they must be {shape} and {(biases,)}"
            )
        self.w, self.b = w, b


class ConvPoolLayer(_Layer):
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

    _described_by = ("filter_shape", "image_shape", "poolsize")

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
            scale = math.sqrt(math.prod(self.poolsize) / (filters * math.prod(filter_size)))
            params = _drawn(scale, self.filter_shape, filters)
        self._begin_with(params, self.filter_shape, filters)

    def output(self, inpt: Tensor) -> Tensor:
        """Return what the layer makes of its inputs: of shape (n, filters, height, width)."""
        assert self.activation_fn is not None
        images = inpt.reshape(-1, *self.image_shape[1:])
        convolved = functional.conv2d(images, self.w.flip(2, 3))
        return self.activation_fn(functional.max_pool2d(convolved, self.poolsize) + self.b[:, None, None])

    def output_dropout(self, inpt: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the same: there is no dropout in the convolutional layers."""
        return self.output(inpt)


class FullyConnectedLayer(_Layer):
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

    _described_by = ("n_in", "n_out", "p_dropout")

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


class SoftmaxLayer(_Layer):
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

    _described_by = ("n_in", "n_out", "p_dropout")

    def __init__(self, n_in: int, n_out: int, p_dropout: float = 0.0, *, params: Parameters | None = None) -> None:
        self.n_in, self.n_out = arguments.positive(n_in, "n_in"), arguments.positive(n_out, "n_out")
        self.p_dropout = arguments.fraction(p_dropout, "p_dropout")
        if params is None:
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


def _weighted_input(layer: _Layer, inpt: Tensor) -> Tensor:
    return (1 - layer.p_dropout) * (inpt.reshape(-1, layer.n_in) @ layer.w) + layer.b


def _weighted_input_dropout(layer: _Layer, inpt: Tensor, generator: torch.Generator | None) -> Tensor:
    kept = dropout_layer(inpt.reshape(-1, layer.n_in), layer.p_dropout, generator)
    return torch.addmm(layer.b, kept, layer.w)


def _drawn(scale: float, shape: tuple[int, ...], biases: int) -> Parameters:
    """Draw initial weights and biases as the book does: the same numbers for the same seed."""
    # The book's generator is NumPy's old one.
    return np.random.normal(0.0, scale, shape), np.random.normal(0.0, 1.0, (biases,))  # noqa: NPY002


def _shape(value: Any, length: int, argument: str) -> tuple[int, ...]:
    if not (isinstance(value, Sequence) and len(value) == length):
        raise ValueError(f"{argument} is {value!r}; it must be a tuple of {length} integers")
    return tuple(arguments.positive(n, f"a number of {argument}") for n in value)


def _function(value: Any) -> Activation:
    if not callable(value):
        raise TypeError(f"activation_fn is {value!r}; it must be a function")
    function: Activation = value
    return function


# The network.


class Best(NamedTuple):
    """The best epoch of a run of `SGD`, by its validation accuracy: the last one of several that are as good.

    Attributes
    ----------
    validation_accuracy : float
        From 0 to 1.
    iteration : int
        The number of its last mini-batch, from 0.
    test_accuracy : float or None
        None if there were no test data.
    """

    validation_accuracy: float
    iteration: int
    test_accuracy: float | None


class Network:
    """A network of layers, each of which takes what the one before it gives.

    Parameters
    ----------
    layers : sequence of layers
        The last one is a `SoftmaxLayer`.
    mini_batch_size : int
        Of what `test_mb_predictions` predicts at a time. Unlike the book's, `SGD` may be given another one.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to compute; 'auto' is the GPU if there is one. The layers are moved there.

    Attributes
    ----------
    layers, mini_batch_size
        As given.
    device : torch.device
        Where the network is.
    best : Best or None
        The best epoch of the last `SGD`.

    Raises
    ------
    TypeError, ValueError
        If the layers do not fit one another, or an argument is not of that form.
    """

    best: Best | None = None
    _test: Pair | None = None

    def __init__(self, layers: Sequence[_Layer], mini_batch_size: int, *, device: str = "auto") -> None:
        self.layers = list(layers)
        self.mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        _check_layers(self.layers)
        self.device = _device(device)
        for layer in self.layers:
            layer.to(self.device)

    @property
    def params(self) -> list[Tensor]:
        """The weights and biases of all layers."""
        return [param for layer in self.layers for param in layer.params]

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Pair,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        validation_data: Pair,
        test_data: Pair | None,
        lmbda: float = 0.0,
    ) -> None:
        """Train the network using mini-batch stochastic gradient descent.

        Parameters
        ----------
        training_data : tuple (x, y) of tensors
            As `load_data_shared` and `shared` return them: inputs, a sample a row, and labels.
        epochs : int
            How many times to go through the training data, at least 1. They are not shuffled: always in this order.
        mini_batch_size : int
            The number of samples in a mini-batch. Samples that are left over at the end are left out.
        eta : float
            The learning rate, positive.
        validation_data : tuple (x, y) of tensors
            What says after each epoch how good the network is.
        test_data : tuple (x, y) of tensors, or None
            On which the accuracy is computed whenever that is better than, or as good as, ever before.
        lmbda : float, optional
            The parameter of L2 regularization, from 0: the cost has half of it, times the sum of all weights squared,
            over the number of mini-batches in an epoch.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form. The network is unchanged then.

        Notes
        -----
        Interrupted by Ctrl-C, the network is as it was after the last mini-batch.
        """
        epochs = arguments.positive(epochs, "epochs")
        mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        eta, lmbda = arguments.positive_number(eta, "eta"), arguments.number_from_zero(lmbda, "lmbda")
        training = self._fitting(training_data, "training_data")
        validation = self._fitting(validation_data, "validation_data")
        test = None if test_data is None else self._fitting(test_data, "test_data")
        num_training_batches = size(training) // mini_batch_size
        if num_training_batches == 0:
            raise ValueError(f"training_data has {size(training)} samples; a mini-batch needs {mini_batch_size}")
        used = num_training_batches * mini_batch_size
        xs, ys = (tensor[:used].split(mini_batch_size) for tensor in training)
        generator = self._dropout_generator()
        self.best = None
        self._test = test
        with self._learning(eta, lmbda / num_training_batches) as optimizer:
            for epoch in range(epochs):
                for iteration, (x, y) in enumerate(zip(xs, ys, strict=True), num_training_batches * epoch):
                    if iteration % _MINI_BATCHES_PER_LINE == 0:
                        print(f"Training mini-batch number {iteration}", flush=True)
                    optimizer.zero_grad()
                    self._cost(x, y, generator).backward()
                    optimizer.step()
                self._look_at(epoch, iteration, validation, test)
        self._sum_up()

    def output(self, x: Tensor) -> Tensor:
        """Return what the network makes of its inputs.

        Parameters
        ----------
        x : tensor, shape (n, n_in)
            A sample a row, on any device.

        Returns
        -------
        tensor, shape (n, n_out)
            Probabilities, a sample a row, on the network's device.
        """
        with torch.no_grad():
            return torch.cat([self._output(part.to(self.device)) for part in x.split(_AT_A_TIME)])

    def predictions(self, x: Tensor) -> Tensor:
        """Return for each row of `x` the index of the largest output: shape (n,)."""
        return self.output(x).argmax(dim=1)

    def accuracy(self, data: Pair) -> float:
        """Return for which part of the samples, from 0 to 1, the largest output is the right one."""
        x, y = self._fitting(data, "data")
        return int((self.predictions(x) == y).sum()) / size(data)

    def test_mb_predictions(self, i: int) -> Tensor:
        """Return the predictions for the ith mini-batch of the test data of the last `SGD`: shape (mini_batch_size,).

        Raises
        ------
        ValueError
            If there was none.
        """
        if self._test is None:
            raise ValueError("there are no test data yet; SGD is given them")
        start = arguments.natural(i, "i") * self.mini_batch_size
        return self.predictions(self._test[0][start : start + self.mini_batch_size])

    def save(self, path: StrPath) -> None:
        """Save the network, whole or not at all: a file of that name is replaced. `load` reads it.

        Parameters
        ----------
        path : path
            The file: in the format safetensors, which is a header in JSON, and numbers. The header's `__metadata__`
            describes the network.

        Raises
        ------
        OSError
            If it cannot be written. A file that was there is then as it was.
        ValueError
            If a parameter is infinite or not a number, or an activation function is one of your own.
        """
        arrays = {name: param.detach().cpu().numpy() for name, param in self._named_params()}
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("the network has weights or biases that are infinite or not a number; it cannot be saved")
        description = {
            "layers": [layer.description() for layer in self.layers],
            "mini_batch_size": self.mini_batch_size,
        }
        header: dict[str, Any] = {"__metadata__": {_DESCRIPTION: json.dumps(description)}}
        offset = 0
        for name, array in arrays.items():
            header[name] = _entry(list(array.shape), offset)
            offset += array.nbytes
        text = json.dumps(header).encode("ascii")
        text += b" " * (-len(text) % 8)  # so that the numbers are aligned, as the format has it
        with replaced(path) as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for array in arrays.values():
                file.write(array.astype("<f4", copy=False).tobytes())

    def _named_params(self) -> Iterator[tuple[str, Tensor]]:
        for i, layer in enumerate(self.layers):
            yield from zip(_names(i), layer.params, strict=True)

    def _output(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer.output(x)
        return x

    def _cost(self, x: Tensor, y: Tensor, generator: torch.Generator | None) -> Tensor:
        """Return the cost in training, without regularization."""
        *hidden, last = self.layers
        assert isinstance(last, SoftmaxLayer)
        for layer in hidden:
            x = layer.output_dropout(x, generator)
        return last.cost(x, y, generator)

    @contextmanager
    def _learning(self, eta: float, decay: float) -> Iterator[torch.optim.Optimizer]:
        """Have gradients computed for the parameters; yield what descends along them."""
        groups = [
            # 0.5 * decay * sum(w**2) in the cost is decay * w in its gradient.
            {"params": [layer.w for layer in self.layers], "weight_decay": decay},
            {"params": [layer.b for layer in self.layers]},
        ]
        try:
            for param in self.params:
                param.requires_grad_()
            yield torch.optim.SGD(groups, lr=eta, foreach=True)
        finally:
            for param in self.params:
                param.grad = None
                param.requires_grad_(False)

    def _dropout_generator(self) -> torch.Generator | None:
        """Return what draws the masks, seeded only where there are some: without dropout, nothing is drawn."""
        if not any(layer.p_dropout for layer in self.layers):
            return None
        # The book's generator is NumPy's old one.
        return torch.Generator(self.device).manual_seed(int(np.random.randint(2**31)))  # noqa: NPY002

    def _look_at(self, epoch: int, iteration: int, validation: Pair, test: Pair | None) -> None:
        """Print how good the network is after an epoch, and keep it in `best`."""
        accuracy = self.accuracy(validation)
        print(f"Epoch {epoch}: validation accuracy {accuracy:.2%}", flush=True)
        if self.best is not None and accuracy < self.best.validation_accuracy:
            return
        print("This is the best validation accuracy to date.", flush=True)
        self.best = Best(accuracy, iteration, None if test is None else self.accuracy(test))
        if self.best.test_accuracy is not None:
            print(f"The corresponding test accuracy is {self.best.test_accuracy:.2%}", flush=True)

    def _sum_up(self) -> None:
        assert self.best is not None
        print("Finished training network.")
        print(
            f"Best validation accuracy of {self.best.validation_accuracy:.2%} "
            f"obtained at iteration {self.best.iteration}"
        )
        if self.best.test_accuracy is not None:
            print(f"Corresponding test accuracy of {self.best.test_accuracy:.2%}", flush=True)

    def _fitting(self, data: Pair, argument: str) -> Pair:
        """Return data on the network's device, if they are of a form that fits it."""
        with arguments.named(argument):
            if not (isinstance(data, (tuple, list)) and len(data) == 2 and all(isinstance(t, Tensor) for t in data)):
                raise TypeError("it must be a tuple (x, y) of tensors, as load_data_shared and shared return them")
            x, y = data
            n_in, n_out = self.layers[0].n_in, self.layers[-1].n_out
            if x.ndim != 2 or x.shape[1] != n_in or y.shape != x.shape[:1] or len(x) == 0:
                raise ValueError(
                    f"x and y have the shapes {tuple(x.shape)} and {tuple(y.shape)}; they must be (n, {n_in}) and (n,)"
                )
            if x.dtype != torch.float32 or y.dtype != torch.int64:
                raise TypeError(f"x and y are of type {x.dtype} and {y.dtype}; they must be float32 and int64")
            lowest, highest = (int(bound) for bound in y.aminmax())
            if not 0 <= lowest <= highest < n_out:
                raise ValueError(f"its labels go from {lowest} to {highest}; the network's go from 0 to {n_out - 1}")
            return x.to(self.device), y.to(self.device)


def _check_layers(layers: list[_Layer]) -> None:
    if not all(isinstance(layer, _Layer) for layer in layers):
        raise TypeError("layers must be layers of this module")
    if not (layers and isinstance(layers[-1], SoftmaxLayer)):
        raise ValueError("the last one of layers must be a SoftmaxLayer, which has the cost")
    for i, (layer, following) in enumerate(pairwise(layers)):
        if layer.n_out != following.n_in:
            raise ValueError(f"layer {i} has {layer.n_out} outputs, but layer {i + 1} {following.n_in} inputs")


# Networks on the disk.


def load(path: StrPath, *, device: str = "auto") -> Network:
    """Load a network that `Network.save` wrote.

    Parameters
    ----------
    path : path
        The file.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to compute; 'auto' is the GPU if there is one.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If it does not hold a network. It is a `ValueError`.
    ValueError
        If there is no such device.

    Notes
    -----
    Nothing in the file is run, nothing random is drawn, and no memory is taken for what it only claims to hold.
    """
    _device(device)
    path = Path(path)
    with path.open("rb") as file:
        try:
            layers, mini_batch_size = _read(file)
            return Network(layers, mini_batch_size, device=device)
        except EOFError:
            raise DataError(f"{path}: it ends too early; the file is truncated") from None
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            reason = str(error)[:_LONGEST_REASON]  # which may quote the file
            raise DataError(f"{path}: this file does not hold a network of network3 ({reason})") from None


def _read(file: BinaryIO) -> tuple[list[_Layer], int]:
    length = int.from_bytes(read_exactly(file, 8), "little")
    if length > _LONGEST_HEADER:
        raise ValueError("it does not begin as safetensors do")
    header = _object(json.loads(read_exactly(file, length)), "its header")
    metadata = _object(header.pop("__metadata__", None), "its metadata")
    description = _object(json.loads(str(metadata.get(_DESCRIPTION))), "its description")
    described = description.get("layers")
    if set(description) != {"layers", "mini_batch_size"} or not isinstance(described, list):
        raise ValueError("its description is not of layers and a mini-batch size")
    if list(header) != [name for i in range(len(described)) for name in _names(i)]:
        raise ValueError("its tensors are not the weights and biases of its layers")
    arrays = iter(list(_arrays(file, header)))
    if file.read(1):
        raise ValueError("it is longer than it says")
    return [_layer(each, (next(arrays), next(arrays))) for each in described], description["mini_batch_size"]


def _arrays(file: BinaryIO, header: dict[str, Any]) -> Iterator[np.ndarray]:
    """Read the arrays, which follow one another without gaps, in the header's order."""
    offset = 0
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not (isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)):
            raise ValueError(f"its {name} has no shape")
        if entry != _entry(shape, offset):
            raise ValueError(f"its {name} is not where and what it should be")
        length = 4 * math.prod(shape)
        offset += length
        array = np.frombuffer(read_exactly(file, length), "<f4").reshape(shape)
        if not np.isfinite(array).all():
            raise ValueError(f"its {name} is not finite")
        yield array


def _layer(description: Any, params: Parameters) -> _Layer:
    values = _object(description, "a layer")
    name = values.pop("layer", None)
    kinds = {kind.__name__: kind for kind in (ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer)}
    if not (isinstance(name, str) and name in kinds):
        raise ValueError(f"a layer of it is none of {', '.join(kinds)}")
    kind = kinds[name]
    expected = {*kind._described_by, *(() if kind is SoftmaxLayer else ("activation_fn",))}
    if set(values) != expected:
        raise ValueError(f"a {name} of it is not described by {', '.join(sorted(expected))}")
    if "activation_fn" in values:
        values["activation_fn"] = _ACTIVATIONS[arguments.one_of(values["activation_fn"], _ACTIVATIONS, "activation_fn")]
    layer: _Layer = kind(**values, params=params)
    return layer


def _entry(shape: list[int], offset: int) -> dict[str, Any]:
    """Return what a header says of an array."""
    return {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + 4 * math.prod(shape)]}


def _names(layer: int) -> list[str]:
    """Return what the weights and the biases of a layer are called in a file."""
    return [f"layers.{layer}.w", f"layers.{layer}.b"]


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value
