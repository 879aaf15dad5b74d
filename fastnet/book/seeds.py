"""An experiment repeated with several seeds: how far its values lie apart, and whether the book's are among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from fastnet.book.experiment import Experiment, Published, Result, in_words


class Spread(NamedTuple):
    """A published value, and ours with several seeds.

    Attributes
    ----------
    published : Published
        The book's.
    median, lowest, highest : float
        Ours.
    """

    published: Published
    median: float
    lowest: float
    highest: float

    @property
    def is_met(self) -> bool:
        """Whether the book's value is between our lowest and highest, up to its tolerance."""
        value, tolerance = self.published.value, self.published.tolerance
        return self.lowest - tolerance <= value <= self.highest + tolerance

    def verdict(self) -> str:
        """Return nothing where the book's value is met, or by how much ours differ and why."""
        if self.is_met:
            return ""
        difference = in_words(abs(self.median - self.published.value), self.published.unit)
        return f"differs by {difference}. {self.published.miss}".strip()

    def cells(self) -> tuple[str, str, str]:
        """Return the name, the book's value and ours, as text."""
        name, value, unit, *_ = self.published
        ours = in_words(self.median, unit)
        if self.lowest < self.highest:
            ours += f" ({in_words(self.lowest, unit)} to {in_words(self.highest, unit)})"
        return name, in_words(value, unit), ours


def repeated(experiment: Experiment, seeds: Iterable[int]) -> Iterator[Result]:
    """Compute an experiment with each seed, or once if nothing in it is random."""
    if experiment.is_random:
        yield from (experiment(seed=seed) for seed in seeds)
    else:
        yield experiment()


def spreads(results: Iterable[Result]) -> list[Spread]:
    """Return each published value of an experiment with the median, lowest and highest of ours."""
    found = list(results)
    spreads = []
    for published in found[0].experiment.published:
        ours = [result.values[published.name] for result in found]
        spreads.append(Spread(published, median(ours), min(ours), max(ours)))
    return spreads
