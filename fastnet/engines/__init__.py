"""How an epoch is computed: one contract (`contract`), one file an engine.

An engine's file holds a class `Engine`. It is imported when it is asked for and not before, so that an engine costs
nothing, and needs nothing installed, until it is used.
"""

from __future__ import annotations

from importlib import import_module

from fastnet.engines.contract import Engine

ENGINES = ("numba", "numpy", "reference")


def engine_class(name: str) -> type[Engine]:
    """Return the engine of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in ENGINES:
        raise ValueError(f"engine is {name!r}; it must be one of {', '.join(ENGINES)}")
    engine: type[Engine] = import_module(f"fastnet.engines.{name}").Engine
    return engine
