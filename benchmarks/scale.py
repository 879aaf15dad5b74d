"""Measure time per sample in large data sets and deep networks, and memory with a memory-mapped data set.

    python benchmarks/scale.py [--samples N] [--folder FOLDER] [--quick]

- **Many samples.** The inputs are a memory-mapped file of float32, by default 10,000,000 rows of 28 columns, 1.1 GB.
  The time per sample is measured for equally many samples from the whole file and from its first 50,000 rows,
  alternately. The samples come first in the order of the file, which hides memory latency, and then in random order, as
  in training.
- **Many layers.** Networks have 1 to 20 hidden layers. All layers, the inputs and the outputs have the same size, 30 or
  100, so that layers have equally many weights. The time per sample is divided by the number of weights, because a
  sample takes three multiplications for each weight, or two in the first layer.
- **Memory.** A separate process maps the file, makes a data set and an engine, and trains. Only anonymous memory counts
  (RssAnon in Linux's /proc/PID/status), not the pages of the mapped file, which the system can evict.

Times are processor time of one thread. Each row has a quantity, its bound, and the result, marked "missed" if the bound
is not met. `--quick` uses 100,000 samples, fewer rounds and at most 5 hidden layers. `--quick` is for testing the
command: the measurements are not meaningful.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from fastnet import Dataset
from fastnet.comparison.timing import drawn
from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.kernels import threads
from fastnet.utils import machine

COLUMNS, CLASSES, FEW = 28, 2, 50_000
MINI_BATCH_SIZE = 10
WIDTHS, DEPTHS = (30, 100), (1, 2, 5, 10, 20)
SIZES = (COLUMNS, 30, CLASSES), (COLUMNS, 300, CLASSES)
ROWS_AT_A_TIME = 1 << 18
SAMPLED = 0.005  # number of seconds between two readings of a process's memory


class Finding(NamedTuple):
    """A row of the table. `kept` is whether the bound is met; None if there is no bound."""

    what: str
    bound: str
    found: str
    kept: bool | None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000_000, help="number of samples (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="folder of the temporary file")
    parser.add_argument("--rounds", type=int, default=9, help="number of measurements (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="100,000 samples, fewer rounds, at most 5 layers")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)  # the file that the process maps
    options = parser.parse_args()
    if options.memory_of is not None:
        use_memory(options.memory_of)
        return
    n, rounds, depths = options.samples, options.rounds, DEPTHS
    if options.quick:
        n, rounds, depths = 100_000, 1, DEPTHS[:3]
    if n < FEW:
        parser.error(f"--samples is {n}; it must be at least {FEW}")
    print(f"{machine.sentence()}.\n")
    print("| what | bound | found |\n| --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder, "inputs.npy")
        write(path, n)
        with threads.limited(1):
            for finding in findings(path, rounds, depths):
                missed = " **missed**" if finding.kept is False else ""
                print(f"| {finding.what} | {finding.bound} | {finding.found}{missed} |", flush=True)


def findings(path: Path, rounds: int, depths: tuple[int, ...]) -> Iterator[Finding]:
    """Measure and yield all rows of the table."""
    yield from many_samples(path, rounds)
    for width in WIDTHS:
        yield from many_layers(width, depths, 3 * rounds)
    yield from memory(path)


def write(path: Path, n: int) -> None:
    """Write random inputs to the file `path`, part by part, and random labels to a second file."""
    inputs = np.lib.format.open_memmap(path, "w+", np.float32, (n, COLUMNS))
    random = np.random.default_rng(0)
    for first in range(0, n, ROWS_AT_A_TIME):
        inputs[first : first + ROWS_AT_A_TIME] = random.random((min(ROWS_AT_A_TIME, n - first), COLUMNS), np.float32)
    inputs.flush()
    np.save(path.with_name("labels.npy"), random.integers(0, CLASSES, n, np.uint8))


def mapped(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the memory-mapped inputs, and the labels."""
    return np.load(path, mmap_mode="r"), np.load(path.with_name("labels.npy"))


def made_engine(sizes: tuple[int, ...], data: Dataset) -> Engine:
    """Return the compiled engine with parameters that saturate no neuron."""
    return engine_class("numba")(*drawn(sizes, "float32", np.random.RandomState(0)), data.with_vectors(sizes[-1]))


# Many samples


def many_samples(path: Path, rounds: int) -> Iterator[Finding]:
    inputs, labels = mapped(path)
    n, random, of_small_network = len(inputs), np.random.RandomState(1), 0.0
    data = {n: Dataset(inputs, labels), FEW: Dataset(inputs[:FEW], labels[:FEW])}
    at_once = min(n, 10 * FEW)
    for sizes in SIZES:
        engines = {count: made_engine(sizes, each) for count, each in data.items()}
        for kind in ("in the order of the file", "in random order"):
            seconds: dict[int, list[float]] = {count: [] for count in data}
            for i in range(rounds + 1):  # the first round is not counted
                for count, engine in list(engines.items())[:: -1 if i % 2 else 1]:
                    in_order = (np.arange(at_once) + i * at_once) % count
                    order = in_order if kind == "in the order of the file" else random.randint(0, count, at_once)
                    began = time.process_time()
                    engine.epoch(order, MINI_BATCH_SIZE, 0.1)
                    seconds[count].append((time.process_time() - began) / at_once)
            many, few = (median(seconds[count][1:]) for count in (n, FEW))
            ratio = ratio_of(seconds[n][1:], seconds[FEW][1:])
            what = f"time per sample in {name_of(sizes)}, {n:,} against {FEW:,} samples, {kind}"
            found = f"{ratio:.2f} times ({many * 1e9:.0f} and {few * 1e9:.0f} ns)"
            yield Finding(what, "at most 1.1 times", found, ratio <= 1.1)
        of_small_network = of_small_network or many
    yield shuffling(n, of_small_network)


