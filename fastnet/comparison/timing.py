"""How engines are timed.

They take turns, so that a change of the machine's speed meets all of them. What is timed is training: no shuffling, no
evaluation, nothing that is done once. Before that, all are checked to compute the same.
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

ENGINES = ("numba", "numpy", *VARIANTS, "reference")
"""What is compared by default."""

MAP_ENGINES = ("numba", "numpy", "torch-cpu", "torch-cuda")
"""What a map is made of by default: none that compiles for every network, and none that is slow everywhere."""

CHECKED_MINI_BATCHES = 5
_TOLERANCE = {"float32": 1e-3, "float64": 1e-10}  # between parameters after these
_SLICE = 0.15  # seconds: how much of an epoch is timed, where not all of it is
_REST = 0.3  # seconds: libraries' threads go on waiting busily after their work; 0.03 was found to be too short


def installed(engines: Sequence[str]) -> dict[str, type[Engine]]:
    """Return the classes of those engines that can be used here.

    Raises
    ------
    ValueError
        If there is no engine of some name, or none of them can be used.
    """
    classes = {name: engine_class(name) for name in engines if why_missing(name) is None}
    if not classes:
        raise ValueError(f"none of the engines {', '.join(engines)} can be used here")
    return classes


@contextlib.contextmanager
def limited(threads: int | None) -> Iterator[None]:
    """Let no engine use more threads than this in the `with` block; None for as many as there are processors."""
    if threads is None:
        yield
        return
    from fastnet.kernels import threads as of_kernels

    with threadpool_limits(threads), of_kernels.limited(threads):
        yield


def drawn(sizes: Sequence[int], dtype: npt.DTypeLike, random: np.random.RandomState) -> tuple[Architecture, Parameters]:
    """Return a network of dense sigmoid layers with the quadratic cost, and parameters.

    These are drawn as the book does, the weights divided by sqrt(n_in): without that, wide layers begin saturated, and
    rounding decides which way a neuron tips.
    """
    architecture = Architecture.dense(sizes, np.dtype(dtype))
    return architecture, architecture.parameters(*normal(architecture.weight_shapes, random, scaled=True))


def flat(parameters: Parameters) -> np.ndarray:
    """Return all parameters in one array."""
    return np.concatenate([array.ravel() for layer in parameters for array in layer.values()])


def racers(
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
    """Train all engines on the first few mini-batches, and return how far their parameters are apart at most.

    A single engine has nothing to be compared with: None.

    Raises
    ------
    ArithmeticError
        If that is more than rounding explains.
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
                f"engines {first!r} and {name!r} differ by {difference:.2g} after {CHECKED_MINI_BATCHES} mini-batches "
                f"of {mini_batch_size}; there is nothing to compare"
            )
    return largest if others else None


def check_finite(name: str, engine: Engine, eta: float) -> None:
    """Raise an `ArithmeticError` if an engine's parameters are no numbers any more."""
    if not np.isfinite(flat(engine.parameters())).all():
        raise ArithmeticError(
            f"engine {name!r}: weights became infinite or not a number; a smaller eta than {eta:g} may help"
        )


def seconds(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> float:
    """Return how long an engine trains on an order, when the machine has come to rest."""
    time.sleep(_REST)
    return _seconds(engine, order, mini_batch_size, eta)


def _seconds(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> float:
    began = time.perf_counter()
    engine.epoch(order, mini_batch_size, eta)
    return time.perf_counter() - began


def seconds_per_epoch(
    engines: Mapping[str, Engine], samples: int, mini_batch_size: int, eta: float, rounds: int
) -> dict[str, float]:
    """Return what an epoch takes each engine, reckoned from a part of it: the median over rounds, in turns."""
    order = np.random.RandomState(0).permutation(samples)
    parts = {name: _part(engine, order, mini_batch_size, eta) for name, engine in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            per_sample = seconds(engine, parts[name], mini_batch_size, eta) / len(parts[name])
            times[name].append(per_sample * samples)
    return {name: median(each) for name, each in times.items()}


def _part(engine: Engine, order: np.ndarray, mini_batch_size: int, eta: float) -> np.ndarray:
    """Return as much of an order as takes an engine long enough to be timed, in whole mini-batches."""
    most = max(len(order) // mini_batch_size, 1)
    mini_batches = min(2, most)
    time.sleep(_REST)
    while True:
        part = order[: mini_batches * mini_batch_size]
        _seconds(engine, part, mini_batch_size, eta)  # some compile for every number of mini-batches
        took = _seconds(engine, part, mini_batch_size, eta)
        if took > _SLICE / 2 or mini_batches == most:
            return part
        mini_batches = min(max(2 * mini_batches, int(mini_batches * min(_SLICE / took, 32))), most)
