"""Train chapter 6's networks in full, and compare the accuracies with the book's and the times with PyTorch's.

    python benchmarks/chapter6.py [--only ROW,ROW] [--folder FOLDER] [--epochs N] [--at-once N] [--seed N] [--json FILE]

By default, two networks are trained at the same time, each on one processor, for the book's number of epochs. All rows
take three hours, mostly for the ensemble. Each network has a checkpoint in the folder (by default `chapter6`), so that
the same command continues after an interruption. The column `seconds` has the training times of a row's networks, added
up. A network's training time is the median time of its epochs, multiplied by their number. If other programs run, this
product changes less than the sum of the epochs' times. PyTorch's time is extrapolated from 100 mini-batches of the
engine `torch` in one thread. The column of PyTorch's times is empty if PyTorch is not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastnet import network3
from fastnet.book.chapter6.ensemble import vote
from fastnet.book.chapter6.networks import MINI_BATCH_SIZE, one_convolution, shallow, two_convolutions
from fastnet.network3 import Network, ReLU
from fastnet.sweeps.run import one_thread
from fastnet.utils import machine

OF_PYTORCH = 100  # number of mini-batches with which PyTorch is timed
COPIES = 5  # number of images in the expanded data for each image of the training data

with_relu = partial(two_convolutions, ReLU)
with_dropout = partial(two_convolutions, ReLU, (1000, 1000), 0.5)


class Row(NamedTuple):
    """A network or ensemble of the book: title, the book's accuracy in percent, and settings of the training."""

    title: str
    book: float
    layers: Callable[[], list[Any]]
    eta: float
    epochs: int
    lmbda: float = 0.0
    expanded: bool = False
    networks: int = 1


ROWS = {
    "shallow": Row("100 hidden neurons", 97.80, shallow, 0.1, 60),
    "one": Row("one convolution", 98.78, one_convolution, 0.1, 60),
    "two": Row("two convolutions", 99.06, two_convolutions, 0.1, 60),
    "relu": Row("ReLU with L2", 99.23, with_relu, 0.03, 60, 0.1),
    "expanded": Row("expanded data", 99.37, with_relu, 0.03, 60, 0.1, True),
    "dropout": Row("1000 units with dropout", 99.60, with_dropout, 0.03, 40, 0.0, True),
    "ensemble": Row("ensemble of five", 99.67, with_dropout, 0.03, 40, 0.0, True, 5),
}


class Task(NamedTuple):
    """A network to train: the name of its row, its seed, its number of epochs, and the path of its checkpoint."""

    row: str
    seed: int
    epochs: int
    checkpoint: Path


class Trained(NamedTuple):
    """Test accuracy after the best epoch, from 0 to 1; predictions after the last epoch; training time in seconds."""

    accuracy: float
    predictions: np.ndarray
    seconds: float


@dataclass
class Result:
    """A row of the table."""

    row: str
    network: str
    book: float
    ours: float
    epochs: int
    epochs_of_the_book: int
    seconds: float
    pytorch: float | None

    def __str__(self) -> str:
        of_the_book = "" if self.epochs == self.epochs_of_the_book else f" of {self.epochs_of_the_book}"
        pytorch = "" if self.pytorch is None else f"{self.pytorch:.0f}"
        return (
            f"| {self.network} | {self.book:.2f} % | {self.ours:.2f} % | {self.epochs}{of_the_book} | "
            f"{self.seconds:.0f} | {pytorch} |"
        )


@cache
def data(expanded: bool) -> list[Any]:
    """Return training, validation and test data, read once in each process."""
    return network3.load_data_shared(expanded=expanded)


def train(task: Task) -> Trained:
    """Train a network in one thread, from its checkpoint if there is one."""
    row = ROWS[task.row]
    training, validation, test = data(row.expanded)
    np.random.seed(task.seed)
    net = Network(row.layers(), MINI_BATCH_SIZE)
    with one_thread("numba"), contextlib.redirect_stdout(sys.stderr):
        net.SGD(
            training, task.epochs, MINI_BATCH_SIZE, row.eta, validation, test, lmbda=row.lmbda,
            checkpoint=task.checkpoint, resume=True,
        )  # fmt: skip
    seconds = task.epochs * float(np.median([epoch.seconds for epoch in net.history.epochs]))
    return Trained(net.best.test_accuracy, net.predictions(test[0]), seconds)


