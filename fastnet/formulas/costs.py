"""Cost functions: the book's, as classes with `fn` and `delta` (chapter 3), and costs written by a user.

`C_x` is the cost of one sample. The cost of a data set is the mean over its samples. A cost also determines which
activations its output neurons may have, and which targets are valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from fastnet.formulas.activations import ACTIVATIONS, exponential, softmax
from fastnet.formulas.regression import AbsoluteErrorCost, HuberCost, PoissonCost, QuantileCost


class Cost(Protocol):
    """The functions that a cost must have: a class with static methods, as in the book, or an object with methods."""

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` for the desired output `y`, both columns `(n_out, 1)`."""

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the derivative of the cost with respect to z, the outputs' weighted input; all are columns."""


class QuadraticCost:
    """C_x = ||a - y||^2 / 2, for sigmoid or linear neurons (chapter 1, equation 6)."""

    outputs = ("sigmoid", "linear")

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` for the desired output `y`; for matrices, the sum over the samples."""
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
    """C_x = -sum(y ln a + (1 - y) ln(1 - a)), for sigmoid neurons and y from 0 to 1 (chapter 3, equation 63)."""

    outputs = ("sigmoid",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` for the desired output `y`; for matrices, the sum over the samples.

        As in the book, 0 ln 0 counts as 0, and an infinite cost as the largest floating-point number.
        """
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (chapter 3, equation 66)."""
        error: np.ndarray = a - y
        return error

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row.

        The formula uses z, because activations near 0 and 1 are rounded.
        """
        terms = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))
        losses: np.ndarray = terms.sum(axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if a target is not between 0 and 1."""
        smallest, largest = targets.min(), targets.max()
        if not 0 <= smallest <= largest <= 1:
            wrong = smallest if smallest < 0 else largest
            raise ValueError(
                f"there is a y with the component {wrong:g}; CrossEntropyCost takes targets from 0 to 1: scale the "
                "targets, or use QuadraticCost"
            )


