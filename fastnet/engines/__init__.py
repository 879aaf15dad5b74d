"""How an epoch is computed: one contract (`contract`), one file an engine.

An engine's file holds a class `Engine`. It is imported when it is asked for and not before, so that an engine costs
nothing, and needs nothing installed, until it is used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from fastnet.engines.contract import Engine

ENGINES = ("numba", "numpy", "torch", "reference")
_EXTRAS = {"torch": "torch"}  # the extra that installs what an engine needs, and the library itself, by one name


def missing_extra(name: str) -> str | None:
    """Return the extra that has to be installed before an engine can be used, if any."""
    extra = _EXTRAS.get(name)
    return extra if extra is not None and find_spec(extra) is None else None


def engine_class(name: str) -> type[Engine]:
    """Return the engine of that name.

    Raises
    ------
    ImportError
        If a library that it needs is not installed.
    ValueError
        If there is none.
    """
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}; it must be one of {', '.join(ENGINES)}")
    extra = missing_extra(name)
    if extra is not None:
        raise ImportError(f"engine {name!r} needs more than is installed; pip install 'fastnet[{extra}]' installs it")
    engine: type[Engine] = import_module(f"fastnet.engines.{name}").Engine
    return engine
