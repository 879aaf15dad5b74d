"""Measure what `docs/limits.md` promises about the engine `numba` and `fastnet train`, and print a table.

    python benchmarks/measure.py

The measurement takes about two minutes. Engines are timed alternately, and each ratio compares two successive epochs,
so that changes of the machine's speed affect all engines. Imports, start and memory are measured in fresh processes. A
missed bound is marked "missed".
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.comparison import compare
from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture
from fastnet.network import Network
from fastnet.utils import machine

SIZES = [784, 30, 10]


def main() -> None:
    """Print the table."""
    print(f"{machine.sentence()}.\n")
    promises = [against_the_book(), *process_promises(repetitions=3), shuffling(), drift(), accuracy(seeds=10)]
    print("| promise | | measured |\n| --- | --- | --- |")
    for name, bound, measured, kept in promises:
        print(f"| {name} | {bound} | {measured}{'' if kept else ' **missed**'} |")


def against_the_book() -> tuple[str, str, str, bool]:
    """Compare the time of an epoch with the kernels to that with the book's algorithm."""
    times = compare(SIZES, epochs=3, engines=["numba", "reference"]).times("numba")
    return "`numba` against `reference`, an epoch", "at least 25 times as fast", f"{times:.0f} times", times >= 25


def process_promises(repetitions: int) -> list[tuple[str, str, str, bool]]:
    """Measure imports, loading, start and peak memory of fresh processes."""
    imports, loads, starts, colds, peaks = [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repetitions):
            imports.append(float(python(
                "import time; t = time.perf_counter(); from fastnet import network; print(time.perf_counter() - t)"
            )))  # fmt: skip
            loads.append(float(python(
                "import time; from fastnet import mnist_loader; t = time.perf_counter(); "
                "mnist_loader.load_data_wrapper(); print(time.perf_counter() - t)"
            )))  # fmt: skip
            starts.append(start_to_first_epoch())
            with tempfile.TemporaryDirectory(dir=folder) as cache:
                colds.append(start_to_first_epoch(NUMBA_CACHE_DIR=cache))
            peaks.append(peak_memory([sys.executable, "-m", "fastnet", "train", "--epochs", "2"], folder))
    return [
        ("`from fastnet import network`", "under 0.2 s", f"{median(imports):.2f} s", median(imports) < 0.2),
        ("loading all of MNIST", "under 1 s", f"{median(loads):.2f} s", median(loads) < 1),
        ("start of a process to its first epoch", "at most 0.8 s", f"{median(starts):.2f} s", median(starts) <= 0.8),
        ("the same with nothing compiled", "at most 4 s", f"{median(colds):.1f} s", median(colds) <= 4),
        ("peak memory of `fastnet train`", "under 600 MB", f"{median(peaks):.0f} MB", median(peaks) < 600),
    ]


def python(code: str, **environment: str) -> str:
    """Run code in a fresh process, and return its output."""
    command = [sys.executable, "-c", code]
    variables = {**os.environ, **environment}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=variables).stdout


def start_to_first_epoch(**environment: str) -> float:
    """Return the seconds from the start of a process to its first epoch. The process runs the README's program."""
    code = """
import time
from fastnet import mnist_loader, network
from fastnet.utils import progress
def first(*arguments):
    print(time.time())
    raise SystemExit
progress.runs = first
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
network.Network([784, 30, 10]).SGD(training_data, 1, 10, 3.0, test_data=test_data)
"""
    began = time.time()
    return float(python(code, **environment)) - began


def peak_memory(command: list[str], folder: str) -> float:
    """Return the peak resident memory of a process, in MB of a million bytes."""
    # Linux includes the parent's memory in the peak of a new process, so a small process starts the command.
    code = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, _, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
    starter = [sys.executable, "-c", code, *command]
    return int(subprocess.run(starter, check=True, cwd=folder, capture_output=True, text=True).stdout) / 1e6


def shuffling() -> tuple[str, str, str, bool]:
    """Compare the time of shuffling with that of training an epoch."""
    training_data = mnist_loader.load_data_wrapper()[0]
    engine, random, parts = make_engine(training_data), np.random.RandomState(0), []
    for _ in range(31):
        began = time.perf_counter()
        order = engine.permutation(random, len(training_data))
        shuffled = time.perf_counter()
        engine.epoch(order, 10, 3.0)
        parts.append((shuffled - began) / (time.perf_counter() - shuffled))
    return "shuffling, share of an epoch", "under 1 %", f"{median(parts):.2%}".replace("%", " %"), median(parts) < 0.01


def drift(epochs: int = 300, around: int = 10) -> tuple[str, str, str, bool]:
    """Compare the times of a long training's last epochs with those of a new network's first epochs, alternately."""
    training_data = mnist_loader.load_data_wrapper()[0]
    trained, fresh = make_engine(training_data), make_engine(training_data)
    for _ in range(epochs - around):
        trained.epoch(np.random.permutation(len(training_data)), 10, 3.0)
    ratios = []
    for _ in range(around):  # the networks alternate, so that changes of the machine's speed affect both
        order, seconds = np.random.permutation(len(training_data)), []
        for engine in (trained, fresh):
            began = time.perf_counter()
            engine.epoch(order, 10, 3.0)
            seconds.append(time.perf_counter() - began)
        ratios.append(seconds[0] / seconds[1])
    ratio = median(ratios)
    return f"the {epochs}th epoch against the first", "as long: within 10 %", f"{ratio:.2f} times", abs(ratio - 1) < 0.1


def make_engine(training_data: Dataset) -> Engine:
    """Make an engine with the book's initial parameters."""
    net = Network(SIZES, seed=0)
    architecture = Architecture.dense(SIZES, np.dtype("float32"))
    return engine_class("numba")(architecture, architecture.parameters(net.weights, net.biases), training_data)


def accuracy(seeds: int) -> tuple[str, str, str, bool]:
    """Train the book's network with several seeds, and compare the median accuracy with the promised bounds."""
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    percent = []
    for seed in range(seeds):
        net = Network(SIZES, seed=seed)
        with contextlib.redirect_stdout(io.StringIO()):
            net.SGD(training_data, 30, 10, 3.0)
        percent.append(net.evaluate(test_data) / 100)
    return (
        f"accuracy after 30 epochs, median of {seeds} seeds",
        "94.6 to 95.4 %",
        f"{median(percent):.2f} % ({min(percent):.2f} to {max(percent):.2f})",
        94.6 <= median(percent) <= 95.4,
    )


if __name__ == "__main__":
    main()
