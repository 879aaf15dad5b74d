"""Modules some of whose names may not be assigned."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def refuse_assignment(module: str, advice: Mapping[str, str]) -> None:
    """Have the assignment of some names of a module fail, where it would change nothing.

    Parameters
    ----------
    module : str
        Name of the module, which is imported.
    advice : dict of str to str
        For each of the names, what to do instead.
    """

    class Guarded(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if name in advice:
                raise AttributeError(f"{module}.{name} cannot be assigned: engines would not call it. {advice[name]}")
            super().__setattr__(name, value)

    sys.modules[module].__class__ = Guarded
