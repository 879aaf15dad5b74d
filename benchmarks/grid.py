"""Compare the epoch times of the default engine and its peers for many networks, data, optimizers and precisions.

    python benchmarks/grid.py [--widths 30,100-100] [--batches 1,10] [--data mnist,dense,tall]
        [--optimizers sgd,momentum,adam] [--dtypes float32,float64] [--all] [--json FILE]

The peers are the engines `numpy` and `torch` and those of `peers.py`, each with all processors. Peers that are not
installed are listed and left out. A cell is a combination of data, precision, hidden layers, mini-batch size and
optimizer. In each cell, the program first checks that all engines and peers compute the same parameters, and then times
them alternately. scikit-learn is timed, but not checked, in two kinds of cells, because its formulas differ. With 10
outputs, scikit-learn's cost is the cross-entropy of a softmax. With Adam, scikit-learn adds epsilon before the bias
correction. The time of an epoch is extrapolated from a part of the epoch.

The default cells are `CELLS`. They cover every value of each option, but not every combination. Options select among
the default cells; with `--all`, the cells are all combinations of the options' values. The lead in a cell is the time
of the fastest peer, divided by that of the default engine. The last line has the smallest lead.

Data `mnist` and `dense` have 784 inputs; most inputs are 0 in `mnist`, and almost no input in `dense`. The networks for
`mnist` and `dense` have sigmoid neurons and the quadratic cost. Data `tall` have 500,000 rows of 28 inputs; the network
has tanh neurons, and one sigmoid output with the cross-entropy cost. The learning rate of each optimizer is in
`OPTIMIZERS`.
"""

from __future__ import annotations

import argparse
import json
import warnings
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import peers

from fastnet import Dataset, mnist_loader
from fastnet.comparison import timing
from fastnet.engines import engine_class, why_missing
from fastnet.engines.contract import Descent, Engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import CrossEntropyCost, QuadraticCost
from fastnet.formulas.initialization import normal
from fastnet.formulas.optimizers import Adam, GradientDescent
from fastnet.utils import machine

OURS, ROUNDS = "numba", 3
OPTIMIZERS = {"sgd": (GradientDescent(), 0.1), "momentum": (GradientDescent(0.9), 0.01), "adam": (Adam(), 0.001)}
"""Each optimizer with its learning rate."""

TOLERANCE = {"float32": 1e-3, "float64": 1e-10}
"""Largest accepted distance between two engines' parameters, as a share of the parameters' change in `check`."""

TALL_ROWS, TALL_INPUTS, TALL_HIDDEN = 500_000, 28, "300-300-300-300-300"


class TimedEngine(NamedTuple):
    """An engine with the methods that `timing` needs; it always trains with the same optimizer."""

    engine: Engine
    descent: Descent

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        self.engine.epoch(order, mini_batch_size, eta, self.descent)

    def parameters(self) -> Parameters:
        return self.engine.parameters()


class Cell(NamedTuple):
    """A combination to time; `hidden` has the sizes of the hidden layers, such as "100-100"."""

    data: str
    dtype: str
    hidden: str
    batch: int
    optimizer: str


def cells(data: str, dtypes: str, widths: str, batches: str, optimizers: str) -> list[Cell]:
    """Return the cells of all combinations of values; commas separate the values in each argument."""
    lists = (each.split(",") for each in (data, dtypes, widths, batches, optimizers))
    return [Cell(kind, dtype, hidden, int(batch), name) for kind, dtype, hidden, batch, name in product(*lists)]


