"""Train in several threads and processes that all have to compile first: check the networks and the waiting times.

    python benchmarks/concurrency.py

Every network must equal, bit for bit, the same network trained alone. The waiting time is the time to the end of the
first mini-batch, without Python's start and imports. The table has the longest waiting time of all threads. The bound
is the time of two compilations: a compilation by the process itself, and one by another process, for which the process
waits. If there are more processes than cores, one of the two compilations counts `processes / cores` times. A waiting
time above the bound is marked "missed".
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastnet
from fastnet.utils import machine

PROGRAM = """
import json, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import fastnet.engines.numba
from fastnet import Dataset, network2

seeds, kinds, together = json.loads(sys.argv[1])
meeting = threading.Barrier(len(seeds) if together else 1)

def trained(seed):
    random = np.random.default_rng(seed)
    data = Dataset(random.random((100, 20)), np.eye(4)[random.integers(0, 4, 100)])
    dtype, activation = [("float32", "sigmoid"), ("float32", "tanh"), ("float64", "sigmoid"), ("float64", "tanh")][
        seed % kinds
    ]
    net = network2.Network([20, 10 + seed, 4], activation=activation, dtype=dtype, seed=seed)
    meeting.wait()
    began = time.perf_counter()
    net.update_mini_batch(data[:10], 0.5)
    seconds = time.perf_counter() - began
    net.SGD(data, 10, 10, 0.5, 0.1, momentum=0.5, report=lambda history: None)
    return seconds, b"".join(array.tobytes() for array in net.weights + net.biases).hex()

with ThreadPoolExecutor(len(seeds) if together else 1) as pool:
    print(json.dumps(list(pool.map(trained, seeds))))
"""
THREADS, PROCESSES, KINDS = 8, 4, 4


def main() -> None:
    """Print the table."""
    print(f"{machine.sentence()}.\n")
    expected = {
        kinds: train_concurrently(1, range(PROCESSES * THREADS), kinds, {}, together=False)[1] for kinds in (1, KINDS)
    }
    alone = {}
    for cache in CACHES:
        with caches() as environment:
            alone[cache] = train_concurrently(1, [0], 1, environment(cache))[0]
    for cache, seconds in alone.items():
        print(f"One compilation, {cache}: {seconds:.1f} seconds.")
    print()
    print("| trained in parallel | cache | right | longest wait, seconds | at most |\n| --- | --- | --- | --- | --- |")
    for (processes, threads, kinds), cache in itertools.product(
        [(1, THREADS, 1), (PROCESSES, 1, 1), (PROCESSES, THREADS, 1), (1, THREADS, KINDS)], CACHES
    ):
        seeds = range(threads) if processes == 1 else range(PROCESSES * threads)
        with caches() as environment:
            longest, found = train_concurrently(processes, seeds, kinds, environment(cache))
        bound = alone[cache] * (1 + max(1, processes / int(machine.describe()["cores"])))
        right = sum(found[seed] == expected[kinds][seed] for seed in seeds)
        who = f"{processes} x {threads} threads" if processes > 1 else f"{threads} threads"
        who += f", {kinds} kinds of networks" if kinds > 1 else ""
        print(
            f"| {who} | {cache} | {right} of {len(seeds)}{'' if right == len(seeds) else ' **missed**'} "
            f"| {longest:.1f} | {bound:.1f}{'' if longest <= bound else ' **missed**'} |",
            flush=True,
        )


def train_concurrently(
    processes: int, seeds: Any, kinds: int, environment: dict[str, str], together: bool = True
) -> tuple[float, dict[int, str]]:
    """Train a network for each seed, in several processes; return the longest waiting time, and parameters by seed."""
    parts = [list(seeds)[i::processes] for i in range(processes)]
    commands = [[sys.executable, "-c", PROGRAM, json.dumps([part, kinds, together])] for part in parts]
    variables = {**os.environ, **environment}
    elsewhere = Path(__file__).parent  # a working directory without `fastnet`, which `python -c` would import
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=variables, cwd=elsewhere)
        for command in commands
    ]
    longest, found = 0.0, {}
    for part, process in zip(parts, started, strict=True):
        output, _ = process.communicate()
        for seed, (seconds, bits) in zip(part, json.loads(output or "[]"), strict=False):
            longest, found[seed] = max(longest, seconds), bits
    return longest, found


CACHES = ("empty, and there is no home", "no folder can be written")


@contextlib.contextmanager
def caches() -> Iterator[Callable[[str], dict[str, str]]]:
    """Yield a function that returns the environment variables of a cache, given the name of the cache."""
    with tempfile.TemporaryDirectory() as name:
        package, file = Path(name, "package"), Path(name, "file")
        shutil.copytree(
            Path(fastnet.__file__).parent, package / "fastnet", ignore=shutil.ignore_patterns("__pycache__", "data")
        )
        file.touch()
        # A file in place of a folder makes writing to the cache impossible. A read-only folder would not stop root.
        (package / "fastnet" / "kernels" / "__pycache__").touch()
        home = {"HOME": str(file / "home"), "XDG_CACHE_HOME": str(file / "home")}
        yield {
            CACHES[0]: {"NUMBA_CACHE_DIR": name, **home},
            CACHES[1]: {"NUMBA_CACHE_DIR": str(file / "cache"), "PYTHONPATH": str(package), **home},
        }.__getitem__


if __name__ == "__main__":
    main()
