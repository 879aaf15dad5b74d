"""scikit-learn's learning-rate schedules and stopping rule."""

from __future__ import annotations

from typing import Any

from fastnet.learning.schedules import StoppingRule

_SMALLEST_ADAPTIVE_RATE = 1e-6


class Rule(StoppingRule):
    """Stops training when a value has not improved by `tol` in more than `n_iter_no_change` consecutive iterations.

    The value is the validation score with early stopping, and otherwise -1 times the loss. With the solver "sgd"
    and `learning_rate="adaptive"`, the rule divides the learning rate by 5 instead of stopping training, until the
    learning rate is 1e-6 or less. With "sgd" and "invscaling", the learning rate is
    `learning_rate_init / (t + 1)**power_t`. Here, t is the number of samples on which the network was trained, summed
    over all iterations.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        The estimator, whose parameters are used.
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

    def __init__(self, estimator: Any, samples: int, eta: float, t: int, best: float, since: int) -> None:
        super().__init__(eta, estimator.n_iter_no_change + 1)
        self.best = best
        self._since = since
        self._first, self._power = float(estimator.learning_rate_init), estimator.power_t
        self._kind = estimator.learning_rate if estimator.solver == "sgd" else "constant"
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
        if self._kind == "invscaling":
            self.eta = self._first / (self._t + 1) ** self._power

    def _is_improvement(self, value: float) -> bool:
        return not value < self.best + self._tol  # NaN counts as an improvement, as in scikit-learn

    def _act(self) -> None:
        self.message = (
            f"{self._failure} did not improve more than tol={self._tol:f} for {self._most} consecutive epochs."
        )
        if self._kind == "adaptive" and self.eta > _SMALLEST_ADAPTIVE_RATE:
            self.eta /= 5
            self.message += f" Setting learning rate to {self.eta:f}"
            return
        self.message += " Learning rate too small. Stopping." if self._kind == "adaptive" else " Stopping."
        self._since = self._most + 1  # a warm start begins with this number of iterations without an improvement
        self.stopped = self.message
