"""Measure what the README and the design promise, and print it as two tables in Markdown.

    python benchmarks/measure.py

It takes about a minute. The engines are timed in turns, an epoch each, so that a change of the machine's speed meets
all of them; the ratios are of neighbours. What concerns a process is measured in processes of its own. A promise
that is missed is marked so.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.engines import ENGINES, engine_class
from fastnet.engines.contract import Architecture, Engine
from fastnet.network import Network

SIZES = [784, 30, 10]


def main() -> None:
    """Print the tables."""
    print(f"{machine()}; Python {platform.python_version()}, NumPy {np.__version__}.\n")
    seconds = epochs_in_turns(rounds=5)
    ratios = [reference / numba for numba, reference in zip(seconds["numba"], seconds["reference"], strict=True)]
    print_engines(seconds)
    promises = [
        (
            "`numba` against `reference`, an epoch",
            "at least 25 times as fast",
            f"{median(ratios):.0f} times",
            median(ratios) >= 25,
        ),
        *process_promises(repetitions=7),
        drift(networks=5),
        accuracy(seeds=10),
    ]
    print("| promise | | measured |\n| --- | --- | --- |")
    for name, bound, measured, kept in promises:
        print(f"| {name} | {bound} | {measured}{'' if kept else ' **missed**'} |")


def epochs_in_turns(rounds: int) -> dict[str, list[float]]:
    """Time epochs of every engine, in turns: seconds."""
    training_data = mnist_loader.load_data_wrapper()[0]
    engines = {name: make_engine(name, training_data) for name in ENGINES}
    seconds: dict[str, list[float]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        order = np.random.permutation(len(training_data))
        for name, engine in engines.items():
            began = time.perf_counter()
            engine.epoch(order, 10, 3.0)
            seconds[name].append(time.perf_counter() - began)
    return seconds


def make_engine(name: str, training_data: Dataset, seed: int = 0) -> Engine:
    """Make an engine with the book's initial parameters."""
    net = Network(SIZES, seed=seed)
    architecture = Architecture(tuple(SIZES), np.dtype("float32"))
    return engine_class(name)(architecture, net.weights, net.biases, training_data)


def print_engines(seconds: dict[str, list[float]]) -> None:
    """Print the table of engines."""
    print("| engine | seconds per epoch | fastest to slowest | times the reference |\n| --- | --- | --- | --- |")
    for name, times in seconds.items():
        ratio = median(r / t for r, t in zip(seconds["reference"], times, strict=True))
        print(f"| `{name}` | {median(times):.3f} | {min(times):.3f} to {max(times):.3f} | {ratio:.1f} |")
    print()


def process_promises(repetitions: int) -> list[tuple[str, str, str, bool]]:
    """Measure what concerns a process: its imports, its start, its memory."""
    imports, loads, starts, peaks = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repetitions):
            imports.append(
                float(python("import time; t = time.perf_counter(); import fastnet; print(time.perf_counter() - t)"))
            )
            loads.append(float(python(
                "import time; from fastnet import mnist_loader; t = time.perf_counter(); "
                "mnist_loader.load_data_wrapper(); print(time.perf_counter() - t)"
            )))  # fmt: skip
            starts.append(start_to_first_epoch())
            peaks.append(peak_memory([sys.executable, "-m", "fastnet", "train", "--epochs", "2"], folder))
    return [
        ("`import fastnet`", "under 0.2 s", f"{median(imports):.2f} s", median(imports) < 0.2),
        ("loading all of MNIST", "under 1 s", f"{median(loads):.2f} s", median(loads) < 1),
        ("start of a process to its first epoch", "under 1.5 s", f"{median(starts):.2f} s", median(starts) < 1.5),
        ("peak memory of `fastnet train`", "under 600 MB", f"{median(peaks):.0f} MB", median(peaks) < 600),
    ]


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def start_to_first_epoch() -> float:
    """Time from the start of a process of the README's lines to the first mini-batch of its first epoch, compiled."""
    code = """
import time
from fastnet import mnist_loader, network, progress
def first(*arguments):
    print(time.time())
    raise SystemExit
progress.runs = first
training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
network.Network([784, 30, 10]).SGD(training_data, 1, 10, 3.0, test_data=test_data)
"""
    began = time.time()
    return float(python(code)) - began


def peak_memory(command: list[str], folder: str) -> float:
    """Return the resident memory that a process has at most, in MB of a million bytes."""
    # Linux counts what its parent holds towards a new process's peak, so a small process starts it and not this one.
    code = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, _, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
    starter = [sys.executable, "-c", code, *command]
    return int(subprocess.run(starter, check=True, cwd=folder, capture_output=True, text=True).stdout) / 1e6


def drift(networks: int) -> tuple[str, str, str, bool]:
    """Compare the 30th epoch with the second, over several networks."""
    training_data = mnist_loader.load_data_wrapper()[0]
    ratios = []
    for seed in range(networks):
        engine = make_engine("numba", training_data, seed)
        seconds = []
        for _ in range(30):
            order = np.random.permutation(len(training_data))
            began = time.perf_counter()
            engine.epoch(order, 10, 3.0)
            seconds.append(time.perf_counter() - began)
        ratios.append(seconds[29] / seconds[1])
    ratio = median(ratios)
    return "the 30th epoch against the second", "as long: within 10 %", f"{ratio:.2f} times", abs(ratio - 1) < 0.1


def accuracy(seeds: int) -> tuple[str, str, str, bool]:
    """Run the book's program with several seeds."""
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


def machine() -> str:
    """Describe the processor."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {os.cpu_count()} cores, {platform.system()}"


if __name__ == "__main__":
    main()
