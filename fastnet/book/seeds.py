"""Repeats experiments with several seeds, and checks whether the book's values lie in the computed range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from fastnet.book.experiment import Experiment, Published, Result, in_words
from fastnet.utils.arguments import LARGEST_SEED

_ROUNDING = 1e-9  # relative tolerance: an accuracy such as 0.9943, multiplied by 100, is not exactly 99.43


class SeedRange(NamedTuple):
    """A published value, and the range of the values computed with several seeds.

    Attributes
    ----------
    published : Published
        The book's value.
    median, lowest, highest : float
        Median, minimum and maximum of the computed values.
    """

    published: Published
    median: float
    lowest: float
    highest: float

    @property
    def is_met(self) -> bool:
        """Whether the book's value is in the range from `lowest - tolerance` to `highest + tolerance`."""
        value = self.published.value
        tolerance = self.published.tolerance + _ROUNDING * abs(value)
        return self.lowest - tolerance <= value <= self.highest + tolerance

    def difference(self) -> str:
        """Return by how much the median differs from the book's value, and the known reason; empty if `is_met`."""
        if self.is_met:
            return ""
        unit = "percentage points" if self.published.unit == "%" else self.published.unit
        difference = in_words(abs(self.median - self.published.value), unit)
        return f"differs by {difference}. {self.published.reason_for_difference}".strip()

    def cells(self) -> tuple[str, str, str]:
        """Return three texts: the name of the value, the book's value, and the median with the range."""
        name, value, unit, *_ = self.published
        ours = in_words(self.median, unit)
        if self.lowest < self.highest:
            ours += f" ({in_words(self.lowest, unit)} to {in_words(self.highest, unit)})"
        return name, in_words(value, unit), ours


def consecutive(first: int, number: int) -> list[int]:
    """Return seeds from `first` on; the seed after the largest one is 0.

    Examples
    --------
    >>> consecutive(2**32 - 2, 3)
    [4294967294, 4294967295, 0]
    """
    return [(first + i) % (LARGEST_SEED + 1) for i in range(number)]


def repeated(experiment: Experiment, seeds: Iterable[int]) -> Iterator[Result]:
    """Yield an experiment's result for each seed, or a single result if the experiment has no seed."""
    if experiment.is_random:
        yield from (experiment(seed=seed) for seed in seeds)
    else:
        yield experiment()


def seed_ranges(results: Iterable[Result]) -> list[SeedRange]:
    """Return a `SeedRange` for each published value that was computed.

    Parameters
    ----------
    results : iterable of Result
        One or more results of the same experiment, with the same arguments except for the seed.
    """
    found = list(results)
    ranges = []
    for published in found[0].published:
        ours = [result.values[published.name] for result in found]
        ranges.append(SeedRange(published, median(ours), min(ours), max(ours)))
    return ranges