def shuffling(n: int, sample: float) -> Finding:
    """Compare the time of NumPy's shuffling with that of training."""
    began = time.process_time()
    np.random.RandomState(0).permutation(n)
    shuffled = (time.process_time() - began) / n
    found = f"{shuffled * 1e9:.0f} ns per sample, {shuffled / sample:.0%} of training {name_of(SIZES[0])}"
    return Finding(f"time of `RandomState.permutation` for {n:,} samples", "", found, None)


# Many layers


def many_layers(width: int, depths: tuple[int, ...], rounds: int) -> Iterator[Finding]:
    random, samples = np.random.RandomState(2), 5000
    data = Dataset(random.rand(samples, width).astype(np.float32), random.rand(samples, width).astype(np.float32))
    engines = {depth: made_engine((width,) * (depth + 2), data) for depth in depths}
    costs: dict[int, list[float]] = {depth: [] for depth in depths}
    for i in range(rounds + 1):
        order = random.permutation(samples)
        for depth, engine in list(engines.items())[:: -1 if i % 2 else 1]:
            began = time.process_time()
            engine.epoch(order, MINI_BATCH_SIZE, 0.1)
            weights = (depth + 1) * width**2
            costs[depth].append((time.process_time() - began) / samples / weights)
    first = depths[0]
    for depth in depths:
        cost, ratio = median(costs[depth][1:]), ratio_of(costs[depth][1:], costs[first][1:])
        what = f"time per sample and weight, hidden layers of {width} neurons: {depth}"
        if depth == first:
            yield Finding(what, "", f"{cost * 1e12:.0f} ps", None)
        else:
            found = f"{ratio:.2f} times ({cost * 1e12:.0f} ps)"
            yield Finding(f"{what} against {first}", "at most 1.1 times", found, ratio <= 1.1)


def ratio_of(times: list[float], of_others: list[float]) -> float:
    """Return the ratio of two times, as the median over the rounds."""
    return median(a / b for a, b in zip(times, of_others, strict=True))


def name_of(sizes: tuple[int, ...]) -> str:
    return "-".join(map(str, sizes))


# Memory


def memory(path: Path) -> Iterator[Finding]:
    """Measure the memory of a process that trains from the mapped file."""
    if "RssAnon" not in status("self"):
        yield Finding("memory besides the mapped file", "", "not measured: this system has no RssAnon", None)
        return
    command = [sys.executable, __file__, "--memory-of", str(path)]
    n = len(mapped(path)[0])
    of_inputs, bounds = COLUMNS * 4, {"data set": 16, "engine": COLUMNS * 2, "training": 16}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        steps = list(of_steps(process))
    if process.returncode:
        raise SystemExit(f"the measured process failed with exit status {process.returncode}")
    for step, bound in bounds.items():
        before, peak, after = (each / n for each in next((b, p, a) for name, b, p, a in steps if name == step))
        found = f"{peak - before:.0f} at the peak, {after - before:.0f} kept"
        what = step if step == "training" else f"making the {step}"
        what = f"memory for {what}, in bytes per sample; the inputs take {of_inputs}"
        yield Finding(what, f"at most {bound}", found, peak - before <= bound)
    said = json.loads(steps[-1][0])
    shared = "yes" if said["shared"] else "no"
    yield Finding("the engine computes with the mapped inputs", "yes", shared, said["shared"])
    found = f"{said['targets']:.0f}"
    what = f"memory for the engine's targets, in bytes per sample, {CLASSES} numbers each"
    yield Finding(what, f"at most {2 * 4 * CLASSES}", found, said["targets"] <= 2 * 4 * CLASSES)


def of_steps(process: subprocess.Popen[str]) -> Iterator[tuple[str, int, int, int]]:
    """Yield each line that a process prints, one per step, and the anonymous memory of the process in bytes.

    The memory is given before the step, at its peak during the step, and after the step.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    with ThreadPoolExecutor(1) as pool:
        before = 0
        while True:
            line, peak = pool.submit(process.stdout.readline), before
            while not line.done():
                peak = max(peak, anonymous(process.pid))
                time.sleep(SAMPLED)
            if not line.result():
                return
            after = anonymous(process.pid)
            yield line.result().strip(), before, max(peak, after), after
            before = after
            process.stdin.write("\n")
            process.stdin.flush()


def use_memory(path: Path) -> None:
    """Train from the mapped file. After each step, print the name of the step, and wait for a line."""
    sizes = SIZES[0]
    inputs, labels = mapped(path)
    made_engine(sizes, Dataset(inputs[:100], labels[:100])).epoch(
        np.arange(100), MINI_BATCH_SIZE, 0.1
    )  # loads the compiled code
    order = np.random.RandomState(0).permutation(len(inputs))

    def done(step: str) -> None:
        print(step, flush=True)
        sys.stdin.readline()

    done("start")
    data = Dataset(inputs, labels)
    done("data set")
    engine: Any = made_engine(sizes, data)
    done("engine")
    engine.epoch(order, MINI_BATCH_SIZE, 0.1)
    done("training")
    shared = bool(np.may_share_memory(engine._inputs.values, inputs))
    done(json.dumps({"shared": shared, "targets": engine._samples.targets.nbytes / len(inputs)}))


def status(process: int | str) -> str:
    """Return the text of /proc/PID/status of a process; empty without Linux, or if the process has ended."""
    try:
        return Path(f"/proc/{process}/status").read_text()
    except OSError:
        return ""


def anonymous(process: int) -> int:
    """Return the anonymous memory of a process, in bytes; 0 if it is unknown."""
    found = re.search(r"^RssAnon:\s*(\d+) kB", status(process), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
