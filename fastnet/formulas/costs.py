"""Cost functions: the book's, as classes with `fn` and `delta` (chapter 3), and those that a user wrote.

`C_x` is the cost of one sample, and the cost of a data set is the mean. A cost also decides which activations its
output neurons may have, and which targets it takes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from fastnet.formulas.activations import ACTIVATIONS, exponential, softmax
from fastnet.formulas.regression import AbsoluteErrorCost, HuberCost, PoissonCost, QuantileCost


class Cost(Protocol):
    """What a cost has to have: a class with static methods, as the book's, or an object with methods."""

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired, both columns `(n_out, 1)`."""

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the derivative of the cost with respect to z, the weighted input of the outputs, as a column."""


class QuadraticCost:
    """C_x = ||a - y||^2 / 2, of sigmoid or linear neurons (chapter 1, equation 6)."""

    outputs = ("sigmoid", "linear")

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired; of matrices, the sum over their samples."""
        return 0.5 * np.sum(np.square(a - y), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray, *, activation: str = "sigmoid") -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (BP1)."""
        error: np.ndarray = (a - y) * ACTIVATIONS[activation].prime(z)
        return error

    @staticmethod
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, one a row."""
        return 0.5 * np.sum(np.square(a - y), axis=1, dtype=np.float64)

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Do nothing: any finite number can be desired."""


