"""The training loop, as a PyTorch user writes it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import SGD, Optimizer, lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from fastnet.torch_classifier.checkpoint import load_model, save_model
from fastnet.torch_classifier.data import training_loader
from fastnet.torch_classifier.model import Classifier, make_model
from fastnet.torch_classifier.options import DEFAULTS, SCHEDULES, Options

_AT_A_TIME = 1000  # images, where nothing is learnt from them


@dataclass(frozen=True)
class Epoch:
    """An epoch. It prints as a line.

    Attributes
    ----------
    number : int
        From 1.
    learning_rate : float
        What it was trained with.
    loss, training_accuracy : float
        Means over the mini-batches of the epoch, each from before it was learnt from: with dropout and augmentation,
        if there are. The accuracy is from 0 to 1.
    validation_accuracy : float
        After the epoch, from 0 to 1.
    seconds : float
        Of training, without validation.
    """

    number: int
    learning_rate: float
    loss: float
    training_accuracy: float
    validation_accuracy: float
    seconds: float

    def __str__(self) -> str:
        return (
            f"Epoch {self.number}, Loss: {self.loss:.4f}, "
            f"Train Acc: {self.training_accuracy:.2%}, Val Acc: {self.validation_accuracy:.2%}"
        )


@dataclass(frozen=True)
class Result:
    """What a run led to.

    Attributes
    ----------
    model : Classifier
        As it was after the best epoch: on the CPU, ready to classify.
    history : tuple of Epoch
        All of them.
    """

    model: Classifier
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch with the best validation accuracy, the first of several."""
        return _best(self.history)


def train(
    training: TensorDataset,
    validation: TensorDataset,
    options: Options = DEFAULTS,
    checkpoint: str | os.PathLike[str] = "best_model.pth",
    report: Callable[[Epoch], object] = print,
) -> Result:
    """Train a new network, and keep the best by validation accuracy.

    Parameters
    ----------
    training, validation : TensorDataset
        Images, of shape (n, ...) and type float32, and labels, of shape (n,) and type int64.
    options : Options, optional
        How.
    checkpoint : path, optional
        The file in which the network is kept after each epoch that is better than all before, whole or not at all:
        whatever ends the training early leaves the best so far.
    report : callable, optional
        What is called with each epoch, when it is over.

    Returns
    -------
    Result

    Raises
    ------
    ArithmeticError
        If the loss becomes infinite or not a number; the best network so far is kept.
    OSError
        If the checkpoint cannot be written.
    ValueError
        If the data don't fit the network, or there is no such device.
    """
    _check_fit(training, validation, options)
    device = _device(options.device)
    loss_function = nn.CrossEntropyLoss()
    history: list[Epoch] = []
    with _threads(options.threads), _seeded(options.seed, device):
        model = make_model(options).to(device)
        loader = training_loader(training, options, device)
        optimizer = SGD(
            model.parameters(), options.learning_rate, momentum=options.momentum, weight_decay=options.weight_decay
        )
        scheduler = SCHEDULES[options.schedule](optimizer, options.epochs)
        for number in range(1, options.epochs + 1):
            learning_rate = optimizer.param_groups[0]["lr"]
            began = time.perf_counter()
            loss, training_accuracy = _train_epoch(model, loader, loss_function, optimizer)
            seconds = time.perf_counter() - began
            if not math.isfinite(loss):
                raise ArithmeticError(f"epoch {number}: the loss is {loss}; try a smaller learning rate")
            accuracy = evaluate(model, validation)
            history.append(Epoch(number, learning_rate, loss, training_accuracy, accuracy, seconds))
            if _best(history).number == number:
                save_model(model, checkpoint)
            report(history[-1])
            if number - _best(history).number >= options.patience:
                break
            _adapt(scheduler, accuracy)
    return Result(load_model(checkpoint), tuple(history))


def _train_epoch(
    model: Classifier, loader: DataLoader, loss_function: nn.Module, optimizer: Optimizer
) -> tuple[float, float]:
    """Learn from each mini-batch; return the mean loss and the accuracy."""
    device = _device_of(model)
    # Sums stay on the device: to ask for a number in each step would be to wait for the GPU in each step.
    total_loss, correct, samples = torch.zeros((), device=device), torch.zeros((), device=device), 0
    model.train()
    for images, labels in loader:
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        outputs = model(images)
        loss = loss_function(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.detach() * len(labels)
        correct += (outputs.argmax(dim=1) == labels).sum()
        samples += len(labels)
    return total_loss.item() / samples, correct.item() / samples


@torch.inference_mode()
def evaluate(model: nn.Module, data: TensorDataset) -> float:
    """Return the part of the images that the network gets right, from 0 to 1; it is left ready to classify."""
    device = _device_of(model)
    model.eval()
    correct = 0
    # A loader draws a seed even where nothing is random: not from the global generator, which is to stay as it is.
    for images, labels in DataLoader(data, _AT_A_TIME, generator=torch.Generator()):
        outputs = model(images.to(device))
        correct += (outputs.argmax(dim=1) == labels.to(device)).sum().item()
    return correct / len(data)


def _best(history: Sequence[Epoch]) -> Epoch:
    return max(history, key=lambda epoch: epoch.validation_accuracy)


def _adapt(scheduler: lr_scheduler.LRScheduler, accuracy: float) -> None:
    """Let the schedule decide on the learning rate of the next epoch."""
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        scheduler.step(accuracy)
    else:
        scheduler.step()


def _check_fit(training: TensorDataset, validation: TensorDataset, options: Options) -> None:
    if len(training) == 0 or len(validation) == 0:
        raise ValueError(f"there are {len(training)} training and {len(validation)} validation images; both need some")
    pixels = math.prod(training.tensors[0].shape[1:])
    if pixels != options.sizes[0]:
        raise ValueError(f"sizes begins with {options.sizes[0]}, but the images have {pixels} pixels")
    if options.batch_norm and len(training) == 1:
        raise ValueError("there is 1 training image; batch normalization needs at least 2")


def _device(name: str) -> torch.device:
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError("device is 'cuda', but this PyTorch finds no GPU")
    return torch.device("cuda" if name != "cpu" and available else "cpu")


def _device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Have PyTorch compute with so many threads, and afterwards with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's global generators, from which all that is random here comes, and put them back afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else [], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        yield
