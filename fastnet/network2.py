"""An improved version of network.py, implementing the stochastic gradient descent learning algorithm.

This is the book's `network2.py` (chapter 3), with the same names and semantics: the cross-entropy cost, L2
regularization, better initial weights, and monitoring. In addition to the book's program, this module has layer
objects, optimizers, and keyword arguments for other techniques that the chapter describes or leaves as exercises. An
engine does the arithmetic; see `fastnet.engines`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
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
from fastnet.formulas.costs import BuiltIn, Cost, CrossEntropyCost, CustomCost, LogLikelihoodCost, QuadraticCost
from fastnet.formulas.layers import BatchNormalization
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

_OTHER_NEURONS = "For other neurons, give Network activation='tanh', 'relu' or another name"
modules.refuse_assignment(__name__, dict.fromkeys(("sigmoid", "sigmoid_prime"), _OTHER_NEURONS))


class Network(BaseNetwork):
    """A feedforward network with a choice of costs.

    Parameters
    ----------
    sizes : sequence of int and Layer
        Number of neurons in each layer, inputs first: `[784, 30, 10]` has one hidden layer of 30. Each entry after the
        inputs may also be a layer object: `[784, Dropout(0.2), Dense(100, "relu"), BatchNormalization(), 10]`. For
        convolutions, the shape of the images, (maps, height, width), replaces the number of inputs:
        `[(1, 28, 28), Convolution(20, 5, "relu"), MaxPooling(2), 100, 10]`. Each sample is still a column, with the
        pixels ordered map by map and row by row.
    cost : class, object or str, optional
        `CrossEntropyCost` or 'cross-entropy', for sigmoid outputs; `QuadraticCost` or 'quadratic', for sigmoid or
        linear outputs; `LogLikelihoodCost` or 'log-likelihood', for softmax outputs. For regression, the cost may be
        'poisson', 'absolute-error', 'huber' or 'quantile', or an object of `fastnet.formulas.regression`, such as
        `QuantileCost(0.9)`. `Dense(1, "linear")` is a linear output layer. A custom cost, for sigmoid or linear
        outputs, has functions `fn(a, y)` and `delta(z, a, y)`. Only the engines 'numpy' and 'reference' can call these
        functions; the other engines refuse to train.
    activation : str, optional
        Activation function of hidden dense and convolutional layers that specify none. A name in
        `fastnet.formulas.activations.ACTIVATIONS`, such as 'sigmoid', 'tanh', 'relu' or 'gelu'.
    engine : {'numba', 'numpy', 'torch', 'reference'}, optional
        Engine that does the arithmetic: 'numba' with compiled kernels, 'numpy' with matrix products, 'torch' with
        PyTorch, and 'reference' with the book's algorithm, sample by sample. 'torch' uses a CUDA device if there is
        one; 'torch-cpu' and 'torch-cuda' choose the device. All engines give the same results up to rounding.
    dtype : {'float32', 'float64'}, optional
        Precision of parameters and arithmetic.
    seed : int, optional
        Seed of the network's own random generator, from 0 to 2**32 - 1. By default, NumPy's global generator draws the
        initial parameters and the order of samples, so `np.random.seed` makes a run repeatable. In both cases, a
        network of dense layers has the initial parameters that the book's program draws for the same seed.

    Attributes
    ----------
    num_layers : int
        Number of dense and convolutional layers, inputs included.
    sizes : list of int
        Number of neurons in each dense or convolutional layer, inputs first.
    layers : tuple of Layer
        All layers, in order. The inputs are not a layer.
    cost : class or object
        Cost that training minimizes. May be assigned.
    weights : list of ndarray
        One matrix `(n_out, n_in)` for each dense layer, and an array `(filters, maps, rows, columns)` for each
        convolutional layer. May be changed in place or assigned.
    biases : list of ndarray
        One column `(n_out, 1)` for each dense layer, and `(filters, 1)` for each convolutional layer. May be changed
        in place or assigned.
    parameters : list of dict of str to ndarray
        Arrays of each layer, by name. The weights and biases are the same arrays as in `weights` and `biases`.
    history : History or None
        History of the last call of `SGD`; None before the first call.

    Raises
    ------
    ImportError
        If a library that the engine needs is not installed.
    TypeError
        If a size or the seed is not an integer, or a custom cost lacks `fn` or `delta`.
    ValueError
        If there are fewer than two layers, a size is not positive, or the layers and the cost do not fit one another.
        If the activation, the engine or the dtype is unknown.

    Notes
    -----
    A subclass may override `accuracy`, `total_cost`, `feedforward` and the weight initializers. If a subclass overrides
    `backprop` or `update_mini_batch`, `SGD` refuses to train, because the engine would not call the overridden method.

    Examples
    --------
    >>> net = Network([2, 3, 1], cost=QuadraticCost, seed=0)
    >>> [w.shape for w in net.weights], [b.shape for b in net.biases]
    ([(3, 2), (1, 3)], [(3, 1), (1, 1)])
    """

    cost: Any = CrossEntropyCost  # default for subclasses whose `__init__` draws parameters before it assigns a cost

    _takes_images = True

    def __init__(
        self,
        sizes: entries.Sizes,
        cost: Cost | type[Any] | str = CrossEntropyCost,
        *others: NoReturn,
        activation: str = "sigmoid",
        engine: str = "numba",
        dtype: npt.DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        entries.refuse_others(
            sizes, cost, others=others, instead="give arguments after the cost by name, such as activation='tanh'"
        )
        super().__init__(sizes, activation, engine, dtype, seed)
        self.cost = cost
        self._reset_others()  # a subclass's weight initializer may leave these arrays unset
        self.default_weight_initializer()

    def default_weight_initializer(self) -> None:
        """Draw the biases and the scaled weights (chapter 3, "Weight initialization").

        Biases and weights are drawn from the normal distribution with mean 0 and standard deviation 1. The weights of
        each neuron are then divided by the square root of their number.
        """
        self._draw_parameters(scaled=True)

    def large_weight_initializer(self) -> None:
        """Draw biases and weights as chapter 1 does, without dividing the weights. Many neurons are then saturated."""
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
            Samples. `x` is a column of shape (n_in, 1). `y` is a column of shape (n_out, 1) or an integer label. The
            data set is not reordered. With `CrossEntropyCost`, the components of `y` must be from 0 to 1. With
            `LogLikelihoodCost`, the components must also have the sum 1.
        epochs : int
            Number of passes over the training data, at least 0. Each pass takes the samples in a new random order.
        mini_batch_size : int
            Number of samples in a mini-batch, at least 1. If `BatchNormalization` normalizes neurons and not maps, the
            number must be at least 2. The last mini-batch of an epoch may be smaller.
        eta : float
            Learning rate, positive.
        lmbda : float, optional
            Parameter of L2 regularization, at least 0. With n training samples, the cost has the term `lmbda / (2 n)`
            times the sum of the squared weights.
        evaluation_data : Dataset or iterable of (x, y), optional
            Validation or test data. `y` is an integer label or a column.
        monitor_evaluation_cost, monitor_evaluation_accuracy, monitor_training_cost, monitor_training_accuracy : bool
            Whether to compute and print the cost or the accuracy after each epoch.
        optimizer : str or Optimizer, optional
            A name in `fastnet.formulas.optimizers.NAMES`, such as 'adam', or an object with settings, such as
            `Adam(beta1=0.8)`. By default, plain gradient descent.
        momentum : float, optional
            Momentum coefficient mu of 'sgd' and 'nesterov', at least 0 and less than 1 (chapter 3, equation 107). With
            'nesterov', 0 means 0.9.
        l1 : float, optional
            Parameter of L1 regularization, at least 0 (chapter 3, equation 95).
        max_norm : float, optional
            Upper bound of the Euclidean norm of each neuron's incoming weights, positive; by default, no bound.
        dropout : float, optional
            Probability with which each hidden neuron is dropped, at least 0 and less than 1. The dropped neurons are
            drawn anew for each sample. In training, the activations of the remaining neurons are divided by
            1 - `dropout`. Only for networks of dense layers; in other networks, add `Dropout` layers to `sizes`.
        monitor_mini_batch_cost : bool, optional
            Whether to print the mean cost of the training samples, without regularization, and to keep this mean in the
            history. The cost of a sample is computed before the step of its mini-batch, so no second pass over the data
            is needed.
        patience : int, optional
            Number of epochs without an improvement of the best evaluation accuracy. After this number of epochs,
            training stops, or the learning rate is halved (see `schedule`).
        schedule : {'halve', 'geometric', 'cosine', 'steps'} or Schedule, optional
            Schedule of the learning rate, which begins at `eta`. With 'halve', the learning rate is halved after
            `patience` epochs without an improvement, and training stops when the rate is `eta` / 128. With the other
            schedules, the learning rate depends only on the epoch. The classes `fastnet.Geometric`, `fastnet.Cosine`
            and `fastnet.Steps` describe the settings of these schedules.
        deform : bool or dict, optional
            Whether to deform the training images anew for each epoch, with `expand_mnist.deform`. A dictionary gives
            keyword arguments of that function, such as `{"rotation": 10}`.
        report : callable, optional
            Function that is called with the `History` after each epoch. The book's lines are then not printed.
        checkpoint : path, optional
            File from which an interrupted run can be resumed, written atomically before the first epoch and after each
            epoch. After every thousandth epoch, the history so far is moved to a second file. The name of the second
            file is that of the checkpoint with ".epochs" appended.
        resume : bool, optional
            Whether to continue from the checkpoint if the file exists. The result is equal, bit for bit, to that of an
            uninterrupted run. `epochs` may differ from that of the interrupted run. By default, an existing file raises
            a `ValueError`.

        Returns
        -------
        evaluation_cost, evaluation_accuracy, training_cost, training_accuracy : lists
            Each list has one entry for each epoch, or is empty if the value is not monitored. An accuracy is the number
            of samples classified correctly. A cost is the mean cost of the samples in the data set, plus the
            regularization term divided by the number of these samples.

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
            consecutive epochs, no sample is classified as a label that at least 20 samples have. If, in a run of one
            epoch, all samples are classified as one label, and another label has at least 20 samples. The warnings
            about labels are given only if an accuracy is monitored, or `patience` is given.

        Notes
        -----
        After Ctrl-C, the network has the parameters of the last complete epoch, and `history` has all complete epochs.
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
        self._refuse_overridden("backprop", "update_mini_batch", instead="use a custom cost")
        data = self._training_set(training_data, "training_data")
        evaluation_set = self._evaluation_set(evaluation_data, monitor_evaluation_cost)
        n = len(data)
        self._architecture().check_mini_batch(min(mini_batch_size, n))
        deformation = _deformation(deform, data)
        # May raise an error, so nothing is changed, and no random numbers are drawn, before this line.
        engine = self._make_engine(data, dropout=dropout)
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
            deform={k: float(v) for k, v in deform.items()} if isinstance(deform, Mapping) else deform or None,
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
        """Prepare training that pauses between mini-batches. The method `advance` of the result continues it.

        Parameters
        ----------
        training_data, mini_batch_size, eta, lmbda, optimizer, momentum, l1, max_norm, dropout
            See `SGD`.

        Returns
        -------
        StepwiseTraining
            Object with the method `advance`, and the attributes `epoch`, `mini_batch`, `mini_batches`, `diverged` and
            `eta`. `eta` may be assigned.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type or value.

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
        self._refuse_overridden("backprop", "update_mini_batch", instead="use a custom cost")
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
        """Check and return the arguments of a training step. `momentum` becomes a setting of the returned optimizer."""
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
            Samples, in a form that `SGD` accepts as training data.
        eta : float
            Learning rate, positive.
        lmbda : float, optional
            Parameter of L2 regularization, at least 0.
        n : int, optional
            Number of samples in the whole training data, at least 1; by default, the size of the mini-batch.

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
        lmbda = arguments.number_from_zero(lmbda, "lmbda", self.dtype)
        self._refuse_overridden("backprop", instead="use a custom cost")
        data = self._training_set(mini_batch, "mini_batch")
        n = len(data) if n is None else arguments.positive(n, "n")
        self._train_mini_batch(data, eta, Descent(l2=lmbda / n))

    def accuracy(self, data: Dataset | Iterable[Sample], convert: bool = False) -> int:
        """Return the number of inputs in `data` for which the neural network outputs the correct result.

        The network's output is the index of whichever neuron in the final layer has the highest activation. If the
        final layer has one neuron, the output is 1 for an activation above 0.5, otherwise 0. For a linear neuron with
        targets other than 0 and 1, the threshold is 0 instead of 0.5. (The book's method would always give 0, the index
        of the only neuron.)

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            Samples. `y` is an integer label, or a column whose largest component is at the index of the label.
        convert : bool, optional
            Ignored. In the book, True means that every `y` is a column. Here, the shape of `y` distinguishes labels
            from columns.

        Raises
        ------
        TypeError, ValueError
            If `data` has a wrong type, shape or value.
        """
        return self._correct(self._test_set(data, "data"))

    def total_cost(
        self, data: Dataset | Iterable[Sample], lmbda: float, convert: bool = False, *, l1: float = 0.0
    ) -> float:
        """Return the total cost for the data set `data`: the mean cost of its samples plus the regularization term.

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            Samples. `y` is a column of shape (n_out, 1) or an integer label.
        lmbda, l1 : float
            Parameters of L2 and L1 regularization, at least 0. As in the book, these parameters are divided by the
            number of samples in `data`.
        convert : bool, optional
            Ignored. In the book, True means that every `y` is a label. Here, the shape of `y` distinguishes labels from
            columns.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type or value.
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

        With neither regularization nor `BatchNormalization`, the gradient is the mean of the gradients that `backprop`
        returns for the samples (chapter 2, equations BP1 to BP4). The network keeps the engine with the data, so
        further calls with the same data are faster (except with `BatchNormalization`). Call this method after each
        epoch, in `SGD(report=...)`, to see how fast each layer learns.

        Parameters
        ----------
        data : Dataset or iterable of (x, y)
            Samples, in a form that `SGD` accepts as training data. With `BatchNormalization`, all samples form one
            mini-batch, whose size must be one that `SGD` allows. `Dropout` layers drop no neurons.
        lmbda, l1 : float, optional
            Parameters of L2 and L1 regularization, at least 0. These parameters are divided by the number of samples in
            `data`.

        Returns
        -------
        nabla_b, nabla_w : lists of ndarray
            Each list has one array for each dense or convolutional layer. The arrays have the shapes of `biases` and
            `weights`, and the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type or value.

        Examples
        --------
        >>> net = Network([2, 3, 1], seed=0)
        >>> nabla_b, nabla_w = net.gradients([([0.5, 1.0], [1.0]), ([1.0, 0.0], [0.0])])
        >>> [b.shape for b in nabla_b], [w.shape for w in nabla_w]
        ([(3, 1), (1, 1)], [(3, 2), (1, 3)])
        """
        lmbda, l1 = (arguments.number_from_zero(*each, self.dtype) for each in ((lmbda, "lmbda"), (l1, "l1")))
        self._refuse_overridden("backprop", instead="use a custom cost")
        data = self._training_set(data, "data")
        architecture, n = self._architecture(), len(data)
        architecture.check_mini_batch(n)
        # With batch normalization, the gradient of a sample's cost depends on all samples.
        if any(isinstance(layer, BatchNormalization) for layer in architecture.layers):
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
        """Return the cost, the accuracy and the labels never predicted. Cost and accuracy are None if not requested."""
        if data is None or not (cost or accuracy):
            return None, None, NeverPredicted()
        if any(self._overridden(method) for method in ("accuracy", "feedforward", "total_cost")):
            own = float(self.total_cost(data, lmbda, l1=l1)) if cost else None
            count = self._custom_count(self.accuracy(data), "accuracy", data) if accuracy else None
            return own, count, NeverPredicted()
        found = self._make_engine().measure(data, cost=cost)  # cost and accuracy in one forward pass
        total = None if found.cost is None else (found.cost + self._regularization(lmbda, l1)) / len(data)
        if not accuracy:
            return total, None, NeverPredicted()
        return total, found.correct, self._never_predicted(data, found)

    def _regularization(self, lmbda: float, l1: float) -> float:
        """Return the regularization term that is added to the sum of the samples' costs."""
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

    def _cost(self) -> BuiltIn | CustomCost:
        return costs.as_cost(self.cost)

    def _cost_name(self) -> str:
        return costs.name_of(self.cost)


