"""An improved version of network.py, implementing the stochastic gradient descent learning algorithm.

This is the book's `network2.py` (chapter 3), with its names and its meaning: the cross-entropy cost, L2 regularization,
better initial weights, and monitoring. Beyond the book: keyword arguments for what the chapter describes or leaves as
exercises, layers, and optimizers. The arithmetic is an engine's: see `fastnet.engines`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from fastnet import expand_mnist
from fastnet.datasets.dataset import Dataset, Sample
from fastnet.engines.contract import Descent
from fastnet.files import models
from fastnet.formulas import costs
from fastnet.formulas.activations import sigmoid, sigmoid_prime
from fastnet.formulas.architecture import Arrays
from fastnet.formulas.costs import BuiltIn, Cost, CrossEntropyCost, LogLikelihoodCost, OwnCost, QuadraticCost
from fastnet.formulas.layers import BatchNormalization, Layer
from fastnet.formulas.optimizers import GradientDescent, Optimizer, as_optimizer
from fastnet.learning import diagnostics
from fastnet.learning.checkpoints import CheckpointFile
from fastnet.learning.diagnostics import NeverPredicted
from fastnet.learning.history import History
from fastnet.learning.schedules import HALVE, Plan, Schedule, as_schedule
from fastnet.learning.stepwise import StepwiseTraining
from fastnet.learning.training import Findings, Training
from fastnet.mnist_loader import vectorized_result
from fastnet.networks import entries
from fastnet.networks.base import BaseNetwork
from fastnet.networks.learner import NetworkLearner
from fastnet.utils import arguments, modules

__all__ = [
    "CrossEntropyCost",
    "LogLikelihoodCost",
    "Network",
    "QuadraticCost",
    "load",
    "sigmoid",
    "sigmoid_prime",
    "vectorized_result",
]

_OTHER_NEURONS = "For other neurons, Network takes activation='tanh', 'relu' and others"
modules.refuse_assignment(__name__, dict.fromkeys(("sigmoid", "sigmoid_prime"), _OTHER_NEURONS))


class Network(BaseNetwork):
    """A feedforward network with a choice of costs.

    Parameters
    ----------
    sizes : sequence of int and Layer
        The number of neurons in each layer, the inputs first: `[784, 30, 10]` has one hidden layer of 30. Instead of a
        number, a layer may stand: `[784, Dropout(0.2), Dense(100, "relu"), BatchNormalization(), 10]`. Images for
        convolutions have a shape, (maps, height, width), instead of a number of inputs:
        `[(1, 28, 28), Convolution(20, 5, "relu"), MaxPooling(2), 100, 10]`. A sample is a column all the same, with
        the pixels map by map and row by row.
    cost : class, object or str, optional
        `CrossEntropyCost` or 'cross-entropy'; `QuadraticCost` or 'quadratic', with which output neurons may also be
        linear, for regression: `[4, 30, Dense(1, "linear")]`; `LogLikelihoodCost` or 'log-likelihood', with which they
        are softmax. For regression also 'poisson', 'absolute-error', 'huber' or 'quantile', or an object of
        `fastnet.formulas.regression` such as `QuantileCost(0.9)`. Or one of your own, for sigmoid or linear outputs,
        with the functions `fn(a, y)` and `delta(z, a, y)` as these have: the engines 'numpy' and 'reference' call it,
        the others refuse to train.
    activation : str, optional
        Activation of the hidden dense and convolutional layers that have none of their own: a name in
        `fastnet.formulas.activations.ACTIVATIONS`, such as 'sigmoid', 'tanh', 'relu' or 'gelu'.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        What computes: compiled kernels; matrix products; PyTorch, on a CUDA device if there is one ('torch-cpu' and
        'torch-cuda' choose); or the book's algorithm, sample by sample. They give the same results up to rounding.
    dtype : {'float32', 'float64'}, optional
        The precision of parameters and arithmetic.
    seed : int, optional
        Seeds a generator of the network's own. Without it, the initial parameters and the shuffling come from
        NumPy's global generator, so that `np.random.seed` makes a run repeatable. Either way the same seed
        gives the book's initial parameters.

    Attributes
    ----------
    num_layers : int
        The number of dense and convolutional layers, the inputs included.
    sizes : list of int
        The number of neurons in each dense or convolutional layer, the inputs first.
    layers : tuple of Layer
        All layers, from the inputs on.
    cost : class or object
        As given. Another may be assigned.
    weights : list of ndarray
        One matrix `(n_out, n_in)` for each dense layer, and an array `(filters, maps, rows, columns)` for each
        convolutional one. It may be changed or assigned.
    biases : list of ndarray
        One column `(n_out, 1)` for each dense layer, and `(filters, 1)` for each convolutional one. It may be changed
        or assigned.
    parameters : list of dict of str to ndarray
        The arrays of each layer by name. Weights and biases are the arrays in `weights` and `biases`.
    history : History or None
        What the last `SGD` did.

    Raises
    ------
    ImportError
        If what the engine needs is not installed.
    TypeError
        If a size or the seed is not an integer, or the cost lacks a function.
    ValueError
        If there are fewer than two layers, a size is not positive, the layers and the cost do not go together, or the
        activation, the engine or the dtype is unknown.

    Notes
    -----
    A subclass may override `accuracy`, `total_cost`, `feedforward` and the initializers. It cannot override `backprop`
    and `update_mini_batch` for `SGD`, which computes whole epochs in the engine: `SGD` refuses to train then.

    Examples
    --------
    >>> net = Network([2, 3, 1], cost=QuadraticCost, seed=0)
    >>> [w.shape for w in net.weights], [b.shape for b in net.biases]
    ([(3, 2), (1, 3)], [(3, 1), (1, 1)])
    """

    cost: Any = CrossEntropyCost  # of a subclass whose initializer is called before it has a cost

    _takes_images = True

    def __init__(
        self,
        sizes: Sequence[int | Layer | Sequence[int]],
        cost: Cost | type[Any] | str = CrossEntropyCost,
        *others: NoReturn,
        activation: str = "sigmoid",
        engine: str = "numba",
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        entries.refuse_apart(sizes, cost, *others)
        super().__init__(sizes, activation, engine, dtype, seed)
        self.cost = cost
        self._reset_others()  # an initializer of the user's may know weights and biases only
        self.default_weight_initializer()

    def default_weight_initializer(self) -> None:
        """Draw the biases, and the weights divided by the square root of the number of weights to the same neuron.

        Both come from the normal distribution with mean 0 and standard deviation 1 (chapter 3, "Weight
        initialization").
        """
        self._draw_parameters(scaled=True)

    def large_weight_initializer(self) -> None:
        """Draw the biases and the weights as chapter 1 does, without dividing: neurons begin saturated."""
        self._draw_parameters(scaled=False)

    def SGD(  # noqa: N802 - the book's name
        self,
        training_data: Dataset | Iterable[Sample],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        lmbda: float = 0.0,
        evaluation_data: Dataset | Iterable[Sample] | None = None,
        monitor_evaluation_cost: bool = False,
        monitor_evaluation_accuracy: bool = False,
        monitor_training_cost: bool = False,
        monitor_training_accuracy: bool = False,
        *,
        optimizer: str | Optimizer | None = None,
        momentum: float = 0.0,
        l1: float = 0.0,
        max_norm: float | None = None,
        dropout: float = 0.0,
        monitor_mini_batch_cost: bool = False,
        patience: int | None = None,
        schedule: str | Schedule | None = None,
        deform: bool | Mapping[str, float] = False,
        report: Callable[[History], object] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        resume: bool = False,
        **unknown: NoReturn,
    ) -> tuple[list[float], list[int], list[float], list[int]]:
        """Train the network using mini-batch stochastic gradient descent.

        Parameters
        ----------
        training_data : Dataset or iterable of (x, y)
            `x` a column of shape (n_in, 1), `y` a column of shape (n_out, 1) or an integer label. It is not
            reordered. With `CrossEntropyCost`, the components of `y` are from 0 to 1; with `LogLikelihoodCost`, they
            have the sum 1 besides.
        epochs : int
            How many times to go through the training data, each time in a new random order.
        mini_batch_size : int
            The number of samples in a mini-batch. The last one of an epoch has what is left. With
            `BatchNormalization`, at least 2.
        eta : float
            The learning rate, positive.
        lmbda : float, optional
            The parameter of L2 regularization, from 0: n samples of training data make a weight decay of
            `eta * lmbda / n`.
        evaluation_data : Dataset or iterable of (x, y), optional
            Validation or test data, with labels or columns.
        monitor_evaluation_cost, monitor_evaluation_accuracy, monitor_training_cost, monitor_training_accuracy : bool
            What to compute, and print, after each epoch.
        optimizer : str or Optimizer, optional
            How parameters follow the gradient: by default, plain gradient descent. A name in
            `fastnet.formulas.optimizers.NAMES`, such as 'adam', or an object with settings, such as `Adam(beta1=0.8)`.
        momentum : float, optional
            The coefficient mu of 'sgd' and 'nesterov', from 0 to less than 1 (chapter 3, equation 107).
        l1 : float, optional
            The parameter of L1 regularization, as `lmbda` is of L2 (chapter 3, equation 95).
        max_norm : float, optional
            Bound of the Euclidean norm of each neuron's incoming weights, positive; by default, there is none.
        dropout : float, optional
            The probability with which a hidden neuron is left out, from 0 to less than 1, for each sample anew. The
            other neurons are divided by 1 - `dropout` in training, so that the trained network is used as it is. For
            networks of dense layers only: in others, put `Dropout` where it belongs.
        monitor_mini_batch_cost : bool, optional
            Whether to print, and to keep in the history, the mean cost of the samples as their mini-batches met them in
            training, without regularization. It takes no second pass over the data.
        patience : int, optional
            Number of epochs without a better evaluation accuracy than the best after which to stop.
        schedule : {'halve', 'geometric', 'cosine', 'steps'} or Schedule, optional
            How the learning rate falls from `eta`. With 'halve', it is halved instead of stopping, and training stops
            when it is 1/128 of `eta`. The others fall with the epochs: see `fastnet.Geometric`, `fastnet.Cosine` and
            `fastnet.Steps`, which have settings, such as `Geometric(last=0.002)`.
        deform : bool or dict, optional
            Whether each epoch trains on images that `expand_mnist.deform` makes of the training data, drawn anew. A
            dictionary has keyword arguments of that function, such as `{"rotation": 10}`.
        report : callable, optional
            What to call with the `History` so far after each epoch, instead of printing the book's lines.
        checkpoint : path, optional
            A file that is written after each epoch, whole or not at all, and from which an interrupted run goes on.
            From the thousandth epoch on, a second file, with ".epochs" behind its name, has the earlier epochs.
        resume : bool, optional
            Go on from the checkpoint, if it is there: bit for bit as if there had been no interruption. `epochs` may be
            more than there were to be. Without it, a file that is there already is refused.

        Returns
        -------
        evaluation_cost, evaluation_accuracy, training_cost, training_accuracy : lists
            An entry for each epoch; empty for what is not monitored. Accuracies are numbers of samples. Costs are
            means over the data they are computed on, and regularization is divided by the number of these, too.

        Raises
        ------
        OSError
            If the checkpoint cannot be read or written.
        TypeError, ValueError
            If an argument is not of that form, or the checkpoint is of another run. The network is unchanged then.

        Warns
        -----
        TrainingWarning
            If inputs are far from unit scale. If weights become infinite or not a number, which ends the training. If,
            in two consecutive epochs, a label of many samples whose accuracy is monitored was predicted for none. If
            all of these samples got the same label in a run of one epoch.

        Notes
        -----
        Interrupted by Ctrl-C, the network is as it was after the last whole epoch, and `history` has what was
        monitored until then.
        """
        arguments.refuse_unknown(unknown, "SGD", {**entries.NAMES_ELSEWHERE, "test_data": "evaluation_data"})
        epochs = arguments.natural(epochs, "epochs")
        mini_batch_size, eta, lmbda, optimizer, l1, max_norm, dropout = self._checked_steps(
            mini_batch_size, eta, lmbda, optimizer, momentum, l1, max_norm, dropout
        )
        patience = None if patience is None else arguments.positive(patience, "patience")
        schedule = as_schedule(schedule)
        report = arguments.function(report, "report")
        monitors = {
            "monitor_evaluation_cost": monitor_evaluation_cost,
            "monitor_evaluation_accuracy": monitor_evaluation_accuracy,
            "monitor_training_cost": monitor_training_cost,
            "monitor_training_accuracy": monitor_training_accuracy,
            "monitor_mini_batch_cost": monitor_mini_batch_cost,
        }
        for name, monitored in monitors.items():
            arguments.flag(monitored, name)
        _check_together(patience, schedule, evaluation_data, monitor_evaluation_cost or monitor_evaluation_accuracy)
        self._refuse_overridden("backprop", "update_mini_batch", instead="give it a cost of your own")
        data = self._training_set(training_data, "training_data")
        evaluation_set = self._evaluation_set(evaluation_data, monitor_evaluation_cost)
        n = len(data)
        self._architecture().check_mini_batch(min(mini_batch_size, n))
        deformation = _deformation(deform, data)
        engine = self._make_engine(data, dropout=dropout)  # which may refuse: before anything is changed, or drawn
        recipe = self._recipe(
            epochs=epochs,
            mini_batch_size=mini_batch_size,
            eta=eta,
            lmbda=lmbda,
            **_described(optimizer),
            l1=l1,
            max_norm=max_norm,
            dropout=dropout,
            patience=patience,
            schedule=schedule.settings(epochs) if isinstance(schedule, Schedule) else schedule,
            deform=dict(deform) if isinstance(deform, Mapping) else deform or None,
        )
        history = History(recipe, n, len(evaluation_set) if evaluation_set else 0)
        watched = monitor_evaluation_accuracy or patience is not None

        def monitor() -> Findings:
            cost, accuracy, missed = self._monitor(data, lmbda, l1, monitor_training_cost, monitor_training_accuracy)
            evaluation = self._monitor(evaluation_set, lmbda, l1, monitor_evaluation_cost, watched)
            return Findings(cost, accuracy, *evaluation[:2], evaluation[2] if watched else missed)

        descent = Descent(optimizer, lmbda / n, l1 / n, max_norm or 0.0)
        learner = NetworkLearner(
            self, engine, min(mini_batch_size, n), descent, monitor, monitor_mini_batch_cost, deformation
        )
        file = CheckpointFile.of(checkpoint, resume, [data, evaluation_set])
        training = Training(
            learner, history, epochs, Plan(eta, patience, schedule, epochs), scale=diagnostics.scale(data)
        )
        self._train(training, file, report or _print_the_books_lines, summary=report is None)
        return (
            history.series("evaluation_cost"),
            history.series("evaluation_accuracy") if monitor_evaluation_accuracy else [],
            history.series("training_cost"),
            history.series("training_accuracy"),
        )

    def begin_training(
        self,
        training_data: Dataset | Iterable[Sample],
        mini_batch_size: int,
        eta: float,
        lmbda: float = 0.0,
        *,
        optimizer: str | Optimizer | None = None,
        momentum: float = 0.0,
        l1: float = 0.0,
        max_norm: float | None = None,
        dropout: float = 0.0,
    ) -> StepwiseTraining:
        """Prepare training that pauses between mini-batches: what is returned trains when its `advance` is called.

        Parameters
        ----------
        training_data, mini_batch_size, eta, lmbda, optimizer, momentum, l1, max_norm, dropout
            As for `SGD`.

        Returns
        -------
        StepwiseTraining
            With the attributes `epoch`, `mini_batch` and `mini_batches`, and `eta`, which may be changed.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form.

        Examples
        --------
        >>> net = Network([2, 3, 1], seed=0)
        >>> training = net.begin_training([([0.5, 1.0], [1.0]), ([1.0, 0.0], [0.0])], mini_batch_size=1, eta=0.5)
        >>> cost = training.advance(mini_batches=3)
        >>> training.epoch, training.mini_batch
        (1, 1)
        """
        mini_batch_size, eta, lmbda, optimizer, l1, max_norm, dropout = self._checked_steps(
            mini_batch_size, eta, lmbda, optimizer, momentum, l1, max_norm, dropout
        )
        self._refuse_overridden("backprop", "update_mini_batch", instead="give it a cost of your own")
        data = self._training_set(training_data, "training_data")
        n = len(data)
        mini_batch_size = min(mini_batch_size, n)
        self._architecture().check_mini_batch(mini_batch_size)
        engine = self._make_engine(data, dropout=dropout)
        descent = Descent(optimizer, lmbda / n, l1 / n, max_norm or 0.0)
        learner = NetworkLearner(self, engine, mini_batch_size, descent, Findings)
        learner.seed_dropout()
        return StepwiseTraining(learner, eta)

    def _checked_steps(
        self,
        mini_batch_size: Any,
        eta: Any,
        lmbda: Any,
        optimizer: Any,
        momentum: Any,
        l1: Any,
        max_norm: Any,
        dropout: Any,
    ) -> tuple[int, float, float, Optimizer, float, float | None, float]:
        """Return what decides on a step, if it is of the right form; the optimizer has its momentum."""
        return (
            arguments.positive(mini_batch_size, "mini_batch_size"),
            arguments.positive_number(eta, "eta", self.dtype),
            arguments.number_from_zero(lmbda, "lmbda", self.dtype),
            as_optimizer(optimizer, momentum),
            arguments.number_from_zero(l1, "l1", self.dtype),
            None if max_norm is None else arguments.positive_number(max_norm, "max_norm", self.dtype),
            arguments.fraction(dropout, "dropout"),
        )

    def update_mini_batch(
        self, mini_batch: Dataset | Iterable[Sample], eta: float, lmbda: float = 0.0, n: int | None = None
    ) -> None:
        """Update the network's weights and biases by applying gradient descent to a single mini-batch.

        Parameters
        ----------
        mini_batch : Dataset or iterable of (x, y)
            As the training data of `SGD`.
        eta : float
            The learning rate, positive.
        lmbda : float, optional
            The parameter of L2 regularization, from 0.
        n : int, optional
            The number of samples in all of the training data; by default, as many as are in the mini-batch.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form. The network is unchanged then.

        Warns
        -----
        TrainingWarning
            If weights would become infinite or not a number. The network is unchanged then.
        """
        eta = arguments.positive_number(eta, "eta", self.dtype)
        lmbda = arguments.number_from_zero(lmbda, "lmbda", self.dtype)
        self._refuse_overridden("backprop", instead="give it a cost of your own")
        data = self._training_set(mini_batch, "mini_batch")
        n = len(data) if n is None else arguments.positive(n, "n")
        self._train_mini_batch(data, eta, Descent(l2=lmbda / n))

    def accuracy(self, data: Dataset | Iterable[Sample], convert: bool = False) -> int:
        """Return the number of inputs in `data` for which the neural network outputs the correct result.

        The network's output is the index of whichever neuron in the final layer has the highest activation. A single
        neuron means class 1 where its activation is above 0.5, and class 0 elsewhere; a linear one whose targets are
        not 0 and 1 is read at 0. The book's method would compare `y` with 0 there, the index of the only neuron.

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            `y` an integer label, or a column whose largest component stands at the label.
        convert : bool, optional
            In the book, True says that `y` are columns. Here it may be left out: it is seen which they are.

        Raises
        ------
        TypeError, ValueError
            If it is not of that form.
        """
        return self._correct(self._test_set(data, "data"))

    def total_cost(
        self, data: Dataset | Iterable[Sample], lmbda: float, convert: bool = False, *, l1: float = 0.0
    ) -> float:
        """Return the total cost for the data set `data`: the mean over its samples, and regularization.

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            `y` a column, or an integer label.
        lmbda, l1 : float
            The parameters of L2 and of L1 regularization, from 0. As in the book, they are divided by the number of
            samples in `data`.
        convert : bool, optional
            In the book, True says that `y` are labels. Here it may be left out: it is seen which they are.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form.
        """
        lmbda, l1 = (arguments.number_from_zero(*each, self.dtype) for each in ((lmbda, "lmbda"), (l1, "l1")))
        data = self._training_set(data, "data")
        if self._overridden("feedforward"):
            columns = zip(self.feedforward(data.inputs.T).T[:, :, np.newaxis], data, strict=True)
            cost: float | None = sum(float(self.cost.fn(a, y)) for a, (_, y) in columns)
        else:
            cost = self._make_engine().measure(data, cost=True).cost
        assert cost is not None
        return (cost + self._regularization(lmbda, l1)) / len(data)

    def gradients(
        self, data: Dataset | Iterable[Sample], lmbda: float = 0.0, *, l1: float = 0.0
    ) -> tuple[Arrays, Arrays]:
        """Return the gradient of `total_cost(data, lmbda, l1=l1)` with respect to biases and weights.

        Without regularization, the gradient is the mean over the samples of what `backprop` returns (chapter 2,
        equations BP1 to BP4). The network keeps the engine that it prepares for the data, so that further calls take
        little time: call the method after each epoch, in `SGD(report=...)`, to watch how fast each layer learns.

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            As the training data of `SGD`. With `BatchNormalization`, all samples are one mini-batch, of at least 2;
            nothing is dropped by `Dropout`.
        lmbda, l1 : float, optional
            The parameters of L2 and of L1 regularization, from 0. They are divided by the number of samples in `data`.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            Layer by layer, of the shapes of `biases` and `weights`, and of the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of that form.

        Examples
        --------
        >>> net = Network([2, 3, 1], seed=0)
        >>> nabla_b, nabla_w = net.gradients([([0.5, 1.0], [1.0]), ([1.0, 0.0], [0.0])])
        >>> [b.shape for b in nabla_b], [w.shape for w in nabla_w]
        ([(3, 1), (1, 1)], [(3, 2), (1, 3)])
        """
        lmbda, l1 = (arguments.number_from_zero(*each, self.dtype) for each in ((lmbda, "lmbda"), (l1, "l1")))
        self._refuse_overridden("backprop", instead="give it a cost of your own")
        data = self._training_set(data, "data")
        architecture, n = self._architecture(), len(data)
        architecture.check_mini_batch(n)
        if any(isinstance(layer, BatchNormalization) for layer in architecture.layers):  # samples cannot be divided
            means = self._make_engine().gradients(data.rows[:], data.targets)
        else:
            with self._prepared_engine(data) as engine:
                _, sums = engine.cost_and_gradients()
            means = [{name: array / n for name, array in layer.items()} for layer in sums]
        nabla_w, nabla_b = (
            [array.astype(self.dtype, copy=False) for array in arrays] for arrays in architecture.book_lists(means)
        )
        if lmbda or l1:
            weights, _ = architecture.book_lists(self._checked_parameters())
            nabla_w = [
                nabla + (lmbda / n) * w + (l1 / n) * np.sign(w) for nabla, w in zip(nabla_w, weights, strict=True)
            ]
        return nabla_b, nabla_w

    def _monitor(
        self, data: Dataset | None, lmbda: float, l1: float, cost: bool, accuracy: bool
    ) -> tuple[float | None, int | None, NeverPredicted]:
        """Return the cost and the accuracy, if they are wanted, and with it the labels that are never predicted."""
        if data is None or not (cost or accuracy):
            return None, None, NeverPredicted()
        if any(self._overridden(method) for method in ("accuracy", "feedforward", "total_cost")):
            own = float(self.total_cost(data, lmbda, l1=l1)) if cost else None
            count = self._own_count(self.accuracy(data), "accuracy", data) if accuracy else None
            return own, count, NeverPredicted()
        found = self._make_engine().measure(data, cost=cost)  # both of them for one time feeding forward
        total = None if found.cost is None else (found.cost + self._regularization(lmbda, l1)) / len(data)
        if not accuracy:
            return total, None, NeverPredicted()
        return total, found.correct, self._never_predicted(data, found)

    def _regularization(self, lmbda: float, l1: float) -> float:
        """Return what regularization adds to the sum of the costs."""
        weights, _ = self._architecture().book_lists(self._checked_parameters())
        squares = sum(np.sum(np.square(w, dtype=np.float64)) for w in weights) if lmbda else 0.0
        return float(lmbda / 2 * squares + l1 * sum(np.sum(np.abs(w), dtype=np.float64) for w in weights))

    def _evaluation_set(self, data: Dataset | Iterable[Sample] | None, with_cost: bool) -> Dataset | None:
        if data is None:
            return None
        data = self._test_set(data, "evaluation_data")
        if with_cost:
            self._training_set(data, "evaluation_data")
        return data

    def _cost(self) -> BuiltIn | OwnCost:
        return costs.as_cost(self.cost)

    def _cost_name(self) -> str:
        return costs.name_of(self.cost)


Network._as_written = {
    name: getattr(Network, name) for name in ("accuracy", "backprop", "feedforward", "total_cost", "update_mini_batch")
}


def _deformation(deform: bool | Mapping[str, float], data: Dataset) -> Callable[[Dataset, int], Dataset] | None:
    """Return what deforms the training data, with a seed; it was tried on one sample, so that it is possible."""
    if not isinstance(deform, Mapping):
        if not arguments.flag(deform, "deform"):
            return None
        deform = {}
    settings = dict(deform)

    def deformed(data: Dataset, seed: int) -> Dataset:
        return expand_mnist.deform(data, **settings, seed=seed)

    with arguments.named("deform"):
        deformed(data[:1], 0)
    return deformed


def _check_together(
    patience: int | None, schedule: str | Schedule | None, evaluation_data: object, monitored: bool
) -> None:
    """Raise a `ValueError` if an argument makes no sense without another."""
    if schedule == HALVE and patience is None:
        raise ValueError(f"schedule is {schedule!r}; it needs patience: after how many epochs it is to be done")
    if evaluation_data is None and (patience is not None or monitored):
        what = "patience" if patience is not None else "monitor_evaluation_cost or monitor_evaluation_accuracy"
        raise ValueError(f"evaluation_data is missing; {what} needs it")


def _described(optimizer: Optimizer) -> dict[str, Any]:
    """Return an optimizer as a recipe has it: gradient descent by its momentum, others by name and settings."""
    if isinstance(optimizer, GradientDescent) and not optimizer.nesterov:
        return {"momentum": optimizer.momentum}
    return {"optimizer": {"name": optimizer.name, **optimizer.settings()}}


def _print_the_books_lines(history: History) -> None:
    epoch = history.epochs[-1]
    print(f"Epoch {epoch.number} training complete")
    if epoch.mini_batch_cost is not None:
        print(f"Mean cost of the mini-batches: {epoch.mini_batch_cost}")
    if epoch.training_cost is not None:
        print(f"Cost on training data: {epoch.training_cost}")
    if epoch.training_accuracy is not None:
        print(f"Accuracy on training data: {epoch.training_accuracy} / {history.training_samples}")
    if epoch.evaluation_cost is not None:
        print(f"Cost on evaluation data: {epoch.evaluation_cost}")
    if epoch.evaluation_accuracy is not None:
        print(f"Accuracy on evaluation data: {epoch.evaluation_accuracy} / {history.evaluation_samples}")
    if history.stopped:
        print(history.stopped)
    print(flush=True)


def load(
    filename: str | os.PathLike[str],
    *,
    cost: Cost | type[Any] | None = None,
    engine: str = "numba",
    seed: int | None = None,
) -> Network:
    """Load a network from a file that `Network.save`, or the book's `network2.py`, wrote.

    Parameters
    ----------
    filename : path
        The file.
    cost : class or object, optional
        The cost, if it is one of your own: the one of that name that the file has.
    engine, seed
        As for `Network`. The precision is that of the file; a file of the book's becomes float64.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it does not hold a network, or one with a cost that is neither known nor given.
    """
    model = models.read(filename)
    own = cost is not None and costs.name_of(cost) == model.cost
    found = cost if own else costs.from_name(model.cost)
    if found is None:
        known = [*costs.COSTS, *([] if cost is None else [costs.name_of(cost)])]
        raise ValueError(
            f"{os.fspath(filename)}: its cost is {model.cost}, which is none of {', '.join(known)}; "
            "one of your own is given as cost="
        )
    with arguments.named(os.fspath(filename)):
        net = Network(
            entries.entries_of(model.architecture, model.activation),
            found,
            activation=model.activation,
            engine=engine,
            dtype=model.architecture.dtype,
            seed=seed,
        )
    net.parameters = model.parameters
    return net
