"""When to stop, and when to train more slowly: chapter 3, "How to choose a neural network's hyper-parameters?"."""

from __future__ import annotations

SCHEDULES = ("halve",)
_SMALLEST = 1 / 128  # of the learning rate that it began with


class Plan:
    """The learning rate of each epoch, until it is time to stop.

    Parameters
    ----------
    eta : float
        The learning rate at first.
    patience : int or None
        How many epochs may pass without a better accuracy than the best before ("no improvement in ten"); None for
        as many as there are.
    schedule : {'halve'} or None
        What is done then: the learning rate is halved, until it is 1/128 of what it was; or else training stops.

    Attributes
    ----------
    eta : float
        The learning rate for the next epoch.
    stopped : str
        Why there is to be no other epoch; empty if there is.
    """

    def __init__(self, eta: float, patience: int | None, schedule: str | None) -> None:
        self.eta = eta
        self.stopped = ""
        self._smallest = eta * _SMALLEST
        self._patience = patience
        self._schedule = schedule
        self._best = -1
        self._since = 0

    def look_at(self, accuracy: int) -> None:
        """Decide what comes next, after an epoch that has led to this accuracy."""
        self._since = 0 if accuracy > self._best else self._since + 1
        self._best = max(self._best, accuracy)
        if self._patience is None or self._since < self._patience:
            return
        self._since = 0
        if self._schedule is not None:
            self.eta /= 2
        if self._schedule is None or self.eta <= self._smallest:
            epochs = f"{self._patience} epoch{'s' if self._patience > 1 else ''}"
            self.stopped = f"Stopped: no better evaluation accuracy than {self._best} in {epochs}" + (
                "" if self._schedule is None else ", with a learning rate halved seven times"
            )
