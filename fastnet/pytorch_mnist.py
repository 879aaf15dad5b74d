"""A classifier of handwritten digits in idiomatic PyTorch: `python -m fastnet.pytorch_mnist`.

Read this file from top to bottom: options, data, model, training, files, command. A script can call the same functions:

>>> from fastnet import pytorch_mnist
>>> options = pytorch_mnist.Options(sizes=(784, 100, 10), dropout=0.2, seed=1)  # doctest: +SKIP
>>> training, validation, test = pytorch_mnist.load_data()  # doctest: +SKIP
>>> result = pytorch_mnist.train(training, validation, options)  # doctest: +SKIP
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fastnet.utils.imports import of_extra

with of_extra("fastnet.pytorch_mnist", "PyTorch and torchvision", "torch", is_command=__name__ == "__main__"):
    import click
    import torch
    from torch import nn, optim
    from torch.utils.data import DataLoader, TensorDataset
    from torchvision.datasets import MNIST
    from torchvision.transforms import v2

    from fastnet.commands.options import Checked, option, options_of
    from fastnet.commands.run import run
    from fastnet.commands.types import BATCH_NAMES, LR_NAMES, SETTINGS, Command, NewFile
    from fastnet.datasets.mnist import DIGITS, for_torchvision
    from fastnet.files import torch_archives, writing
    from fastnet.files.reading import DataError as DataError
    from fastnet.files.torch_archives import StrPath
    from fastnet.utils import arguments, torch_arguments, torch_seeds, torch_threads

SCHEDULES: dict[str, Callable[[optim.Optimizer, int], optim.lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, epochs: optim.lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "cosine": lambda optimizer, epochs: optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
    "plateau": lambda optimizer, epochs: optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", 0.5, patience=1),
}


@dataclass(frozen=True)
class Options(Checked):
    """The options of a network and its training. Each option has a default value, a check and a description."""

    sizes: tuple[int, ...] = option((784, 30, 10), arguments.sizes, "Number of neurons in each layer.", outputs=DIGITS)
    dropout: float = option(0.0, arguments.fraction, "Probability of dropping a hidden neuron.")
    batch_norm: bool = option(False, arguments.flag, "Normalize hidden neurons over the mini-batch.")
    epochs: int = option(30, arguments.positive, "Largest number of epochs.")
    batch_size: int = option(10, arguments.positive, "Number of samples in a mini-batch.", *BATCH_NAMES)
    learning_rate: float = option(0.1, arguments.positive_number, "Initial learning rate.", *LR_NAMES, dtype="float32")
    momentum: float = option(0.0, arguments.fraction, "Momentum: fraction of the velocity that each step keeps.")
    weight_decay: float = option(0.0, arguments.number_from_zero, "Weight decay (L2).", dtype="float32")
    schedule: str = option("constant", arguments.one_of, "Schedule of the learning rate.", choices=SCHEDULES)
    patience: int = option(5, arguments.positive, "Epochs without better validation accuracy before training stops.")
    augment: bool = option(False, arguments.flag, "Rotate and shift the training images at random.")
    device: str = option("auto", arguments.one_of, "Device; auto prefers a GPU.", choices=torch_arguments.DEVICES)
    seed: int | None = option(None, arguments.seed, "Seed that makes a run repeatable.", type=click.INT)
    threads: int = option(1, arguments.threads, "Number of threads on the CPU.")


DEFAULTS = Options()
# Pixels from 0 (white) to 1 (black). v2.Normalize would lower the accuracy by one percentage point with the defaults.
TRANSFORM = v2.ToDtype(torch.float32, scale=True)
AUGMENTATION = v2.RandomAffine(degrees=10, translate=(0.1, 0.1), interpolation=v2.InterpolationMode.BILINEAR)


def load_data(root: StrPath | None = None) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Load training, validation and test data of MNIST: images of shape (1, 28, 28), and labels.

    Pixels are from 0 to 1. `root` is the root folder of torchvision's data set. Missing files are downloaded. The
    default is fastnet's data.
    """
    with for_torchvision(root) as folder:
        both = [MNIST(folder, train=train, download=True) for train in (True, False)]
        # All images are transformed together, because transforming single images in a loader takes 20 times as long.
        training, test = (TensorDataset(TRANSFORM(data.data.unsqueeze(1)), data.targets) for data in both)
    n = len(training) - len(training) // 6  # as in the book, the last sixth is for validation
    return TensorDataset(*training[:n]), TensorDataset(*training[n:]), test


