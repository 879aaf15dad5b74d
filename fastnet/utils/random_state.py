"""Restores the state of a random generator after a call that fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def restored_on_error(generator: Any, unless: type[BaseException] | tuple[()] = ()) -> Iterator[None]:
    """Restore the state of a random generator if an exception leaves the `with` block.

    Parameters
    ----------
    generator : module or RandomState
        `numpy.random`, for NumPy's global generator, or a `RandomState`.
    unless : exception class, optional
        Class of exceptions after which the state is not restored.
    """
    before = generator.get_state(legacy=False)
    try:
        yield
    except BaseException as error:
        if not isinstance(error, unless):
            generator.set_state(before)
        raise
