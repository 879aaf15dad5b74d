"""The race over widths and mini-batch sizes: who wins where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastnet import mnist_loader
from fastnet.comparison import timing
from fastnet.datasets.dataset import Dataset
from fastnet.utils import arguments, machine

WIDTHS = (30, 100, 300, 1000)
MINI_BATCH_SIZES = (1, 10, 32, 100, 1000)
_ETA = 0.1


@dataclass(frozen=True)
class Cell:
    """One network and mini-batch size of a map.

    Attributes
    ----------
    width, mini_batch_size : int
        Neurons in the hidden layer, samples in a mini-batch.
    seconds : dict of str to float
        Each engine's seconds for an epoch, reckoned from part of one.
    """

    width: int
    mini_batch_size: int
    seconds: dict[str, float]

    @property
    def winner(self) -> str:
        """The fastest engine."""
        return min(self.seconds, key=lambda engine: self.seconds[engine])

    def lead(self, engine: str) -> float:
        """Return how many times as fast as the best of the others an engine is; below 1, it has lost."""
        others = [seconds for other, seconds in self.seconds.items() if other != engine]
        return min(others) / self.seconds[engine]


@dataclass(frozen=True)
class Map:
    """Who wins where: one hidden layer of several widths, by mini-batches of several sizes.

    Attributes
    ----------
    engines : list of str
        Who took part; the first is the one whose lead the map shows.
    cells : list of Cell
        Row by row: all mini-batch sizes of the first width, and so on.
    """

    engines: list[str]
    widths: list[int]
    mini_batch_sizes: list[int]
    dtype: str
    threads: int | None
    machine: dict[str, str]
    cells: list[Cell]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as what JSON can hold."""
        return asdict(self)

    def verdict(self) -> str:
        """Say in words who wins where, and by how much."""
        ours = self.engines[0]
        if len(self.engines) < 2:
            return f"Only {ours} took part: there is nothing to compare."
        cells = sorted(self.cells, key=lambda cell: cell.lead(ours))
        lost = [cell for cell in cells if cell.lead(ours) < 1]
        won = "all" if not lost else str(len(cells) - len(lost))
        text = (
            f"{ours} is the fastest in {won} of {len(cells)} cells. Its lead over the best of the others is largest "
            f"with {_place(cells[-1])}, {cells[-1].lead(ours):.0f} times, "
        )
        if lost:
            names = ", ".join(f"{cell.winner} with {_place(cell)} ({1 / cell.lead(ours):.2f} times)" for cell in lost)
            text += f"and it loses to {names}."
        else:
            text += f"and smallest with {_place(cells[0])}, {cells[0].lead(ours):.1f} times."
        return f"{text} {self._when_to_move()}"

    def _when_to_move(self) -> str:
        """Say when PyTorch is the faster choice, on this processor or on a GPU."""
        of_pytorch = [engine for engine in self.engines if engine.startswith("torch")]
        if not of_pytorch:
            return "PyTorch took no part."
        gpu = self.machine.get("gpu")
        text = f"PyTorch on {f'this processor or the {gpu}' if gpu else 'this processor'} is the fastest "
        cells = [cell for cell in self.cells if cell.winner in of_pytorch]
        where = " and ".join(_place(cell) for cell in cells)
        return text + (f"with {where}" if cells else "in none of them") + ("." if gpu else "; no GPU took part.")


def compare_map(
    widths: Sequence[int] = WIDTHS,
    mini_batch_sizes: Sequence[int] = MINI_BATCH_SIZES,
    *,
    engines: Sequence[str] = timing.MAP_ENGINES,
    dtype: str = "float32",
    threads: int | None = None,
    rounds: int = 3,
    training_data: Dataset | None = None,
    tick: Callable[[], object] = lambda: None,
) -> Map:
    """Time the engines for networks of one hidden layer, of several widths and with mini-batches of several sizes.

    Parameters
    ----------
    widths, mini_batch_sizes : sequence of int, optional
        The cells of the map.
    engines : sequence of str, optional
        Which engines; by default all but 'reference', which is far slower everywhere.
    dtype, threads
        As for `compare`.
    training_data : Dataset, optional
        With vectors for targets; by default MNIST.
    rounds : int, optional
        How often each engine's turn comes in a cell. The median counts.
    tick : callable, optional
        Called after each cell.

    Raises
    ------
    ArithmeticError
        If the engines don't compute the same.
    TypeError, ValueError
        If an argument is not of that form.
    """
    widths = [arguments.positive(width, "a width") for width in widths]
    mini_batch_sizes = [arguments.positive(size, "a mini-batch size") for size in mini_batch_sizes]
    type_, rounds = arguments.float_type(dtype), arguments.positive(rounds, "rounds")
    threads = None if threads is None else arguments.positive(threads, "threads")
    classes = timing.installed(engines)
    if training_data is None:
        training_data = mnist_loader.load_data_wrapper()[0]
    if training_data.targets.ndim != 2:
        raise ValueError("training_data has labels; it must have vectors for targets: see Dataset.with_vectors")
    samples, n_in = training_data.inputs.shape
    random = np.random.RandomState(0)
    cells = []
    with timing.limited(threads):
        for width in widths:
            sizes = [n_in, width, training_data.targets.shape[1]]
            for mini_batch_size in mini_batch_sizes:
                racers = timing.racers(classes, sizes, type_, random, training_data)
                timing.check(racers, random.permutation(samples), mini_batch_size, _ETA)
                seconds = timing.seconds_per_epoch(racers, samples, mini_batch_size, _ETA, rounds)
                cells.append(Cell(width, mini_batch_size, seconds))
                tick()
    return Map(list(classes), widths, mini_batch_sizes, type_.name, threads, machine.describe(), cells)


def _place(cell: Cell) -> str:
    samples = "1 sample" if cell.mini_batch_size == 1 else f"{cell.mini_batch_size} samples"
    return f"{cell.width} neurons and mini-batches of {samples}"
