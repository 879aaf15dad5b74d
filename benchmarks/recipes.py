"""How long until 97 %, and until 98 %, of the test digits: training alone, and a whole process.

    python benchmarks/recipes.py [--seeds 5]

Each recipe is a network and a list of (epochs, eta); its initial weights are scaled by 1 / sqrt(n_in). It is trained on
one processor, with data loaded and kernels compiled, by `numba` and, where it is installed, `torch`. Then in a process
of its own, kernels compiled before (warm) and not (cold), by `numba`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import NamedTuple

import numpy as np

from fastnet import mnist_loader
from fastnet.comparison import timing
from fastnet.engines import engine_class, why_missing
from fastnet.utils import machine


class Recipe(NamedTuple):
    percent: float
    bound: float  # seconds
    sizes: tuple[int, ...]
    mini_batch_size: int
    schedule: tuple[tuple[int, float], ...]


RECIPES = (
    Recipe(97, 0.5, (784, 96, 10), 10, ((2, 3.0), (1, 1.5), (1, 0.5))),
    Recipe(98, 3.0, (784, 200, 10), 5, ((1, 1.0), (7, 2.5), (3, 0.7), (2, 0.2))),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: %(default)s)")
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)  # train one recipe with one engine and leave
    parser.add_argument("--engine", default="numba", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.process is not None:
        train(RECIPES[arguments.process], arguments.engine, 0)
        return
    print(f"{machine.sentence()}; one processor.\n")
    print("| recipe | engine | seconds of training | test accuracy | warm process | cold process |")
    print("| --- | --- | --- | --- | --- | --- |")
    bounds = []
    for number, recipe in enumerate(RECIPES):
        for engine in ("numba", "torch"):
            if why_missing(engine) is None:
                seconds, accuracy = measure(recipe, engine, arguments.seeds if engine == "numba" else 1)
                row = f"| {show(recipe)} | `{engine}` | {seconds:.2f} | {accuracy:.2f} %"
                if engine == "torch":
                    print(f"{row} | | |", flush=True)
                else:
                    warm, cold = process(number, engine, cold=False), process(number, engine, cold=True)
                    print(f"{row} | {warm:.1f} s | {cold:.1f} s |", flush=True)
                    bounds.append((recipe, seconds, accuracy))
    print()
    for recipe, seconds, accuracy in bounds:
        reached = "reached" if accuracy >= recipe.percent else "MISSED"
        print(f"{recipe.percent} % {reached}, seconds, at most {recipe.bound}: {seconds:.2f}")


def measure(recipe: Recipe, engine: str, seeds: int) -> tuple[float, float]:
    """Return the median seconds of training and the median accuracy, in percent."""
    seconds, percent = zip(*(train(recipe, engine, seed) for seed in range(seeds)), strict=True)
    return median(seconds), median(percent)


def train(recipe: Recipe, engine: str, seed: int) -> tuple[float, float]:
    """Return the seconds of training and the accuracy, in percent."""
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    random = np.random.RandomState(seed)
    with timing.limited(1):
        trained = engine_class(engine)(*timing.drawn(recipe.sizes, "float32", random), training_data)
        began = time.perf_counter()
        for epochs, eta in recipe.schedule:
            for _ in range(epochs):
                trained.epoch(random.permutation(len(training_data)), recipe.mini_batch_size, eta)
        seconds = time.perf_counter() - began
        outputs = trained.outputs(test_data)
    return seconds, float((outputs.argmax(axis=1) == test_data.labels(recipe.sizes[-1])).mean()) * 100


def process(number: int, engine: str, *, cold: bool) -> float:
    """Return the seconds of a process that trains by a recipe, with no kernel compiled before if it is cold."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder} if cold else dict(os.environ)
        command = [sys.executable, __file__, "--process", str(number), "--engine", engine]
        began = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began


def show(recipe: Recipe) -> str:
    schedule = ", ".join(f"{epochs} at {eta}" for epochs, eta in recipe.schedule)
    return f"{'-'.join(map(str, recipe.sizes))}, mini-batches of {recipe.mini_batch_size}; epochs: {schedule}"


if __name__ == "__main__":
    main()
