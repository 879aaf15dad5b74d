"""The engines with which an estimator predicts, cached between calls as long as the estimator exists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.neural_network import parameters
from fastnet.neural_network.settings import NetworkSettings

_CACHE: WeakKeyDictionary[Any, CachedEngines] = WeakKeyDictionary()
_PARAMETERS = "hidden_layer_sizes", "activation", "engine", "image_shape"
_FITTED = "out_activation_", "n_outputs_", "n_features_in_"
_FEW_MULTIPLICATIONS = 1 << 23  # largest number of multiplications for which NumPy was not slower than a kernel
_ARRAYS = "coefs_", "intercepts_", "normalization_"


@dataclass(frozen=True)
class CachedEngines:
    """The engines of an estimator, and the parameters and arrays from which they were made.

    Attributes
    ----------
    settings : NetworkSettings
        The estimator's parameters of the network, converted to fastnet's classes and names.
    architecture : Architecture
        The network's architecture.
    parameters : list of dict of str to ndarray
        The arrays of each layer.
    given : tuple
        The estimator's parameters and fitted attributes, with which `fits` detects changes.
    arrays : list of ndarray
        Copies of the estimator's arrays, with which `fits` detects changes.
    engines : dict of (str, dtype) to Engine
        The engines made so far, by name and precision, without training data.
    """

    settings: NetworkSettings
    architecture: Architecture
    parameters: Parameters
    given: tuple[Any, ...]
    arrays: list[np.ndarray]
    engines: dict[tuple[str, np.dtype], Engine] = field(default_factory=dict)

    @classmethod
    def of(cls, estimator: Any) -> CachedEngines:
        """Read an estimator's parameters and arrays, which the user may have assigned.

        Raises
        ------
        TypeError, ValueError
            If a parameter or an array is invalid.
        """
        settings = parameters.settings_of(estimator)
        network = parameters.checked(estimator, settings)
        return cls(settings, *network, _given(estimator), [np.array(array) for array in _arrays(estimator)])

    def engine(self, samples: int, dtype: np.dtype) -> Engine:
        """Return an engine for predictions. For few samples, 'numpy' replaces 'numba', which needs compilation.

        Parameters
        ----------
        samples : int
            Number of samples.
        dtype : dtype
            Precision of the samples. The engine has the higher precision of the samples and the network.
        """
        dtype = np.result_type(dtype, self.architecture.dtype)
        name = self.settings.engine
        if name == "numba" and samples * self.architecture.multiplications <= _FEW_MULTIPLICATIONS:
            name = "numpy"
        if (name, dtype) not in self.engines:
            architecture = replace(self.architecture, dtype=dtype)
            self.engines[name, dtype] = engine_class(name)(architecture, self.parameters)
        return self.engines[name, dtype]

    def fits(self, estimator: Any) -> bool:
        """Whether the estimator still has the same parameters and arrays."""
        if self.given != _given(estimator):
            return False
        arrays = _arrays(estimator)
        return len(arrays) == len(self.arrays) and all(
            type(own) is np.ndarray and own.dtype == cached.dtype and np.array_equal(own, cached)
            for own, cached in zip(arrays, self.arrays, strict=True)
        )


def cached_engines(estimator: Any) -> CachedEngines:
    """Return an estimator's engines: those of the last call if the parameters and arrays are unchanged, or new ones."""
    cached = _CACHE.get(estimator)
    if cached is None or not cached.fits(estimator):
        cached = _CACHE[estimator] = CachedEngines.of(estimator)
    return cached


def _given(estimator: Any) -> tuple[Any, ...]:
    given = [getattr(estimator, name) for name in _PARAMETERS + _FITTED]
    return tuple(tuple(each) if isinstance(each, (list, np.ndarray)) else each for each in given)


def _arrays(estimator: Any) -> list[Any]:
    """Return all arrays of an estimator, or the objects that the user has assigned instead of arrays."""
    found: list[Any] = []
    for name in _ARRAYS:
        value = getattr(estimator, name)
        for each in value if isinstance(value, (list, tuple)) else [value]:
            found += each.values() if isinstance(each, dict) else [each]
    return found
