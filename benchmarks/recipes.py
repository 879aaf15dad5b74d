"""Measure the time to 97 % and 98 % test accuracy, of training alone and of a whole process.

    python benchmarks/recipes.py [--seeds 5]

Each recipe is a network of ReLU neurons with softmax outputs. The learning rate falls linearly to 0, with a step every
tenth of an epoch. Training is timed on one processor, after the data have been loaded and the kernels compiled. The
engines are `numba` and, if PyTorch is installed, `torch`. A whole process is timed with `numba`, with kernels that are
already compiled (warm) or not (cold).
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
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import LogLikelihoodCost
from fastnet.formulas.initialization import normal
from fastnet.formulas.layers import Dense
from fastnet.utils import machine


class Recipe(NamedTuple):
    percent: float
    bound: float  # largest allowed time of training in seconds
    neurons: int  # number of hidden neurons
    mini_batch_size: int
    epochs: int
    eta: float  # initial learning rate, which falls linearly to 0

    def __str__(self) -> str:
        return (
            f"784-{self.neurons}-10, mini-batches of {self.mini_batch_size}, {self.epochs} epochs, eta from {self.eta}"
        )


RECIPES = (Recipe(97, 0.25, 80, 10, 2, 0.2), Recipe(98, 1.0, 240, 8, 3, 0.18))
PARTS = 10  # number of parts of an epoch; each part has its own learning rate
GAIN = 2**0.5  # factor of the initial weights: He et al. (2015)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds (default: %(default)s)")
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)  # train one recipe with one engine, and exit
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
                row = f"| {recipe} | `{engine}` | {seconds:.2f} | {accuracy:.2f} %"
                if engine == "torch":
                    print(f"{row} | | |", flush=True)
                else:
                    warm, cold = process(number, engine, cold=False), process(number, engine, cold=True)
                    print(f"{row} | {warm:.1f} s | {cold:.1f} s |", flush=True)
                    bounds.append((recipe, seconds, accuracy))
    print()
    for recipe, seconds, accuracy in bounds:
        reached = "reached" if accuracy >= recipe.percent else "missed"
        print(f"{recipe.percent} % {reached}, seconds, at most {recipe.bound}: {seconds:.2f}")


def measure(recipe: Recipe, engine: str, seeds: int) -> tuple[float, float]:
    """Return the median training time in seconds, and the median test accuracy in percent."""
    seconds, percent = zip(*(train(recipe, engine, seed) for seed in range(seeds)), strict=True)
    return median(seconds), median(percent)


def train(recipe: Recipe, engine: str, seed: int) -> tuple[float, float]:
    """Return the training time in seconds, and the test accuracy in percent."""
    training_data, _, test_data = mnist_loader.load_data_wrapper()
    random, n = np.random.RandomState(seed), len(training_data)
    layers = Dense(recipe.neurons, "relu"), Dense(10, "softmax")
    architecture = Architecture((784,), layers, LogLikelihoodCost, np.dtype("float32"))
    weights, biases = normal(architecture.weight_shapes, random, scaled=True)
    parameters = architecture.parameters([GAIN * each for each in weights], [0 * each for each in biases])
    etas = np.linspace(recipe.eta, 0, recipe.epochs * PARTS).reshape(recipe.epochs, PARTS)
    with timing.limited(1):
        trained = engine_class(engine)(architecture, parameters, training_data)
        began = time.perf_counter()
        for of_epoch in etas:
            for part, eta in zip(np.array_split(trained.permutation(random, n), PARTS), of_epoch, strict=True):
                trained.epoch(part, recipe.mini_batch_size, eta)
        seconds = time.perf_counter() - began
        outputs = trained.outputs(test_data)
    return seconds, float((outputs.argmax(axis=1) == test_data.labels(10)).mean()) * 100


def process(number: int, engine: str, *, cold: bool) -> float:
    """Return the time in seconds of a process that trains a recipe; if `cold`, the process compiles the kernels."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder} if cold else dict(os.environ)
        command = [sys.executable, __file__, "--process", str(number), "--engine", engine]
        began = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
