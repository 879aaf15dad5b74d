"""Converts the estimators' parameters to fastnet's classes and names."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.engines import ENGINES, engine_class
from fastnet.engines.contract import Descent, Engine
from fastnet.formulas import images
from fastnet.formulas.architecture import Architecture, Parameters, check_memory
from fastnet.formulas.costs import BuiltIn
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout, Layer, Shape, as_layers
from fastnet.formulas.optimizers import Adam, GradientDescent, Optimizer
from fastnet.networks.learner import for_layers_of
from fastnet.neural_network.stopping import Rates
from fastnet.utils import arguments

ACTIVATIONS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "gelu": "gelu",
}
"""fastnet's activation function for each value of `activation`. scikit-learn has only the first four."""

LARGEST_AUTOMATIC_BATCH = 200  # largest number of samples in a mini-batch with batch_size="auto"


@dataclass(frozen=True)
class NetworkSettings:
    """The settings of a network, which suffice to predict.

    Attributes
    ----------
    hidden : tuple of int and Layer
        The estimator's `hidden_layer_sizes`.
    image_shape : tuple of int or None
        The estimator's `image_shape`.
    activation : str
        Activation function of hidden layers that specify none, by fastnet's name.
    cost : class or object
        One of fastnet's costs.
    engine, dtype
        The estimator's parameter `engine`, and the network's precision `dtype`.
    """

    hidden: tuple[int | Layer, ...]
    image_shape: Shape | None
    activation: str
    cost: BuiltIn
    engine: str
    dtype: np.dtype

    @classmethod
    def of(cls, estimator: Any, cost: BuiltIn, dtype: np.dtype) -> NetworkSettings:
        """Read an estimator's parameters of the network. Parameters of the training are not read.

        Raises
        ------
        TypeError, ValueError
            If a parameter of the network is invalid.
        """
        shape = estimator.image_shape
        return NetworkSettings(
            hidden=_hidden(estimator.hidden_layer_sizes, "hidden_layer_sizes"),
            image_shape=None if shape is None else images.image_shape(shape),
            activation=ACTIVATIONS[arguments.one_of(estimator.activation, ACTIVATIONS, "activation")],
            cost=cost,
            engine=arguments.one_of(estimator.engine, ENGINES, "engine"),  # the engine is imported later
            dtype=dtype,
        )

    @property
    def has_sizes_only(self) -> bool:
        """Whether all hidden layers are given as numbers of neurons."""
        return not any(isinstance(layer, Layer) for layer in self.hidden)

    def architecture(self, n_in: int, n_out: int, hidden: Sequence[int] | None = None) -> Architecture:
        """Return the network's architecture.

        Parameters
        ----------
        n_in, n_out : int
            Number of inputs and of outputs.
        hidden : sequence of int, optional
            Number of neurons in each hidden layer, instead of `hidden_layer_sizes`.

        Raises
        ------
        ValueError
            If layers do not fit one another or the inputs, or need more memory than the machine has.
        """
        layers: list[int | Layer] = [*(self.hidden if hidden is None else hidden), n_out]
        if self.has_sizes_only:
            arguments.sizes([n_in, *layers])
        shape = images.input_shape(n_in, layers, self.image_shape)
        with arguments.named("hidden_layer_sizes"):
            completed = as_layers([*layers[:-1], Dense(n_out, _output_activation(self.cost))], self.activation)
            with images.assumed(shape, self.image_shape):
                check_memory(shape, completed)
            return Architecture(shape, completed, self.cost, self.dtype)

    def threads(self) -> AbstractContextManager[None]:
        """In the `with` block, limit the engine 'numba' to one thread if the caller is not the main thread.

        Outside of the main thread, several networks are often trained at the same time. Without the limit, their
        threads would wait for one another. In the main thread, the engine uses all processors.
        """
        if self.engine != "numba" or threading.current_thread() is threading.main_thread():
            return contextlib.nullcontext()
        from fastnet.kernels import threads

        return threads.limited(1)


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """The settings of a network and its training.

    Attributes
    ----------
    hidden, image_shape, activation, cost, engine, dtype
        See `NetworkSettings`.
    dropout, alpha, solver
        The estimator's parameters of these names.
    optimizer : Optimizer
        The optimizer of the solvers "sgd" and "adam".
    rates : Rates
        The schedule of the learning rate of these solvers.
    """

    dropout: float
    alpha: float
    solver: str
    optimizer: Optimizer
    rates: Rates

    @classmethod
    def of(cls, estimator: Any, cost: BuiltIn, dtype: np.dtype) -> Settings:
        """Read an estimator's parameters.

        Raises
        ------
        TypeError, ValueError
            If a parameter is invalid, or the layers are incompatible with other parameters.
        """
        settings = cls(
            **vars(NetworkSettings.of(estimator, cost, dtype)),
            dropout=arguments.fraction(estimator.dropout, "dropout"),
            alpha=arguments.number_from_zero(estimator.alpha, "alpha", dtype),
            solver=estimator.solver,
            optimizer=_optimizer(estimator),
            rates=Rates(
                estimator.learning_rate if estimator.solver == "sgd" else "constant",
                arguments.positive_number(estimator.learning_rate_init, "learning_rate_init", dtype),
                float(estimator.power_t),
            ),
        )
        settings._check_layers()
        return settings

    def descent(self, seed: int) -> Descent:
        """Return the rule by which parameters follow the gradient. `seed` is the seed of the dropout masks.

        As in scikit-learn, the regularized cost of a mini-batch is divided by the sum of its sample weights.
        """
        return Descent(self.optimizer, self.alpha, seed=seed, weighted_mean=True)

    def make_engine(
        self,
        architecture: Architecture,
        parameters: Parameters,
        data: Dataset,
        sample_weights: np.ndarray | None,
    ) -> Engine:
        """Make an engine with the given parameters and training data."""
        if self.dropout:
            architecture = architecture.with_dropout(self.dropout)
        return engine_class(self.engine)(architecture, for_layers_of(architecture, parameters), data, sample_weights)

    def _check_layers(self) -> None:
        """Raise a `ValueError` if the layers are incompatible with other parameters."""
        if self.dropout and not self.hidden:
            raise ValueError(f"dropout is {self.dropout}, but there are no hidden neurons to drop")
        if self.dropout and not all(isinstance(layer, (int, Dense)) for layer in self.hidden):
            raise ValueError(
                f"dropout is {self.dropout}, but not all of hidden_layer_sizes are dense; put Dropout({self.dropout}) "
                "into hidden_layer_sizes instead"
            )
        of_mini_batches = [layer for layer in self.hidden if isinstance(layer, (BatchNormalization, Dropout))]
        if self.solver == "lbfgs" and (self.dropout or of_mini_batches):
            what = of_mini_batches[0] if of_mini_batches else f"dropout={self.dropout}"
            raise ValueError(
                f"solver is 'lbfgs', but {what} needs mini-batches; use solver='adam' or 'sgd', or leave {what} out"
            )


