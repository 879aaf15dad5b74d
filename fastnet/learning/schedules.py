"""Stopping rules: when to stop, and when to train more slowly."""

from __future__ import annotations

from abc import ABC, abstractmethod

SCHEDULES = ("halve",)
_SMALLEST = 1 / 128  # of the first learning rate


class StoppingRule(ABC):
    """Decides after each epoch on the next learning rate, and whether to stop.

    Parameters
    ----------
    eta : float
        The first learning rate.
    patience : int or None
        Number of epochs without an improvement after which the rule acts; None for never.

    Attributes
    ----------
    eta : float
        The learning rate of the next epoch.
    best : float
        The best value so far.
    improved : bool
        Whether the last value was better than all before.
    stopped : str
        Why there is no next epoch; empty if there is one.
    """

    def __init__(self, eta: float, patience: int | None) -> None:
        self.eta = eta
        self.best = -float("inf")
        self.improved = False
        self.stopped = ""
        self._patience = patience
        self._since = 0

    def look_at(self, value: float) -> None:
        """Decide what comes after an epoch with this value, of which larger is better."""
        self._since = 0 if self._is_improvement(value) else self._since + 1
        self.improved = value > self.best
        self.best = max(self.best, value)
        if self._patience is not None and self._since >= self._patience:
            self._since = 0
            self._act()

    @abstractmethod
    def _is_improvement(self, value: float) -> bool:
        """Whether a value is enough better than the best to be patient again."""

    @abstractmethod
    def _act(self) -> None:
        """Change the learning rate or stop, after as many epochs without an improvement as are allowed."""


class Plan(StoppingRule):
    """Stops, or halves the learning rate (chapter 3, "How to choose a neural network's hyper-parameters?").

    Its values are evaluation accuracies. An improvement is any accuracy that is better than the best.

    Parameters
    ----------
    eta : float
        The first learning rate.
    patience : int or None
        Number of epochs without an improvement ("no improvement in ten"); None to train all epochs.
    schedule : {'halve'} or None
        With 'halve', the learning rate is halved then, and training stops when it is 1/128 of the first. With None,
        training stops at once.
    """

    def __init__(self, eta: float, patience: int | None, schedule: str | None) -> None:
        super().__init__(eta, patience)
        self._smallest = eta * _SMALLEST
        self._schedule = schedule

    def _is_improvement(self, value: float) -> bool:
        return value > self.best

    def _act(self) -> None:
        if self._schedule is not None:
            self.eta /= 2
        if self._schedule is None or self.eta <= self._smallest:
            epochs = f"{self._patience} epoch{'s' if self._patience != 1 else ''}"
            self.stopped = f"Stopped: no better evaluation accuracy than {self.best} in {epochs}" + (
                "" if self._schedule is None else ", with a learning rate halved seven times"
            )


class Tolerance(StoppingRule):
    """Stops by scikit-learn's rule: no improvement by `tol` in more than `most` epochs in succession.

    Parameters
    ----------
    eta : float
        The learning rate, which stays the same.
    tol : float
        By how much a value has to be better than the best.
    most : int
        Number of epochs in succession that may have no improvement.
    failure : str
        What the values failed to do, for the reason: "loss did not fall".
    """

    def __init__(self, eta: float, tol: float, most: int, failure: str) -> None:
        super().__init__(eta, most + 1)
        self._tol = tol
        self._failure = failure

    def _is_improvement(self, value: float) -> bool:
        return value >= self.best + self._tol

    def _act(self) -> None:
        self.stopped = f"The {self._failure} by {self._tol:g} for {self._patience} iterations in succession. Stopping."
