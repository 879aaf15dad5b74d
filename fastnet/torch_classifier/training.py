"""The training loop, as a PyTorch user writes it."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Optimizer, lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from fastnet.torch_classifier.checkpoint import all_finite, check_path, load_model, save_model
from fastnet.torch_classifier.data import check_data, training_loader
from fastnet.torch_classifier.model import Classifier, make_model
from fastnet.torch_classifier.options import DEFAULTS, SCHEDULES, Options
from fastnet.utils import torch_threads

_AT_A_TIME = 1000  # images that are evaluated at a time


@dataclass(frozen=True)
class EpochResult:
    """The result of an epoch. It prints as a line.

    Attributes
    ----------
    number : int
        Number of the epoch, from 1.
    learning_rate : float
        Learning rate of the epoch.
    loss, training_accuracy : float
        Mean loss and accuracy, from 0 to 1, of the epoch's samples. Each mini-batch counts before its step, with
        dropout and augmentation if they are used.
    validation_accuracy : float
        Accuracy on the validation data after the epoch, from 0 to 1.
    seconds : float
        Duration of training, without validation.
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
    """The result of a run.

    Attributes
    ----------
    model : Classifier
        The network after the best epoch, on the CPU and in evaluation mode.
    history : tuple of EpochResult
        All epochs.
    """

    model: Classifier
    history: tuple[EpochResult, ...]

    @property
    def best(self) -> EpochResult:
        """The first epoch with the best validation accuracy."""
        return _best(self.history)


def train(
    training: TensorDataset,
    validation: TensorDataset,
    options: Options = DEFAULTS,
    checkpoint: str | os.PathLike[str] = "best_model.pth",
    report: Callable[[EpochResult], object] = print,
) -> Result:
    """Train a new network, and keep the network with the best validation accuracy.

    Parameters
    ----------
    training, validation : TensorDataset
        Images, of shape (n, ...) and type float32, and labels from 0 to 9, of shape (n,) and type int64. With
        `options.augment`, an image must have at least two dimensions.
    options : Options, optional
        The options of the network and its training.
    checkpoint : path, optional
        The file to which the network is written after each epoch that is better than all before, whole or not at all.
        If training ends early, the file holds the best network so far. The file is read again at the end.
    report : callable, optional
        Called with the `EpochResult` after each epoch.

    Returns
    -------
    Result

    Raises
    ------
    ArithmeticError
        If the loss, or a parameter, becomes infinite or not a number; the best network so far is kept.
    OSError
        If the checkpoint cannot be written.
    TypeError, ValueError
        If an argument is not of that form, the data do not fit the network, or there is no such device. The error is
        raised before anything is trained or written.
    """
    if not isinstance(options, Options):
        raise TypeError(f"options is a {type(options).__name__}; it must be made by Options")
    if not callable(report):
        raise TypeError(f"report is {report!r}; it must be a function")
    checkpoint = check_path(checkpoint, "checkpoint")
    _check_fit(training, validation, options)
    device = _device(options.device)
    loss_function = nn.CrossEntropyLoss()
    history: list[EpochResult] = []
    with torch_threads.limited(options.threads), _seeded(options.seed, device):
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
            _check_progress(model, number, loss)
            accuracy = evaluate(model, validation)
            history.append(EpochResult(number, learning_rate, loss, training_accuracy, accuracy, seconds))
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
    """Train on each mini-batch; return the mean loss and the accuracy."""
    device = _device_of(model)
    # Sums stay on the device, because reading a number in each step would wait for the GPU in each step.
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
    """Return the accuracy of a network, from 0 to 1. The network is left in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    data : TensorDataset
        Images and labels, as for `train`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of that form, or a parameter is infinite or not a number.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Module")
    if not all_finite(chain(model.parameters(), model.buffers())):
        raise ValueError("model has parameters that are infinite or not a number; all must be finite")
    check_data(data, "data")
    if isinstance(model, Classifier):
        _check_pixels(data, model.sizes, "data")
    device = _device_of(model)
    model.eval()
    correct = 0
    # A loader always draws a seed. With its own generator, it leaves the global generator unchanged.
    for images, labels in DataLoader(data, _AT_A_TIME, generator=torch.Generator()):
        outputs = model(images.to(device))
        correct += (outputs.argmax(dim=1) == labels.to(device)).sum().item()
    return correct / len(data)


def _best(history: Sequence[EpochResult]) -> EpochResult:
    return max(history, key=lambda epoch: epoch.validation_accuracy)


def _adapt(scheduler: lr_scheduler.LRScheduler, accuracy: float) -> None:
    """Set the learning rate of the next epoch by the schedule."""
    if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
        scheduler.step(accuracy)
    else:
        scheduler.step()


def _check_progress(model: Classifier, number: int, loss: float) -> None:
    """Raise an `ArithmeticError` if the loss or a parameter is not finite."""
    if not math.isfinite(loss):
        raise ArithmeticError(f"epoch {number}: the loss is {loss}; try a smaller learning rate")
    if not all_finite(model.state_dict().values()):
        raise ArithmeticError(f"epoch {number}: a parameter is infinite or not a number; try a smaller learning rate")


def _check_fit(training: Any, validation: Any, options: Options) -> None:
    for data, argument in ((training, "training"), (validation, "validation")):
        check_data(data, argument)
        _check_pixels(data, options.sizes, argument)
    if options.batch_norm and len(training) == 1:
        raise ValueError("training has 1 image; batch normalization needs at least 2")
    shape = tuple(training.tensors[0].shape)
    if options.augment and len(shape) < 3:
        raise ValueError(f"training has images of shape {shape}; to be augmented, it must be (n, ..., height, width)")


def _check_pixels(data: TensorDataset, sizes: Sequence[int], argument: str) -> None:
    pixels = math.prod(data.tensors[0].shape[1:])
    if pixels != sizes[0]:
        raise ValueError(f"{argument} has images of {pixels} pixels, but sizes begins with {sizes[0]}")


def _device(name: str) -> torch.device:
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ValueError("device is 'cuda', but this PyTorch finds no GPU; use 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and available else "cpu")


def _device_of(model: nn.Module) -> torch.device:
    return next(model.parameters(), torch.empty(0)).device


@contextmanager
def _seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed PyTorch's global generators, the source of all random numbers here, and restore them afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else [], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        yield
