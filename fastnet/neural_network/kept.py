"""The engine that an estimator predicts with, which is kept from call to call, as long as the estimator lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from fastnet.engines.contract import Engine
from fastnet.neural_network import parameters
from fastnet.neural_network.settings import Settings

_KEPT: WeakKeyDictionary[Any, KeptEngine] = WeakKeyDictionary()
_PARAMETERS = "hidden_layer_sizes", "activation", "engine", "image_shape", "dropout", "solver"
_ARRAYS = "coefs_", "intercepts_", "normalization_"


@dataclass(frozen=True)
class KeptEngine:
    """An engine, and what it was made of.

    Attributes
    ----------
    engine : Engine
        The engine, which has no training data.
    settings : Settings
        The estimator's parameters.
    given : tuple
        The parameters, as the estimator had them.
    arrays : list of ndarray
        Copies of the arrays, as the estimator had them.
    """

    engine: Engine
    settings: Settings
    given: tuple[Any, ...]
    arrays: list[np.ndarray]

    @classmethod
    def of(cls, estimator: Any) -> KeptEngine:
        """Make an engine that has an estimator's parameters, which the user may have assigned.

        Raises
        ------
        TypeError, ValueError
            If they do not fit.
        """
        settings = parameters.settings_of(estimator)
        engine = settings.make_engine(*parameters.checked(estimator, settings))
        return cls(engine, settings, _given(estimator), [np.array(array) for array in _arrays(estimator)])

    def fits(self, estimator: Any) -> bool:
        """Whether the estimator still has the same parameters and arrays."""
        if self.given != _given(estimator):
            return False
        arrays = _arrays(estimator)
        return len(arrays) == len(self.arrays) and all(
            type(own) is np.ndarray and own.dtype == kept.dtype and np.array_equal(own, kept)
            for own, kept in zip(arrays, self.arrays, strict=True)
        )


def kept_engine(estimator: Any) -> KeptEngine:
    """Return an engine that has an estimator's arrays: that of the last call, if they are the same."""
    kept = _KEPT.get(estimator)
    if kept is None or not kept.fits(estimator):
        kept = _KEPT[estimator] = KeptEngine.of(estimator)
    return kept


def _given(estimator: Any) -> tuple[Any, ...]:
    given = [getattr(estimator, name) for name in _PARAMETERS]
    return tuple(tuple(each) if isinstance(each, (list, np.ndarray)) else each for each in given)


def _arrays(estimator: Any) -> list[Any]:
    """Return all arrays of an estimator, whatever the user has assigned."""
    found: list[Any] = []
    for name in _ARRAYS:
        value = getattr(estimator, name)
        for each in value if isinstance(value, list) else [value]:
            found += each.values() if isinstance(each, dict) else [each]
    return found
