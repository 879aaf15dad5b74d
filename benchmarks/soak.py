"""Train for many epochs, and measure whether memory grows or epochs become slower.

    python benchmarks/soak.py [--epochs 10000] [--mnist-epochs 500]

Each run has its own process. Resident memory is measured after a tenth of the epochs and after the last epoch, each
time after garbage collection. This memory includes the history. Then the network trains for another tenth of the
epochs, alternately with the first epochs of a new network, so that changes of the machine's speed affect both networks.
All work of an epoch is timed. The drift is the median ratio of an epoch's time to the time of the new network's next
epoch, minus 1. A value above its bound is marked "missed". Memory is read from /proc, so Linux is needed.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import pickle
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.learning.history import Epochs, History
from fastnet.network2 import Network
from fastnet.utils import machine

MOST_GROWTH, MOST_DRIFT = 0.01, 0.03
OPTIONS: dict[str, Any] = {"lmbda": 0.1, "momentum": 0.5, "dropout": 0.2}
MONITORS: dict[str, Any] = {"monitor_evaluation_accuracy": True, "monitor_training_cost": True}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "--epochs", type=int, default=10_000, help="number of epochs of the small network (default: 10000)"
    )
    parser.add_argument("--mnist-epochs", type=int, default=500, help="number of epochs of 784-30-10 (default: 500)")
    options = parser.parse_args()
    runs: list[tuple[str, int, dict[str, Any]]] = [
        ("20-16-4", options.epochs, {}),
        ("20-16-4, L2, momentum, dropout, monitors", options.epochs, OPTIONS | MONITORS),
        ("20-16-4, the same with a checkpoint", options.epochs, OPTIONS | MONITORS | {"checkpoint": "run"}),
        ("784-30-10, MNIST", options.mnist_epochs, {}),
    ]
    print(f"{machine.sentence()}.\n")
    print(f"| network | epochs | memory, at most {percent(MOST_GROWTH)} | time, at most {percent(MOST_DRIFT)} |")
    print("| --- | --- | --- | --- |")
    for title, epochs, keywords in runs:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            before, after, history, drift = pool.apply(soak, (title, epochs, keywords))
        growth = after / before - 1
        memory = f"{before / 1e6:.1f} to {after / 1e6:.1f} MB: {percent(growth)}{missed_mark(growth, MOST_GROWTH)}"
        memory += f", history {history / 1e6:.1f} MB"
        print(f"| {title} | {epochs} | {memory} | {percent(drift)}{missed_mark(drift, MOST_DRIFT)} |", flush=True)


def soak(title: str, epochs: int, keywords: dict[str, Any]) -> tuple[int, int, int, float]:
    """Return the memory after a tenth of the epochs and after the last, the history's growth between, and the drift."""
    data = mnist_loader.load_data_wrapper()[0] if "MNIST" in title else small()
    sizes = [int(n) for n in title.partition(",")[0].split("-")]
    tenth = epochs // 10
    memory: list[int] = []
    added: list[int] = []
    turns = threading.Semaphore(0), threading.Semaphore(0)

    def train(network: int, epochs: int, report: Callable[[History], object]) -> list[float]:
        net, took, began = Network(sizes, seed=network), [], time.perf_counter()

        def timed(history: History) -> None:
            nonlocal began
            took.append(time.perf_counter() - began)
            report(history)
            began = time.perf_counter()

        with tempfile.TemporaryDirectory() as folder:
            kept = {"checkpoint": Path(folder, keywords["checkpoint"])} if "checkpoint" in keywords else {}
            net.SGD(data, epochs, 10, 0.5, evaluation_data=data[:500], report=timed, **keywords | kept)
        turns[1 - network].release(2)
        return took[-tenth:]

    def pass_on(network: int) -> None:
        turns[1 - network].release()
        turns[network].acquire()

    def look(history: History) -> None:
        number = len(history.epochs)
        if number in (tenth, epochs):
            memory.append(resident())
        if number == epochs:
            added.append(size_of(history.epochs[tenth:]))
            young.start()
        if number >= epochs:
            pass_on(0)

    new: list[float] = []
    young = threading.Thread(target=lambda: new.extend(train(1, tenth, lambda history: pass_on(1))))
    old = train(0, epochs + tenth, look)
    young.join()
    return memory[0], memory[1], sum(added), median(map(truediv, old, new)) - 1


def size_of(epochs: Epochs) -> int:
    """Return the size of a part of a history, in bytes."""
    tracemalloc.start()
    copies = pickle.loads(pickle.dumps(epochs))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert copies == epochs
    return size


def small() -> Dataset:
    """Return data for the small network."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((1000, 20))
    return Dataset(inputs, np.eye(4)[inputs[:, :4].argmax(axis=1)])


def resident() -> int:
    """Return the resident memory of this process, in bytes, after garbage collection."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def percent(part: float) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> percent(0.0123)
    '1.2 %'
    """
    return f"{part:.1%}".replace("%", " %")


def missed_mark(value: float, bound: float) -> str:
    """Return the mark of a value above its bound, or an empty string."""
    return " **missed**" if value > bound else ""


if __name__ == "__main__":
    main()
