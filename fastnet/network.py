"""A module to implement the stochastic gradient descent learning algorithm for a feedforward neural network.

This is the book's `network.py` (chapter 1), with the same names and semantics. An engine does the arithmetic; see
`fastnet.engines`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastnet.datasets.dataset import Dataset, Sample
from fastnet.engines.contract import Descent
from fastnet.files import models
from fastnet.formulas.activations import sigmoid, sigmoid_prime
from fastnet.formulas.costs import BuiltIn, CustomCost, QuadraticCost, checked_column
from fastnet.formulas.layers import Layer
from fastnet.learning import diagnostics
from fastnet.learning.checkpoints import CheckpointFile
from fastnet.learning.history import History
from fastnet.learning.schedules import Plan
from fastnet.learning.training import Findings, Training
from fastnet.networks import entries
from fastnet.networks.base import BaseNetwork
from fastnet.networks.entries import Entries
from fastnet.networks.learner import NetworkLearner
from fastnet.utils import arguments, modules

__all__ = ["Network", "load", "sigmoid", "sigmoid_prime"]

_OTHER_NEURONS = "For other neurons, give network2.Network activation='tanh', 'relu' or another name"
modules.refuse_assignment(__name__, dict.fromkeys(("sigmoid", "sigmoid_prime"), _OTHER_NEURONS))


class Network(BaseNetwork):
    """A feedforward network of sigmoid neurons with the quadratic cost.

    Parameters
    ----------
    sizes : sequence of int
        Number of neurons in each layer, inputs first: `[784, 30, 10]` has one hidden layer of 30.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        Engine that does the arithmetic: 'numba' with compiled kernels, 'numpy' with matrix products, 'torch' with
        PyTorch, and 'reference' with the book's algorithm, sample by sample. 'torch' uses a CUDA device if there is
        one; 'torch-cpu' and 'torch-cuda' choose the device. All engines give the same results up to rounding.
    dtype : {'float32', 'float64'}, optional
        Precision of parameters and arithmetic.
    seed : int, optional
        Seed of the network's own random generator, from 0 to 2**32 - 1. By default, NumPy's global generator draws the
        initial parameters and the order of samples, so `np.random.seed` makes a run repeatable. In both cases, the
        initial parameters for a seed are those of the book's program.

    Attributes
    ----------
    num_layers : int
        Number of layers, inputs included.
    sizes : list of int
        Number of neurons in each layer, inputs first.
    weights : list of ndarray
        One matrix `(n_out, n_in)` for each layer except the first. May be changed in place or assigned.
    biases : list of ndarray
        One column `(n_out, 1)` for each layer except the first. May be changed in place or assigned.
    history : History or None
        History of the last call of `SGD`; None before the first call.

    Raises
    ------
    ImportError
        If a library that the engine needs is not installed.
    TypeError
        If a size or the seed is not an integer.
    ValueError
        If there are fewer than two layers, a size is not positive, the engine or the dtype is unknown, or the seed is
        out of range.

    Notes
    -----
    A subclass may override `evaluate`, `feedforward` and `cost_derivative`. Only the engines 'numpy' and 'reference'
    can call an overridden `cost_derivative`; the other engines refuse to train. If a subclass overrides `backprop` or
    `update_mini_batch`, `SGD` refuses to train, because the engine would not call the overridden method.

    Examples
    --------
    >>> net = Network([2, 3, 1], seed=0)
    >>> [w.shape for w in net.weights], [b.shape for b in net.biases]
    ([(3, 2), (1, 3)], [(3, 1), (1, 1)])
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *others: NoReturn,
        engine: str = "numba",
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        entries.refuse_others(
            sizes, others=others, instead="give other arguments by name; network2.Network takes a cost"
        )
        super().__init__(sizes, "sigmoid", engine, dtype, seed)
        self._draw_parameters(scaled=False)

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Dataset | Iterable[Sample],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        test_data: Dataset | Iterable[Sample] | None = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
        **unknown: NoReturn,
    ) -> None:
        """Train the network using mini-batch stochastic gradient descent, printing a line for each epoch.

        Parameters
        ----------
        training_data : Dataset or iterable of (x, y)
            Samples. `x` is a column of shape (n_in, 1). `y` is a column of shape (n_out, 1) or an integer label. The
            data set is not reordered.
        epochs : int
            Number of passes over the training data, at least 0. Each pass takes the samples in a new random order.
        mini_batch_size : int
            Number of samples in a mini-batch, at least 1. The last mini-batch of an epoch may be smaller.
        eta : float
            Learning rate, positive.
        test_data : Dataset or iterable of (x, y), optional
            Data on which the network is evaluated after each epoch.
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
            If an argument has a wrong type or value, or the checkpoint is from another run. The network is then
            unchanged.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If weights become infinite or NaN; training then stops. If, in two
            consecutive epochs, no test sample is classified as a label that at least 20 test samples have. If, in a run
            of one epoch, all test samples are classified as one label, and another label has at least 20 test samples.

        Notes
        -----
        The printed time includes shuffling and training, but not evaluation. After Ctrl-C, the network has the
        parameters of the last complete epoch.
        """
        arguments.refuse_unknown(unknown, "SGD", {**entries.NAMES_ELSEWHERE, "evaluation_data": "test_data"})
        epochs = arguments.natural(epochs, "epochs")
        mini_batch_size = arguments.positive(mini_batch_size, "mini_batch_size")
        eta = arguments.positive_number(eta, "eta", self.dtype)
        self._refuse_overridden("backprop", "update_mini_batch", instead="override cost_derivative")
        data = self._training_set(training_data, "training_data")
        test_set = None if test_data is None else self._test_set(test_data)
        n_test = 0 if test_set is None else len(test_set)
        engine = self._make_engine(data)  # may raise an error, so the network is changed only after this line
        recipe = self._recipe(epochs=epochs, mini_batch_size=mini_batch_size, eta=eta)
        history = History(recipe, len(data), n_test)
        mini_batch_size = min(mini_batch_size, len(data))
        learner = NetworkLearner(self, engine, mini_batch_size, Descent(), lambda: self._findings(test_set))
        file = CheckpointFile.of(checkpoint, resume, [data, test_set])
        training = Training(learner, history, epochs, Plan(eta, None, None), scale=diagnostics.scale(data))
        self._train(training, file, _print_line, summary=True)

    def _findings(self, test_data: Dataset | None) -> Findings:
        if test_data is None:
            return Findings()
        if self._overridden("evaluate") or self._overridden("feedforward"):
            return Findings(evaluation_accuracy=self._custom_count(self.evaluate(test_data), "evaluate", test_data))
        found = self._make_engine().measure(test_data)
        never_predicted = self._never_predicted(test_data, found)
        return Findings(evaluation_accuracy=found.correct, never_predicted=never_predicted)

    def update_mini_batch(self, mini_batch: Dataset | Iterable[Sample], eta: float) -> None:
        """Update the network's weights and biases by applying gradient descent to a single mini-batch.

        Parameters
        ----------
        mini_batch : Dataset or iterable of (x, y)
            Samples, in a form that `SGD` accepts as training data.
        eta : float
            Learning rate, positive.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type or value. The network is then unchanged.

        Warns
        -----
        TrainingWarning
            If weights would become infinite or NaN. The network is then unchanged.
        """
        eta = arguments.positive_number(eta, "eta", self.dtype)
        self._refuse_overridden("backprop", instead="override cost_derivative")
        self._train_mini_batch(self._training_set(mini_batch, "mini_batch"), eta)

    def evaluate(self, test_data: Dataset | Iterable[Sample]) -> int:
        """Return the number of test inputs for which the network outputs the correct result.

        The network's output is the index of whichever neuron in the final layer has the highest activation. If the
        final layer has one neuron, the output is 1 for an activation above 0.5, otherwise 0. (The book's method would
        always give 0, the index of the only neuron.)

        Parameters
        ----------
        test_data : Dataset or iterable of (x, y)
            Samples. `y` is an integer label, or a column whose largest component is at the index of the label.

        Raises
        ------
        TypeError, ValueError
            If `test_data` has a wrong type, shape or value.
        """
        return self._correct(self._test_set(test_data))

    def cost_derivative(self, output_activations: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the partial derivatives of a sample's cost with respect to the output activations.

        The arguments and the result are columns of shape (n_out, 1).
        """
        derivatives: np.ndarray = output_activations - y
        return derivatives

    def _checked_entries(self, sizes: Any) -> Entries:
        found = super()._checked_entries(sizes)
        for layer in found:
            if isinstance(layer, Layer):
                raise TypeError(
                    f"sizes has {layer}; chapter 1's Network takes integers only, each for a dense layer of sigmoid "
                    "neurons. Use network2.Network for other layers"
                )
        return found

    def _cost(self) -> BuiltIn | CustomCost:
        if not self._overridden("cost_derivative"):
            return QuadraticCost
        return CustomCost(SimpleNamespace(delta=self._delta), "cost_derivative")

    def _delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        delta: np.ndarray = checked_column(self.cost_derivative(a, y), a, "cost_derivative") * sigmoid_prime(z)
        return delta

    def _cost_name(self) -> str:
        return QuadraticCost.__name__


Network._as_written = {
    name: getattr(Network, name)
    for name in ("backprop", "cost_derivative", "evaluate", "feedforward", "update_mini_batch")
}


def _print_line(history: History) -> None:
    print(history.last_line(), flush=True)


def load(filename: str | os.PathLike[str], *, engine: str = "numba", seed: int | None = None) -> Network:
    """Load a network from a file that `Network.save` or the book's `network2.py` wrote.

    Parameters
    ----------
    filename : path
        Name of the file.
    engine, seed
        See `Network`. The dtype is that in the file, or float64 for a file of the book's program.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file does not contain a network, or `Network` does not support the cost or a layer of the network.
    """
    model = models.read(filename)
    known = (model.cost, model.activation) == (QuadraticCost.__name__, "sigmoid")
    if not (known and models.is_plain(model.architecture, "sigmoid")):
        raise ValueError(
            f"{os.fspath(filename)}: its cost is {model.cost}, its activation {model.activation}; network.Network has "
            "QuadraticCost and dense layers of sigmoid neurons only. Use network2.load instead"
        )
    net = Network(model.sizes, engine=engine, dtype=model.architecture.dtype, seed=seed)
    net.parameters = model.parameters
    return net