Network._as_written = {
    name: getattr(Network, name) for name in ("accuracy", "backprop", "feedforward", "total_cost", "update_mini_batch")
}


def _deformation(deform: bool | Mapping[str, float], data: Dataset) -> Callable[[Dataset, int], Dataset] | None:
    """Return a function that deforms a data set, given the data set and a seed; None if `deform` is False.

    To check the settings in `deform`, one sample of `data` is deformed.
    """
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
    """Raise a `ValueError` if an argument is missing that another argument needs."""
    if schedule == HALVE and patience is None:
        raise ValueError(
            f"schedule is {schedule!r}; it needs patience, the number of epochs without an improvement before the "
            "learning rate is halved"
        )
    if evaluation_data is None and (patience is not None or monitored):
        what = "patience" if patience is not None else "monitor_evaluation_cost or monitor_evaluation_accuracy"
        raise ValueError(f"evaluation_data is missing; {what} needs it")


def _described(optimizer: Optimizer) -> dict[str, Any]:
    """Return the recipe's entries for an optimizer: the momentum for 'sgd', name and settings for any other."""
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
    cost: Cost | type[Any] | str | None = None,
    engine: str = "numba",
    seed: int | None = None,
) -> Network:
    """Load a network from a file that `Network.save` or the book's `network2.py` wrote.

    Parameters
    ----------
    filename : path
        Name of the file.
    cost : class, object or str, optional
        Cost, as for `Network`; needed if the network has a custom cost. The name of `cost` must be the name of the cost
        in the file.
    engine, seed
        See `Network`. The dtype is that in the file, or float64 for a file of the book's program.

    Raises
    ------
    OSError
        If the file cannot be opened.
    TypeError
        If `cost` is not a cost.
    ValueError
        If the file does not contain a network. If `cost` is not the cost in the file, or is missing, and the cost in
        the file is not built in.
    """
    found = costs.by_name(cost)
    if found is not None:
        costs.as_cost(found)  # raises an error if the value is not a cost
    model = models.read(filename)
    if found is None:
        found = costs.from_name(model.cost)
    elif costs.name_of(found) != model.cost:
        raise ValueError(
            f"cost is {costs.name_of(found)}; the cost in {os.fspath(filename)} is {model.cost}: give this cost, or, "
            "if it is built in, omit cost"
        )
    if found is None:
        raise ValueError(
            f"{os.fspath(filename)}: its cost is {model.cost}; it must be one of {', '.join(costs.COSTS)}. "
            "Give a custom cost as the argument cost"
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
