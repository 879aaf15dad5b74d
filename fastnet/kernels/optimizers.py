"""Optimizers: the update of a range of parameters from the sums of a mini-batch.

The sums are the arrays to which the gradient of a mini-batch is added. Plain gradient descent usually adds the gradient
directly to the parameters (`Update.direct`), and then needs no update. If `Update.direct` is false, plain gradient
descent is momentum with mu = 0. With momentum (except Nesterov's), the sums are the velocity, and the update multiplies
the velocity by mu. With Nesterov's momentum, Adam and RMSprop, the sums are the gradient, and the update sets the sums
to zero. In gradient descent, the gradient is multiplied by -eta before it is added to the sums.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fastnet.kernels.compiler import part
from fastnet.kernels.formulas import formula, square_root
from fastnet.kernels.vectors import lanes, load, sign, store, zeros

CODES = {"sgd": 0, "adam": 1, "rmsprop": 2}
"""Integer code of each optimizer in the kernels, by the optimizer's name in `formulas.optimizers`."""

BY_NUMBER, BY_WEIGHT, BY_NOTHING = range(3)
"""Kinds of divisors of the errors. `BY_NUMBER`: the number of samples in the mini-batch. `BY_WEIGHT`: the sum of the
sample weights, which also divides the weight decay. `BY_NOTHING`: no divisor."""

_SGD, _ADAM, _RMSPROP = CODES["sgd"], CODES["adam"], CODES["rmsprop"]
_quotient = formula(lambda mean, square, factor, epsilon: mean / (square_root(square) * factor + epsilon))


class Update(NamedTuple):
    """The settings of an update of the parameters.

    Attributes
    ----------
    direct : bool
        Whether the gradient is added to the parameters themselves, and not to a velocity or to separate sums.
    error_scale : float
        Factor of the errors: -eta for gradient descent, 1 for all other optimizers.
    shrinkage : float
        Fraction by which L2 regularization shrinks the weights with each mini-batch, if `direct` is true.
    l2, l1 : float
        Coefficients of L2 and L1 regularization, multiplied by `error_scale`; ignored if `direct` is true.
    divisor : int
        Kind of divisor of the errors: `BY_NUMBER`, `BY_WEIGHT` or `BY_NOTHING`.
    max_norm : float
        Upper bound of the norm of each neuron's weights; 0 for no bound.
    optimizer : int
        Code of the optimizer, see `CODES`.
    eta : float
        Learning rate.
    steps : int
        Number of mini-batches that were trained before this call of `epoch`.
    momentum, nesterov, beta1, beta2, decay, epsilon, epsilon_hat
        Settings of the optimizers in `formulas.optimizers`.
    """

    direct: bool
    error_scale: float
    shrinkage: float = 0.0
    l2: float = 0.0
    l1: float = 0.0
    divisor: int = 0
    max_norm: float = 0.0
    optimizer: int = 0
    eta: float = 0.0
    steps: int = 0
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.0
    beta2: float = 0.0
    decay: float = 0.0
    epsilon: float = 0.0
    epsilon_hat: bool = False


class OptimizerState(NamedTuple):
    """The optimizer's state: arrays of one number per parameter. Some optimizers use only one array, or no array."""

    first: np.ndarray
    second: np.ndarray


@part
def follow(update, step, first, last, l2, l1, parameters, sums, state):
    """Update the parameters from `first` to `last`.

    The coefficients `l2` and `l1` of regularization must be multiplied by the same factor as the sums. `step` is the
    number of the mini-batch, numbered from 1.
    """
    w, g, mean, square = parameters.values, sums.values, state.first, state.second
    if update.optimizer == _SGD and not update.nesterov:
        momentum(update.momentum, first, last, l2, l1, w, g)
    elif update.optimizer == _SGD:
        nesterov(update.momentum, first, last, l2, l1, w, g, mean)
    elif update.optimizer == _ADAM:
        adam(update, step, first, last, l2, l1, w, g, mean, square)
    elif update.optimizer == _RMSPROP:
        rmsprop(update, first, last, l2, l1, w, g, mean)


@part
def momentum(mu, first, last, l2, l1, w, velocity):
    """Gradient descent with momentum: chapter 3, equations 107 and 108. The stored velocity includes the factor mu."""
    width = lanes(w)
    for i in range(first, last, width):
        w_i = load(w, i)
        v = load(velocity, i) + l2 * w_i + l1 * sign(w_i)
        store(w, i, w_i + v)
        store(velocity, i, mu * v)


@part
def nesterov(mu, first, last, l2, l1, w, sums, velocity):
    """Gradient descent with Nesterov's momentum: Sutskever et al. (2013)."""
    width = lanes(w)
    for i in range(first, last, width):
        w_i = load(w, i)
        change = load(sums, i) + l2 * w_i + l1 * sign(w_i)
        v = mu * load(velocity, i) + change
        store(w, i, w_i + mu * v + change)
        store(velocity, i, v)
        store(sums, i, zeros(w))


@part
def rmsprop(update, first, last, l2, l1, w, sums, squares):
    """RMSprop: Tieleman and Hinton (2012)."""
    width, decay = lanes(w), update.decay
    for i in range(first, last, width):
        w_i = load(w, i)
        g = load(sums, i) + l2 * w_i + l1 * sign(w_i)
        square = decay * load(squares, i) + (1 - decay) * (g * g)
        store(w, i, w_i - update.eta * _quotient(g, square, 1.0, update.epsilon))
        store(squares, i, square)
        store(sums, i, zeros(w))


@part
def adam(update, step, first, last, l2, l1, w, sums, means, squares):
    """Adam: Kingma and Ba (2015), algorithm 1."""
    width, beta1, beta2 = lanes(w), update.beta1, update.beta2
    eta = update.eta / (1 - beta1**step)
    factor, epsilon = (1 / (1 - beta2**step)) ** 0.5, update.epsilon
    if update.epsilon_hat:
        epsilon *= factor
    for i in range(first, last, width):
        w_i = load(w, i)
        g = load(sums, i) + l2 * w_i + l1 * sign(w_i)
        mean = beta1 * load(means, i) + (1 - beta1) * g
        square = beta2 * load(squares, i) + (1 - beta2) * (g * g)
        store(w, i, w_i - eta * _quotient(mean, square, factor, epsilon))
        store(means, i, mean)
        store(squares, i, square)
        store(sums, i, zeros(w))
