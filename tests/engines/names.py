"""The names of fastnet's activations, costs, optimizers and layers, with definitions that do not use fastnet.

A new activation, cost, optimizer or kind of layer is added to its list here, and to no other test. Tests draw from the
lists, and `test_names.py` checks that every list in fastnet has the same names.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from scipy import special

from fastnet.formulas import costs
from fastnet.formulas.optimizers import Adam, GradientDescent, RMSProp


class Activation(NamedTuple):
    function: Callable[[Any], Any]
    derivative: Callable[[Any], Any]
    kinked: bool = False  # whether the function or its derivative has a kink or a jump at 0
    monotonic: bool = True  # whether the function is nondecreasing
    scipy: str | None = None  # name of the function in scipy.special; None if SciPy has no such function
    roundings: int = 8  # largest relative error, in multiples of the dtype's epsilon; twice that for the derivative


ACTIVATIONS = {
    "sigmoid": Activation(lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (4 * np.cosh(z / 2) ** 2), scipy="expit"),
    "tanh": Activation(np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": Activation(lambda z: np.where(z > 0, z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0), kinked=True),
    "leaky_relu": Activation(
        lambda z: np.where(z > 0, z, z / 100), lambda z: np.where(z > 0, 1.0, 1 / 100), kinked=True
    ),
    "gelu": Activation(
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
        monotonic=False,
        roundings=1000,  # ndtr(z) multiplies the relative rounding error of z by z^2
    ),
    "linear": Activation(lambda z: z, np.ones_like),
}


class Cost(NamedTuple):
    losses: dict[str, Callable[[Any, Any], Any]]
    """For each output activation, a function of z and targets (one sample per row) that returns each sample's cost."""

    targets: Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
    """Draws targets, given a random generator and a shape."""

    setting: tuple[str, st.SearchStrategy] | None = None
    """Name of the cost's setting, and a Hypothesis strategy for the setting's values."""

    kinks: Callable[[Any, Any], list[Any]] = lambda z, y: []
    """Returns arrays that are 0 where the cost with its default setting is not smooth."""


def quadratic(activation):
    return lambda z, y: np.sum((ACTIVATIONS[activation].function(z) - y) ** 2, axis=-1) / 2


def cross_entropy(z, y):
    # The calls of `logaddexp` compute -ln a and -ln(1 - a).
    return np.sum(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z), axis=-1)


def log_likelihood(z, y):
    return -np.sum(y * np.log(np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)), axis=-1)


def poisson(z, y):
    return np.sum(special.xlogy(y, y) - y * z - y + np.exp(z), axis=-1)


def absolute_error(z, y):
    return np.sum(np.abs(z - y), axis=-1)


def huber(z, y, threshold=1.0):
    return np.sum(special.huber(threshold, z - y), axis=-1)


def quantile(z, y, quantile=0.5):
    return np.sum(np.where(z > y, 1 - quantile, quantile) * np.abs(z - y), axis=-1)


def normal(random, shape):
    return random.normal(0.5, 0.5, shape)


def probabilities(random, shape):
    targets = random.random(shape) + 0.01
    return targets / targets.sum(axis=1, keepdims=True)


COSTS = {
    "QuadraticCost": Cost(
        {name: quadratic(name) for name in ("sigmoid", "linear")},
        normal,
    ),
    "CrossEntropyCost": Cost({"sigmoid": cross_entropy}, np.random.Generator.random),
    "LogLikelihoodCost": Cost({"softmax": log_likelihood}, probabilities),
    "PoissonCost": Cost({"exp": poisson}, lambda random, shape: random.poisson(1.5, shape).astype(float)),
    "AbsoluteErrorCost": Cost({"linear": absolute_error}, normal, kinks=lambda z, y: [z - y]),
    "HuberCost": Cost(
        {"linear": huber}, normal, ("threshold", st.sampled_from([0.3, 1.0])), lambda z, y: [np.abs(z - y) - 1]
    ),
    "QuantileCost": Cost({"linear": quantile}, normal, ("quantile", st.sampled_from([0.1, 0.5])), lambda z, y: [z - y]),
}


