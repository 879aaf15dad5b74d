"""How an epoch is computed: one contract (`contract`), one file an engine.

An engine is imported when it is asked for and not before, so that it costs nothing, and needs nothing installed, until
it is used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from fastnet.engines.contract import Engine
from fastnet.utils.interruption import heard_afterwards

ENGINES = ("numba", "numpy", "torch", "reference")
"""What networks are trained with."""

VARIANTS = ("torch-cpu", "torch-compiled", "torch-cuda-eager", "torch-cuda-compiled", "torch-cuda")
"""Ways to have PyTorch compute; the engine `torch` picks one of the first and the last."""


def why_missing(name: str) -> str | None:
    """Return what an engine lacks before it can be used, if anything.

    Raises
    ------
    ValueError
        If there is no engine of that name.
    """
    if name not in ENGINES + VARIANTS:
        raise ValueError(f"engine is {name!r}; it must be one of {', '.join(ENGINES + VARIANTS)}")
    if not name.startswith("torch"):
        return None
    if find_spec("torch") is None:
        return "it needs PyTorch; pip install 'fastnet-nndl[torch]' installs it"
    reason: str | None = _imported("torch").why_missing(name)
    return reason


def engine_class(name: str) -> type[Engine]:
    """Return the engine of that name.

    Raises
    ------
    ImportError
        If something that it needs is missing.
    ValueError
        If there is none.
    """
    reason = why_missing(name)
    if reason is not None:
        raise ImportError(f"engine {name!r} cannot be used: {reason}")
    if name.startswith("torch"):
        engine: type[Engine] = _imported("torch").CLASSES[name]
    else:
        engine = _imported(name).Engine
    return engine


def _imported(name: str) -> ModuleType:
    with heard_afterwards():
        return import_module(f"fastnet.engines.{name}")