CELLS = [
    *cells("mnist,dense", "float32", "30,100,300-300", "10,1000", "sgd"),
    *cells("mnist,dense", "float32", "100", "1,32,100", "sgd"),
    *cells("mnist,dense", "float32", "300,1000,100-100", "1000", "sgd"),
    *cells("mnist,dense", "float32", "30,300-300", "100", "momentum,adam"),
    *cells("dense", "float32", "100", "10,1000", "momentum,adam"),
    *cells("mnist,dense", "float64", "100", "10,1000", "sgd"),
    *cells("tall", "float32,float64", TALL_HIDDEN, "100", "sgd,momentum,adam"),
]
OPTIONS = {
    "data": "kinds of data",
    "dtypes": "precisions",
    "widths": "hidden layers",
    "batches": "mini-batch sizes",
    "optimizers": "optimizers",
}
"""Options for the fields of a cell, with their descriptions."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for (option, what), column in zip(OPTIONS.items(), zip(*CELLS, strict=True), strict=True):
        values = ",".join(dict.fromkeys(map(str, column)))
        parser.add_argument(f"--{option}", default=values, help=f"{what} (default: %(default)s)")
    parser.add_argument(
        "--all", action="store_true", help="all combinations of the options, not only the default cells"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    chosen = cells(*(getattr(arguments, option) for option in OPTIONS))
    if not arguments.all:
        chosen = [cell for cell in CELLS if cell in chosen]
    if not chosen:
        parser.error("no default cell has these values; use --all for all combinations of the values")
    warnings.filterwarnings("ignore")  # warnings of the peers
    classes, missing = compared_engines()
    print(f"{machine.sentence()}.")
    for name, reason in missing.items():
        print(f"Without {name}: {reason}.")
    print(f"| {' | '.join(Cell._fields)} |", " | ".join(classes), "| lead |")
    print("| --- " * (len(Cell._fields) + len(classes) + 1) + "|")
    timed = []
    for cell in chosen:
        seconds = time_engines(classes, cell, training_data(cell.data, cell.dtype))
        lead = min(s for name, s in seconds.items() if name != OURS) / seconds[OURS]
        timed.append({**cell._asdict(), "seconds": seconds, "lead": lead})
        times = " | ".join(f"{s:.3f}" for s in seconds.values())
        print(f"| {' | '.join(map(str, cell))} | {times} | {lead:.2f} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine.describe(), "cells": timed}, indent=1) + "\n")
    worst = min(timed, key=lambda each: each["lead"])
    won = sum(each["lead"] >= 1 for each in timed)
    print(f"won: {won} of {len(timed)} cells")
    where = "{data} {hidden}, mini-batches of {batch}, {optimizer}, {dtype}".format(**worst)
    print(f"The smallest lead is with {where}.")
    print(f"smallest lead over the best peer, at least 1: {worst['lead']:.2f}")


def compared_engines() -> tuple[dict, dict]:
    """Return the classes of the installed engines and peers, the default engine first, and why others are missing."""
    names = (OURS, "numpy", "torch")
    classes = {name: engine_class(name) for name in names if why_missing(name) is None}
    missing = {name: why_missing(name) for name in names if why_missing(name)}
    return {**classes, **peers.ENGINES}, {**missing, **peers.MISSING}


@lru_cache(maxsize=1)
def training_data(kind: str, dtype: str) -> Dataset:
    """Return the data `mnist`, `dense` or `tall`, converted to a dtype."""
    if kind == "tall":
        data = tall(TALL_ROWS)
    else:
        data = mnist_loader.load_data_wrapper()[0]
        if kind == "dense":
            inputs = np.random.default_rng(0).random(data.inputs.shape, np.float32) - np.float32(0.5)
            data = Dataset(inputs, data.targets)
    return Dataset(data.inputs.astype(dtype, copy=False), data.targets.astype(dtype, copy=False))


def tall(rows: int) -> Dataset:
    """Return data with many samples. A target is 1 if a function of some inputs, plus noise, is positive."""
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, TALL_INPUTS), np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.5 * random.standard_normal(rows, np.float32) > 0
    return Dataset(x, y[:, np.newaxis].astype(np.float32))


def time_engines(classes: dict[str, type[Engine]], cell: Cell, data: Dataset) -> dict[str, float]:
    """Return the seconds per epoch of each engine."""
    optimizer, eta = OPTIMIZERS[cell.optimizer]
    engines = made(classes, cell, data)
    architecture = engines[OURS].engine.architecture
    same = {name: each for name, each in engines.items() if peers.computes_the_same(name, architecture, optimizer)}
    check(same, np.random.RandomState(1).permutation(len(data)), cell.batch, eta)
    seconds = timing.seconds_per_epoch(engines, len(data), cell.batch, eta, ROUNDS)
    for name, engine in engines.items():
        timing.check_finite(name, engine, eta)
    return seconds


def made(classes: dict[str, type[Engine]], cell: Cell, data: Dataset) -> dict[str, TimedEngine]:
    """Make an engine for each class; all engines have the same parameters."""
    activation, cost = ("tanh", CrossEntropyCost) if cell.data == "tall" else ("sigmoid", QuadraticCost)
    sizes = [data.inputs.shape[1], *map(int, cell.hidden.split("-")), data.targets.shape[1]]
    architecture = Architecture.dense(sizes, np.dtype(cell.dtype), activation, cost)
    parameters = architecture.parameters(*normal(architecture.weight_shapes, np.random.RandomState(0), scaled=True))
    descent = Descent(OPTIMIZERS[cell.optimizer][0])
    return {name: TimedEngine(class_(architecture, parameters, data), descent) for name, class_ in classes.items()}


def check(engines: dict[str, TimedEngine], order: np.ndarray, mini_batch_size: int, eta: float) -> float:
    """Train all engines on the first few mini-batches; return the largest distance from the first engine's parameters.

    The distance is the Euclidean norm of the difference, divided by the norm of the change in training. Without the
    division, the distance of a wrong engine would be small too, because a few mini-batches change parameters little.
    The largest difference of a single parameter would be unsuitable for Adam, whose steps all have about the same size.
    Even if a gradient is only a rounding error, Adam may change the parameter by a whole step in either direction.

    Raises
    ------
    ArithmeticError
        If the distance is larger than `TOLERANCE`.
    """
    before = timing.flat(next(iter(engines.values())).parameters())
    for engine in engines.values():
        engine.epoch(order[: timing.CHECKED_MINI_BATCHES * mini_batch_size], mini_batch_size, eta)
    (first, expected), *others = ((name, timing.flat(engine.parameters())) for name, engine in engines.items())
    change, largest = np.linalg.norm(expected - before), 0.0
    for name, found in others:
        apart = float(np.linalg.norm(found - expected) / change)
        largest = max(largest, apart)
        if not apart < TOLERANCE[found.dtype.name]:
            raise ArithmeticError(
                f"the parameters of {first} and {name} differ by {apart:.2g} times their change in training; "
                f"at most {TOLERANCE[found.dtype.name]} is allowed, so the engines are not timed"
            )
    return largest


if __name__ == "__main__":
    main()
