"""Schedules of the learning rate, and rules for stopping."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastnet.utils import arguments

__all__ = ["Cosine", "Geometric", "Steps"]

_SMALLEST = 1 / 128  # learning rate at which 'halve' stops training, as a fraction of the first learning rate


def _epochs(value: Any, argument: str) -> tuple[int, ...]:
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping)):
        raise TypeError(f"{argument} is {arguments.brief(value)}; it must be a sequence of integers, such as (20, 25)")
    return tuple(arguments.natural(each, f"{argument}[{i}]") for i, each in enumerate(value))


class Schedule(ABC):
    """Learning rate as a function of the epoch."""

    name: str
    """Name that stands for the schedule with default settings."""

    @abstractmethod
    def rate(self, eta: float, epoch: int, epochs: int) -> float:
        """Return the learning rate of an epoch.

        Parameters
        ----------
        eta : float
            Learning rate of the first epoch.
        epoch : int
            Index of the epoch, numbered from 0.
        epochs : int
            Number of epochs in all.
        """

    def settings(self, epochs: int) -> dict[str, Any]:
        """Return the settings that determine the rates, except the first rate, as plain data for files."""
        values: Any = self  # for mypy: each schedule is a dataclass, but this base class is not
        return {"name": self.name, "epochs": epochs, **asdict(values)}


@dataclass(frozen=True)
class Geometric(Schedule):
    """Divide the learning rate by the same number after each epoch.

    Parameters
    ----------
    last : float or None, optional
        Learning rate of the last epoch, positive; None for a hundredth of the first learning rate.

    Raises
    ------
    TypeError, ValueError
        If `last` is not a positive number.
    """

    last: float | None = None
    name = "geometric"

    def __post_init__(self) -> None:
        if self.last is not None:
            arguments.convert(self, last=arguments.positive_number)

    def rate(self, eta: float, epoch: int, epochs: int) -> float:
        last = eta / 100 if self.last is None else self.last
        return float(eta * (last / eta) ** (epoch / max(epochs - 1, 1)))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Lower the learning rate along half a period of a cosine (Loshchilov and Hutter 2017), without restarts.

    Parameters
    ----------
    last : float, optional
        Learning rate that one more epoch after the last epoch would have; at least 0.

    Raises
    ------
    TypeError, ValueError
        If `last` is not a finite number of at least 0.
    """

    last: float = 0.0
    name = "cosine"

    def __post_init__(self) -> None:
        arguments.convert(self, last=arguments.number_from_zero)

    def rate(self, eta: float, epoch: int, epochs: int) -> float:
        return self.last + (eta - self.last) * (1 + math.cos(math.pi * epoch / epochs)) / 2


@dataclass(frozen=True)
class Steps(Schedule):
    """Multiply the learning rate by a factor before each of the given epochs.

    Parameters
    ----------
    epochs : sequence of int or None, optional
        Indices of the epochs, numbered from 0. By default, the epochs after one half and three quarters of all epochs.
    factor : float, optional
        Factor, positive.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or value.
    """

    epochs: Sequence[int] | None = None
    factor: float = 0.1
    name = "steps"

    def __post_init__(self) -> None:
        if self.epochs is not None:
            arguments.convert(self, epochs=_epochs)
        arguments.convert(self, factor=arguments.positive_number)

    def rate(self, eta: float, epoch: int, epochs: int) -> float:
        steps = (epochs // 2, epochs * 3 // 4) if self.epochs is None else self.epochs
        return float(eta * self.factor ** sum(epoch >= step for step in steps))

    def settings(self, epochs: int) -> dict[str, Any]:
        steps = None if self.epochs is None else list(self.epochs)
        return {"name": self.name, "of": epochs, "epochs": steps, "factor": self.factor}


HALVE = "halve"
_BY_NAME = {kind.name: kind for kind in (Geometric, Cosine, Steps)}
SCHEDULES = (HALVE, *_BY_NAME)
"""Names of the schedules. `Plan` implements "halve", which depends on the evaluation accuracy."""


def as_schedule(schedule: Any) -> Schedule | str | None:
    """Check the argument `schedule`, and return a `Schedule`, 'halve' or None.

    Raises
    ------
    ValueError
        If `schedule` is neither a `Schedule`, a name in `SCHEDULES`, nor None.
    """
    if schedule is None or isinstance(schedule, Schedule):
        return schedule
    name = str(arguments.one_of(schedule, SCHEDULES, "schedule"))
    return _BY_NAME[name]() if name in _BY_NAME else name


class StoppingRule(ABC):
    """After each epoch, determines the next learning rate, and whether to stop.

    Parameters
    ----------
    eta : float
        First learning rate.
    patience : int or None
        Number of epochs without an improvement after which the learning rate changes, or training stops. None for
        never.

    Attributes
    ----------
    eta : float
        Learning rate of the next epoch.
    best : float
        Largest value that `look_at` has received so far.
    improved : bool
        Whether the last value is larger than all earlier values.
    stopped : str
        Why training stops; empty if it does not stop.
    """

    def __init__(self, eta: float, patience: int | None) -> None:
        self.eta = eta
        self.best = -float("inf")
        self.improved = False
        self.stopped = ""
        self._patience = patience
        self._since = 0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of the next epoch, whose index is `epoch`, numbered from 0."""
        return self.eta

    def look_at(self, value: float) -> None:
        """Update the rule with the value of an epoch. Larger values are better."""
        self._since = 0 if self._is_improvement(value) else self._since + 1
        self.improved = value > self.best
        self.best = max(self.best, value)
        if self._patience is not None and self._since >= self._patience:
            self._since = 0
            self._act()

    @abstractmethod
    def _is_improvement(self, value: float) -> bool:
        """Return whether a value counts as an improvement of the best value."""

    @abstractmethod
    def _act(self) -> None:
        """Change the learning rate or stop, after `patience` epochs without an improvement."""


class Plan(StoppingRule):
    """Stops training, halves the learning rate, or follows a `Schedule`.

    See chapter 3, "How to choose a neural network's hyper-parameters?". The values are evaluation accuracies. Any
    accuracy above the best one so far is an improvement.

    Parameters
    ----------
    eta : float
        First learning rate.
    patience : int or None
        Number of epochs without an improvement after which the rule acts, as in the book's "no improvement in ten".
        None to train all epochs.
    schedule : Schedule, {'halve'} or None, optional
        With 'halve', the learning rate is halved after `patience` epochs without an improvement, and training stops
        when the rate is 1/128 of the first. Otherwise, training stops after `patience` epochs without an improvement.
    epochs : int, optional
        Number of epochs in all; needed for a `Schedule`.
    """

    def __init__(
        self, eta: float, patience: int | None = None, schedule: Schedule | str | None = None, epochs: int = 0
    ) -> None:
        super().__init__(eta, patience)
        self._first, self._smallest = eta, eta * _SMALLEST
        self._halves, self._epochs = schedule == HALVE, epochs
        self._schedule = schedule if isinstance(schedule, Schedule) else None

    def rate(self, epoch: int) -> float:
        if self._schedule is not None:
            self.eta = self._schedule.rate(self._first, epoch, self._epochs)
        return self.eta

    def _is_improvement(self, value: float) -> bool:
        return value > self.best

    def _act(self) -> None:
        if self._halves:
            self.eta /= 2
        if not self._halves or self.eta <= self._smallest:
            epochs = f"{self._patience} epoch{'s' if self._patience != 1 else ''}"
            self.stopped = f"Stopped: no better evaluation accuracy than {self.best} in {epochs}" + (
                ", with a learning rate halved seven times" if self._halves else ""
            )
