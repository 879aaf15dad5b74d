"""Arguments are checked here, before anything is done with them: what is wrong is said with the argument's name.

Each function returns the value as what it has to be, or raises a `TypeError` (it is of another kind) or a `ValueError`
(it is out of range).
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Collection, Iterator
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt


@contextlib.contextmanager
def named(argument: str) -> Iterator[None]:
    """Put the argument's name before what is said of it in the `with` block."""
    try:
        yield
    except TypeError as error:
        raise TypeError(f"{argument}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def integer(value: Any, argument: str) -> int:
    """Return an integer, of Python or NumPy."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{argument} is {value!r}; it must be an integer") from None


def positive(value: Any, argument: str) -> int:
    """Return an integer from 1."""
    number = integer(value, argument)
    if number < 1:
        raise ValueError(f"{argument} is {number}; it must be at least 1")
    return number


def natural(value: Any, argument: str) -> int:
    """Return an integer from 0."""
    number = integer(value, argument)
    if number < 0:
        raise ValueError(f"{argument} is {number}; it must not be negative")
    return number


def seed(value: Any) -> int:
    """Return a seed of NumPy's old generator, which the book uses: an integer from 0 to 2**32 - 1."""
    number = natural(value, "seed")
    if number >= 2**32:
        raise ValueError(f"seed is {number}; it must be below 2**32")
    return number


def positive_number(value: Any, argument: str) -> float:
    """Return a positive, finite number."""
    number = _number(value, argument)
    if not 0 < number < float("inf"):
        raise ValueError(f"{argument} is {number}; it must be positive and finite")
    return number


def number_from_zero(value: Any, argument: str) -> float:
    """Return a finite number that is not negative."""
    number = _number(value, argument)
    if not 0 <= number < float("inf"):
        raise ValueError(f"{argument} is {number}; it must be finite and not negative")
    return number


def fraction(value: Any, argument: str) -> float:
    """Return a number from 0 to less than 1."""
    number = _number(value, argument)
    if not 0 <= number < 1:
        raise ValueError(f"{argument} is {number}; it must be at least 0 and less than 1")
    return number


def one_of(value: Any, choices: Collection[str], argument: str) -> str:
    """Return one of some names."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{argument} is {value!r}; it must be one of {', '.join(choices)}")
    return value


def float_type(dtype: npt.DTypeLike) -> np.dtype:
    """Return float32 or float64, given as a type of NumPy or by name."""
    for accepted in (np.dtype("float32"), np.dtype("float64")):
        # None would be taken for float64 by NumPy, and a typo for an error of another kind.
        if dtype is not None and dtype in (accepted, accepted.name, accepted.type):
            return accepted
    raise ValueError(f"dtype is {dtype!r}; it must be float32 or float64")


def _number(value: Any, argument: str) -> float:
    if not isinstance(value, Real):
        raise TypeError(f"{argument} is {value!r}; it must be a number")
    return float(value)
