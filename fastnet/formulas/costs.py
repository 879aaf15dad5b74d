"""Cost functions: the book's, as classes with `fn` and `delta` (chapter 3), and those that a user wrote.

`C_x` is the cost of one sample, and the cost of a data set is the mean. A cost of the book's also decides what the
output neurons are: softmax with the log-likelihood, sigmoid with the others.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

from fastnet.formulas.activations import sigmoid, sigmoid_prime, softmax


class Cost(Protocol):
    """What a cost has to have: a class with static methods, as the book's, or an object with methods."""

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired, both columns `(n_out, 1)`."""

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the derivative of the cost with respect to z, the weighted input of the outputs, as a column."""


class QuadraticCost:
    """C_x = ||a - y||^2 / 2, of sigmoid neurons (chapter 1, equation 6)."""

    output = staticmethod(sigmoid)

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of the output `a` where `y` is desired; of matrices, the sum over their samples."""
        return 0.5 * np.sum(np.square(a - y), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative with respect to `z` (BP1)."""
        return (a - y) * sigmoid_prime(z)

    @staticmethod
    def total(z: np.ndarray, y: np.ndarray) -> Any:
        """Return the sum of the costs of samples, one a row, from the weighted inputs of their outputs."""
        return QuadraticCost.fn(sigmoid(z), y)


class CrossEntropyCost:
    """C_x = -sum(y ln a + (1 - y) ln(1 - a)), of sigmoid neurons (chapter 3, equation 63)."""

    output = staticmethod(sigmoid)

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
    def total(z: np.ndarray, y: np.ndarray) -> Any:
        """Return the sum of the costs of samples, one a row, from the weighted inputs of their outputs.

        What is near 0 or 1 when it is an activation has lost its digits; z has not.
        """
        return np.sum(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))), dtype=np.float64)


class LogLikelihoodCost:
    """C_x = -sum(y ln a), of softmax neurons, with probabilities for y (chapter 3, equation 80)."""

    @staticmethod
    def output(z: np.ndarray) -> np.ndarray:
        """Return the activations of samples, one a row."""
        activations: np.ndarray = softmax(z, axis=-1)
        return activations

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
    def total(z: np.ndarray, y: np.ndarray) -> Any:
        """Return the sum of the costs of samples, one a row, from the weighted inputs of their outputs."""
        z = z - z.max(axis=1, keepdims=True)
        return np.sum(np.log(np.exp(z).sum(axis=1)), dtype=np.float64) - np.sum(z * y, dtype=np.float64)


class OwnCost:
    """A cost that the user wrote, for sigmoid output neurons: what it returns is checked.

    Parameters
    ----------
    cost : Cost
        The user's class or object.
    function : str, optional
        What the user calls the function that gives the error; messages name it.
    """

    output = staticmethod(sigmoid)

    def __init__(self, cost: Cost, function: str = "cost.delta") -> None:
        self.cost = cost
        self.function = function

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the user's error for one sample, a column in the precision of `a`.

        Raises
        ------
        ValueError
            If the user's function returns anything but such a column, or a number for all of it.
        """
        return checked_column(self.cost.delta(z, a, y), a, self.function)

    def total(self, z: np.ndarray, y: np.ndarray) -> Any:
        """Return the sum of the user's costs of samples, one a row, from the weighted inputs of their outputs."""
        columns = zip(sigmoid(z)[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
        return sum(float(self.cost.fn(a, y)) for a, y in columns)


BuiltIn: TypeAlias = type[QuadraticCost] | type[CrossEntropyCost] | type[LogLikelihoodCost]

COSTS: dict[str, BuiltIn] = {cost.__name__: cost for cost in (QuadraticCost, CrossEntropyCost, LogLikelihoodCost)}


def as_cost(cost: Any) -> BuiltIn | OwnCost:
    """Return one of the book's costs as its class, given as the class or an instance; any other as an `OwnCost`.

    Raises
    ------
    TypeError
        If it has no `fn` or `delta`.
    """
    for built_in in COSTS.values():
        if cost is built_in or type(cost) is built_in:
            return built_in
    for method in ("fn", "delta"):
        if not callable(getattr(cost, method, None)):
            raise TypeError(f"cost is {cost!r}; it must have a function {method}, as {', '.join(COSTS)} have")
    return OwnCost(cost)


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


def name_of(cost: Any) -> str:
    """Return the name of a cost's class, which stands in files."""
    return str(getattr(cost, "__name__", type(cost).__name__))
