"""Chapter 6's results beside ours, and a recipe of our own, as a table.

    python benchmarks/chapter6.py [--full | --reduced] [--only ROW,ROW] [--json FILE] [--seed N]

Full are as many epochs as in the book, for a GPU; reduced are few, for two processor cores, and marked as such. Without
either, it is full where there is a GPU. What training prints goes to standard error.
"""

import argparse
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from fastnet import expand_mnist, mnist_loader, network3
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, sigmoid
from fastnet.utils import machine

MINI_BATCH_SIZE = 10
ENSEMBLE = 5


def shallow():
    return [FullyConnectedLayer(n_in=784, n_out=100), SoftmaxLayer(n_in=100, n_out=10)]


def one_convolution():
    return [
        ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28)),
        FullyConnectedLayer(n_in=20 * 12 * 12, n_out=100),
        SoftmaxLayer(n_in=100, n_out=10),
    ]


def two_convolutions(activation_fn):
    return [
        ConvPoolLayer((20, 1, 5, 5), (MINI_BATCH_SIZE, 1, 28, 28), activation_fn=activation_fn),
        ConvPoolLayer((40, 20, 5, 5), (MINI_BATCH_SIZE, 20, 12, 12), activation_fn=activation_fn),
    ]


def two_convolutions_and_100(activation_fn):
    return [
        *two_convolutions(activation_fn),
        FullyConnectedLayer(n_in=40 * 4 * 4, n_out=100, activation_fn=activation_fn),
        SoftmaxLayer(n_in=100, n_out=10),
    ]


def with_dropout():
    return [
        *two_convolutions(ReLU),
        FullyConnectedLayer(n_in=40 * 4 * 4, n_out=1000, activation_fn=ReLU, p_dropout=0.5),
        FullyConnectedLayer(n_in=1000, n_out=1000, activation_fn=ReLU, p_dropout=0.5),
        SoftmaxLayer(n_in=1000, n_out=10, p_dropout=0.5),
    ]


class Row(NamedTuple):
    """A network of the book's: its accuracy there in per cent, and how it is trained."""

    title: str
    book: float
    layers: Callable[[], list]
    eta: float
    epochs: int
    reduced: int  # epochs
    lmbda: float = 0.0
    expanded: bool = False
    networks: int = 1


ROWS = {
    "shallow": Row("100 hidden neurons", 97.80, shallow, 0.1, 60, 60),
    "one": Row("one convolution", 98.78, one_convolution, 0.1, 60, 8),
    "two": Row("two convolutions", 99.06, lambda: two_convolutions_and_100(sigmoid), 0.1, 60, 8),
    "relu": Row("ReLU with L2", 99.23, lambda: two_convolutions_and_100(ReLU), 0.03, 60, 8, 0.1),
    "expanded": Row("expanded data", 99.37, lambda: two_convolutions_and_100(ReLU), 0.03, 60, 2, 0.1, True),
    "dropout": Row("1000 units with dropout", 99.60, with_dropout, 0.03, 40, 1, 0.0, True),
    "ensemble": Row("ensemble of five", 99.67, with_dropout, 0.03, 40, 1, 0.0, True, ENSEMBLE),
}
MODERN = "modern"


@dataclass
class Result:
    """A row of the table."""

    name: str
    network: str
    book: float | None
    accuracy: float
    epochs: int
    epochs_of_the_book: int | None
    seconds: float

    def __str__(self) -> str:
        book = "" if self.book is None else f"{self.book:.2f} %"
        epochs = str(self.epochs)
        if self.epochs_of_the_book is not None:
            epochs += f" of {self.epochs_of_the_book}"
            epochs += " (reduced)" if self.epochs < self.epochs_of_the_book else " (full)"
        return f"| {self.network} | {book} | {self.accuracy:.2f} % | {epochs} | {self.seconds:.0f} |"


class Data:
    """MNIST on the device, read when it is asked for."""

    @cached_property
    def plain(self):
        return network3.load_data_shared()

    @cached_property
    def expanded(self):
        return network3.load_data_shared(expanded=True)[0]


class Programs:
    """The book's programs; the networks that one row has trained are there for the next."""

    def __init__(self, full: bool, seed: int) -> None:
        self.full = full
        self.seed = seed
        self.data = Data()
        self._with_dropout: list[tuple[Network, float]] = []

    def result(self, name: str) -> Result:
        row = ROWS[name]
        if row.layers is with_dropout:
            while len(self._with_dropout) < row.networks:
                self._with_dropout.append(self._trained(row, self.seed + len(self._with_dropout)))
            trained = self._with_dropout[: row.networks]
        else:
            trained = [self._trained(row, self.seed)]
        networks = [net for net, _ in trained]
        accuracy = networks[0].best.test_accuracy if len(networks) == 1 else vote(networks, self.data.plain[2])
        seconds = sum(seconds for _, seconds in trained)
        return Result(name, row.title, row.book, 100 * accuracy, self._epochs(row), row.epochs, seconds)

    def _trained(self, row: Row, seed: int) -> tuple[Network, float]:
        """Train a network; return it, and the seconds that took."""
        training, validation, test = self.data.plain
        training = self.data.expanded if row.expanded else training
        np.random.seed(seed)
        began = time.perf_counter()
        net = Network(row.layers(), MINI_BATCH_SIZE)
        net.SGD(training, self._epochs(row), MINI_BATCH_SIZE, row.eta, validation, test, lmbda=row.lmbda)
        return net, time.perf_counter() - began

    def _epochs(self, row: Row) -> int:
        return row.epochs if self.full else row.reduced


