"""What to train, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from fastnet import arguments
from fastnet.datasets import mnist

DEVICES = ("auto", "cpu", "cuda")
SCHEDULES: dict[str, Callable[[Optimizer, int], lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, epochs: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "cosine": lambda optimizer, epochs: lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
    "plateau": lambda optimizer, epochs: lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1),
}

_MOST_NEURONS = 2**31  # in a layer: more than there is memory for, and less than PyTorch's integers hold


@dataclass(frozen=True)
class Options:
    """What to train, and how; every value is checked when the object is made.

    Attributes
    ----------
    sizes : tuple of int
        Neurons in each layer: the pixels of an image, the hidden layers, the ten digits.
    dropout : float
        Probability with which a hidden neuron is left out, from 0 to less than 1.
    batch_norm : bool
        Whether hidden neurons are normalized over the mini-batch, before the ReLU.
    epochs : int
        How often to go through the training data, at most; from 1.
    batch_size : int
        Samples in a mini-batch, from 1; with `batch_norm` from 2.
    learning_rate : float
        At the beginning; positive.
    momentum : float
        What remains of the velocity, from 0 to less than 1.
    weight_decay : float
        L2 regularization, of weights and biases as `torch.optim.SGD` does it; from 0.
    schedule : {'constant', 'cosine', 'plateau'}
        The learning rate: always the same; along a cosine, after the last epoch 0; halved after each two epochs in a
        row with no better validation accuracy.
    patience : int
        Training stops after so many epochs with no better validation accuracy; from 1.
    augment : bool
        Whether training images are rotated by up to 10 degrees and shifted by up to a tenth of their side, at random;
        those of a mini-batch together.
    device : {'auto', 'cpu', 'cuda'}
        Where to compute; 'auto' is a GPU if PyTorch finds one.
    seed : int or None
        From 0 to 2**32 - 1. It makes the run repeatable on the CPU, and leaves PyTorch's global generator as it was;
        without it, that generator is used.
    workers : int
        Processes that prepare mini-batches; 0 for none but this one. With `augment`, another number of them is another
        run.
    threads : int
        That compute, on the CPU; from 1. With the other defaults and two processors that others used as well, an epoch
        took 1.2 s with one thread, and 5 to 50 s with two.

    Raises
    ------
    TypeError, ValueError
        If a value is of another kind or out of range; the message begins with its name.
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
        object.__setattr__(self, "sizes", _checked_sizes(self.sizes))
        for name in ("epochs", "batch_size", "patience", "threads"):
            arguments.positive(getattr(self, name), name)
        for name in ("batch_norm", "augment"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} is {getattr(self, name)!r}; it must be True or False")
        for name in ("dropout", "momentum"):
            arguments.fraction(getattr(self, name), name)
        arguments.positive_number(self.learning_rate, "learning_rate")
        arguments.number_from_zero(self.weight_decay, "weight_decay")
        arguments.natural(self.workers, "workers")
        arguments.one_of(self.schedule, SCHEDULES, "schedule")
        arguments.one_of(self.device, DEVICES, "device")
        if self.seed is not None:
            arguments.seed(self.seed)
        if self.batch_norm and self.batch_size == 1:
            raise ValueError("batch_size is 1; batch normalization needs mini-batches of at least 2")


def _checked_sizes(sizes: Any) -> tuple[int, ...]:
    with arguments.named("sizes"):
        sizes = tuple(sizes)
    sizes = tuple(arguments.positive(size, "sizes") for size in sizes)
    if len(sizes) < 2 or sizes[-1] != mnist.DIGITS:
        raise ValueError(f"sizes is {sizes}; it must be at least two numbers, of which the last is {mnist.DIGITS}")
    if max(sizes) >= _MOST_NEURONS:
        raise ValueError(f"sizes is {sizes}; it must be below {_MOST_NEURONS}")
    return sizes


DEFAULTS = Options()
