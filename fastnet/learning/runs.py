"""A run of `SGD`: what is to be done, how far it is done, and what is kept of it on the disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from fastnet.datasets.dataset import Dataset
from fastnet.engines.contract import Arrays, Descent, Engine
from fastnet.learning import checkpoints
from fastnet.learning.checkpoints import Checkpoint
from fastnet.learning.history import Epoch, History
from fastnet.learning.schedules import Plan
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]


class Findings(NamedTuple):
    """What is found out about a network after an epoch; None for what is not asked for.

    Attributes
    ----------
    training_cost, training_accuracy, evaluation_cost, evaluation_accuracy
        As `Epoch` has them.
    never_predicted : tuple of int
        Labels that are often in the data, and that the network gave to no sample.
    """

    training_cost: float | None = None
    training_accuracy: int | None = None
    evaluation_cost: float | None = None
    evaluation_accuracy: int | None = None
    never_predicted: tuple[int, ...] = ()


@dataclass
class Run:
    """What to do, and how far it is done.

    Attributes
    ----------
    engine : Engine
        With the data to train on.
    epochs, mini_batch_size : int
        As for `SGD`.
    plan : Plan
        The learning rates.
    descent : Descent
        What else decides on a step.
    history : History
        What was done.
    """

    engine: Engine
    epochs: int
    mini_batch_size: int
    plan: Plan
    descent: Descent
    history: History
    _checkpoint: Path | None = None
    _resume: bool = False
    _data: str = ""

    @property
    def is_over(self) -> bool:
        """Whether there is no other epoch to train."""
        return len(self.history.epochs) >= self.epochs or bool(self.plan.stopped)

    def add(self, epoch: Epoch) -> None:
        """Add an epoch that is over, and plan what comes next."""
        self.history.epochs.append(epoch)
        if epoch.evaluation_accuracy is not None:
            self.plan.look_at(epoch.evaluation_accuracy)
        self.history.stopped = self.plan.stopped if len(self.history.epochs) < self.epochs else ""

    def keep_in(self, checkpoint: StrPath | None, resume: bool, data: Sequence[Dataset | None]) -> None:
        """Say in which file the run is kept, if in any.

        Parameters
        ----------
        checkpoint : path or None
            The file.
        resume : bool
            Whether to go on from what is there.
        data : sequence of Dataset or None
            What the run depends on.

        Raises
        ------
        ValueError
            If the file is there, and not to go on from; or if there is no file to go on from.
        """
        resume = arguments.flag(resume, "resume")
        if checkpoint is None:
            if resume:
                raise ValueError("resume is True, but there is no checkpoint to go on from; name the file")
            return
        checkpoint = arguments.path(checkpoint, "checkpoint")
        if not resume and checkpoint.exists():
            raise ValueError(f"checkpoint: {checkpoint} is there already; resume=True goes on from it")
        self._checkpoint, self._resume, self._data = checkpoint, resume, checkpoints.checksum(data)

    def keep(self, weights: Arrays, biases: Arrays, generator: Any) -> None:
        """Write the checkpoint, if there is to be one: the parameters, and all else that the next epoch depends on."""
        if self._checkpoint is None:
            return
        checkpoint = Checkpoint(
            recipe=self.history.recipe,
            data=self._data,
            weights=weights,
            biases=biases,
            engine=self.engine.state(),
            dropout_seed=self.descent.seed,
            generator=generator.get_state(legacy=False),
            epochs=self.history.epochs,
        )
        checkpoints.write(self._checkpoint, checkpoint)

    def go_on(self, generator: Any) -> tuple[Arrays, Arrays] | None:
        """Go on from the checkpoint, if that is wanted and there is one, and return its weights and biases."""
        if self._checkpoint is None or not (self._resume and self._checkpoint.exists()):
            return None
        found = checkpoints.read(self._checkpoint, self.history.recipe, self._data)
        self.engine.set_state(found.engine)
        self.descent = replace(self.descent, seed=found.dropout_seed)
        generator.set_state(found.generator)
        for epoch in found.epochs:
            self.add(epoch)
        return found.weights, found.biases
