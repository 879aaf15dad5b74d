"""Prevents assignments to some names of a module."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any


def refuse_assignment(module: str, advice: Mapping[str, str]) -> None:
    """Make assignments to some names of a module raise an `AttributeError`, because engines would ignore new values.

    Parameters
    ----------
    module : str
        Name of a module that is already imported.
    advice : dict of str to str
        For each name that cannot be assigned, advice for the error message.
    """

    class ReadOnlyNamesModule(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if name in advice:
                raise AttributeError(f"{module}.{name} cannot be assigned: engines would ignore it. {advice[name]}")
            super().__setattr__(name, value)

    sys.modules[module].__class__ = ReadOnlyNamesModule
