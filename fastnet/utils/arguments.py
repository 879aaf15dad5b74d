"""Checks of arguments, with error messages that name the argument.

A check returns the checked value, converted to the type that the caller uses. If the value is not allowed, the check
raises a `TypeError` or a `ValueError`.
"""

from __future__ import annotations

import contextlib
import operator
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from fastnet.utils import machine

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., object])

_BYTES_A_WEIGHT = 16  # number of bytes per weight: 8 for the drawn initial weight, and up to 8 in the network


@contextlib.contextmanager
def named(argument: str) -> Iterator[None]:
    """Put the argument's name before the message of each `TypeError` and `ValueError` in the `with` block."""
    try:
        yield
    except TypeError as error:
        raise TypeError(f"{argument}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None


def integer(value: Any, argument: str) -> int:
    """Return a Python integer, given an integer of Python or NumPy."""
    if not isinstance(value, (bool, np.bool_)):
        with contextlib.suppress(TypeError):
            return operator.index(value)
    raise TypeError(f"{argument} is {brief(value)}; it must be an integer")


def positive(value: Any, argument: str) -> int:
    """Return an integer that is at least 1."""
    number = integer(value, argument)
    if number < 1:
        raise ValueError(f"{argument} is {brief(number)}; it must be at least 1")
    return number


def natural(value: Any, argument: str) -> int:
    """Return an integer that is at least 0."""
    number = integer(value, argument)
    if number < 0:
        raise ValueError(f"{argument} is {brief(number)}; it must not be negative")
    return number


def values(value: Any, argument: str, kind: str) -> list[Any]:
    """Return the values of a sequence or another iterable, at least one; a string is refused.

    Parameters
    ----------
    value : iterable
        The values.
    argument : str
        Name of the argument.
    kind : str
        What the values must be, for the error messages, such as "integers".
    """
    if isinstance(value, str) or not np.iterable(value):
        raise TypeError(f"{argument} is {brief(value)}; it must be a sequence of {kind}")
    found = list(value)
    if not found:
        raise ValueError(f"{argument} is empty; it needs at least one value")
    return found


def sizes(value: Any, argument: str = "sizes", outputs: int | None = None) -> list[int]:
    """Return the sizes of a network's layers, inputs first.

    At least two sizes are needed, and the weights must fit into the machine's memory.

    Parameters
    ----------
    value : sequence of int
        Sizes of the layers.
    argument : str, optional
        Name of the argument.
    outputs : int, optional
        Required size of the last layer; any size by default.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{argument} is {brief(value)}; it must be a sequence of integers, such as [784, 30, 10]")
    found = [positive(size, "a size") for size in value]
    if len(found) < 2:
        raise ValueError(f"{argument} is {found}; it must have at least two sizes, for the inputs and the outputs")
    if outputs is not None and found[-1] != outputs:
        raise ValueError(f"{argument} is {brief(found)}; the last size must be {outputs}")
    needed = _BYTES_A_WEIGHT * sum(n_in * n_out for n_in, n_out in pairwise(found))
    if needed > machine.memory():
        gigabytes = f"{needed >> 30:,}" if needed < 2**80 else "more than 2**50"
        raise ValueError(
            f"{argument} is {brief(found)}; its weights need {gigabytes} GiB, and this machine has "
            f"{machine.memory() / 2**30:,.0f} GiB; give smaller sizes"
        )
    return found


def refuse_unknown(given: Mapping[str, object], function: str, known: Mapping[str, str]) -> None:
    """Refuse keyword arguments that a function does not have; if known, name the argument to use instead.

    Parameters
    ----------
    given : dict of str to object
        Unknown keyword arguments.
    function : str
        Name of the function.
    known : dict of str to str
        For some names of unknown arguments, the argument to use instead.

    Raises
    ------
    TypeError
        If `given` is not empty.
    """
    for name in given:
        instead = f"; use {known[name]} instead" if name in known else ""
        raise TypeError(f"{function} has no argument {name!r}{instead}")


def threads(value: Any, argument: str = "threads") -> int:
    """Return a number of threads: at least 1, and at most four for each processor.

    More than four threads for each processor would only wait for one another.
    """
    number, most = integer(value, argument), 4 * (os.cpu_count() or 1)
    if not 1 <= number <= most:
        raise ValueError(f"{argument} is {brief(number)}; it must be from 1 to {most} (four for each processor)")
    return number


def convert(settings: object, **checks: Callable[[Any, str], Any]) -> None:
    """Check attributes of a frozen dataclass, and replace each value by the result of its check.

    NumPy's scalars become numbers of Python, which JSON can write, and which do not round other numbers to their type.
    """
    for name, check in checks.items():
        object.__setattr__(settings, name, check(getattr(settings, name), name))


def flag(value: Any, argument: str) -> bool:
    """Return True or False, given a boolean of Python or NumPy."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{argument} is {brief(value)}; it must be True or False")
    return bool(value)


