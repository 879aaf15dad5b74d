"""Which kernel computes an epoch, and with how many threads: the one place where it is decided.

`benchmarks/choices.py` times the alternatives.
"""

from __future__ import annotations

from collections.abc import Callable

_MOST_ROWS = 1 / 3  # of the inputs not zero
_WORTHWHILE = 200_000  # multiplications in a mini-batch


def without_zeros(density: float) -> bool:
    """Whether the inputs, of which this part is not zero, are better kept as `Rows` than as a `Matrix`."""
    return density < _MOST_ROWS


def threads(multiplications: float, panels: int, available: Callable[[], int]) -> int:
    """Return how many threads a mini-batch is worth, which layer 0 divides in so many panels."""
    return min(available(), panels) if multiplications > _WORTHWHILE else 1