class CrossEntropyCost:
    """C_x = -sum(y ln a + (1 - y) ln(1 - a)), of sigmoid neurons, with y from 0 to 1 (chapter 3, equation 63)."""

    outputs = ("sigmoid",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired; of matrices, the sum over their samples.

        As in the book, 0 ln 0 counts as 0, and an infinite cost as the largest number there is.
        """
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (chapter 3, equation 66)."""
        return a - y

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, one a row.

        An activation near 0 or 1 has lost its digits; z has not.
        """
        return np.sum(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), axis=1, dtype=np.float64)

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if a target is not between 0 and 1."""
        smallest, largest = targets.min(), targets.max()
        if not 0 <= smallest <= largest <= 1:
            wrong = smallest if smallest < 0 else largest
            raise ValueError(
                f"there is a y with the component {wrong:g}; CrossEntropyCost takes targets from 0 to 1: scale them, "
                "or use QuadraticCost"
            )


class LogLikelihoodCost:
    """C_x = -sum(y ln a), of softmax neurons, with probabilities for y (chapter 3, equation 80)."""

    outputs = ("softmax",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired; of matrices, the sum over their samples.

        0 ln 0 counts as 0, and an infinite cost as the largest number there is.
        """
        return np.sum(np.nan_to_num(-y * np.log(a)), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (chapter 3, equation 84)."""
        return a - y

    @staticmethod
    @np.errstate(under="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, one a row, from z, which keeps the digits of small probabilities."""
        z = z - z.max(axis=1, keepdims=True)
        logarithms = np.log(np.exp(z).sum(axis=1, dtype=np.float64))
        return logarithms - np.sum(z * y, axis=1, dtype=np.float64)

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if the targets of a sample, one a row, are not probabilities."""
        sums, smallest = targets.sum(axis=1), targets.min(axis=1)
        wrong = ~(np.isclose(sums, 1, rtol=0, atol=1e-5) & (smallest >= 0))
        if wrong.any():
            raise ValueError(
                f"there is a y with the sum {sums[wrong][0]:g} and the smallest component {smallest[wrong][0]:g}; "
                "LogLikelihoodCost takes probabilities, which have the sum 1"
            )


class OwnCost:
    """A cost that the user wrote, for sigmoid or linear output neurons: what it returns is checked.

    Parameters
    ----------
    cost : Cost
        The user's class or object.
    function : str, optional
        What the user calls the function that gives the error; messages name it.
    """

    outputs = ("sigmoid", "linear")

    def __init__(self, cost: Cost, function: str = "cost.delta") -> None:
        self.cost = cost
        self.function = function

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the user's errors of samples, one a row.

        Raises
        ------
        ValueError
            If the user's function returns anything but a column, or a number for all of it.
        """
        # A function written for the book's columns may do anything with them, so it is given columns.
        samples = zip(z[:, :, np.newaxis], a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        columns = [checked_column(self.cost.delta(*each), each[1], self.function) for each in samples]
        return np.concatenate(columns, axis=1).T

    def losses(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the user's cost of each sample, one a row."""
        columns = zip(a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        return np.array([float(self.cost.fn(*each)) for each in columns])

    def check(self, targets: np.ndarray) -> None:
        """Do nothing: what may be desired is the user's affair."""


BuiltIn: TypeAlias = (
    type[QuadraticCost]
    | type[CrossEntropyCost]
    | type[LogLikelihoodCost]
    | type[PoissonCost]
    | type[AbsoluteErrorCost]
    | HuberCost
    | QuantileCost
)
"""A cost that fastnet has: a class, or an object if it has settings."""

COSTS: dict[str, BuiltIn] = {
    "QuadraticCost": QuadraticCost,
    "CrossEntropyCost": CrossEntropyCost,
    "LogLikelihoodCost": LogLikelihoodCost,
    "PoissonCost": PoissonCost,
    "AbsoluteErrorCost": AbsoluteErrorCost,
    "HuberCost": HuberCost(),
    "QuantileCost": QuantileCost(),
}
"""The costs by the names of their classes, with their default settings. Every engine has an entry for each."""

NAMES: dict[str, BuiltIn] = {
    "quadratic": QuadraticCost,
    "cross-entropy": CrossEntropyCost,
    "log-likelihood": LogLikelihoodCost,
}
"""The book's costs by the names that commands and grids have for them."""

FOR_REGRESSION: dict[str, BuiltIn] = {
    "poisson": PoissonCost,
    "absolute-error": AbsoluteErrorCost,
    "huber": COSTS["HuberCost"],
    "quantile": COSTS["QuantileCost"],
}
"""The others, by the names that networks have for them."""


def by_name(cost: Any) -> Any:
    """Return the cost of that name, as in `NAMES`, `FOR_REGRESSION` or `COSTS`.

    Of the class of a cost with settings, it is the one with default settings; anything else is returned as it is.

    Raises
    ------
    ValueError
        If there is none of that name.
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
    """Return a cost of fastnet's as in `COSTS`, given as its class or an instance; any other as an `OwnCost`.

    Raises
    ------
    TypeError
        If it has no `fn` or `delta`.
    """
    for name, built_in in COSTS.items():
        kind = type(built_in) if is_dataclass(built_in) else built_in
        if cost is kind:
            return built_in
        if type(cost) is kind:
            return cost if is_dataclass(cost) else COSTS[name]  # type: ignore[return-value]
    for method in ("fn", "delta"):
        if not callable(getattr(cost, method, None)):
            raise TypeError(f"cost is {cost!r}; it must have a function {method}, as {', '.join(COSTS)} have")
    return OwnCost(cost)


@dataclass(frozen=True)
class Outputs:
    """The output neurons, and the cost of what they give.

    Attributes
    ----------
    cost : class or OwnCost
        As `as_cost` returns it.
    activation : str
        One of the cost's `outputs`.
    """

    cost: BuiltIn | OwnCost
    activation: str

    def activations(self, z: np.ndarray) -> np.ndarray:
        """Return the activations, given the weighted inputs; both have one sample a row."""
        if self.activation == "softmax":
            activations: np.ndarray = softmax(z, axis=-1)
        elif self.activation == "exp":
            activations = exponential(z)
        else:
            activations = ACTIVATIONS[self.activation].function(z)
        return activations

    def derivatives(self, z: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """Return the derivative of one output activation of each sample with respect to z, one sample a row.

        Parameters
        ----------
        z : ndarray, shape (n, n_out)
            The weighted inputs.
        neurons : ndarray of int, shape (n,)
            Index of the output neuron of each sample.
        """
        a, samples = self.activations(z), np.arange(len(z))
        chosen = np.zeros_like(a)
        chosen[samples, neurons] = 1
        if self.activation == "softmax":  # a_j depends on all z
            return a[samples, neurons][:, np.newaxis] * (chosen - a)
        slopes = a if self.activation == "exp" else ACTIVATIONS[self.activation].prime(z)
        found: np.ndarray = chosen * slopes
        return found

    def errors(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the derivative of each sample's cost with respect to z, one sample a row (BP1)."""
        a = self.activations(z)
        if self.cost is QuadraticCost:
            return QuadraticCost.delta(z, a, y, activation=self.activation)
        return self.cost.delta(z, a, y)

    def losses(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, one a row, in float64."""
        return self.cost.losses(z, self.activations(z), y)


def checked_column(values: Any, like: np.ndarray, function: str) -> np.ndarray:
    """Return what a user's function returned as a column like another, or a number as a column of it.

    Raises
    ------
    ValueError
        If it is neither.
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
    """Return the name that stands in files: that of the class, and settings, such as "HuberCost(threshold=1.5)"."""
    return repr(cost) if isinstance(cost, (HuberCost, QuantileCost)) else class_name(cost)


def from_name(name: str) -> BuiltIn | None:
    """Return the cost whose `name_of` is that; None if it is none of fastnet's."""
    parts = re.fullmatch(r"(\w+)\((\w+)=([0-9.e+-]+)\)", name)
    if parts is None:
        found = COSTS.get(name)
        return None if is_dataclass(found) else found
    kind, setting, value = parts.groups()
    default = COSTS.get(kind)
    if not is_dataclass(default) or [each.name for each in fields(default)] != [setting]:
        return None
    try:
        return type(default)(float(value))  # type: ignore[return-value]
    except ValueError:  # of no number, or one that is out of range
        return None
