"""Networks of layers, and their training."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from fastnet.datasets.classes import Classes
from fastnet.datasets.dataset import Dataset, check_numbers, extremes, real_matrix
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent, Engine
from fastnet.formulas.activations import OwnActivation
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.learning import diagnostics
from fastnet.learning.checkpoints import CheckpointFile
from fastnet.learning.history import Epoch, History
from fastnet.learning.schedules import Plan
from fastnet.learning.training import Findings, Training
from fastnet.network3 import files
from fastnet.network3.activations import ACTIVATIONS
from fastnet.network3.data import FLOAT32, Data, labelled
from fastnet.network3.layers import Layer, check_layers
from fastnet.network3.training import LayersLearner
from fastnet.networks import inspection
from fastnet.networks.learner import for_layers_of
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_ON_DEVICE = {"auto": "torch", "cpu": "torch-cpu", "cuda": "torch-cuda"}
"""The engines that the engine 'torch' is on a device."""


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
        Number of samples that `test_mb_predictions` predicts at a time. Unlike the book's, `SGD` may be given another.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        What computes, as for `network2.Network`: they give the same results up to rounding. Only 'torch' can call
        activation functions of your own.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where the engine 'torch' computes: by default, and with 'auto', on a GPU if there is one.
    seed : int, optional
        Seeds a generator of the network's own. Layers that still have the initial weights that they drew when they
        were made draw them anew from this generator, in their order. The dropout masks come from it, too. Without it,
        all random numbers come from NumPy's global generator, so that `np.random.seed` makes a run repeatable. Either
        way the same seed gives the book's initial weights.

    Attributes
    ----------
    layers, mini_batch_size
        As given.
    engine : str
        The name of the engine, in which a device is included: 'torch-cpu'. Another may be assigned.
    best : Best or None
        The best epoch of the last `SGD`; None if it had none.
    stopped : str
        Why the last `SGD` stopped before its last epoch; empty if it did not.
    history : History or None
        What the last `SGD` did. The evaluation accuracy is that on the validation data. The test accuracy is known of
        the epochs whose validation accuracy was not below the best before.

    Raises
    ------
    ImportError
        If what the engine needs is missing.
    TypeError, ValueError
        If the layers do not fit one another or the engine, or an argument is not of that form. The layers are
        unchanged then.

    Notes
    -----
    Weights that were given to a layer as `params`, or that were learnt, assigned or changed, remain as they are with a
    seed, too. A layer draws from NumPy's global generator when it is made, before a network with a seed has it.
    """

    best: Best | None = None
    stopped: str = ""
    history: History | None = None
    _test: Dataset | None = None
    _seed: int | None = None
    _random: np.random.RandomState | None = None

    def __init__(
        self,
        layers: Sequence[Layer],
        mini_batch_size: int,
        *,
        engine: str = "numba",
        device: str | None = None,
        seed: int | None = None,
    ) -> None:
        check_layers(layers)
        self.layers = list(layers)
        self.mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        self.engine = _on_device(engine, device)
        if seed is not None:
            self._seed = arguments.seed(seed)
            self._random = np.random.RandomState(self._seed)
            for layer in self.layers:
                layer.draw_anew(self._random)

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return self._engine

    @engine.setter
    def engine(self, name: str) -> None:
        own = [each for each in self._architecture().activations if isinstance(each, OwnActivation)]
        if not engine_class(name).calls_own_activations and own:
            raise ValueError(
                f"activation_fn of a layer is {own[0].function!r}, but engine is {name!r}, which knows "
                f"{', '.join(ACTIVATIONS)}; engine='torch' can call others"
            )
        self._engine = name

    @property
    def params(self) -> list[np.ndarray]:
        """The weights and biases of all layers."""
        return [param for layer in self.layers for param in layer.params]

    @property
    def parameters(self) -> Parameters:
        """The weights and biases of each layer, as an engine has them."""
        return [layer.arrays() for layer in self.layers]

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        for layer, arrays in zip(self.layers, filter(None, parameters), strict=True):
            layer.take(arrays)

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Data,
        epochs: int,
        mini_batch_size: int,
        eta: float,
        validation_data: Data,
        test_data: Data | None,
        lmbda: float = 0.0,
        *,
        report: Callable[[History], object] | None = None,
        checkpoint: StrPath | None = None,
        resume: bool = False,
    ) -> None:
        """Train the network using mini-batch stochastic gradient descent.

        Parameters
        ----------
        training_data : tuple (x, y) or Dataset
            Inputs, a sample a row, and labels, as `load_data_shared` and `shared` return them; or what `shared` takes.
        epochs : int
            How many times to go through the training data, at least 1. They are not shuffled: always in this order.
        mini_batch_size : int
            The number of samples in a mini-batch. Samples that do not fill one at the end are left out.
        eta : float
            The learning rate, positive.
        validation_data : tuple (x, y) or Dataset
            Data on which the accuracy is computed after each epoch.
        test_data : tuple (x, y) or Dataset, or None
            Data on which the accuracy is computed after each epoch whose validation accuracy is not below the best.
        lmbda : float, optional
            The parameter of L2 regularization, from 0: the cost has half of it, times the sum of all weights squared,
            over the number of mini-batches in an epoch.
        report : callable, optional
            What to call with the `History` so far after each epoch, instead of printing the book's lines. `best` is
            then that of these epochs.
        checkpoint : path, optional
            A file that is written after each epoch, whole or not at all, and from which an interrupted run goes on.
            From the thousandth epoch on, a second file, with ".epochs" behind its name, has the earlier epochs.
        resume : bool, optional
            Whether to go on from the checkpoint, if there is one: bit for bit as if there had been no interruption.
            `epochs` may be more than there were to be. Without it, a file that is there already is refused.

        Raises
        ------
        OSError
            If the checkpoint cannot be read or written.
        TypeError, ValueError
            If an argument is not of that form, or a weight or bias that was assigned, or the checkpoint is of another
            run. The network is unchanged then.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If weights become infinite or not a number, which ends the training: the
            network is as it was before that epoch. If, in two consecutive epochs, a label of many validation samples
            was predicted for none. If all of these got the same label in a run of one epoch.

        Notes
        -----
        Interrupted by Ctrl-C, the network is as it was after the last whole epoch.
        """
        epochs = arguments.positive(epochs, "epochs")
        mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        eta = arguments.positive_number(eta, "eta", FLOAT32)
        lmbda = arguments.number_from_zero(lmbda, "lmbda", FLOAT32)
        report = arguments.function(report, "report")
        training = self._data(training_data, "training_data")
        validation = self._data(validation_data, "validation_data")
        test = None if test_data is None else self._data(test_data, "test_data")
        mini_batches = len(training) // mini_batch_size
        if mini_batches == 0:
            raise ValueError(f"training_data has {len(training)} samples; a mini-batch needs {mini_batch_size}")
        engine = self._make_engine(training.with_vectors(self.layers[-1].n_out))
        recipe = {
            "input_shape": list(engine.architecture.input_shape),
            "layers": [layer.settings() for layer in engine.architecture.layers],
            "engine": self.engine,
            "epochs": epochs,
            "mini_batch_size": mini_batch_size,
            "eta": eta,
            "lmbda": lmbda,
            **({} if self._seed is None else {"seed": self._seed}),
        }
        n_test = 0 if test is None else len(test)
        history = History(recipe, mini_batches * mini_batch_size, len(validation), test_samples=n_test)
        descent = Descent(l2=lmbda / mini_batches)
        learner = LayersLearner(
            self, engine, mini_batch_size, descent, lambda: self._findings(validation, test), prints=report is None
        )
        file = CheckpointFile.of(checkpoint, resume, [training, validation, test])
        loop = Training(learner, history, epochs, Plan(eta), scale=diagnostics.scale(training))
        for epoch in learner.continue_from(file, history):
            loop.add(epoch)
        learner.keep(file, history)  # which shows, before anything is trained, that the file can be written
        self.best, self.stopped, self.history, self._test = None, "", history, test
        for epoch in history.epochs:  # of a checkpoint
            self._compare(epoch)

        def report_best(history: History) -> None:
            is_best = self._compare(history.epochs[-1])
            if report is None:
                self._print_the_books_lines(history, is_best)
            else:
                report(history)

        loop.run(report_best, lambda: learner.keep(file, history), stacklevel=2)
        if history.diverged:
            self.stopped = history.stopped
            diagnostics.diverged(f"epoch {len(history.epochs)}", eta, stacklevel=2)
        if report is None:
            self._sum_up()

    def output(self, x: npt.ArrayLike) -> np.ndarray:
        """Return the probabilities of the labels.

        Parameters
        ----------
        x : array_like, shape (n, n_in)
            A sample a row.

        Returns
        -------
        ndarray of float32, shape (n, n_out)

        Raises
        ------
        TypeError, ValueError
            If `x` is not of that form, or not finite, or a weight or bias that was assigned.
        """
        return self._make_engine().outputs(self._rows(x))

    def activations(self, x: npt.ArrayLike) -> list[np.ndarray]:
        """Return the activations of every layer.

        Parameters
        ----------
        x : array_like, shape (n, n_in)
            A sample a row.

        Returns
        -------
        list of ndarray of float32
            The inputs, and the activations of each layer that an engine computes: a `ConvPoolLayer` is two of them, a
            convolution and a pooling, and dropout is one. Of images in the shape (n, maps, height, width), others in
            the shape (n, n_out). The last are the outputs.

        Raises
        ------
        TypeError, ValueError
            If `x` is not of that form, or an activation function is one of your own.
        """
        return inspection.activations(self, self._rows(x))

    def input_gradient(self, x: npt.ArrayLike, output: int | None = None) -> np.ndarray:
        """Return the derivative of an output with respect to each input.

        Parameters
        ----------
        x : array_like, shape (n, n_in)
            A sample a row.
        output : int, optional
            Index of the output neuron, from 0. By default, for each sample, that with the largest activation.

        Returns
        -------
        ndarray of float32, shape (n, n_in)

        Raises
        ------
        TypeError, ValueError
            If `x` is not of that form, there is no such neuron, or an activation function is one of your own.
        """
        return inspection.input_gradient(self, self._rows(x), output)

    def _rows(self, x: npt.ArrayLike) -> np.ndarray:
        """Return inputs as a matrix, if they fit the network."""
        inputs, n_in = real_matrix(x, "x"), self._architecture().n_in
        if inputs.shape[1] != n_in:
            raise ValueError(f"x has the shape {inputs.shape}; it must be (n, {n_in})")
        check_numbers(extremes(inputs), FLOAT32, "x")
        return inputs

    def predictions(self, x: npt.ArrayLike) -> np.ndarray:
        """Return for each row of `x` the index of the largest output, -1 where one is not a number: shape (n,)."""
        return Classes(np.empty(0), 0.5).predicted(self.output(x))

    def accuracy(self, data: Data) -> float:
        """Return the share of samples, from 0 to 1, whose largest output is that of the label."""
        found = self._data(data, "data")
        return self._make_engine().measure(found).correct / len(found)

    def test_mb_predictions(self, i: int) -> np.ndarray:
        """Return the predictions for the ith mini-batch of the test data of the last `SGD`: shape (mini_batch_size,).

        Raises
        ------
        ValueError
            If there were no test data.
        """
        if self._test is None:
            raise ValueError("there are no test data yet; SGD is given them")
        start = arguments.natural(i, "i") * arguments.positive(self.mini_batch_size, "mini_batch_size")
        return self.predictions(self._test.rows[start : start + self.mini_batch_size])

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

    def _architecture(self) -> Architecture:
        """Return what an engine computes, if the layers and their parameters are of the right form."""
        return check_layers(self.layers)

    def _checked_parameters(self) -> Parameters:
        """Return the weights and biases, which may have been assigned, if they are of the right form."""
        self._architecture()
        return self.parameters

    def _generator(self) -> Any:
        """Return what the seed of the dropout masks is drawn from: a generator of the network's own, or NumPy's."""
        return np.random if self._random is None else self._random

    def _make_engine(self, data: Dataset | None = None) -> Engine:
        """Make an engine that has the parameters as they are now, and data if it is to train on them."""
        architecture = self._architecture()
        return engine_class(self.engine)(architecture, for_layers_of(architecture, self.parameters), data)

    def _data(self, data: Data, argument: str) -> Dataset:
        """Return data of labels, if they fit the network."""
        architecture, found = self._architecture(), labelled(data, argument)
        with arguments.named(argument):
            found.check_inputs(architecture.n_in)
            found.labels(architecture.n_out)
        return found

    def _findings(self, validation: Dataset, test: Dataset | None) -> Findings:
        """Measure the network on the validation data, and on the test data if it is the best so far."""
        n_out, engine = self.layers[-1].n_out, self._make_engine()
        found = engine.measure(validation)
        missed = diagnostics.never_predicted(validation.labels(n_out), found.predictions, n_out)
        is_tested = test is not None and self._is_best(found.correct / len(validation))
        return Findings(
            evaluation_accuracy=found.correct,
            never_predicted=missed,
            test_accuracy=engine.measure(test).correct if is_tested else None,
        )

    def _is_best(self, validation_accuracy: float) -> bool:
        return self.best is None or validation_accuracy >= self.best.validation_accuracy

    def _compare(self, epoch: Epoch) -> bool:
        """Keep an epoch in `best` if it is the best so far; return whether it is."""
        history = self.history
        assert history is not None
        assert epoch.evaluation_accuracy is not None
        accuracy = epoch.evaluation_accuracy / history.evaluation_samples
        if not self._is_best(accuracy):
            return False
        mini_batches = history.training_samples // history.recipe["mini_batch_size"]
        tested = None if epoch.test_accuracy is None else epoch.test_accuracy / history.test_samples
        self.best = Best(accuracy, mini_batches * (epoch.number + 1) - 1, tested)
        return True

    def _print_the_books_lines(self, history: History, is_best: bool) -> None:
        """Print the book's lines on an epoch."""
        epoch = history.epochs[-1]
        assert epoch.evaluation_accuracy is not None
        accuracy = epoch.evaluation_accuracy / history.evaluation_samples
        print(f"Epoch {epoch.number}: validation accuracy {accuracy:.2%}", flush=True)
        if is_best:
            assert self.best is not None
            print("This is the best validation accuracy to date.", flush=True)
            if self.best.test_accuracy is not None:
                print(f"The corresponding test accuracy is {self.best.test_accuracy:.2%}", flush=True)

    def _sum_up(self) -> None:
        """Print the book's lines on the whole run."""
        print(self.stopped or "Finished training network.")
        if self.best is None:
            print("There is no best validation accuracy: no epoch was completed", flush=True)
            return
        accuracy, iteration, test_accuracy = self.best
        print(f"Best validation accuracy of {accuracy:.2%} obtained at iteration {iteration}", flush=True)
        if test_accuracy is not None:
            print(f"Corresponding test accuracy of {test_accuracy:.2%}", flush=True)


def load(path: StrPath, *, engine: str = "numba", device: str | None = None, seed: int | None = None) -> Network:
    """Load a network that `Network.save` wrote.

    Parameters
    ----------
    path : path
        The file.
    engine, device, seed
        As for `Network`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If it does not hold a network. It is a `ValueError`.
    ImportError, ValueError
        If there is no such engine or device.
    TypeError, ValueError
        If the seed is not one.

    Notes
    -----
    Nothing in the file is run, nothing random is drawn, and no memory is taken for what it only claims to hold.
    """
    return Network(*files.read(path), engine=engine, device=device, seed=seed)


def _on_device(engine: str, device: str | None) -> str:
    """Return the name of an engine on a device."""
    if device is None:
        return engine
    arguments.one_of(device, _ON_DEVICE, "device")
    if engine != "torch":
        raise ValueError(f"device is {device!r}, but engine is {engine!r}; only engine='torch' has devices")
    return _ON_DEVICE[device]
