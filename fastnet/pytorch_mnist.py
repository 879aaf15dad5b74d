"""The classifier of handwritten digits as a PyTorch user writes it: `python -m fastnet.pytorch_mnist`.

A script calls the same functions:

>>> from fastnet import pytorch_mnist
>>> options = pytorch_mnist.Options(sizes=(784, 100, 10), dropout=0.2, seed=1)  # doctest: +SKIP
>>> training, validation, test = pytorch_mnist.load_data()  # doctest: +SKIP
>>> result = pytorch_mnist.train(training, validation, options)  # doctest: +SKIP
>>> pytorch_mnist.evaluate(pytorch_mnist.load_model("best_model.pth"), test)  # doctest: +SKIP

It shares no code with fastnet's networks, and needs the extra `torch`: `pip install 'fastnet[torch]'`.
"""

from __future__ import annotations

import math
import os
import pickle
import shutil
import stat
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, TypeAlias

import click

from fastnet import arguments
from fastnet.commands.parameters import FRACTION, FROM_ZERO, POSITIVE, SETTINGS, NewFile, Sizes
from fastnet.commands.run import run
from fastnet.datasets import mnist
from fastnet.datasets.files import DataError, opened, replaced

try:
    import torch
    from torch import nn
    from torch.optim import SGD, Optimizer, lr_scheduler
    from torch.utils.data import DataLoader, TensorDataset, default_collate
    from torchvision import datasets
    from torchvision.transforms import v2
except ImportError as error:
    missing = f"PyTorch and torchvision are needed ({error}); pip install 'fastnet[torch]' installs them"
    if __name__ != "__main__":
        raise ImportError(f"fastnet.pytorch_mnist: {missing}") from error
    print(f"fastnet.pytorch_mnist: {missing}", file=sys.stderr)
    sys.exit(2)

__all__ = [
    "Classifier",
    "DataError",
    "Epoch",
    "Options",
    "Result",
    "evaluate",
    "load_data",
    "load_model",
    "main",
    "make_model",
    "save_model",
    "train",
]

StrPath: TypeAlias = str | os.PathLike[str]

DEVICES = ("auto", "cpu", "cuda")
SCHEDULES: dict[str, Callable[[Optimizer, int], lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, epochs: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "cosine": lambda optimizer, epochs: lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
    "plateau": lambda optimizer, epochs: lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=1),
}

# From 0, white, to 1, black. With the usual v2.Normalize on top, the default options reach one percent less.
TRANSFORM = v2.ToDtype(torch.float32, scale=True)
AUGMENTATION = v2.RandomAffine(degrees=10, translate=(0.1, 0.1), interpolation=v2.InterpolationMode.BILINEAR)

_AT_A_TIME = 1000  # images, where nothing is learnt from them
_MOST_NEURONS = 2**31  # in a layer: more than there is memory for, and less than PyTorch's integers hold
_KIND = "fastnet.pytorch_mnist"  # by which a checkpoint is known


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


# The data


def load_data(root: StrPath | None = None) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Load MNIST through torchvision, and transform it as a whole.

    Parameters
    ----------
    root : path, optional
        A folder as `torchvision.datasets.MNIST` has it; what is not in it is downloaded into it. Without it, the files
        that come with fastnet, and if there are none, the folder `data`.

    Returns
    -------
    training, validation, test : TensorDataset
        For MNIST 50,000, 10,000 and 10,000 pairs: an image, of shape (1, 28, 28) and type float32, and the digit,
        int64. As in the book, the validation data are the last sixth of MNIST's training data.

    Raises
    ------
    OSError
        If a file cannot be opened or written.
    DataError
        If what there is cannot be read, or is not ten kinds of images.

    Notes
    -----
    Nothing random is done to an image here, so it is done once, to all of them in one tensor, and not again to each in
    every epoch. For 5,000 mini-batches of ten, a loader then takes 0.2 s; with transforms of single images, 4 to 5 s.
    """
    training_digits, test_digits = _digits(root)
    images, labels = _tensors(training_digits)
    split = len(images) - len(images) // 6
    return (
        TensorDataset(images[:split], labels[:split]),
        TensorDataset(images[split:], labels[split:]),
        TensorDataset(*_tensors(test_digits)),
    )


def _digits(root: StrPath | None) -> tuple[datasets.MNIST, datasets.MNIST]:
    """Return torchvision's data sets to train and to test with."""
    bundled = mnist.bundled_folder()
    if root is None and all((bundled / f"{name}.gz").is_file() for name in mnist.CHECKSUMS):
        with TemporaryDirectory() as folder:
            _unpack(bundled, Path(folder))
            return _read(folder)
    return _read("data" if root is None else root)


