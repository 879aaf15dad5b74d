"""Engines, which train and evaluate networks. The module `contract` defines their common interface.

An engine is imported when it is first used. So an unused engine adds no import time, and its library may be missing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from fastnet.engines.contract import Engine
from fastnet.utils.interruption import deferred_signals

ENGINES = ("numba", "numpy", "torch", "reference")
"""Names of the engines that train networks."""

VARIANTS = ("torch-cpu", "torch-compiled", "torch-cuda-eager", "torch-cuda-compiled", "torch-cuda")
"""Variants of the engine `torch`. With a CUDA device, "torch" means "torch-cuda", otherwise "torch-cpu"."""


def why_missing(name: str) -> str | None:
    """Return why an engine cannot be used; None if it can be used.

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
    """Return the class of the engine of that name.

    Raises
    ------
    ImportError
        If a library, a device or a compiler that the engine needs is missing.
    ValueError
        If there is no engine of that name.
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
    with deferred_signals():
        return import_module(f"fastnet.engines.{name}")
