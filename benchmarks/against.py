"""Compare this version with an earlier one: `python benchmarks/against.py REVISION [epochs] [first] [lines]`.

REVISION is a commit of this repository, such as HEAD~1. The versions run alternately, each in its own process, with the
book's API. The sections are:

- `epochs`: time of an epoch of MNIST, for several networks.
- `first`: time from the start of a process with an empty cache to the end of its first epoch; then the time of a second
  network, with tanh and softmax. The earlier version trains the second network by gradient descent, this version with
  Adam.
- `lines`: lines of code, without blank lines, comments and docstrings.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from lines import comparison, sources_in

from fastnet.utils import machine

HERE = Path(__file__).resolve().parent.parent
SECTIONS = ("epochs", "first", "lines")
# For each network: the line that is sent to a process, and the largest allowed ratio of the new to the earlier time.
CASES = {
    "784-30-10, float32": ("network.Network([784, 30, 10]), 10, 3.0, {}", 1.02),
    "784-30-10, float64": ("network.Network([784, 30, 10], dtype='float64'), 10, 3.0, {}", 1.02),
    "with L2": ("network2.Network([784, 30, 10]), 10, 0.5, {'lmbda': 5.0}", 1.02),
    "with momentum": ("network2.Network([784, 30, 10]), 10, 0.05, {'momentum': 0.9}", 1.02),
    "with dropout": ("network2.Network([784, 30, 10]), 10, 0.5, {'dropout': 0.5}", 1.02),
    "784-1000-1000-10": ("network2.Network([784, 1000, 1000, 10]), 10, 0.1, {}", None),
    "784-100-10, mini-batches of 200": ("network2.Network([784, 100, 10]), 200, 0.5, {}", None),
}
ADAM = "network2.Network([784, 100, 10]), 200, 0.001, {'optimizer': 'adam'}", 1.6

EPOCHS = """
import sys
import numpy as np
from fastnet import mnist_loader, network, network2
data = mnist_loader.load_data_wrapper()[0]
nets = {}
for line in sys.stdin:
    if line not in nets:
        np.random.seed(0)
        nets[line] = eval(line)
    net, mini_batch_size, eta, options = nets[line]
    if isinstance(net, network2.Network):
        options = options | {"report": lambda history: None}
    stdout, sys.stdout = sys.stdout, open("/dev/null", "w")
    net.SGD(data, 1, mini_batch_size, eta, **options)
    sys.stdout = stdout
    print(net.history.epochs[-1].seconds, flush=True)
"""

FIRST = """
import time
from fastnet import Dataset, network2
import numpy as np
random = np.random.default_rng(0)
inputs = random.random((1000, 784)) * (random.random((1000, 784)) > 0.8)
data = Dataset(inputs, random.integers(0, 10, 1000))
def train(*network, **options):
    began = time.perf_counter()
    activation = options.pop("activation", "sigmoid")
    network2.Network(*network, activation=activation).SGD(data, 1, 10, 0.01, report=lambda history: None, **options)
    print(time.perf_counter() - began, flush=True)
train([784, 30, 10])
train([784, 40, 10], network2.LogLikelihoodCost, activation="tanh", **SECOND)
"""


class Version:
    """A copy of the package. The method `start` starts processes that use the copy.

    Parameters
    ----------
    folder : Path
        Folder that contains the package.
    cache : Path
        Working directory of the processes, and folder of their compiled code unless `start` gets another folder.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self._cache = folder, cache

    def start(self, code: str, cache: str | None = None) -> subprocess.Popen[str]:
        """Start a process that runs code with this copy of the package."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "NUMBA_CACHE_DIR": cache or str(self._cache)}
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=self._cache,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", help="the earlier version: a commit")
    parser.add_argument("sections", nargs="*", help=f"sections to run: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument(
        "--rounds", type=int, default=25, help="number of epochs of each network (default: %(default)s)"
    )
    arguments = parser.parse_args()
    sections: dict[str, Callable[[Version, Version, int], None]] = {"epochs": epochs, "first": first, "lines": lines}
    for name in arguments.sections:
        if name not in sections:
            parser.error(f"there is no section {name!r}; the sections are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch, name) for name in ("before", "cache-before", "cache-now")]
        for folder in folders:
            folder.mkdir()
        archive = subprocess.run(
            ["git", "archive", arguments.revision, "fastnet", "data"], cwd=HERE, check=True, stdout=subprocess.PIPE
        )
        subprocess.run(["tar", "-x", "-C", folders[0]], input=archive.stdout, check=True)
        before, now = Version(folders[0], folders[1]), Version(HERE, folders[2])
        print(f"{machine.sentence()}. Before: {arguments.revision}.\n")
        for name in arguments.sections or SECTIONS:
            sections[name](before, now, arguments.rounds)
            print()


def epochs(before: Version, now: Version, rounds: int) -> None:
    """Print the median time of an epoch of each version, and the median ratio of the two times in a round."""
    processes = before.start(EPOCHS), now.start(EPOCHS)
    print("| network | before | now | ratio | at most |\n| --- | --- | --- | --- | --- |")
    times: tuple[list[float], list[float]] = ([], [])
    for name, (case, bound) in CASES.items():
        times = [], []
        for number in range(rounds + 1):
            for process, seconds in zip(processes, times, strict=True):
                took = _ask(process, case)
                if number:  # the first epoch, which compiles, is not counted
                    seconds.append(took)
        print(_row(name, *times, bound), flush=True)
    adam: list[float] = []
    plain: list[float] = []
    for number in range(rounds + 1):
        pair = _ask(processes[1], list(CASES.values())[-1][0]), _ask(processes[1], ADAM[0])
        if number:
            plain.append(pair[0])
            adam.append(pair[1])
    print(_row("the last one plain (before) and with Adam (now)", plain, adam, ADAM[1]))
    for process in processes:
        process.communicate()


def first(before: Version, now: Version, rounds: int) -> None:
    """Print the time from a process's start to the end of its first epoch, and the time of a second network."""
    print("| seconds, with an empty cache | before | now | ratio | at most |\n| --- | --- | --- | --- | --- |")
    times: dict[str, tuple[list[float], list[float]]] = {
        "from the start of the process to the end of its first epoch": ([], []),
        "a second network: tanh, softmax (before) and Adam (now)": ([], []),
    }
    for _ in range(max(rounds // 5, 1)):
        for which, (version, second) in enumerate(((before, "{}"), (now, "{'optimizer': 'adam'}"))):
            with tempfile.TemporaryDirectory() as cache:
                began = time.perf_counter()
                process = version.start(FIRST.replace("SECOND", second), cache)
                assert process.stdout is not None
                process.stdout.readline()
                whole = time.perf_counter() - began
                found = whole, float(process.stdout.readline())
                process.communicate()
            for seconds, took in zip(times.values(), found, strict=True):
                seconds[which].append(took)
    for (name, both), bound in zip(times.items(), (1.3, None), strict=True):
        print(_row(name, *both, bound))


def lines(before: Version, now: Version, rounds: int) -> None:
    """Print the number of lines of code of each version, in each folder and in all."""
    print(comparison(sources_in(before.folder / "fastnet"), sources_in(now.folder / "fastnet")))


def _ask(process: subprocess.Popen[str], line: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _row(name: str, before: list[float], now: list[float], bound: float | None) -> str:
    ratio = median(b / a for a, b in zip(before, now, strict=True))
    at_most = "" if bound is None else f"{bound}{'' if ratio <= bound else ' **missed**'}"
    return f"| {name} | {median(before):.4f} | {median(now):.4f} | {ratio:.3f} | {at_most} |"


if __name__ == "__main__":
    main()