def _unpack(bundled: Path, root: Path) -> None:
    """Put the bundled files where torchvision looks for them, and as it reads them: not compressed."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, sha256 in mnist.CHECKSUMS.items():
        with opened(bundled / f"{name}.gz", sha256) as packed, (raw / name).open("wb") as file:
            shutil.copyfileobj(packed, file)


def _read(root: StrPath) -> tuple[datasets.MNIST, datasets.MNIST]:
    try:
        return datasets.MNIST(root, train=True, download=True), datasets.MNIST(root, train=False, download=True)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:  # which torchvision has for broken files
        raise DataError(f"{os.fspath(root)}: torchvision cannot read MNIST from this folder ({error})") from None


def _tensors(digits: datasets.MNIST) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images, transformed, of shape (n, 1, height, width), and their labels, of shape (n,)."""
    images, labels = digits.data, digits.targets
    if not 0 < len(images) == len(labels) or labels.max() >= mnist.DIGITS:
        raise DataError(f"{digits.raw_folder}: these are not images with a label from 0 to {mnist.DIGITS - 1} each")
    return TRANSFORM(images.unsqueeze(1)), labels


def _training_loader(data: TensorDataset, options: Options, device: torch.device) -> DataLoader:
    """Hand the data out in mini-batches, in another order each time."""
    alone = len(data) % options.batch_size == 1  # a last mini-batch of one sample, which cannot be normalized
    return DataLoader(
        data,
        options.batch_size,
        shuffle=True,
        drop_last=options.batch_norm and alone,
        collate_fn=_augmented if options.augment else None,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
        pin_memory=device.type == "cuda",
    )