def vote(networks, data):
    """Return for which part of the data most of the networks are right; the first of those that are as many win."""
    x, y = data
    votes = zip(*[net.predictions(x).tolist() for net in networks], strict=True)
    elected = [Counter(each).most_common(1)[0][0] for each in votes]
    return sum(one == label for one, label in zip(elected, y.tolist(), strict=True)) / len(elected)


# The recipe of our own: three pairs of convolutions, batch normalization, and new images in every epoch.

RECIPE_SIZE = 100  # of a mini-batch
RECIPE_ETA = 0.1  # at its highest
RECIPE_MOMENTUM = 0.9
RECIPE_DECAY = 5e-4  # of weights, not of biases and of what normalization learns
RECIPE_DROPOUT = 0.2
# Widths and epochs. The full one is for a GPU, and has not been run yet.
RECIPES = {"full": ((32, 64, 128), 60), "reduced": ((16, 32, 64), 18)}


def convolution(n_in, n_out, size=3, pooled=False):
    pooling = [nn.MaxPool2d(2)] if pooled else []  # here, so that there is less to normalize
    padding = size // 2
    return [nn.Conv2d(n_in, n_out, size, padding=padding, bias=False), *pooling, nn.BatchNorm2d(n_out), nn.ReLU()]


def recipe_network(widths):
    first, second, third = widths
    return nn.Sequential(
        *convolution(1, first, size=5, pooled=True),
        *convolution(first, second),
        *convolution(second, second, pooled=True),
        *convolution(second, third),
        *convolution(third, third, pooled=True),
        nn.Flatten(),
        nn.Dropout(RECIPE_DROPOUT),
        nn.Linear(third * 3 * 3, 10),
    )


def modern(full: bool, seed: int) -> Result:
    """Train the recipe's network on the 50,000 training images, deformed anew in every epoch."""
    began = time.perf_counter()
    widths, epochs = RECIPES["full" if full else "reduced"]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training, validation, test = mnist_loader.load_data_wrapper()
    np.random.seed(seed)
    torch.manual_seed(seed)
    net = recipe_network(widths).to(device, memory_format=torch.channels_last)
    labels = torch.tensor(training.labels(10), device=device)
    steps = len(training) // RECIPE_SIZE
    optimizer = torch.optim.SGD(
        [
            {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": RECIPE_DECAY},
            {"params": [p for p in net.parameters() if p.ndim == 1]},
        ],
        lr=RECIPE_ETA,
        momentum=RECIPE_MOMENTUM,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RECIPE_ETA, epochs * steps, pct_start=0.25)
    for epoch in range(epochs):
        images = as_images(expand_mnist.deform(training), device)
        order = torch.randperm(len(training), device=device)
        for mini_batch in order.split(RECIPE_SIZE):
            optimizer.zero_grad()
            functional.cross_entropy(net(images[mini_batch]), labels[mini_batch]).backward()
            optimizer.step()
            schedule.step()
        print(f"Epoch {epoch}: validation accuracy {accuracy(net, validation, device):.2f} %", flush=True)
    found = accuracy(net, test, device)
    return Result(MODERN, "a recipe of our own", None, found, epochs, None, time.perf_counter() - began)


def as_images(data, device):
    return torch.tensor(data.inputs, device=device).view(-1, 1, 28, 28)


def accuracy(net, data, device):
    """Return for how many per cent of the data the network is right."""
    net.eval()
    with torch.no_grad():
        predictions = torch.cat([net(part).argmax(dim=1) for part in as_images(data, device).split(1000)])
    net.train()
    return 100 * float((predictions.cpu().numpy() == data.labels(10)).mean())


@contextlib.contextmanager
def one_thread():
    """Keep PyTorch to one thread: with two, on two cores that others used too, an epoch took four times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def main() -> None:
    names = [*ROWS, MODERN]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scope = parser.add_mutually_exclusive_group()
    scope.add_argument("--full", action="store_true", help="as many epochs as in the book")
    scope.add_argument("--reduced", action="store_true", help="few epochs")
    parser.add_argument("--only", type=lambda text: text.split(","), default=names, help=f"of {','.join(names)}")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    chosen = parser.parse_args()
    unknown = set(chosen.only) - set(names)
    if unknown:
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    full = chosen.full or (torch.cuda.is_available() and not chosen.reduced)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    print(f"{machine.sentence()}; {device}; seed {chosen.seed}.\n")
    print("| network | the book | ours | epochs of the book's | seconds |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    programs = Programs(full, chosen.seed)
    results = []
    for name in chosen.only:
        with contextlib.redirect_stdout(sys.stderr), one_thread() if name == MODERN else contextlib.nullcontext():
            results.append(modern(full, chosen.seed) if name == MODERN else programs.result(name))
        print(results[-1], flush=True)
    if chosen.json:
        figures = {"machine": machine.describe() | {"gpu": device}, "seed": chosen.seed, "full": full}
        chosen.json.write_text(json.dumps(figures | {"rows": [asdict(result) for result in results]}, indent=1))


if __name__ == "__main__":
    main()