def cost_named(name, **settings):
    """Return fastnet's cost with this name."""
    cost = costs.COSTS[name]
    return type(cost)(**settings) if COSTS[name].setting and settings else cost


@st.composite
def drawn_cost(draw):
    name = draw(st.sampled_from(list(COSTS)))
    setting = COSTS[name].setting
    return cost_named(name, **({} if setting is None else {setting[0]: draw(setting[1])}))


def losses_of(cost, activation):
    """Return the function of z and targets that computes each sample's cost, for one of fastnet's costs."""
    name = costs.class_name(cost)
    setting = COSTS[name].setting
    settings = {} if setting is None else {setting[0]: getattr(cost, setting[0])}
    return partial(COSTS[name].losses[activation], **settings)


class Optimizer(NamedTuple):
    drawn: st.SearchStrategy
    """Strategy that draws an optimizer and all its settings."""

    last_change: Callable[[Any, list, list], Any]
    """Returns a parameter's last change, given the optimizer, and the gradients and learning rates of all steps."""

    torch: Callable[[Any], tuple[str, dict[str, Any]]]
    """Returns the optimizer's name in torch.optim, and its arguments."""


def last_change_of_gradient_descent(optimizer, gradients, etas):
    mu, steps = optimizer.momentum, len(gradients)
    velocity = -sum(mu ** (steps - 1 - s) * etas[s] * gradients[s] for s in range(steps))
    return mu * velocity - etas[-1] * gradients[-1] if optimizer.nesterov else velocity


def last_change_of_adam(optimizer, gradients, etas):
    steps = len(gradients)

    def mean(values, beta):
        shares = beta ** np.arange(steps - 1.0, -1, -1)
        return sum(share * value for share, value in zip(shares, values, strict=True)) / shares.sum()

    mean_square = mean([g**2 for g in gradients], optimizer.beta2)
    epsilon = optimizer.epsilon
    if optimizer.epsilon_hat:
        epsilon = epsilon / np.sqrt(1 - optimizer.beta2**steps)
    return -etas[-1] * mean(gradients, optimizer.beta1) / (np.sqrt(mean_square) + epsilon)


def last_change_of_rmsprop(optimizer, gradients, etas):
    shares = (1 - optimizer.decay) * optimizer.decay ** np.arange(len(gradients) - 1.0, -1, -1)
    mean_square = sum(share * g**2 for share, g in zip(shares, gradients, strict=True))
    return -etas[-1] * gradients[-1] / (np.sqrt(mean_square) + optimizer.epsilon)


# The gradient of a bias before batch normalization is zero except for rounding errors, which differ between engines.
# Adam divides by the gradient's size plus epsilon. With the default epsilon, 1e-8, rounding errors would give large
# steps.
EPSILONS = st.sampled_from([1e-3, 1e-2])

OPTIMIZERS = {
    "sgd": Optimizer(
        st.builds(GradientDescent)
        | st.builds(GradientDescent, momentum=st.sampled_from([0.5, 0.9]), nesterov=st.booleans()),
        last_change_of_gradient_descent,
        lambda optimizer: ("SGD", {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov}),
    ),
    "rmsprop": Optimizer(
        st.builds(RMSProp, decay=st.sampled_from([0.5, 0.9, 0.99]), epsilon=EPSILONS),
        last_change_of_rmsprop,
        lambda optimizer: ("RMSprop", {"alpha": optimizer.decay, "eps": optimizer.epsilon}),
    ),
    "adam": Optimizer(
        st.builds(
            Adam,
            beta1=st.sampled_from([0.0, 0.5, 0.9]),
            beta2=st.sampled_from([0.9, 0.999]),
            epsilon=EPSILONS,
            epsilon_hat=st.booleans(),
        ),
        last_change_of_adam,
        lambda optimizer: ("Adam", {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.epsilon}),
    ),
}

LAYERS = ("Dense", "Convolution", "MaxPooling", "Dropout", "BatchNormalization")  # `truth.py` defines these layers

CONVOLUTIONAL = ("reference", "numpy", "torch", "numba")
"""Engines that support convolutional networks and non-inverted dropout."""
