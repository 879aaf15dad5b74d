"""Networks of layers, and how they learn."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from fastnet.learning import diagnostics
from fastnet.learning.history import History
from fastnet.learning.schedules import Plan
from fastnet.learning.training import Findings, Training
from fastnet.network3 import files
from fastnet.network3.data import Pair, check_tensor, find_device, pair
from fastnet.network3.layers import Layer, check_layers
from fastnet.network3.training import LayersLearner, dropout_generator, mini_batches
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_AT_A_TIME = 1000  # samples whose outputs are computed at once when nothing is learned: bounds the memory it takes


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
        The best epoch of the last `SGD`; None if it had none.
    stopped : str
        Why the last `SGD` stopped before its last epoch; empty if it did not.
    history : History or None
        What the last `SGD` did. The evaluation accuracy is that on the validation data.

    Raises
    ------
    TypeError, ValueError
        If the layers do not fit one another, or an argument is not of that form.
    """

    best: Best | None = None
    stopped: str = ""
    history: History | None = None
    _test: Pair | None = None

    def __init__(self, layers: Sequence[Layer], mini_batch_size: int, *, device: str = "auto") -> None:
        check_layers(layers)
        self.layers = list(layers)
        self.mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
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
            If an argument is not of that form, or a weight or bias that was assigned. The network is unchanged then.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If weights become infinite or not a number, which ends the training: the
            network is as it was before that epoch. If, in two consecutive epochs, a label of many validation samples
            was predicted for none.

        Notes
        -----
        Interrupted by Ctrl-C, the network is as it was after the last mini-batch; or, if weights were infinite or not a
        number by then, as it was before the epoch.
        """
        epochs = arguments.positive(epochs, "epochs")
        mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        eta = arguments.positive_number(eta, "eta", "float32")
        lmbda = arguments.number_from_zero(lmbda, "lmbda", "float32")
        check_layers(self.layers)
        training = self._fitting(training_data, "training_data")
        validation = self._fitting(validation_data, "validation_data")
        test = None if test_data is None else self._fitting(test_data, "test_data")
        batches = mini_batches(training, mini_batch_size)
        generator = dropout_generator(self.layers, self.device)
        recipe = {"epochs": epochs, "mini_batch_size": mini_batch_size, "eta": eta, "lmbda": lmbda}
        history = History(recipe, len(batches) * mini_batch_size, len(validation[0]))
        learner = LayersLearner(
            self.layers, batches, lmbda / len(batches), generator, lambda: self._findings(*validation)
        )
        self.best, self.stopped, self.history, self._test = None, "", history, test
        extremes = tuple(float(bound) for bound in training[0].aminmax())
        scale = diagnostics.scale_of(extremes, training[0].cpu().numpy())
        loop = Training(learner, history, epochs, Plan(eta, None, None), scale=scale)
        loop.run(lambda history: self._look_at(history, len(batches)), stacklevel=2)
        if history.diverged:
            self.stopped = history.stopped
            diagnostics.diverged(f"epoch {len(history.epochs)}", eta, stacklevel=2)
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

        Raises
        ------
        TypeError, ValueError
            If `x` is not of that form, or not finite, or a weight or bias that was assigned.
        """
        check_layers(self.layers)
        self._check_inputs(x)
        return self._outputs(x)

    def predictions(self, x: Tensor) -> Tensor:
        """Return for each row of `x` the index of the largest output, -1 where one is not a number: shape (n,)."""
        return _largest(self.output(x))

    def accuracy(self, data: Pair) -> float:
        """Return for which part of the samples, from 0 to 1, the largest output is the right one."""
        check_layers(self.layers)
        x, y = self._fitting(data, "data")
        return _accuracy(self._predictions(x), y)

    def test_mb_predictions(self, i: int) -> Tensor:
        """Return the predictions for the ith mini-batch of the test data of the last `SGD`: shape (mini_batch_size,).

        Raises
        ------
        ValueError
            If there was none.
        """
        if self._test is None:
            raise ValueError("there are no test data yet; SGD is given them")
        start = arguments.natural(i, "i") * arguments.positive(self.mini_batch_size, "mini_batch_size")
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
        TypeError, ValueError
            If something that was assigned to the network or its layers is not what it may be, such as a weight that is
            not a number; or if an activation function, or a layer, is one of your own.
        """
        files.write(path, self.layers, self.mini_batch_size)

    def _outputs(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.cat([self._output(part.to(self.device)) for part in x.split(_AT_A_TIME)])

    def _output(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer.output(x)
        return x

    def _predictions(self, x: Tensor) -> Tensor:
        return _largest(self._outputs(x))

    def _findings(self, x: Tensor, y: Tensor) -> Findings:
        """Return how many samples are classified correctly, and the labels that are never predicted."""
        predicted = self._predictions(x)
        labels = (each.cpu().numpy() for each in (y, predicted))
        never_predicted = diagnostics.never_predicted(*labels, self.layers[-1].n_out)
        return Findings(evaluation_accuracy=_correct(predicted, y), never_predicted=never_predicted)

    def _look_at(self, history: History, mini_batches: int) -> None:
        """Print how good the network is after an epoch, and keep it in `best`."""
        epoch = history.epochs[-1]
        assert epoch.evaluation_accuracy is not None
        accuracy = epoch.evaluation_accuracy / history.evaluation_samples
        print(f"Epoch {epoch.number}: validation accuracy {accuracy:.2%}", flush=True)
        if self.best is not None and accuracy < self.best.validation_accuracy:
            return
        print("This is the best validation accuracy to date.", flush=True)
        test = None if self._test is None else _accuracy(self._predictions(self._test[0]), self._test[1])
        self.best = Best(accuracy, mini_batches * (epoch.number + 1) - 1, test)
        if test is not None:
            print(f"The corresponding test accuracy is {test:.2%}", flush=True)

    def _sum_up(self) -> None:
        print(self.stopped or "Finished training network.")
        if self.best is None:
            print("There is no best validation accuracy: no epoch was completed", flush=True)
            return
        print(
            f"Best validation accuracy of {self.best.validation_accuracy:.2%} "
            f"obtained at iteration {self.best.iteration}"
        )
        if self.best.test_accuracy is not None:
            print(f"Corresponding test accuracy of {self.best.test_accuracy:.2%}", flush=True)

    def _fitting(self, data: Any, argument: str) -> Pair:
        """Return data on the network's device, if they are of a form that fits it."""
        with arguments.named(argument):
            x, y = pair(data, "tensors, as load_data_shared and shared return it")
            self._check_inputs(x)
            check_tensor(y, torch.int64, "y")
            if y.shape != x.shape[:1] or len(x) == 0:
                raise ValueError(
                    f"x and y have the shapes {tuple(x.shape)} and {tuple(y.shape)}; they must be (n, n_in) and (n,), "
                    "with n at least 1"
                )
            n_out = self.layers[-1].n_out
            lowest, highest = (int(bound) for bound in y.aminmax())
            if not 0 <= lowest <= highest < n_out:
                raise ValueError(f"its labels go from {lowest} to {highest}; the network's go from 0 to {n_out - 1}")
            return x.detach().to(self.device), y.to(self.device)

    def _check_inputs(self, x: Any) -> None:
        check_tensor(x, torch.float32, "x")
        n_in = self.layers[0].n_in
        if x.ndim != 2 or x.shape[1] != n_in:
            raise ValueError(f"x has the shape {tuple(x.shape)}; it must be (n, {n_in})")


def _largest(outputs: Tensor) -> Tensor:
    return outputs.argmax(dim=1).where(~outputs.isnan().any(dim=1), -1)


def _correct(predicted: Tensor, y: Tensor) -> int:
    return int((predicted == y).sum())


def _accuracy(predicted: Tensor, y: Tensor) -> float:
    return _correct(predicted, y) / len(y)


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