class LogLikelihoodCost:
    """C_x = -sum(y ln a), for softmax neurons and targets y that are probabilities (chapter 3, equation 80)."""

    outputs = ("softmax",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` for the desired output `y`; for matrices, the sum over the samples.

        0 ln 0 counts as 0, and an infinite cost as the largest floating-point number.
        """
        return np.sum(np.nan_to_num(-y * np.log(a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (chapter 3, equation 84)."""
        error: np.ndarray = a - y
        return error

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row.

        The formula uses z, because small probabilities lose precision.
        """
        z = z - z.max(axis=1, keepdims=True)
        logarithms: np.ndarray = np.log(np.exp(z).sum(axis=1, dtype=np.float64))
        losses: np.ndarray = logarithms - np.sum(z * y, axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if the targets of a sample, one sample per row, are not probabilities with sum 1."""
        sums, smallest = targets.sum(axis=1), targets.min(axis=1)
        wrong = ~(np.isclose(sums, 1, rtol=0, atol=1e-5) & (smallest >= 0))
        if wrong.any():
            raise ValueError(
                f"there is a y with the sum {sums[wrong][0]:g} and the smallest component {smallest[wrong][0]:g}; "
                "LogLikelihoodCost takes probabilities: no component below 0, and the sum 1"
            )


class OwnCost:
    """A cost that the user wrote, for sigmoid or linear output neurons. Its results are checked.

    Parameters
    ----------
    cost : Cost
        Class or object that the user wrote.
    function : str, optional
        Name of the user's function that returns the error, for messages.
    """

    outputs = ("sigmoid", "linear")

    def __init__(self, cost: Cost, function: str = "cost.delta") -> None:
        self.cost = cost
        self.function = function

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the errors that the user's function returns, one sample per row.

        Raises
        ------
        ValueError
            If the user's function returns neither a column (n_out, 1) nor a number.
        """
        # The user's function may work for the book's columns only, so it gets each sample as columns.
        samples = zip(z[:, :, np.newaxis], a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        columns = [checked_column(self.cost.delta(*each), each[1], self.function) for each in samples]
        errors: np.ndarray = np.concatenate(columns, axis=1).T
        return errors

    def losses(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the user's cost of each sample, shape (n,), given one sample per row."""
        columns = zip(a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        return np.array([float(self.cost.fn(*each)) for each in columns])

    def check(self, targets: np.ndarray) -> None:
        """Do nothing: valid targets of a user's cost are unknown."""


BuiltIn: TypeAlias = (
    type[QuadraticCost]
    | type[CrossEntropyCost]
    | type[LogLikelihoodCost]
    | type[PoissonCost]
    | type[AbsoluteErrorCost]
    | HuberCost
    | QuantileCost
)
"""A cost of fastnet: a class, or an object if the cost has settings."""

COSTS: dict[str, BuiltIn] = {
    "QuadraticCost": QuadraticCost,
    "CrossEntropyCost": CrossEntropyCost,
    "LogLikelihoodCost": LogLikelihoodCost,
    "PoissonCost": PoissonCost,
    "AbsoluteErrorCost": AbsoluteErrorCost,
    "HuberCost": HuberCost(),
    "QuantileCost": QuantileCost(),
}
"""All costs by class name, with default settings. Every engine has an entry for each cost."""

NAMES: dict[str, BuiltIn] = {
    "quadratic": QuadraticCost,
    "cross-entropy": CrossEntropyCost,
    "log-likelihood": LogLikelihoodCost,
}
"""The book's costs by their names in arguments, commands and grids."""

FOR_REGRESSION: dict[str, BuiltIn] = {
    "poisson": PoissonCost,
    "absolute-error": AbsoluteErrorCost,
    "huber": COSTS["HuberCost"],
    "quantile": COSTS["QuantileCost"],
}
"""Costs for regression besides the quadratic cost, by their names in arguments."""


def by_name(cost: Any) -> Any:
    """Return the cost of a name in `NAMES`, `FOR_REGRESSION` or `COSTS`.

    A class with settings becomes an object with default settings. Any other value is returned unchanged.

    Raises
    ------
    ValueError
        If there is no cost of that name.
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


def as_cost(cost: Any) -> BuiltIn | OwnCost:
    """Return a cost of fastnet, given as its class or an instance, as in `COSTS`; any other cost as an `OwnCost`.

    Raises
    ------
    TypeError
        If `cost` has no function `fn` or `delta`.
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
    return OwnCost(cost)


@dataclass(frozen=True)
class Outputs:
    """The output neurons and their cost.

    Attributes
    ----------
    cost : BuiltIn or OwnCost
        Cost, as `as_cost` returns it.
    activation : str
        Activation of the output neurons, one of the cost's `outputs`.
    """

    cost: BuiltIn | OwnCost
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
        """Return the derivative of one output activation of each sample with respect to z, shape (n, n_out).

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
        if self.activation == "softmax":  # a_j depends on all z
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
    """Return the result of a user's function as a column with the shape and dtype of `like`.

    Raises
    ------
    ValueError
        If the result is neither such a column nor a number.
    """
    column = np.asarray(values)
    if column.dtype.kind not in "fiub":
        raise ValueError(f"{function} returned {column.dtype}; it must return real numbers")
    if column.shape not in ((), like.shape):
        raise ValueError(f"{function} returned an array of shape {column.shape}; it must be {like.shape}")
    return np.broadcast_to(column.astype(like.dtype, copy=False), like.shape)


def class_name(cost: Any) -> str:
    """Return the name of a cost's class, as in `COSTS`."""
    return str(getattr(cost, "__name__", type(cost).__name__))


def name_of(cost: Any) -> str:
    """Return the name of a cost in files: its class name, with settings if any, as in "HuberCost(threshold=1.5)"."""
    return repr(cost) if isinstance(cost, (HuberCost, QuantileCost)) else class_name(cost)


def from_name(name: str) -> BuiltIn | None:
    """Return the cost whose `name_of` is `name`; None if it is not a cost of fastnet."""
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