def seconds_of_pytorch(row: Row, epochs: int) -> float | None:
    """Return PyTorch's time for a row in seconds, extrapolated from `OF_PYTORCH` mini-batches; None without PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return None
    (x, y), validation, _ = data(False)
    part = x[: OF_PYTORCH * MINI_BATCH_SIZE], y[: OF_PYTORCH * MINI_BATCH_SIZE]
    net = Network(row.layers(), MINI_BATCH_SIZE, engine="torch", device="cpu")
    few = [each[:10] for each in validation]
    with one_thread("torch-cpu"), contextlib.redirect_stdout(sys.stderr):
        for _ in range(2):  # the first run warms up
            net.SGD(part, 1, MINI_BATCH_SIZE, row.eta, few, None, lmbda=row.lmbda)
    samples = len(x) * (COPIES if row.expanded else 1)
    return net.history.epochs[0].seconds / len(part[0]) * samples * epochs * row.networks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(ROWS),
        help=f"rows to train: {','.join(ROWS)} (default: all)",
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("chapter6"), help="folder of checkpoints (default: %(default)s)"
    )
    parser.add_argument("--epochs", type=int, help="number of epochs, instead of the book's")
    parser.add_argument("--at-once", type=int, default=2, help="number of parallel trainings (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--seed", type=int, default=0, help="first seed (default: %(default)s)")
    chosen = parser.parse_args()
    unknown = set(chosen.only) - set(ROWS)
    if unknown:
        parser.error(f"--only: there is no row {', '.join(sorted(unknown))}; the rows are {', '.join(ROWS)}")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    print(f"{machine.sentence()}; seed {chosen.seed}, {chosen.at_once} networks at a time.\n")
    print("| network | the book | ours | epochs | seconds | seconds of PyTorch |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    # PyTorch is timed before the processors have other work.
    pytorch = {name: seconds_of_pytorch(ROWS[name], chosen.epochs or ROWS[name].epochs) for name in chosen.only}
    with ProcessPoolExecutor(chosen.at_once, multiprocessing.get_context("spawn")) as pool:
        futures: dict[Task, Future[Trained]] = {}
        for name in chosen.only:
            for task in tasks(name, chosen):
                if task not in futures:
                    futures[task] = pool.submit(train, task)
        results = []
        for name in chosen.only:
            networks = [futures[task].result() for task in tasks(name, chosen)]
            results.append(result(name, networks, chosen.epochs, pytorch[name]))
            print(results[-1], flush=True)
    if chosen.json:
        figures = {"machine": machine.describe(), "seed": chosen.seed}
        chosen.json.write_text(json.dumps(figures | {"rows": [asdict(each) for each in results]}, indent=1))


def tasks(name: str, chosen: argparse.Namespace) -> list[Task]:
    """Return the tasks of a row; the first task of the row `ensemble` is also the task of the row `dropout`."""
    row = ROWS[name]
    kind, epochs = "dropout" if row.layers is with_dropout else name, chosen.epochs or row.epochs
    seeds = range(chosen.seed, chosen.seed + row.networks)
    return [Task(kind, seed, epochs, chosen.folder / f"{kind}-{seed}-{epochs}.checkpoint") for seed in seeds]


def result(name: str, networks: list[Trained], epochs: int | None, pytorch: float | None) -> Result:
    """Return the row of the table."""
    row = ROWS[name]
    if len(networks) == 1:
        accuracy = networks[0].accuracy
    else:
        accuracy = float(np.mean(vote(net.predictions for net in networks) == data(False)[2][1]))
    seconds = sum(net.seconds for net in networks)
    return Result(name, row.title, row.book, 100 * accuracy, epochs or row.epochs, row.epochs, seconds, pytorch)


if __name__ == "__main__":
    main()
