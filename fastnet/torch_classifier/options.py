"""The options of a network and its training."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from fastnet.datasets import mnist
from fastnet.utils import arguments

DEVICES = ("auto", "cpu", "cuda")
SCHEDULES: dict[str, Callable[[Optimizer, int], lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, epochs: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "cosine": lambda optimizer, epochs: lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
    "plateau": lambda optimizer, epochs: lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1),
}

# More threads or processes only wait for one another, and thousands of them can make a machine unusable.
_MOST_AT_ONCE = 4 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Options:
    """The options of a network and its training. Every value is checked when the object is made.

    Attributes
    ----------
    sizes : tuple of int
        Number of neurons in each layer: the pixels of an image, the hidden layers, the ten digits. The machine must
        have enough memory for the weights.
    dropout : float
        Probability of dropping a hidden neuron, from 0 to less than 1.
    batch_norm : bool
        Whether hidden neurons are normalized over the mini-batch, before the ReLU.
    epochs : int
        Largest number of epochs, from 1.
    batch_size : int
        Number of samples in a mini-batch, from 1; with `batch_norm` from 2. It may exceed the number of all samples.
    learning_rate : float
        Initial learning rate, positive also in float32.
    momentum : float
        Share of the velocity kept in each step, from 0 to less than 1.
    weight_decay : float
        Strength of L2 regularization, from 0, of weights and biases as in `torch.optim.SGD`.
    schedule : {'constant', 'cosine', 'plateau'}
        Schedule of the learning rate: constant; along a cosine to 0 after the last epoch; or halved after two
        consecutive epochs without better validation accuracy.
    patience : int
        Number of epochs without better validation accuracy after which training stops, from 1.
    augment : bool
        Whether training images are rotated by up to 10 degrees and shifted by up to a tenth of their side, at random.
        All images of a mini-batch are rotated and shifted by the same amounts.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; 'auto' is a GPU if PyTorch finds one.
    seed : int or None
        Seed from 0 to 2**32 - 1. A seed makes the run repeatable on the CPU, and leaves PyTorch's global generator as
        it was. None means that PyTorch's global generator is used.
    workers : int
        Number of processes that prepare mini-batches, up to four for each processor; 0 if only this process prepares
        them. With `augment`, the result depends on this number.
    threads : int
        Number of threads that compute on the CPU, from 1 to four for each processor. With the other defaults, on two
        processors that were also used otherwise, an epoch took 1.2 s with one thread, and 5 to 50 s with two.

    Raises
    ------
    TypeError, ValueError
        If a value is of another kind or out of range. The message names the option.
    """

    sizes: tuple[int, ...] = (784, 30, 10)
    dropout: float = 0.0
    batch_norm: bool = False
    epochs: int = 30
    batch_size: int = 10
    learning_rate: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"
    patience: int = 5
    augment: bool = False
    device: str = "auto"
    seed: int | None = None
    workers: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, checked(getattr(self, field.name), field.name))
        if self.batch_norm and self.batch_size == 1:
            raise ValueError("batch_size is 1; batch normalization needs mini-batches of at least 2")


def checked(value: Any, name: str) -> Any:
    """Return the value of an option, converted to the option's type.

    Raises
    ------
    TypeError, ValueError
        If the value is of another kind or out of range. The message names the option.
    """
    return _CHECKS[name](value, argument=name)


def _sizes(value: Any, argument: str) -> tuple[int, ...]:
    sizes = tuple(arguments.sizes(value))
    if sizes[-1] != mnist.DIGITS:
        raise ValueError(f"{argument} is {arguments.brief(sizes)}; the last must be {mnist.DIGITS}")
    return sizes


def _seed(value: Any, argument: str) -> int | None:
    return None if value is None else arguments.seed(value)


def _at_once(value: Any, argument: str, least: int) -> int:
    """Return a number of threads or processes, if it is in range."""
    number = arguments.integer(value, argument)
    if not least <= number <= _MOST_AT_ONCE:
        raise ValueError(f"{argument} is {number}; it must be from {least} to {_MOST_AT_ONCE}, four for each processor")
    return number


_CHECKS: dict[str, Callable[..., Any]] = {
    "sizes": _sizes,
    "dropout": arguments.fraction,
    "batch_norm": arguments.flag,
    "epochs": arguments.positive,
    "batch_size": arguments.positive,
    "learning_rate": partial(arguments.positive_number, dtype="float32"),
    "momentum": arguments.fraction,
    "weight_decay": partial(arguments.number_from_zero, dtype="float32"),
    "schedule": partial(arguments.one_of, choices=SCHEDULES),
    "patience": arguments.positive,
    "augment": arguments.flag,
    "device": partial(arguments.one_of, choices=DEVICES),
    "seed": _seed,
    "workers": partial(_at_once, least=0),
    "threads": partial(_at_once, least=1),
}

DEFAULTS = Options()