def _augmented(samples: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a mini-batch together, and rotate and shift its images, all by the same.

    That takes 1 s for 5,000 mini-batches of ten; each image by another angle, 5 s.
    """
    images, labels = default_collate(samples)
    return AUGMENTATION(images), labels


# The network


class Classifier(nn.Module):
    """Dense layers with ReLU between them.

    Parameters
    ----------
    sizes : sequence of int
        Neurons in each layer, the inputs first.
    dropout : float, optional
        Probability with which a hidden neuron is left out in training.
    batch_norm : bool, optional
        Whether hidden neurons are normalized over the mini-batch, before the ReLU.

    Attributes
    ----------
    sizes, dropout, batch_norm
        As given.
    layers : nn.Sequential
        They take images of shape (n, ...), and give the unnormalized log-probabilities of the digits, (n, sizes[-1]).
    """

    def __init__(self, sizes: Sequence[int], dropout: float = 0.0, batch_norm: bool = False) -> None:
        super().__init__()
        self.sizes, self.dropout, self.batch_norm = tuple(sizes), dropout, batch_norm
        self.layers = nn.Sequential(nn.Flatten())
        for n_in, n_out in pairwise(self.sizes[:-1]):
            self.layers.append(nn.Linear(n_in, n_out))
            if batch_norm:
                self.layers.append(nn.BatchNorm1d(n_out))
            self.layers.append(nn.ReLU())
            if dropout:
                self.layers.append(nn.Dropout(dropout))
        self.layers.append(nn.Linear(self.sizes[-2], self.sizes[-1]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the unnormalized log-probabilities of the digits, a row an image."""
        return self.layers(images)


def make_model(options: Options = DEFAULTS) -> Classifier:
    """Make a network, with parameters drawn by PyTorch's global generator."""
    return Classifier(options.sizes, options.dropout, options.batch_norm)


# Training


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
    checkpoint: StrPath = "best_model.pth",
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
        loader = _training_loader(training, options, device)
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


# The file of a network


def save_model(model: Classifier, path: StrPath) -> None:
    """Write a network, whole or not at all: tensors, and the plain data that its layers are made from.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If a parameter is infinite or not a number.
    """
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    if not _finite(state):
        raise ValueError("the network has parameters that are infinite or not a number; it cannot be saved")
    contents = {
        "kind": _KIND,
        "sizes": list(model.sizes),
        "dropout": model.dropout,
        "batch_norm": model.batch_norm,
        "state": state,
    }
    with replaced(path) as file:
        torch.save(contents, file)


def load_model(path: StrPath) -> Classifier:
    """Read a network that `save_model` wrote; nothing that the file may ask for is run.

    Returns
    -------
    Classifier
        On the CPU, ready to classify.

    Raises
    ------
    OSError
        If it cannot be opened.
    DataError
        If it does not hold such a network. It is a `ValueError`.
    """
    with Path(path).open("rb") as file:
        try:
            size = _check_archive(file)
            return _model(torch.load(file, map_location="cpu", weights_only=True), size)
        except Exception as error:  # what PyTorch raises for a broken file is of many kinds
            raise DataError(f"{os.fspath(path)}: this file does not hold a network ({_reason(error)})") from None


def _check_archive(file: BinaryIO) -> int:
    """Refuse what PyTorch must not even begin to read; return the size of the file.

    Older formats of PyTorch, and programs (TorchScript), may run code in some of its versions in spite of
    `weights_only=True`. What is compressed may be of any size when it is unpacked; `torch.save` compresses nothing.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it is compressed")
        if sum(entry.file_size for entry in entries) > status.st_size:
            raise ValueError("it claims to hold more than its size")
        if any(Path(entry.filename).name == "constants.pkl" for entry in entries):
            raise ValueError("it is a program of TorchScript")
        if archive.testzip() is not None:  # PyTorch itself does not look at the checksums
            raise ValueError("it is damaged")
    file.seek(0)
    return status.st_size


def _model(contents: Any, size: int) -> Classifier:
    """Make the network, once everything about it has been checked."""
    if not (isinstance(contents, dict) and contents.get("kind") == _KIND):
        raise ValueError("it is of another kind")
    sizes, dropout, batch_norm, state = (contents[name] for name in ("sizes", "dropout", "batch_norm", "state"))
    if not (isinstance(state, dict) and isinstance(sizes, list) and len(sizes) <= len(state) + 1):
        raise ValueError("its sizes and parameters don't fit")
    options = Options(sizes=tuple(sizes), dropout=dropout, batch_norm=batch_norm)
    with torch.device("meta"):  # its shapes, and no memory: sizes may be anything yet
        model = make_model(options)
    _check_state(state, model.state_dict(), size)
    model.to_empty(device="cpu").load_state_dict(state)
    return model.eval()


def _check_state(state: dict[str, Any], expected: dict[str, torch.Tensor], size: int) -> None:
    """Check a network's tensors against those that it should have, and that they are not larger than their file."""
    if state.keys() != expected.keys():
        raise ValueError("its parameters are not those of its layers")
    if any(type(tensor) is not torch.Tensor or tensor.layout is not torch.strided for tensor in state.values()):
        raise ValueError("its parameters are not tensors")
    kinds = {name: (tensor.shape, tensor.dtype, torch.device("cpu")) for name, tensor in expected.items()}
    if {name: (tensor.shape, tensor.dtype, tensor.device) for name, tensor in state.items()} != kinds:
        raise ValueError("its parameters are not of the shapes and the type that its layers have")
    if sum(tensor.nbytes for tensor in state.values()) > size:
        raise ValueError("its parameters claim to be larger than the file")
    if not _finite(state):
        raise ValueError("its parameters are not finite")


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # PyTorch's own message recommends weights_only=False
        return "it asks for more than tensors and plain data, or is damaged"
    if isinstance(error, zipfile.BadZipFile):
        return "it is not an archive as torch.save writes it"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]