class Classifier(nn.Module):
    """Dense layers with ReLU between them. They map images of shape (n, ...) to logits of shape (n, 10)."""

    def __init__(self, sizes: Sequence[int], dropout: float = 0.0, batch_norm: bool = False) -> None:
        super().__init__()
        self.sizes, self.dropout, self.batch_norm = tuple(sizes), dropout, batch_norm
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in pairwise(self.sizes[:-1]):
            normalization = [nn.BatchNorm1d(n_out)] if batch_norm else []
            layers += [nn.Linear(n_in, n_out), *normalization, nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
        self.layers = nn.Sequential(*layers, nn.Linear(self.sizes[-2], self.sizes[-1]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return a row of logits for each image."""
        outputs: torch.Tensor = self.layers(images)
        return outputs


def make_model(options: Options = DEFAULTS) -> Classifier:
    """Make a network whose initial parameters are drawn by PyTorch's global generator."""
    return Classifier(options.sizes, options.dropout, options.batch_norm)


@dataclass(frozen=True)
class EpochResult:
    """The result of an epoch, with accuracies from 0 to 1. `str` returns the line that is printed after the epoch."""

    number: int  # number of the epoch, beginning at 1
    learning_rate: float
    loss: float  # mean over the samples, computed before the step of each mini-batch, with dropout and augmentation
    training_accuracy: float  # computed before the step of each mini-batch, with dropout and augmentation
    validation_accuracy: float  # computed after the epoch
    seconds: float  # duration of training, without validation

    def __str__(self) -> str:
        accuracies = f"Train Acc: {self.training_accuracy:.2%}, Val Acc: {self.validation_accuracy:.2%}"
        return f"Epoch {self.number}, Loss: {self.loss:.4f}, {accuracies}"


@dataclass(frozen=True)
class Result:
    """The result of a run."""

    model: Classifier  # network after the best epoch, on the CPU and in evaluation mode
    history: tuple[EpochResult, ...]  # results of all epochs
    best: EpochResult  # result of the first epoch with the best validation accuracy


def train_epoch(model: nn.Module, loader: DataLoader[Any], optimizer: optim.SGD, augment: bool) -> tuple[float, float]:
    """Train on each mini-batch of an epoch, and return the mean loss and the accuracy."""
    device = next(model.parameters()).device
    # The sums stay on the device, because each read of a number would wait for the GPU.
    total_loss, correct, samples = torch.zeros((), device=device), torch.zeros((), device=device), 0
    model.train()
    for images, labels in loader:
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        outputs = model(torch.stack([AUGMENTATION(image) for image in images]) if augment else images)
        loss = nn.functional.cross_entropy(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.detach() * len(labels)
        correct += (outputs.argmax(dim=1) == labels).sum()
        samples += len(labels)
    return total_loss.item() / samples, correct.item() / samples


@torch.inference_mode()
def evaluate(model: nn.Module, data: TensorDataset) -> float:
    """Return a network's accuracy on `data`, from 0 to 1. The network is left in evaluation mode."""
    torch_arguments.finite(model, "model")
    torch_arguments.labelled(data, "data", DIGITS, model.sizes[0] if isinstance(model, Classifier) else None)
    device = next(model.parameters(), torch.empty(0)).device
    model.eval()
    # A loader draws a seed even without shuffling. With its own generator, it leaves PyTorch's global generator alone.
    loader = DataLoader(data, batch_size=1000, generator=torch.Generator())
    return sum(int((model(x.to(device)).argmax(dim=1).cpu() == y).sum()) for x, y in loader) / len(data)


def train(
    training: TensorDataset,
    validation: TensorDataset,
    options: Options = DEFAULTS,
    checkpoint: StrPath = "best_model.pth",
    report: Callable[[EpochResult], object] | None = print,
) -> Result:
    """Train a network. Write it to the file `checkpoint` after each epoch with a new best validation accuracy.

    An invalid argument raises a `TypeError` or `ValueError` before anything is trained or written. A loss or parameter
    that is not finite raises an `ArithmeticError`; the file then has the network after the best earlier epoch, if any.
    """
    arguments.instance(options, Options, "options")
    least, ndim = 2 if options.batch_norm else 1, 3 if options.augment else 2  # one sample cannot be normalized
    torch_arguments.labelled(training, "training", DIGITS, options.sizes[0], least, ndim)
    torch_arguments.labelled(validation, "validation", DIGITS, options.sizes[0])
    if options.batch_norm and options.batch_size == 1:
        raise ValueError("batch_size is 1; batch normalization needs mini-batches of at least 2")
    checkpoint, report = writing.check_path(checkpoint, "checkpoint"), arguments.function(report, "report")
    device = torch_arguments.device(options.device, "device")
    batch_size = min(options.batch_size, len(training))
    drop_last = options.batch_norm and len(training) % batch_size == 1
    history: list[EpochResult] = []
    with torch_seeds.seeded(options.seed, device), torch_threads.limited(options.threads):
        model = make_model(options).to(device)
        loader = DataLoader(training, batch_size, shuffle=True, drop_last=drop_last, pin_memory=device.type == "cuda")
        rate, momentum, decay = options.learning_rate, options.momentum, options.weight_decay
        optimizer = optim.SGD(model.parameters(), rate, momentum, weight_decay=decay)
        scheduler = SCHEDULES[options.schedule](optimizer, options.epochs)
        for number in range(1, options.epochs + 1):
            learning_rate, began = optimizer.param_groups[0]["lr"], time.perf_counter()
            loss, training_accuracy = train_epoch(model, loader, optimizer, options.augment)
            seconds = time.perf_counter() - began
            if not torch_arguments.all_finite([torch.tensor(loss), *model.state_dict().values()]):
                raise ArithmeticError(f"epoch {number}: loss or parameters are not finite; try a smaller learning rate")
            accuracy = evaluate(model, validation)
            history.append(EpochResult(number, learning_rate, loss, training_accuracy, accuracy, seconds))
            best = max(history, key=lambda epoch: epoch.validation_accuracy)
            if best.number == number:
                save_model(best_model := copy.deepcopy(model), checkpoint)
            if report is not None:
                report(history[-1])
            if number - best.number >= options.patience:
                break
            if isinstance(scheduler, optim.lr_scheduler.ReduceLROnPlateau):
                scheduler.step(accuracy)
            else:
                scheduler.step()
    return Result(best_model.cpu().eval(), tuple(history), best)


_SETTINGS = ("sizes", "dropout", "batch_norm")
_FORMAT = torch_archives.Format("fastnet.pytorch_mnist", 1, _SETTINGS, lambda **kept: make_model(Options(**kept)))


def save_model(model: Classifier, path: StrPath) -> None:
    """Write a network to a file atomically. A network that `load_model` would refuse is not written."""
    torch_archives.write(path, arguments.instance(model, Classifier, "model"), _FORMAT)


def load_model(path: StrPath) -> Classifier:
    """Read a network that `save_model` wrote, on the CPU and in evaluation mode. Code in the file is never executed."""
    return torch_archives.read(path, _FORMAT)


@click.command(cls=Command, context_settings=SETTINGS)
@options_of(Options)
@click.option("--data", type=click.Path(file_okay=False), help="Root folder of torchvision.datasets.MNIST.")
@click.option("--save", type=NewFile(), default="best_model.pth", help="File for the best network.")
def command(data: str | None, save: StrPath, **settings: Any) -> None:
    """Train a PyTorch network on handwritten digits. After Ctrl-C, the file contains the best network so far."""
    options = Options(**settings)
    training, validation, test = load_data(data)
    result = train(training, validation, options, save, click.echo)
    if len(result.history) < options.epochs:
        best = f"{result.best.validation_accuracy:.2%} after epoch {result.best.number}"
        click.echo(f"Stopped early: the best validation accuracy is {best} (patience {options.patience})")
    click.echo(f"Test Accuracy: {evaluate(result.model, test):.2%}")


def main() -> None:
    """Run the command. After an error, one line is printed on standard error, and the exit status is 2."""
    run(command, "python -m fastnet.pytorch_mnist", also=(RuntimeError,))  # raised by PyTorch if memory or a GPU fails


if __name__ == "__main__":
    main()
