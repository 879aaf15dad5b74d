"""Optimizers, which compute the change of parameters from the gradient of the cost.

An optimizer is a frozen dataclass of settings. The engine keeps the optimizer's state: for each parameter, named arrays
of the parameter's shape, which are initially zero. `change` is the optimizer's formula in NumPy, for the engines
`reference` and `numpy`. The engine `torch` uses an optimizer of `torch.optim` instead, and the engine `numba` has the
formula in its kernels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeAlias

import numpy as np

from fastnet.utils import arguments

OptimizerState: TypeAlias = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base class of all optimizers."""

    name: ClassVar[str]
    """Name of the optimizer in arguments, commands and files."""

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """Names of the state's arrays for each parameter."""

    @abstractmethod
    def change(self, gradient: np.ndarray, state: OptimizerState, eta: float, step: int) -> np.ndarray:
        """Return the change of a parameter, which the caller adds to the parameter.

        Parameters
        ----------
        gradient : ndarray
            Gradient of the mean cost of the mini-batch with respect to the parameter.
        state : mapping of str to ndarray
            Arrays of the parameter's state, by the names in `state_names`. The arrays are updated in place.
        eta : float
            Learning rate.
        step : int
            Index of the mini-batch, counted from 1 and across all epochs.

        Returns
        -------
        ndarray
            Change, in the shape of `gradient`.
        """

    def settings(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def _momentum(value: Any, argument: str) -> float:
    number = arguments.number_from_zero(value, argument)
    return number if number == 1 else arguments.fraction(value, argument)


def _epsilon(value: Any, argument: str) -> float:
    return arguments.positive_number(value, argument, "float32")


@dataclass(frozen=True)
class GradientDescent(Optimizer):
    """Stochastic gradient descent, with momentum (chapter 3, equations 107 and 108) or Nesterov's momentum.

    Without momentum, a parameter changes by -eta times its gradient. With momentum mu, the velocity v becomes
    mu v - eta gradient, and the parameter changes by v. With Nesterov's momentum, the parameter changes by
    mu v - eta gradient, where v is the new velocity (Sutskever et al. 2013).

    Attributes
    ----------
    momentum : float
        Coefficient mu, from 0 to 1. With 1, the velocity is not damped.
    nesterov : bool
        Whether to use Nesterov's momentum. `momentum` must then be greater than 0.

    Raises
    ------
    TypeError, ValueError
        If a setting has a wrong type or value.
    """

    name = "sgd"
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        arguments.convert(self, momentum=_momentum, nesterov=arguments.flag)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov is True, but momentum is 0.0; give a momentum greater than 0, such as 0.9")

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def change(self, gradient: np.ndarray, state: OptimizerState, eta: float, step: int) -> np.ndarray:
        if not self.momentum:
            return -eta * gradient
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity -= eta * gradient
        return self.momentum * velocity - eta * gradient if self.nesterov else velocity


@dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp: the gradient is divided by the root of the running mean of its square (Tieleman and Hinton 2012).

    Attributes
    ----------
    decay : float
        Factor by which the running mean is multiplied at each mini-batch, at least 0 and less than 1.
    epsilon : float
        Number added to the root, at least 1.18e-38, the smallest normal number of float32.

    Raises
    ------
    TypeError, ValueError
        If a setting has a wrong type or value.
    """

    name = "rmsprop"
    state_names = ("mean_square",)
    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        arguments.convert(self, decay=arguments.fraction, epsilon=_epsilon)

    def change(self, gradient: np.ndarray, state: OptimizerState, eta: float, step: int) -> np.ndarray:
        square = state["mean_square"]
        square *= self.decay
        square += (1 - self.decay) * gradient**2
        return -eta * gradient / (np.sqrt(square) + self.epsilon)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps computed from bias-corrected running means of the gradient and of its square (Kingma and Ba 2015).

    Attributes
    ----------
    beta1, beta2 : float
        Factors by which the running means of the gradient (beta1) and of its square (beta2) are multiplied at each
        mini-batch. Both factors are at least 0 and less than 1.
    epsilon : float
        Number added to the root of the mean square, at least 1.18e-38, the smallest normal number of float32.
    epsilon_hat : bool
        Whether epsilon is added before the bias correction, as in scikit-learn. In this case, the paper calls
        the number epsilon hat (end of section 2).

    Raises
    ------
    TypeError, ValueError
        If a setting has a wrong type or value.
    """

    name = "adam"
    state_names = ("mean", "mean_square")
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        fraction = arguments.fraction
        arguments.convert(self, beta1=fraction, beta2=fraction, epsilon=_epsilon, epsilon_hat=arguments.flag)

    def settings(self) -> dict[str, Any]:
        found = super().settings()
        if not self.epsilon_hat:  # the default is left out, as in files that are older than this setting
            del found["epsilon_hat"]
        return found

    def change(self, gradient: np.ndarray, state: OptimizerState, eta: float, step: int) -> np.ndarray:
        mean, square = state["mean"], state["mean_square"]
        mean *= self.beta1
        mean += (1 - self.beta1) * gradient
        square *= self.beta2
        square += (1 - self.beta2) * gradient**2
        corrected_mean = mean / (1 - self.beta1**step)
        correction = 1 - self.beta2**step
        epsilon = self.epsilon / correction**0.5 if self.epsilon_hat else self.epsilon
        return -eta * corrected_mean / (np.sqrt(square / correction) + epsilon)


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (GradientDescent, RMSProp, Adam)}
"""Optimizers by name. Every engine implements each of these optimizers."""

__all__ = ["Adam", "GradientDescent", "RMSProp"]  # also available from the package `fastnet`


NAMES = ("sgd", "nesterov", *(name for name in OPTIMIZERS if name != "sgd"))
"""Names that `as_optimizer` accepts; "nesterov" is gradient descent with Nesterov's momentum."""


def as_optimizer(optimizer: Any, momentum: float = 0.0) -> Optimizer:
    """Return an optimizer, given as an object or a name. None stands for gradient descent with the given momentum.

    Parameters
    ----------
    optimizer : Optimizer, str or None
        The optimizer, or its name in `NAMES`.
    momentum : float, optional
        Momentum for None, 'sgd' and 'nesterov', at least 0 and less than 1. With 'nesterov', 0 becomes 0.9.

    Raises
    ------
    TypeError
        If `optimizer` is neither an optimizer, a string nor None, or `momentum` is not a number.
    ValueError
        If there is no optimizer of that name, or `momentum` is out of range. If `momentum` is greater than 0, and
        `optimizer` is neither None, 'sgd' nor 'nesterov'.
    """
    momentum = arguments.fraction(momentum, "momentum")
    if optimizer is None or optimizer == "sgd":
        return GradientDescent(momentum)
    if optimizer == "nesterov":
        return GradientDescent(momentum or 0.9, nesterov=True)
    if not isinstance(optimizer, (str, Optimizer)):
        raise TypeError(
            f"optimizer is {arguments.brief(optimizer)}; it must be one of {', '.join(NAMES)}, or an object such as "
            "Adam(beta1=0.9)"
        )
    if momentum:
        raise ValueError(
            f"momentum is {momentum}, but optimizer is {arguments.brief(optimizer)}; momentum= can be used only "
            "with 'sgd' and 'nesterov'"
        )
    if isinstance(optimizer, Optimizer):
        return optimizer
    return OPTIMIZERS[arguments.one_of(optimizer, NAMES, "optimizer")]()
