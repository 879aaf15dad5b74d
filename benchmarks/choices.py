"""Measure the times of the alternatives among which `fastnet/kernels/choice.py` chooses.

    python benchmarks/choices.py

The density is the share of inputs that are not zero. For several densities, the alternatives are two classes of
`fastnet/kernels/inputs.py`: `Rows`, which stores only nonzero inputs, and `Matrix`. For networks and mini-batches of
several sizes, there are two choices: one thread or all threads, and whole mini-batches or parts of mini-batches. The
engine `numpy`, whose matrix products use BLAS, is also timed. The alternatives and `numpy` are timed alternately. The
chosen alternative is bold. The last line has the worst choice: the largest ratio of a chosen alternative's time to the
shortest time in its row.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from unittest.mock import patch

import numpy as np

from fastnet import Dataset
from fastnet.comparison import timing
from fastnet.engines import engine_class
from fastnet.kernels import choice, threads
from fastnet.utils import machine

FLOAT32 = np.dtype("float32")
SAMPLES, N_IN, N_OUT, ETA, ROUNDS = 50_000, 784, 10, 0.1, 3
DENSITIES = (0.05, 0.19, 0.3, 0.4, 0.6, 1.0)
WIDTHS = ((30,), (100,), (300,), (1000,), (100, 100))
MINI_BATCH_SIZES = (1, 10, 32, 100, 1000)
LARGE_MINI_BATCH_SIZES = (200, 1000, 5000)


def main() -> None:
    print(f"{machine.sentence()}.\n")
    slowdowns = {}
    print("| density | hidden | batch | rows | matrix | numpy |\n| --- | --- | --- | --- | --- | --- |")
    for density in DENSITIES:
        for hidden, batch in (((30,), 10), ((300,), 100)):
            seconds, chosen = inputs(density, hidden, batch)
            slowdowns[f"density {density}, {show(hidden)}, mini-batches of {batch}"] = line(
                (density, show(hidden), batch), seconds, chosen
            )
    for name, columns, batches, compare in (
        ("threads", "1 thread | all threads", MINI_BATCH_SIZES, thread_counts),
        ("parts", "whole | parts", LARGE_MINI_BATCH_SIZES, parts),
    ):
        print(f"\n| density | hidden | batch | {columns} | numpy |\n" + "| --- " * 6 + "|")
        for density, hidden, batch in product((0.19, 1.0), WIDTHS, batches):
            seconds, chosen = compare(density, hidden, batch)
            slowdowns[f"{name}, density {density}, {show(hidden)}, mini-batches of {batch}"] = line(
                (density, show(hidden), batch), seconds, chosen
            )
    worst = max(slowdowns, key=slowdowns.__getitem__)
    print(f"\nworst choice, {worst}: {slowdowns[worst]:.2f}")


def inputs(density: float, hidden: tuple[int, ...], batch: int) -> tuple[dict[str, float], str]:
    """Return the times of `rows`, `matrix` and `numpy`, in seconds per epoch, and the name of the choice."""
    data = drawn(density)
    engines = {}
    for name, rows in (("rows", True), ("matrix", False)):
        with patch.object(choice, "without_zeros", lambda density, rows=rows: rows):
            copy = Dataset(data.inputs, data.targets)  # a new object, because a data set caches the kernels' inputs
            engines[name] = make("numba", hidden, copy)
    engines["numpy"] = make("numpy", hidden, data)
    return measure(engines, batch), "rows" if choice.without_zeros(density) else "matrix"


def thread_counts(density: float, hidden: tuple[int, ...], batch: int) -> tuple[dict[str, float], str]:
    """Return the times of `one` thread, `all` threads and `numpy`, in seconds per epoch, and the name of the choice."""
    counts = {"one": 1, "all": threads.available()}
    decisions = {name: lambda multiplications, parts, available, n=n: min(n, parts) for name, n in counts.items()}
    seconds, chosen = alternatives("threads", decisions, density, hidden, batch)
    return seconds, "one" if chosen == 1 else "all"


def parts(density: float, hidden: tuple[int, ...], batch: int) -> tuple[dict[str, float], str]:
    """Return the times of `whole` mini-batches, of `parts` and of `numpy`, and the name of the choice.

    The parts have as many samples as the engine chooses for networks whose weights fit into the cache.
    """
    sizes = {"whole": batch, "parts": choice.samples_at_a_time(batch, float("inf"), 0)}
    decisions = {name: lambda samples, *_, n=n: min(n, samples) for name, n in sizes.items()}
    seconds, chosen = alternatives("samples_at_a_time", decisions, density, hidden, batch)
    return seconds, "whole" if chosen == batch else "parts"


def alternatives(
    function: str, decisions: dict[str, Callable], density: float, hidden: tuple[int, ...], batch: int
) -> tuple[dict[str, float], int]:
    """Return the time of each decision and of `numpy`, in seconds per epoch, and the result of `choice.<function>`.

    While a decision is timed, it replaces this function of `choice`.
    """
    data, original, chosen = drawn(density), getattr(choice, function), []

    def recorded(*arguments) -> int:
        chosen.append(original(*arguments))
        return chosen[-1]

    Forced(make("numba", hidden, data), function, recorded).epoch(np.arange(batch), batch, ETA)
    engines = {name: Forced(make("numba", hidden, data), function, decide) for name, decide in decisions.items()}
    return measure({**engines, "numpy": make("numpy", hidden, data)}, batch), chosen[0]


class Forced:
    """An engine in whose epochs a function of `choice` is replaced by `decide`."""

    def __init__(self, engine, function: str, decide: Callable) -> None:
        self._engine, self._function, self._decide = engine, function, decide

    def epoch(self, *arguments) -> None:
        with patch.object(choice, self._function, self._decide):
            self._engine.epoch(*arguments)


def drawn(density: float) -> Dataset:
    """Return random inputs, of which the share `density` is not zero, and random one-hot targets."""
    random = np.random.default_rng(0)
    values = random.random((SAMPLES, N_IN), FLOAT32)
    values[random.random(values.shape, FLOAT32) >= density] = 0
    return Dataset(values, np.eye(N_OUT, dtype=FLOAT32)[random.integers(0, N_OUT, SAMPLES)])


def make(name: str, hidden: tuple[int, ...], data: Dataset):
    return timing.make_engines(
        {name: engine_class(name)}, (N_IN, *hidden, N_OUT), FLOAT32, np.random.RandomState(0), data
    )[name]


def measure(engines: dict, batch: int) -> dict[str, float]:
    return timing.seconds_per_epoch(engines, SAMPLES, batch, ETA, ROUNDS)


def line(labels: tuple, seconds: dict[str, float], chosen: str) -> float:
    """Print a row of a table; return the ratio of the chosen alternative's time to the shortest time."""
    times = [f"**{value:.3f}**" if name == chosen else f"{value:.3f}" for name, value in seconds.items()]
    print("|", " | ".join(map(str, (*labels, *times))), "|", flush=True)
    return seconds[chosen] / min(seconds.values())


def show(hidden: tuple[int, ...]) -> str:
    return "-".join(map(str, hidden))


if __name__ == "__main__":
    main()
