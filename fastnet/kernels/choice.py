"""Decides whether inputs are stored in CSR format, and how many threads compute a mini-batch.

`benchmarks/choices.py` times the alternatives.
"""

from __future__ import annotations

from collections.abc import Callable

_MOST_ROWS = 1 / 3  # share of nonzero inputs below which `Rows` is faster than `Matrix`
_LEAST_MULTIPLICATIONS = 200_000  # multiplications in a mini-batch above which several threads are faster than one


def without_zeros(density: float) -> bool:
    """Return whether `Rows` is faster than `Matrix`, given the share of nonzero inputs, from 0 to 1."""
    return density < _MOST_ROWS


def threads(multiplications: float, panels: int, available: Callable[[], int]) -> int:
    """Return the number of threads for a mini-batch whose layer 0 can be divided into `panels` parts."""
    return min(available(), panels) if multiplications > _LEAST_MULTIPLICATIONS else 1