def path(value: Any, argument: str) -> Path:
    """Return the path of a file or folder."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise TypeError(f"{argument} is {brief(value)}; it must be a string or a pathlib.Path")
    text = os.fspath(value)
    if not text or "\0" in text:
        raise ValueError(f"{argument} is {brief(value)}; it must be a path that is not empty and has no null character")
    return Path(text)


def instance(value: Any, kind: type[_T], argument: str) -> _T:
    """Return `value`, which must be an instance of `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"{argument} is a {type(value).__name__}; it must be a {kind.__name__}")
    return value


def function(value: _Function | None, argument: str) -> _Function | None:
    """Return `value`, which must be callable or None."""
    if value is not None and not callable(value):
        raise TypeError(f"{argument} is {brief(value)}; it must be a function or None")
    return value


LARGEST_SEED = 2**32 - 1
"""Largest seed of NumPy's `RandomState`."""


def seed(value: Any, argument: str = "seed") -> int:
    """Return a seed for NumPy's `RandomState`, the book's random generator: an integer from 0 to 2**32 - 1."""
    number = natural(value, argument)
    if number > LARGEST_SEED:
        raise ValueError(f"{argument} is {brief(number)}; it must be below 2**32")
    return number


def positive_number(value: Any, argument: str, dtype: npt.DTypeLike = "float64") -> float:
    """Return a number that is positive and finite, even after rounding to `dtype`, and not subnormal.

    Compiled kernels count subnormal numbers as zero.
    """
    number, least = _number(value, argument), float(np.finfo(dtype).tiny)
    if number > 0 and _rounded(number, dtype) < least:
        raise ValueError(
            f"{argument} is {number}; it must be at least {least:.2e}, the smallest normal number of {np.dtype(dtype)}"
        )
    if not (number > 0 and _rounded(number, dtype) < float("inf")):
        raise ValueError(f"{argument} is {number}; it must be positive and finite{_in_precision(number, dtype)}")
    return number


def number_from_zero(value: Any, argument: str, dtype: npt.DTypeLike = "float64") -> float:
    """Return a number that is finite and not negative, even after rounding to `dtype`."""
    number = _number(value, argument)
    if not 0 <= _rounded(number, dtype) < float("inf"):
        raise ValueError(f"{argument} is {number}; it must be finite and not negative{_in_precision(number, dtype)}")
    return number


def fraction(value: Any, argument: str) -> float:
    """Return a number that is at least 0 and less than 1."""
    number = _number(value, argument)
    if not 0 <= number < 1:
        raise ValueError(f"{argument} is {number}; it must be at least 0 and less than 1")
    return number


def one_of(value: Any, choices: Collection[str], argument: str) -> str:
    """Return a string that is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{argument} is {brief(value)}; it must be one of {', '.join(choices)}")
    return value


def float_type(dtype: object) -> np.dtype:
    """Return the dtype float32 or float64, given a NumPy dtype, a NumPy scalar type or a name."""
    for accepted in (np.dtype("float32"), np.dtype("float64")):
        # NumPy interprets None as float64.
        # `np.dtype(dtype)` is not used, because for an unknown name it raises a TypeError, and not a ValueError.
        if dtype is not None and dtype in (accepted, accepted.name, accepted.type):
            return accepted
    raise ValueError(f"dtype is {brief(dtype)}; it must be float32 or float64")


def brief(value: object) -> str:
    """Return the `repr` of a value, shortened to at most 60 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python refuses to convert very long integers to text
        text = "an integer with thousands of digits"
    return f"{text[:57]}..." if len(text) > 60 else text


def _number(value: Any, argument: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{argument} is {brief(value)}; it must be a number")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if operator.gt(value, 0) else float("-inf")


def _rounded(number: float, dtype: npt.DTypeLike) -> float:
    kind: Any = np.dtype(dtype).type
    with np.errstate(over="ignore", under="ignore"):
        return float(kind(number))


def _in_precision(number: float, dtype: npt.DTypeLike) -> str:
    """Return " in `dtype`" for the error message if only the rounded number is out of range, otherwise ""."""
    return f" in {np.dtype(dtype)}" if 0 < number < float("inf") else ""
