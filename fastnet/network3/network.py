"""Networks of layers, and how they learn."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from fastnet import arguments
from fastnet.network3 import files
from fastnet.network3.data import Pair, find_device, size
from fastnet.network3.layers import Layer, SoftmaxLayer, check_layers

StrPath: TypeAlias = str | os.PathLike[str]

_AT_A_TIME = 1000  # samples whose outputs are computed at once when nothing is learned: bounds the memory it takes
_MINI_BATCHES_PER_LINE = 1000


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

    def __init__(self, layers: Sequence[Layer], mini_batch_size: int, *, device: str = "auto") -> None:
        self.layers = list(layers)
        self.mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        check_layers(self.layers)
        self.device = find_device(device)
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
        files.write(path, self.layers, self.mini_batch_size)

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
    find_device(device)
    return Network(*files.read(path), device=device)