def _output_activation(cost: BuiltIn) -> str:
    return "linear" if "linear" in cost.outputs else cost.outputs[0]


def _optimizer(estimator: Any) -> Optimizer:
    """Return the optimizer of the solver "sgd" or "adam". The solver "lbfgs" does not use it."""
    if estimator.solver == "adam":
        return Adam(float(estimator.beta_1), float(estimator.beta_2), float(estimator.epsilon), epsilon_hat=True)
    momentum = float(estimator.momentum)
    return GradientDescent(momentum, nesterov=bool(estimator.nesterovs_momentum and momentum))


def _hidden(value: Any, argument: str) -> tuple[int | Layer, ...]:
    """Return the hidden layers, given as a number of neurons, a layer, or a sequence of numbers and layers."""
    if hasattr(value, "__array__"):
        value = np.asarray(value).tolist()  # `value` may be a pandas Series, for example
    if np.iterable(value) and isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(_layer(layer, f"{argument}[{i}]") for i, layer in enumerate(value))
    try:
        return (_layer(value, argument),)
    except TypeError as error:
        raise TypeError(f"{error}, or a sequence of integers and layers") from None


def _layer(value: Any, argument: str) -> int | Layer:
    if isinstance(value, type) and issubclass(value, Layer):
        raise TypeError(f"{argument} is the class {value.__name__}; write {value.__name__}(...) to make a layer")
    return value if isinstance(value, Layer) else arguments.positive(value, argument)