def _finite(state: dict[str, torch.Tensor]) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in state.values())


# The command


@click.command(context_settings=SETTINGS)
@click.option("--sizes", type=Sizes(), default="784,30,10", help="Neurons in each layer: pixels, hidden, digits.")
@click.option("--dropout", type=FRACTION, default=DEFAULTS.dropout, help="Probability to leave a hidden neuron out.")
@click.option("--batch-norm", is_flag=True, help="Normalize hidden neurons over the mini-batch.")
@click.option("--epochs", type=click.IntRange(min=1), default=DEFAULTS.epochs, help="At most.")
@click.option(
    "--batch", "batch_size", type=click.IntRange(min=1), default=DEFAULTS.batch_size, help="Samples in a mini-batch."
)
@click.option("--lr", "learning_rate", type=POSITIVE, default=DEFAULTS.learning_rate, help="Learning rate.")
@click.option("--momentum", type=FRACTION, default=DEFAULTS.momentum, help="What remains of the velocity.")
@click.option("--weight-decay", type=FROM_ZERO, default=DEFAULTS.weight_decay, help="L2 regularization.")
@click.option(
    "--schedule",
    type=click.Choice(list(SCHEDULES)),
    default=DEFAULTS.schedule,
    help="The learning rate: constant; along a cosine to 0 in --epochs; or halved after each two epochs in a row with "
    "no better validation accuracy.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=DEFAULTS.patience,
    help="Stop after so many epochs with no better validation accuracy.",
)
@click.option("--augment", is_flag=True, help="Rotate and shift the training images at random.")
@click.option(
    "--device", type=click.Choice(DEVICES), default=DEFAULTS.device, help="Where to compute; auto: on a GPU, if any."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), show_default="another run each time", help="Makes the run repeatable."
)
@click.option("--workers", type=click.IntRange(min=0), default=DEFAULTS.workers, help="Processes that prepare images.")
@click.option("--threads", type=click.IntRange(min=1), default=DEFAULTS.threads, help="That compute, on the CPU.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="Folder of torchvision.datasets.MNIST, which downloads into it what is not there.",
)
@click.option("--save", type=NewFile(), default="best_model.pth", help="Keep the best network in this file.")
def command(sizes: list[int], data: Path | None, save: Path, **settings: Any) -> None:
    """Train a network of PyTorch on handwritten digits.

    A line for each epoch says how well it does on the training and on the validation digits. The best network by
    validation accuracy is kept; how many of the test digits that one gets right comes last. Ctrl-C stops the training
    and leaves the best network so far.

    \b
    A larger network:
        python -m fastnet.pytorch_mnist --sizes 784,100,10 --schedule cosine --epochs 10
    """  # noqa: D301 - to click, a backspace says that the lines below are not to be wrapped
    options = Options(sizes=tuple(sizes), **settings)
    training, validation, test = load_data(data)
    result = train(training, validation, options, save, click.echo)
    if len(result.history) < options.epochs:
        best = f"{result.best.validation_accuracy:.2%}, of epoch {result.best.number}"
        click.echo(f"Stopped early: no validation accuracy better than {best}, in {options.patience} more")
    click.echo(f"Test Accuracy: {evaluate(result.model, test):.2%}")


def main() -> None:
    """Run the command; every error is one line on standard error and exit status 2."""
    # RuntimeError is PyTorch's, if memory is short or the GPU fails.
    run(command, "python -m fastnet.pytorch_mnist", also=(RuntimeError,))


if __name__ == "__main__":
    main()
