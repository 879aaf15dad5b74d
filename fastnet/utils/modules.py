"""Modules in which some names cannot be assigned."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def refuse_assignment(module: str, advice: Mapping[str, str]) -> None:
    """Make assignments to some names of a module raise an `AttributeError`, because they would have no effect.

    Parameters
    ----------
    module : str
        Name of the module, which must be imported.
    advice : dict of str to str
        Advice for the error message, by name.
    """

    class Guarded(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if name in advice:
                raise AttributeError(f"{module}.{name} cannot be assigned: engines would not call it. {advice[name]}")
            super().__setattr__(name, value)

    sys.modules[module].__class__ = Guarded
