"""Chapter 6's networks of layers, and their training."""

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
from fastnet.formulas.activations import CustomActivation
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
from fastnet.networks.learner import for_layers_of, with_arrays
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_ON_DEVICE = {"auto": "torch", "cpu": "torch-cpu", "cuda": "torch-cuda"}
"""Name of the engine for each device."""


class Best(NamedTuple):
    """The epoch with the highest validation accuracy in a run; the last such epoch if there are several.

    Attributes
    ----------
    validation_accuracy : float
        Accuracy on the validation data, from 0 to 1.
    iteration : int
        Number of the epoch's last mini-batch, counted from 0 at the start of the run.
    test_accuracy : float or None
        Accuracy on the test data, from 0 to 1; None if there were no test data.
    """

    validation_accuracy: float
    iteration: int
    test_accuracy: float | None


class Network:
    """A network of layers, in which each layer takes the outputs of the preceding layer.

    Parameters
    ----------
    layers : sequence of layers
        Layers in order; the first takes the inputs. The last layer must be a `SoftmaxLayer`. Each layer must be a
        separate object.
    mini_batch_size : int
        Number of samples that `test_mb_predictions` predicts at a time, at least 1. Unlike in the book, `SGD` may
        be called with a mini-batch size different from this number.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        Engine that does the arithmetic. 'numba' uses compiled kernels, 'numpy' matrix products, 'torch' PyTorch, and
        'reference' the book's algorithm, sample by sample. All engines give the same results up to rounding. Only
        'torch' can call custom activation functions.
    device : {'auto', 'cpu', 'cuda'}, optional
        Device of the engine 'torch'. By default, and with 'auto', a GPU if there is one, otherwise the CPU.
    seed : int, optional
        Seed of the network's own generator, from 0 to 2**32 - 1. Layers that still have their drawn initial weights
        draw them again from this generator, in order. The generator also draws the seed of the dropout masks. By
        default, NumPy's global generator draws all random numbers, so `np.random.seed` makes a run repeatable. With
        either generator, the initial weights for a seed are those of the book's program.

    Attributes
    ----------
    layers : list of layers
        Layers in order; the first takes the inputs.
    mini_batch_size : int
        Number of samples that `test_mb_predictions` predicts at a time.
    engine : str
        Name of the engine, such as 'numba', or 'torch-cpu' with `device='cpu'`. May be assigned.
    best : Best or None
        Best epoch of the last call of `SGD`; None if no epoch was completed.
    stopped : str
        Reason why training stopped, if weights became infinite or NaN in the last call of `SGD`; otherwise empty.
    history : History or None
        History of the last call of `SGD`; None before the first call. The evaluation data are the validation data. The
        test accuracy is measured after each epoch whose validation accuracy is at least the best so far.

    Raises
    ------
    ImportError
        If a library that the engine needs is not installed, or the device is not available.
    TypeError, ValueError
        If the layers do not fit one another or the engine, or an argument has a wrong type or value. The layers are
        then unchanged.

    Notes
    -----
    A seed does not affect weights that were given as `params`, learnt, assigned or changed. When a layer with random
    initial weights is created, it draws from NumPy's global generator, even if the layer is for a network with a seed.
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
        """Name of the engine."""
        return self._engine

    @engine.setter
    def engine(self, name: str) -> None:
        custom = [each for each in self._architecture().activations if isinstance(each, CustomActivation)]
        if not engine_class(name).calls_custom_activations and custom:
            raise ValueError(
                f"activation_fn of a layer is {custom[0].function!r}, but engine {name!r} has only "
                f"{', '.join(ACTIVATIONS)}; use engine='torch', which can call any function"
            )
        self._engine = name

    @property
    def params(self) -> list[np.ndarray]:
        """Weights and biases of all layers."""
        return [param for layer in self.layers for param in layer.params]

    @property
    def parameters(self) -> Parameters:
        """Weights and biases of each layer, in an engine's layout."""
        return [layer.arrays() for layer in self.layers]

    @parameters.setter
    def parameters(self, parameters: Parameters) -> None:
        found = with_arrays(parameters, [["weights", "biases"] for _ in self.layers])
        for layer, arrays in zip(self.layers, found, strict=True):
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
            Inputs, one sample per row, and labels, in the form that `load_data_shared` returns or `shared` accepts.
        epochs : int
            Number of passes over the training data, at least 1. The data are never shuffled.
        mini_batch_size : int
            Number of samples in a mini-batch, at least 1. Samples at the end that do not fill a mini-batch are ignored.
        eta : float
            Learning rate, positive.
        validation_data : tuple (x, y) or Dataset
            Data on which the accuracy is measured after each epoch.
        test_data : tuple (x, y) or Dataset, or None
            Data on which the accuracy is measured after each epoch whose validation accuracy is at least the best so
            far.
        lmbda : float, optional
            Parameter of L2 regularization, at least 0. With m mini-batches in an epoch, the cost has the term
            `lmbda / (2 m)` times the sum of the squared weights.
        report : callable, optional
            Function that is called with the `History` after each epoch; `best` is then already up to date. If `report`
            is given, the book's lines are not printed.
        checkpoint : path, optional
            File from which an interrupted run can be resumed, written atomically before the first epoch and after each
            epoch. After every thousandth epoch, the history so far is moved to a second file. The name of the second
            file is that of the checkpoint with ".epochs" appended.
        resume : bool, optional
            Whether to continue from the checkpoint if the file exists. The result is equal, bit for bit, to that of an
            uninterrupted run. `epochs` may differ from that of the interrupted run. By default, an existing file raises
            a `ValueError`.

        Raises
        ------
        OSError
            If the checkpoint cannot be read or written.
        TypeError, ValueError
            If an argument, weight or bias has a wrong type or value, or the checkpoint is from another run. The network
            is then unchanged.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If weights become infinite or NaN in an epoch; training then stops, and
            the network has the parameters from before the epoch. If at least 20 validation samples have some label, but
            after each of two consecutive epochs, no validation sample is classified as this label. If, in a run of one
            epoch, all validation samples are classified as one label, and another label has at least 20 samples.

        Notes
        -----
        After Ctrl-C, the network has the parameters of the last complete epoch.
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
        learner.keep(file, history)  # raises an error before training starts if the file cannot be written
        self.best, self.stopped, self.history, self._test = None, "", history, test
        for epoch in history.epochs:  # epochs from the checkpoint
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
            One sample per row.

        Returns
        -------
        ndarray of float32, shape (n, n_out)

        Raises
        ------
        TypeError, ValueError
            If `x`, a weight or a bias has a wrong type, shape or value, or is not finite.
        """
        return self._make_engine().outputs(self._rows(x))

    def activations(self, x: npt.ArrayLike) -> list[np.ndarray]:
        """Return the activations of every layer.

        Parameters
        ----------
        x : array_like, shape (n, n_in)
            One sample per row.

        Returns
        -------
        list of ndarray of float32
            The inputs, then the activations of each layer of the engine. A `ConvPoolLayer` consists of two layers of
            the engine, convolution and pooling; dropout is a separate layer, too. The shape of an array is (n, maps,
            height, width) for images, otherwise (n, n_out). The last array contains the outputs.

        Raises
        ------
        TypeError, ValueError
            If `x` has a wrong type, shape or value, or a layer has a custom activation function.
        """
        return inspection.activations(self, self._rows(x))

    def input_gradient(self, x: npt.ArrayLike, output: int | None = None) -> np.ndarray:
        """Return the derivative of an output with respect to each input.

        Parameters
        ----------
        x : array_like, shape (n, n_in)
            One sample per row.
        output : int, optional
            Index of the output neuron, numbered from 0. By default, for each sample, the neuron with the largest
            activation.

        Returns
        -------
        ndarray of float32, shape (n, n_in)

        Raises
        ------
        TypeError, ValueError
            If `x` has a wrong type, shape or value, `output` is not the index of an output neuron, or a layer has a
            custom activation function.
        """
        return inspection.input_gradient(self, self._rows(x), output)

    def _rows(self, x: npt.ArrayLike) -> np.ndarray:
        """Return inputs as a matrix, or raise an error if they do not fit the network."""
        inputs, n_in = real_matrix(x, "x"), self._architecture().n_in
        if inputs.shape[1] != n_in:
            raise ValueError(f"x has the shape {inputs.shape}; it must be (n, {n_in})")
        check_numbers(extremes(inputs), FLOAT32, "x")
        return inputs

    def predictions(self, x: npt.ArrayLike) -> np.ndarray:
        """Return the index of the largest output for each row of `x`, shape (n,); -1 if an output is NaN."""
        return Classes(np.empty(0), 0.5).predicted(self.output(x))

    def accuracy(self, data: Data) -> float:
        """Return the fraction of samples that are classified correctly, from 0 to 1."""
        found = self._data(data, "data")
        return self._make_engine().measure(found).correct / len(found)

    def test_mb_predictions(self, i: int) -> np.ndarray:
        """Return the predictions for a mini-batch of the test data that the last call of `SGD` received.

        `i` is the index of the mini-batch, numbered from 0. The shape is (mini_batch_size,), or shorter at the end of
        the test data.

        Raises
        ------
        ValueError
            If `SGD` has not been called, or the last call had no test data.
        """
        if self._test is None:
            raise ValueError("there are no test data yet; call SGD with test_data first")
        start = arguments.natural(i, "i") * arguments.positive(self.mini_batch_size, "mini_batch_size")
        return self.predictions(self._test.rows[start : start + self.mini_batch_size])

    def save(self, path: StrPath) -> None:
        """Save the network atomically; `load` reads the file. An existing file is replaced.

        Parameters
        ----------
        path : path
            Name of the file. The format is safetensors: a JSON header, then numbers. The header's `__metadata__`
            describes the network.

        Raises
        ------
        OSError
            If the file cannot be written. An existing file is then unchanged.
        TypeError, ValueError
            If an attribute of the network or a layer has a wrong type or value, such as a NaN weight. If a layer has a
            custom activation function, or is an object of a custom class.
        """
        files.write(path, self.layers, self.mini_batch_size)

    def _architecture(self) -> Architecture:
        """Check the layers and their parameters, and return the architecture."""
        return check_layers(self.layers)

    def _checked_parameters(self) -> Parameters:
        """Check the weights and biases, which may have been assigned, and return them."""
        self._architecture()
        return self.parameters

    def _generator(self) -> Any:
        """Return the generator that draws the seed of the dropout masks: the network's own, or NumPy's global one."""
        return np.random if self._random is None else self._random

    def _make_engine(self, data: Dataset | None = None) -> Engine:
        """Make an engine with the current parameters, and with training data if `data` is given."""
        architecture = self._architecture()
        return engine_class(self.engine)(architecture, for_layers_of(architecture, self.parameters), data)

    def _data(self, data: Data, argument: str) -> Dataset:
        """Return data as a data set with labels, or raise an error if the data do not fit the network."""
        architecture, found = self._architecture(), labelled(data, argument)
        with arguments.named(argument):
            found.check_inputs(architecture.n_in)
            found.labels(architecture.n_out)
        return found

    def _findings(self, validation: Dataset, test: Dataset | None) -> Findings:
        """Measure the network on the validation data and, if the epoch is the best so far, on the test data."""
        n_out, engine = self.layers[-1].n_out, self._make_engine()
        found = engine.measure(validation)
        missed = diagnostics.never_predicted(validation.labels(n_out), found.predictions, n_out)
        tested = test if test is not None and self._is_best(found.correct / len(validation)) else None
        return Findings(
            evaluation_accuracy=found.correct,
            never_predicted=missed,
            test_accuracy=None if tested is None else engine.measure(tested).correct,
        )

    def _is_best(self, validation_accuracy: float) -> bool:
        return self.best is None or validation_accuracy >= self.best.validation_accuracy

    def _compare(self, epoch: Epoch) -> bool:
        """Set `best` to an epoch if it is the best so far; return whether it is."""
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
        """Print the book's lines about an epoch."""
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
        """Print the book's lines about the whole run."""
        print(self.stopped or "Finished training network.")
        if self.best is None:
            print("There is no best validation accuracy: no epoch was completed", flush=True)
            return
        accuracy, iteration, test_accuracy = self.best
        print(f"Best validation accuracy of {accuracy:.2%} obtained at iteration {iteration}", flush=True)
        if test_accuracy is not None:
            print(f"Corresponding test accuracy of {test_accuracy:.2%}", flush=True)


def load(path: StrPath, *, engine: str = "numba", device: str | None = None, seed: int | None = None) -> Network:
    """Load a network from a file that `Network.save` wrote.

    Parameters
    ----------
    path : path
        Name of the file.
    engine, device, seed
        See `Network`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file does not contain a network. `DataError` is a `ValueError`.
    ImportError, ValueError
        If the engine or the device is unknown or not available.
    TypeError, ValueError
        If `seed` is not an integer from 0 to 2**32 - 1.

    Notes
    -----
    Code in a file is never executed. Loading draws no random numbers. Memory is allocated only for data that the file
    really contains.
    """
    return Network(*files.read(path), engine=engine, device=device, seed=seed)


def _on_device(engine: str, device: str | None) -> str:
    """Return the name of an engine for a device, such as 'torch-cpu'; `engine` itself if `device` is None."""
    if device is None:
        return engine
    arguments.one_of(device, _ON_DEVICE, "device")
    if engine != "torch":
        raise ValueError(f"device is {device!r}, but engine is {engine!r}; only engine='torch' has devices")
    return _ON_DEVICE[device]
