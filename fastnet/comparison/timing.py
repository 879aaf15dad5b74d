"""Measures how long engines train.

Engines take turns, so a change of the machine's speed affects all of them. Only training is timed, without shuffling,
evaluation and preparation. Before the timing, all engines train on a few mini-batches, and their parameters are
compared.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from fastnet.datasets.dataset import Dataset
from fastnet.engines import VARIANTS, engine_class, why_missing
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.initialization import normal
from fastnet.utils import arguments

ENGINES = ("numba", "numpy", *VARIANTS, "reference")
"""Engines that are compared by default."""

MAP_ENGINES = ("numba", "numpy", "torch-cpu", "torch-cuda")
"""Default engines of a map. Engines that compile for every network, or are slow in every cell, are left out."""

CHECKED_MINI_BATCHES = 5
_TOLERANCE = {"float32": 1e-3, "float64": 1e-10}  # largest accepted difference between two engines' parameters
_SLICE = 0.15  # approximate duration of the timed part of an epoch, in seconds
_REST = 0.3  # pause before each timing, in seconds, until libraries' threads stop spinning; 0.03 was too short


def installed(engines: Sequence[str]) -> dict[str, type[Engine]]:
    """Return the classes, by name, of those engines that can be used on this machine.

    Raises
    ------
    TypeError
        If `engines` is not a sequence of names.
    ValueError
        If a name is unknown, or none of the engines can be used on this machine.
    """
    engines = arguments.values(engines, "engines", "names, such as ['numba', 'numpy']")
    missing = {name: why_missing(name) for name in engines}
    classes = {name: engine_class(name) for name, reason in missing.items() if reason is None}
    if not classes:
        names: dict[str | None, list[str]] = {}
        for name, reason in missing.items():
            names.setdefault(reason, []).append(name)
        reasons = "; ".join(f"{', '.join(each)}: {reason}" for reason, each in names.items())
        raise ValueError(f"none of the engines can be used on this machine ({reasons}); add the engine numba")
    return classes


@contextlib.contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Limit the number of threads of each engine in the `with` block; None changes nothing."""
    if threads is None:
        yield
        return
    from fastnet.kernels import threads as of_kernels

    with threadpool_limits(threads), of_kernels.limited(threads):
        yield


def drawn(sizes: Sequence[int], dtype: npt.DTypeLike, random: np.random.RandomState) -> tuple[Architecture, Parameters]:
    """Return a network of dense sigmoid layers with the quadratic cost, and random parameters.

    The parameters are normally distributed, and the weights are divided by sqrt(n_in). Without this division, wide
    layers begin saturated, and rounding errors decide between outputs of 0 and 1.
    """
    architecture = Architecture.dense(sizes, np.dtype(dtype))
    return architecture, architecture.parameters(*normal(architecture.weight_shapes, random, scaled=True))


def flat(parameters: Parameters) -> np.ndarray:
    """Return all parameters in one array, shape (n,)."""
    return np.concatenate([array.ravel() for layer in parameters for array in layer.values()])


def make_engines(
    classes: Mapping[str, type[Engine]],
    sizes: Sequence[int],
    dtype: np.dtype,
    random: np.random.RandomState,
    data: Dataset,
) -> dict[str, Engine]:
    """Make an engine of each class, all with the same parameters."""
    architecture, parameters = drawn(sizes, dtype, random)
    return {name: class_(architecture, parameters, data) for name, class_ in classes.items()}


def check(engines: Mapping[str, Engine], order: np.ndarray, mini_batch_size: int, eta: float) -> float | None:
    """Train all engines on a few mini-batches, and return the largest difference from the first engine's parameters.

    For a single engine, the result is None.

    Raises
    ------
    ArithmeticError
        If the difference is larger than rounding errors.
    """
    samples = order[: CHECKED_MINI_BATCHES * mini_batch_size]
    parameters = {}
    for name, engine in engines.items():
        engine.epoch(samples, mini_batch_size, eta)
        parameters[name] = flat(engine.parameters())
    (first, expected), *others = parameters.items()
    largest = 0.0
    for name, found in others:
        difference = float(np.abs(found - expected).max())
        largest = max(largest, difference)
        if not difference < _TOLERANCE[engines[name].architecture.dtype.name]:
            raise ArithmeticError(
                f"the parameters of the engines {first!r} and {name!r} differ by {difference:.2g} after "
                f"{CHECKED_MINI_BATCHES} mini-batches of {mini_batch_size}; their times cannot be compared"
            )
    return largest if others else None


def check_finite(name: str, engine: Engine, eta: float) -> None:
    """Raise an `ArithmeticError` if some of an engine's parameters are not finite."""
    if not np.isfinite(flat(engine.parameters())).all():
        raise ArithmeticError(f"engine {name!r}: weights became infinite or NaN; try a smaller eta than {eta:g}")


def seconds(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> float:
    """Pause, and return the seconds that an engine then takes to train on the samples of `order`."""
    time.sleep(_REST)
    return _seconds(engine, order, mini_batch_size, eta)


def _seconds(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> float:
    began = time.perf_counter()
    engine.epoch(order, mini_batch_size, eta)
    return time.perf_counter() - began


def seconds_per_epoch(
    engines: Mapping[str, Engine], samples: int, mini_batch_size: int, eta: float, rounds: int
) -> dict[str, float]:
    """Return each engine's seconds per epoch: the median of `rounds` measurements.

    Each measurement is extrapolated from part of an epoch.
    """
    order = np.random.RandomState(0).permutation(samples)
    parts = {name: _part(engine, order, mini_batch_size, eta) for name, engine in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            per_sample = seconds(engine, parts[name], mini_batch_size, eta) / len(parts[name])
            times[name].append(per_sample * samples)
    return {name: median(each) for name, each in times.items()}


def _part(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> np.ndarray:
    """Return the first mini-batches of `order`: as many as the engine trains in about `_SLICE` seconds, or all."""
    most = max(len(order) // mini_batch_size, 1)
    mini_batches = min(2, most)
    time.sleep(_REST)
    while True:
        part = order[: mini_batches * mini_batch_size]
        _seconds(engine, part, mini_batch_size, eta)  # not timed: some engines compile for a new number of mini-batches
        took = _seconds(engine, part, mini_batch_size, eta)
        if took > _SLICE / 2 or mini_batches == most:
            return part
        mini_batches = min(max(2 * mini_batches, int(mini_batches * min(_SLICE / took, 32))), most)
