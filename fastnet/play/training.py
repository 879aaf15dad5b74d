"""Trains a network for the page.

Pictures of the training are frames with numbers, weights and activations. The session makes and sends the frames.
"""

from __future__ import annotations

import contextlib
import copy
import math
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from fastnet import network2
from fastnet.datasets.dataset import Dataset
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.learning.stepwise import StepwiseTraining
from fastnet.play import digits
from fastnet.play.settings import RequestError, Settings
from fastnet.play.workers import Worker
from fastnet.utils import progress

_PICTURE = 1 / 60  # least number of seconds between two pictures
_ADVANCE = 0.025  # approximate training time of one `_advance` in seconds; usually also the time between two pictures
_MEASURED = 0.5  # least number of seconds between two measurements of accuracies and gradients
_SAMPLES_OF_GRADIENTS = 200
_CURVE = 2000  # largest number of points of a curve that are kept

_MEASUREMENTS = ("measured_at", "test_accuracy", "training_accuracy", "gradient_norms")

Notify = Callable[[dict[str, Any]], object]


class Trainer:
    """A network in training.

    Threads other than the training thread use only `settings`, `state`, `frozen_network`, `measure` and `curves`.

    Parameters
    ----------
    settings : Settings
        Settings of the network and its training.
    measuring : Worker
        Thread that measures accuracies and gradients.
    net : Network, optional
        Network to train; by default, a new network.

    Attributes
    ----------
    on_picture : callable
        Called with members of the message `progress`, in the training or measuring thread. While the network trains,
        there are about 40 calls a second.
    on_state : callable
        Called with members of the message `state` when a compilation begins, and when the preparation of training ends.
    """

    def __init__(self, settings: Settings, measuring: Worker, net: network2.Network | None = None) -> None:
        self.settings, self._measuring = settings, measuring
        self.on_picture: Notify = lambda members: None
        self.on_state: Notify = lambda members: None
        self.net = net or settings.network()
        self._shown = _copy(self.net)
        self._training: StepwiseTraining | None = None
        self._measured_on: tuple[Dataset, Dataset] | None = None  # data for gradients, data for training accuracy
        self._left = 0.0  # number of mini-batches until training pauses
        self._size = 1  # largest number of mini-batches in the next `_advance`
        self._seconds = self._samples = self._costs = 0.0
        self._total_seconds = 0.0
        self._drawn = self._measured = -math.inf
        self._note: str | None = None
        self._points: list[tuple[float, float | None, float]] = []

    def state(self) -> dict[str, Any]:
        """Return members of the message `state`."""
        training, size = self._training, self.settings.recipe.mini_batch_size
        return {
            "running": self._left > 0,
            "epoch": training.epoch if training else 0,
            "mini_batch": training.mini_batch if training else 0,
            "mini_batches": training.mini_batches if training else -(-self.settings.chosen["samples"] // size),
            "eta": training.eta if training else self.settings.recipe.eta,
            "diverged": "the weights became infinite: choose a smaller eta" if training and training.diverged else None,
            "note": self._note,
        }

    def frozen_network(self) -> network2.Network:
        """Return a copy of the network for other threads. The copy never changes."""
        return self._shown

    def run(self) -> None:
        """Let `go_on` train until `pause` is called."""
        self._begin()
        self._left = math.inf

    def pause(self) -> None:
        """If the training runs, pause it, and send a picture of the training."""
        if self._left > 0:
            self._left = 0
            self._picture(time.perf_counter())

    def step(self, unit: Any) -> None:
        """Let `go_on` train on one mini-batch, or to the end of the epoch if `unit` is "epoch".

        Raises
        ------
        RequestError
            If the unit is invalid, or training cannot go on.
        """
        if unit not in ("mini-batch", "epoch"):
            raise RequestError("unit must be mini-batch or epoch")
        training = self._begin()
        self._left = 1 if unit == "mini-batch" else training.mini_batches - training.mini_batch

    def change_eta(self, eta: Any) -> None:
        """Train with the learning rate `eta` from now on.

        Raises
        ------
        RequestError
            If the learning rate is invalid, or training cannot go on.
        """
        try:
            self._begin().eta = eta
        except (TypeError, ValueError) as error:
            raise RequestError(str(error), "eta") from None

    def change_weights(self, change: Callable[[network2.Network], Any]) -> Any:
        """Call a function that changes the network's weights, and return its result."""
        result = change(self.net)
        self._shown = _copy(self.net)
        return result

    def _begin(self) -> StepwiseTraining:
        """Return the training. The first call prepares the training, which may have to compile kernels."""
        if self._training is None:
            data = self.settings.data()
            self._measured_on = data[:_SAMPLES_OF_GRADIENTS], data[: len(digits.test_data())]
            with self._compilation_shown(), progress.in_background():
                try:
                    self._training = self.net.begin_training(data, **self.settings.training())
                except (TypeError, ValueError) as error:
                    raise RequestError(str(error)) from None
        if self._training.diverged:
            raise RequestError("the weights became infinite: choose a smaller eta, and start again", "eta")
        return self._training

    @contextlib.contextmanager
    def _compilation_shown(self) -> Iterator[None]:
        from fastnet.kernels.compiler import on_compilation

        @contextlib.contextmanager
        def show_compilation() -> Iterator[None]:
            self._note = progress.COMPILING
            self.on_state(self.state())
            yield

        try:
            with on_compilation(show_compilation):
                yield
        finally:
            self._note = None
            self.on_state(self.state())

    def go_on(self) -> bool:
        """Train for about `_ADVANCE` seconds unless paused, and return whether training goes on."""
        if self._training is None or self._left <= 0:
            return False
        try:
            with progress.in_background():
                self._advance(self._training)
        except Exception:
            self._left = 0
            raise
        return self._left > 0

    def _advance(self, training: StepwiseTraining) -> None:
        """Train for about `_ADVANCE` seconds.

        A picture is sent if the last picture is at least `_PICTURE` seconds old, or training pauses.
        """
        at_most = min(self._left, training.mini_batches - training.mini_batch)
        n = int(max(1, min(self._size, at_most)))
        began = time.perf_counter()
        before = training.epoch * training.mini_batches + training.mini_batch
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrainingWarning)  # the page gets `diverged` instead
            cost = training.advance(n)
        seconds = time.perf_counter() - began
        done = training.epoch * training.mini_batches + training.mini_batch - before
        samples = done * self.settings.recipe.mini_batch_size
        self._costs, self._samples = self._costs + cost * samples, self._samples + samples
        self._seconds, self._total_seconds = self._seconds + seconds, self._total_seconds + seconds
        self._left = 0 if training.diverged else self._left - n
        self._size = max(1, min(int(n * _ADVANCE / max(seconds, 1e-6)), 4 * max(n, self._size)))
        now = time.perf_counter()
        if now - self._drawn >= _PICTURE or self._left <= 0:
            self._picture(now)

    def _picture(self, now: float) -> None:
        """Send a picture of the training.

        The network is also measured if the last measurement is at least `_MEASURED` seconds old, or training pauses.
        """
        self._drawn, self._shown = now, _copy(self.net)
        cost = self._costs / self._samples if self._samples else math.nan
        rate = self._samples / self._seconds if self._seconds else 0.0
        self._costs = self._samples = self._seconds = 0.0
        members = self.state() | {
            "cost": cost if math.isfinite(cost) else None,
            "seconds": self._total_seconds,
            "samples_per_second": rate,
            **dict.fromkeys(_MEASUREMENTS),
        }
        self.on_picture(members)
        if self._left <= 0 or now - self._measured >= _MEASURED:
            self.measure(members)

    def measure(self, members: dict[str, Any] | None = None) -> None:
        """Have the current network measured in the measuring thread, which sends the result."""
        self._measured = time.perf_counter()
        members = members or self.state() | {"cost": None, "seconds": self._total_seconds, "samples_per_second": None}
        self._measuring.do_latest("measure", partial(self._measure, self._shown, members))

    def _measure(self, net: network2.Network, members: dict[str, Any]) -> None:
        """Measure the accuracies, and each layer's gradient norm; called in the measuring thread."""
        measured = dict.fromkeys(_MEASUREMENTS) | {
            "measured_at": members["epoch"] + members["mini_batch"] / members["mini_batches"],
            "test_accuracy": net.accuracy(digits.test_data()) / len(digits.test_data()),
        }
        if self._measured_on is not None:
            few, part = self._measured_on
            pairs = zip(*net.gradients(few), strict=True)
            measured["training_accuracy"] = net.accuracy(part) / len(part)
            measured["gradient_norms"] = [float(np.hypot(np.linalg.norm(b), np.linalg.norm(w))) for b, w in pairs]
            self._keep(members["cost"], measured)
        self.on_picture(members | measured)

    def _keep(self, cost: float | None, measured: dict[str, Any]) -> None:
        """Add a point to the curves. If there are then more than `_CURVE` points, keep only every second point."""
        self._points.append((measured["measured_at"], cost, measured["test_accuracy"]))
        if len(self._points) > _CURVE:
            self._points = self._points[::2]

    @property
    def curves(self) -> dict[str, list[float | None]]:
        """Epochs, costs and test accuracies of the points so far; any thread may read this property."""
        points = list(self._points)
        return {name: [point[i] for point in points] for i, name in enumerate(("epoch", "cost", "test_accuracy"))}


def _copy(net: network2.Network) -> network2.Network:
    """Return a copy of the network and its arrays, with the engine 'numpy', which needs no compilation."""
    copied = copy.copy(net)
    copied.engine = "numpy"
    copied.parameters = [{name: array.copy() for name, array in layer.items()} for layer in net.parameters]
    return copied
