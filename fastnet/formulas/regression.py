"""Costs for regression besides the quadratic cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnet.utils import arguments


class PoissonCost:
    """C_x = sum(y ln(y / a) - y + a), half of the Poisson deviance, for exponential output neurons.

    The targets y, such as counts, must be at least 0. 0 ln 0 counts as 0.

    If a is near y, the cost is about y d^2 / 2, where d = ln a - ln y is small. In every precision, d is computed in
    float64. This adds about 4e-16 abs(ln(y) / d) to the relative error of `losses`, and twice as much to that of `fn`.
    In float32, the cost of a rounded a, which `fn` returns, may differ more from the cost of z, which `losses` returns.
    """

    outputs = ("exp",)

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore")
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples."""
        z = np.log(a, dtype=np.result_type(a, np.float64))
        return np.sum(_poisson_terms(z, a, y), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z`."""
        error: np.ndarray = a - y
        return error

    @staticmethod
    @np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore")
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row. `z` is ln a."""
        losses: np.ndarray = _poisson_terms(z, a, y).sum(axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Raise a `ValueError` if a target is negative."""
        if not targets.min() >= 0:
            raise ValueError(
                f"a target y has the component {targets.min():g}; PoissonCost needs targets of at least 0, such as "
                "counts; use another cost for negative targets"
            )


POISSON_SERIES = [1 / math.factorial(k) for k in range(19, 1, -1)]
"""Coefficients of (exp(d) - 1 - d) / d^2, the highest power first; for abs(d) <= 1, the error is that of rounding."""


def _poisson_terms(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
    d = np.where(y > 0, z - np.log(y, dtype=np.result_type(z, np.float64)), 0)
    near = np.clip(d, -1, 1)
    series = near**2 * np.polyval(POISSON_SERIES, near)  # exp(d) - 1 - d
    terms: np.ndarray = np.where((y > 0) & (np.abs(d) < 1), y * series, a - y - y * d)
    return terms


class AbsoluteErrorCost:
    """C_x = sum(abs(a - y)), for linear output neurons.

    With this cost, the neurons learn the conditional median of y. At a = y, the derivative is 0.
    """

    outputs = ("linear",)

    @staticmethod
    def fn(a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples."""
        return np.sum(np.abs(a - y), dtype=np.float64)

    @staticmethod
    def delta(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z`."""
        error: np.ndarray = np.sign(a - y)
        return error

    @staticmethod
    def losses(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row."""
        losses: np.ndarray = np.abs(a - y).sum(axis=1, dtype=np.float64)
        return losses

    @staticmethod
    def check(targets: np.ndarray) -> None:
        """Do nothing: all finite targets are valid."""


@dataclass(frozen=True)
class HuberCost:
    """C_x = sum(H(a - y)), for linear output neurons (Huber 1964).

    H(r) is r^2 / 2 if abs(r) is at most the threshold, and linear in abs(r) above it.

    Attributes
    ----------
    threshold : float
        Largest abs(a - y) for which the cost is quadratic, positive.

    Raises
    ------
    TypeError, ValueError
        If `threshold` is not a positive number.
    """

    threshold: float = 1.0

    outputs = ("linear",)

    def __post_init__(self) -> None:
        arguments.convert(self, threshold=arguments.positive_number)

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples."""
        return np.sum(self._of(a - y), dtype=np.float64)

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z`."""
        error: np.ndarray = np.clip(a - y, -self.threshold, self.threshold)
        return error

    def losses(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row."""
        losses: np.ndarray = self._of(a - y).sum(axis=1, dtype=np.float64)
        return losses

    def check(self, targets: np.ndarray) -> None:
        """Do nothing: all finite targets are valid."""

    def _of(self, r: np.ndarray) -> np.ndarray:
        bounded = np.minimum(np.abs(r), self.threshold)
        terms: np.ndarray = bounded * (np.abs(r) - bounded / 2)
        return terms


@dataclass(frozen=True)
class QuantileCost:
    """C_x = sum(q max(y - a, 0) + (1 - q) max(a - y, 0)), for linear output neurons.

    With this cost, the neurons learn the conditional quantile q of y (Koenker and Bassett 1978). For q = 0.5, the cost
    is half the absolute error. At a = y, the derivative is 0.

    Attributes
    ----------
    quantile : float
        The quantile q, greater than 0 and less than 1.

    Raises
    ------
    TypeError, ValueError
        If `quantile` is not a number greater than 0 and less than 1.
    """

    quantile: float = 0.5

    outputs = ("linear",)

    def __post_init__(self) -> None:
        value = arguments.fraction(self.quantile, "quantile")
        if not value:
            raise ValueError("quantile is 0.0; it must be greater than 0 and less than 1")
        object.__setattr__(self, "quantile", value)

    def fn(self, a: np.ndarray, y: np.ndarray) -> Any:
        """Return the cost of output `a` for desired output `y`. For matrices, return the sum over the samples."""
        return np.sum(self._of(a - y), dtype=np.float64)

    def delta(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the error of the output neurons, the derivative of the cost with respect to `z`."""
        error: np.ndarray = np.heaviside(a - y, self.quantile) - self.quantile
        return error

    def losses(self, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the cost of each sample, shape (n,), given one sample per row."""
        losses: np.ndarray = self._of(a - y).sum(axis=1, dtype=np.float64)
        return losses

    def check(self, targets: np.ndarray) -> None:
        """Do nothing: all finite targets are valid."""

    def _of(self, r: np.ndarray) -> np.ndarray:
        return np.maximum((1 - self.quantile) * r, -self.quantile * r)
