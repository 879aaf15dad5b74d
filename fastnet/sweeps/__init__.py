"""Sweeps: train a grid of recipes, each with several seeds, on all processors or on a cluster.

`recipe` describes a network and its training. `grid` makes recipes from lists of values. `run` trains one network.
`threads` and `cluster` train many networks. `record` stores finished runs, and `table` presents their results.
`sweeping` combines these modules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnet.sweeps.sweeping import TrainingFailed, sweep
    from fastnet.sweeps.table import Row, Sweep

__all__ = ["Row", "Sweep", "TrainingFailed", "sweep"]

_IN_MODULES = {"Row": "table", "Sweep": "table", "TrainingFailed": "sweeping", "sweep": "sweeping"}


def _attribute(name: str) -> Any:  # imports lazily: recipes do not need these modules
    if name in _IN_MODULES:
        return getattr(importlib.import_module(f"fastnet.sweeps.{_IN_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if not TYPE_CHECKING:  # hidden from type checkers, which then refuse names that are not imported above
    __getattr__ = _attribute
