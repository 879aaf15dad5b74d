"""Compares engines for several widths of the hidden layer and several mini-batch sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastnet import mnist_loader
from fastnet.comparison import timing
from fastnet.datasets.dataset import Dataset, Sample, as_dataset
from fastnet.utils import arguments, machine

WIDTHS = (30, 100, 300, 1000)
MINI_BATCH_SIZES = (1, 10, 32, 100, 1000)
_ETA = 0.1


@dataclass(frozen=True)
class Cell:
    """Measurements for one width and one mini-batch size.

    Attributes
    ----------
    width, mini_batch_size : int
        Number of neurons in the hidden layer, and number of samples in a mini-batch.
    seconds : dict of str to float
        Time of an epoch for each engine, in seconds, extrapolated from part of an epoch.
    """

    width: int
    mini_batch_size: int
    seconds: dict[str, float]

    @property
    def fastest(self) -> str:
        """Name of the fastest engine."""
        return min(self.seconds, key=lambda engine: self.seconds[engine])

    def lead(self, engine: str) -> float:
        """Return the speed of an engine divided by the speed of the fastest other engine."""
        others = [seconds for other, seconds in self.seconds.items() if other != engine]
        return min(others) / self.seconds[engine]


@dataclass(frozen=True)
class Map:
    """Result of `compare_map`: a cell for each width of the hidden layer and each mini-batch size.

    Attributes
    ----------
    engines : list of str
        Names of the engines. `summary` and the colours of the map's figure show the first engine's lead over the
        fastest other engine.
    widths, mini_batch_sizes, dtype, threads
        Arguments of `compare_map`; `threads` is None for all processors.
    machine : dict
        Processor and versions, see `fastnet.utils.machine`.
    cells : list of Cell
        Measurements: all mini-batch sizes of the first width, then all of the second width, and so on.
    """

    engines: list[str]
    widths: list[int]
    mini_batch_sizes: list[int]
    dtype: str
    threads: int | None
    machine: dict[str, str]
    cells: list[Cell]

    def as_dict(self) -> dict[str, Any]:
        """Return all attributes, with values that JSON supports."""
        return asdict(self)

    def summary(self) -> str:
        """Return sentences that compare the first engine with the fastest other engine in each cell."""
        ours = self.engines[0]
        if len(self.engines) < 2:
            return f"Only {ours} was timed: there is nothing to compare."
        cells = sorted(self.cells, key=lambda cell: cell.lead(ours))
        lost = [cell for cell in cells if cell.lead(ours) < 1]
        won = cells[len(lost) :]
        sentences = [f"{ours} is the fastest in {len(won) if lost else 'all'} of {len(cells)} cells."]
        if won:
            largest, smallest = (f"{_place(cell)}, {_times(cell.lead(ours))} times" for cell in (won[-1], won[0]))
            said = f"The lead of {ours} over the fastest other engine is largest with {largest}"
            sentences.append(f"{said}." if lost else f"{said}, and smallest with {smallest}.")
        if lost:
            names = ", ".join(f"{cell.fastest} with {_place(cell)} ({1 / cell.lead(ours):.2f} times)" for cell in lost)
            sentences.append(f"{ours} is slower than {names}.")
        return " ".join([*sentences, self._when_to_move()])

    def _when_to_move(self) -> str:
        """Return a sentence that names the cells in which PyTorch, on the processor or on a GPU, is the fastest."""
        of_pytorch = [engine for engine in self.engines if engine.startswith("torch")]
        if not of_pytorch:
            return "PyTorch was not compared."
        with_gpu = any(engine == "torch" or "cuda" in engine for engine in of_pytorch)
        gpu = self.machine.get("gpu") if with_gpu else None
        text = f"PyTorch on {f'this processor or the {gpu}' if gpu else 'this processor'} is the fastest "
        cells = [cell for cell in self.cells if cell.fastest in of_pytorch]
        where = " and ".join(_place(cell) for cell in cells)
        return text + (f"with {where}" if cells else "in no cell") + ("." if gpu else "; no GPU was compared.")


def compare_map(
    widths: Sequence[int] = WIDTHS,
    mini_batch_sizes: Sequence[int] = MINI_BATCH_SIZES,
    *,
    engines: Sequence[str] = timing.MAP_ENGINES,
    dtype: str = "float32",
    threads: int | None = None,
    rounds: int = 3,
    training_data: Dataset | Iterable[Sample] | None = None,
    tick: Callable[[], object] | None = None,
) -> Map:
    """Time the engines on networks with one hidden layer, for several widths of the layer and several mini-batch sizes.

    Parameters
    ----------
    widths, mini_batch_sizes : sequence of int, optional
        Widths of the hidden layer, and sizes of mini-batches. The map has a cell for each pair of a width and a size.
    engines : sequence of str, optional
        Names of the engines; by default `timing.MAP_ENGINES`. Engines that are not installed are left out.
    dtype, threads
        As for `compare`.
    training_data : Dataset or iterable of (x, y), optional
        Samples with vectors as targets; by default MNIST.
    rounds : int, optional
        Number of measurements of each engine in each cell; `Cell.seconds` has their median.
    tick : callable, optional
        Function that is called without arguments after each cell.

    Raises
    ------
    ArithmeticError
        If the engines' parameters differ by more than rounding errors.
    TypeError, ValueError
        If an argument has a wrong type or value, or no engine is installed.
    """
    widths = [arguments.positive(width, "a width") for width in arguments.values(widths, "widths", "integers")]
    sizes_given = arguments.values(mini_batch_sizes, "mini_batch_sizes", "integers")
    mini_batch_sizes = [arguments.positive(size, "a mini-batch size") for size in sizes_given]
    tick = arguments.function(tick, "tick") or (lambda: None)
    type_, rounds = arguments.float_type(dtype), arguments.positive(rounds, "rounds")
    threads = None if threads is None else arguments.positive(threads, "threads")
    classes = timing.installed(engines)
    if training_data is None:
        training_data = mnist_loader.load_data_wrapper()[0]
    with arguments.named("training_data"):
        data = as_dataset(training_data)
        data.check_numbers(type_)
    if data.targets.ndim != 2:
        raise ValueError("training_data has labels; it must have vectors: convert it with Dataset.with_vectors")
    samples, n_in = data.rows.shape
    random = np.random.RandomState(0)
    cells = []
    with timing.limited(threads):
        for width in widths:
            sizes = [n_in, width, data.targets.shape[1]]
            for mini_batch_size in mini_batch_sizes:
                timed_engines = timing.make_engines(classes, sizes, type_, random, data)
                timing.check(timed_engines, random.permutation(samples), mini_batch_size, _ETA)
                seconds = timing.seconds_per_epoch(timed_engines, samples, mini_batch_size, _ETA, rounds)
                cells.append(Cell(width, mini_batch_size, seconds))
                tick()
    return Map(list(classes), widths, mini_batch_sizes, type_.name, threads, machine.describe(), cells)


def _times(lead: float) -> str:
    return f"{lead:.0f}" if lead >= 10 else f"{lead:.1f}"


def _place(cell: Cell) -> str:
    samples = "1 sample" if cell.mini_batch_size == 1 else f"{cell.mini_batch_size} samples"
    return f"{cell.width} neurons and mini-batches of {samples}"
