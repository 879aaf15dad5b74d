"""Cost functions: built-in costs and custom costs. As in chapter 3, a cost has functions `fn` and `delta`.

`C_x` is the cost of one sample. The cost of a data set is the mean over its samples. A cost also determines which
activations the output neurons may have, and which targets are valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from fastnet.formulas.activations import ACTIVATIONS, exponential, softmax
from fastnet.formulas.regression import AbsoluteErrorCost, HuberCost, PoissonCost, QuantileCost


class Cost(Protocol):
    """The interface of a cost: a class with static methods, as in the book, or an object with methods."""

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` for the desired output `y`, both columns of shape (n_out, 1)."""

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the derivative of the cost with respect to the weighted inputs `z`. All arrays are columns."""


class QuadraticCost:
    """C_x = ||a - y||^2 / 2, for sigmoid or linear output neurons (chapter 1, equation 6)."""

    outputs = ("sigmoid", "linear")

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples."""
        return 0.5 * np.sum(np.square(a - y), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray, *, activation: str = "sigmoid") -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z` (BP1)."""
        error: np.ndarray = (a - y) * ACTIVATIONS[activation].prime(z)
        return error

    @staticmethod
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row."""
        sums: np.ndarray = np.square(a - y).sum(axis=1, dtype=np.float64)
        return 0.5 * sums

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Do nothing: all finite targets are valid."""


class CrossEntropyCost:
    """C_x = -sum(y ln a + (1 - y) ln(1 - a)) (chapter 3, equation 63).

    The output neurons must be sigmoid neurons, and the targets y must be from 0 to 1.
    """

    outputs = ("sigmoid",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples.

        As in the book, 0 ln 0 counts as 0, and an infinite term counts as the largest floating-point number.
        """
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z` (equation 66)."""
        error: np.ndarray = a - y
        return error

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row.

        The formula uses `z`, because the logarithms of rounded activations are inaccurate. All terms are positive or 0,
        so a small cost is as accurate as a large cost.
        """
        terms = np.where(z > 0, 1 - y, y) * np.abs(z) + np.log1p(np.exp(-np.abs(z)))
        losses: np.ndarray = terms.sum(axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if a target is below 0 or above 1."""
        smallest, largest = targets.min(), targets.max()
        if not 0 <= smallest <= largest <= 1:
            wrong = smallest if smallest < 0 else largest
            raise ValueError(
                f"a target y has the component {wrong:g}; CrossEntropyCost needs targets from 0 to 1: scale the "
                "targets, or use QuadraticCost"
            )


class LogLikelihoodCost:
    """C_x = -sum(y ln a), for softmax output neurons and targets y that are probabilities (chapter 3, equation 80)."""

    outputs = ("softmax",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples.

        0 ln 0 counts as 0, and an infinite term counts as the largest floating-point number.
        """
        return np.sum(np.nan_to_num(-y * np.log(a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z` (equation 84)."""
        error: np.ndarray = a - y
        return error

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row.

        The formula uses `z`, because the logarithms of rounded activations are inaccurate. All terms are positive or 0,
        so a small cost is as accurate as a large cost.
        """
        z = z - z.max(axis=1, keepdims=True)
        others = np.exp(z)
        np.put_along_axis(others, z.argmax(axis=1, keepdims=True), 0, axis=1)
        logarithms = np.log1p(others.sum(axis=1, keepdims=True, dtype=np.float64))
        terms = y * (logarithms - z)  # -y ln a
        losses: np.ndarray = terms.sum(axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` unless the targets of each sample are probabilities with the sum 1."""
        sums, smallest = targets.sum(axis=1), targets.min(axis=1)
        wrong = ~(np.isclose(sums, 1, rtol=0, atol=1e-5) & (smallest >= 0))
        if wrong.any():
            raise ValueError(
                f"a target y has the sum {sums[wrong][0]:g} and the smallest component {smallest[wrong][0]:g}; "
                "LogLikelihoodCost needs probabilities: components of at least 0, whose sum is 1"
            )


class CustomCost:
    """A custom cost, for sigmoid or linear output neurons. The results of its function `delta` are checked.

    Parameters
    ----------
    cost : Cost
        The custom cost: a class or an object.
    function : str, optional
        Name of the user's function in messages, such as "cost_derivative" in chapter 1.
    """

    outputs = ("sigmoid", "linear")

    def __init__(self, cost: Cost, function: str = "cost.delta") -> None:
        self.cost = cost
        self.function = function

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the errors that the custom cost returns, one sample per row.

        Raises
        ------
        ValueError
            If the custom cost returns neither a column (n_out, 1) of real numbers nor a real number.
        """
        # A custom cost may be written for single columns, as in the book, so it is called once for each sample.
        samples = zip(z[:, :, np.newaxis], a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        columns = [checked_column(self.cost.delta(*each), each[1], self.function) for each in samples]
        errors: np.ndarray = np.concatenate(columns, axis=1).T
        return errors

    def losses(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the custom cost of each sample, shape (n,), given one sample per row."""
        columns = zip(a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        return np.array([float(self.cost.fn(*each)) for each in columns])

    def check(self, targets: np.ndarray) -> None:
        """Do nothing: it is unknown which targets are valid for a custom cost."""


BuiltIn: TypeAlias = (
    type[QuadraticCost]
    | type[CrossEntropyCost]
    | type[LogLikelihoodCost]
    | type[PoissonCost]
    | type[AbsoluteErrorCost]
    | HuberCost
    | QuantileCost
)
"""A built-in cost: a class, or an object if the cost has settings."""

COSTS: dict[str, BuiltIn] = {
    "QuadraticCost": QuadraticCost,
    "CrossEntropyCost": CrossEntropyCost,
    "LogLikelihoodCost": LogLikelihoodCost,
    "PoissonCost": PoissonCost,
    "AbsoluteErrorCost": AbsoluteErrorCost,
    "HuberCost": HuberCost(),
    "QuantileCost": QuantileCost(),
}
"""All built-in costs by class name, with default settings. Every engine implements each of these costs."""

NAMES: dict[str, BuiltIn] = {
    "quadratic": QuadraticCost,
    "cross-entropy": CrossEntropyCost,
    "log-likelihood": LogLikelihoodCost,
}
"""The book's costs by their names in arguments, commands and sweep grids."""

FOR_REGRESSION: dict[str, BuiltIn] = {
    "poisson": PoissonCost,
    "absolute-error": AbsoluteErrorCost,
    "huber": COSTS["HuberCost"],
    "quantile": COSTS["QuantileCost"],
}
"""Costs for regression besides the quadratic cost, by their names in arguments."""


def by_name(cost: Any) -> Any:
    """Return the cost with a name in `NAMES`, `FOR_REGRESSION` or `COSTS`.

    A cost class that has settings becomes an object with default settings. Any other value is returned unchanged.

    Raises
    ------
    ValueError
        If `cost` is a string, but not the name of a cost.
    """
    if cost is HuberCost or cost is QuantileCost:
        return cost()
    if not isinstance(cost, str):
        return cost
    known = {**COSTS, **NAMES, **FOR_REGRESSION}
    if cost not in known:
        names = ", ".join(repr(name) for name in (*NAMES, *FOR_REGRESSION))
        raise ValueError(f"cost is {cost!r}; it must be {names}, or a class such as CrossEntropyCost")
    return known[cost]


def as_cost(cost: Any) -> BuiltIn | CustomCost:
    """Convert a cost, given as a class or an instance, to the type `BuiltIn` or `CustomCost`.

    Raises
    ------
    TypeError
        If `cost` lacks the function `fn` or the function `delta`.
    """
    for name, built_in in COSTS.items():
        kind = type(built_in) if is_dataclass(built_in) else built_in
        if cost is kind:
            return built_in
        if type(cost) is kind:
            return cost if is_dataclass(cost) else COSTS[name]
    for method in ("fn", "delta"):
        if not callable(getattr(cost, method, None)):
            raise TypeError(f"cost is {cost!r}; it must have a function {method}, as {', '.join(COSTS)} have")
    return CustomCost(cost)


@dataclass(frozen=True)
class Outputs:
    """The output neurons and their cost.

    Attributes
    ----------
    cost : BuiltIn or CustomCost
        Cost, as `as_cost` returns it.
    activation : str
        Activation of the output neurons, one of the cost's `outputs`.
    """

    cost: BuiltIn | CustomCost
    activation: str

    def activations(self, z: np.ndarray) -> np.ndarray:
        """Return the activations, given the weighted inputs, both with one sample per row."""
        if self.activation == "softmax":
            activations: np.ndarray = softmax(z, axis=-1)
        elif self.activation == "exp":
            activations = exponential(z)
        else:
            activations = ACTIVATIONS[self.activation].function(z)
        return activations

    def derivatives(self, z: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """For each sample, return the derivative of one output activation with respect to z, shape (n, n_out).

        Parameters
        ----------
        z : ndarray, shape (n, n_out)
            Weighted inputs.
        neurons : ndarray of int, shape (n,)
            Index of the output neuron for each sample.
        """
        a, samples = self.activations(z), np.arange(len(z))
        chosen = np.zeros_like(a)
        chosen[samples, neurons] = 1
        if self.activation == "softmax":  # each activation depends on all weighted inputs
            found: np.ndarray = a[samples, neurons][:, np.newaxis] * (chosen - a)
        else:
            found = chosen * (a if self.activation == "exp" else ACTIVATIONS[self.activation].prime(z))
        return found

    def errors(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the derivative of each sample's cost with respect to z, one sample per row (BP1)."""
        a = self.activations(z)
        if self.cost is QuadraticCost:
            return QuadraticCost.delta(z, a, y, activation=self.activation)
        return self.cost.delta(z, a, y)

    def losses(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), in float64, given one sample per row."""
        return self.cost.losses(z, self.activations(z), y)


def checked_column(values: Any, like: np.ndarray, function: str) -> np.ndarray:
    """Return the result of a custom function as a column with the shape and dtype of `like`.

    Raises
    ------
    ValueError
        If the result is neither an array of real numbers with the shape of `like` nor a real number.
    """
    column = np.asarray(values)
    if column.dtype.kind not in "fiub":
        raise ValueError(f"{function} returned values of the type {column.dtype}; it must return real numbers")
    if column.shape not in ((), like.shape):
        raise ValueError(f"{function} returned an array of shape {column.shape}; the shape must be {like.shape}")
    return np.broadcast_to(column.astype(like.dtype, copy=False), like.shape)


def class_name(cost: Any) -> str:
    """Return the name of a cost's class, such as a key of `COSTS`."""
    return str(getattr(cost, "__name__", type(cost).__name__))


def name_of(cost: Any) -> str:
    """Return a cost's name for files: its class name, with settings if any, as in "HuberCost(threshold=1.5)"."""
    return repr(cost) if isinstance(cost, (HuberCost, QuantileCost)) else class_name(cost)


def from_name(name: str) -> BuiltIn | None:
    """Return the built-in cost whose `name_of` is `name`; None if no built-in cost has that name."""
    parts = re.fullmatch(r"(\w+)\((\w+)=([0-9.e+-]+)\)", name)
    if parts is None:
        found = COSTS.get(name)
        return None if is_dataclass(found) else found
    kind, setting, value = parts.groups()
    default = COSTS.get(kind)
    if not is_dataclass(default) or [each.name for each in fields(default)] != [setting]:
        return None
    try:
        return type(default)(float(value))
    except ValueError:  # the setting is not a number, or out of range
        return None
