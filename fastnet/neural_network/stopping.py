"""scikit-learn's learning-rate schedules and stopping rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnet.learning.schedules import StoppingRule

_SMALLEST_ADAPTIVE_RATE = 1e-6


@dataclass(frozen=True)
class Rates:
    """scikit-learn's schedule of the learning rate.

    Attributes
    ----------
    schedule : {'constant', 'invscaling', 'adaptive'}
        With "invscaling", the learning rate is `first / (t + 1)**power`. Here, t is the number of samples on which the
        network was trained, summed over all iterations. With "adaptive", the learning rate is divided by 5 instead of
        stopping training, until the learning rate is 1e-6 or less.
    first : float
        The first learning rate.
    power : float
        The exponent of "invscaling".
    """

    schedule: str
    first: float
    power: float

    def after(self, eta: float, t: int) -> float:
        """Return the learning rate after an iteration with the learning rate `eta`."""
        if self.schedule != "invscaling":
            return eta
        with np.errstate(over="ignore"):  # if the divisor is infinite, the learning rate is 0
            return float(self.first / np.float64(t + 1) ** self.power)


class Rule(StoppingRule):
    """Stops training when a value has not improved by `tol` in more than `n_iter_no_change` consecutive iterations.

    The value is the validation score with early stopping, and otherwise -1 times the loss.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        The estimator, whose parameters `tol`, `n_iter_no_change` and `early_stopping` are used.
    rates : Rates
        The schedule of the learning rate.
    samples : int
        Number of samples in an iteration.
    eta : float
        The learning rate of the first iteration.
    t : int
        Number of samples on which the network was trained in earlier calls of `fit` or `partial_fit`.
    best : float
        The best value of earlier calls; minus infinity if there is none.
    since : int
        Number of consecutive iterations without an improvement at the end of the last call.
    """

    def __init__(self, estimator: Any, rates: Rates, samples: int, eta: float, t: int, best: float, since: int) -> None:
        super().__init__(eta, estimator.n_iter_no_change + 1)
        self.best = best
        self._since = since
        self._rates, self._is_adaptive = rates, rates.schedule == "adaptive"
        self._tol, self._most = estimator.tol, estimator.n_iter_no_change
        self._failure = "Validation score" if estimator.early_stopping else "Training loss"
        self._samples, self._t = samples, t
        self.message = ""
        """Message about the last iteration; empty if there is none."""

    @property
    def since(self) -> int:
        """Number of consecutive iterations without an improvement."""
        return self._since

    def look_at(self, value: float) -> None:
        """Update the learning rate, or stop, given the value after an iteration. Larger values are better."""
        self.message = ""
        self._t += self._samples
        super().look_at(value)
        self.eta = self._rates.after(self.eta, self._t)

    def _is_improvement(self, value: float) -> bool:
        return bool(value >= self.best + self._tol)

    def _act(self) -> None:
        self.message = (
            f"{self._failure} did not improve more than tol={self._tol:f} for {self._most} consecutive epochs."
        )
        if self._is_adaptive and self.eta > _SMALLEST_ADAPTIVE_RATE:
            self.eta /= 5
            self.message += f" Setting learning rate to {self.eta:f}"
            return
        self.message += " Learning rate too small. Stopping." if self._is_adaptive else " Stopping."
        self._since = self._most + 1  # a warm start begins with this number of iterations without an improvement
        self.stopped = self.message
