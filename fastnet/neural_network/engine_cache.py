"""The engines with which an estimator predicts, cached between calls as long as the estimator exists."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fastnet.datasets.sparse import SparseInputs, is_sparse
from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.neural_network import parameters
from fastnet.neural_network.settings import NetworkSettings
from fastnet.utils import arguments

_CACHE: dict[int, CachedEngines] = {}  # by the estimator's `id`, because a subclass may be unhashable
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

    def outputs(self, inputs: Any) -> np.ndarray:
        """Return the network's outputs, one sample per row.

        For short computations, 'numpy' replaces 'numba', which needs compilation.

        Raises
        ------
        ValueError
            If an output is NaN.
        """
        name = self.settings.engine
        if name == "numba" and inputs.shape[0] * self.architecture.multiplications <= _FEW_MULTIPLICATIONS:
            name = "numpy"
        return self._computed(name, inputs, "an output", lambda engine, rows: engine.outputs(rows))

    def hidden_activations(self, inputs: Any, layer: int) -> np.ndarray:
        """Return the activations of a hidden layer, one sample per row.

        Raises
        ------
        TypeError, ValueError
            If `layer` is not the index of a hidden layer, or an activation is NaN.
        """
        number = len(self.architecture.layers) - 1
        index = arguments.integer(layer, "layer")
        if not number:
            raise ValueError("the network has no hidden layers, so there are no activations to return")
        if not -number <= index < number:
            raise ValueError(
                f"layer is {index}; it must be an index of the hidden layers, from {-number} to {number - 1}"
            )
        return self._computed(
            "numpy", inputs, "an activation", lambda engine, rows: engine.hidden_activations(rows, index % number)
        )

    def _computed(self, name: str, inputs: Any, what: str, compute: Callable[[Any, Any], np.ndarray]) -> np.ndarray:
        """Return what an engine computes in the higher precision of the samples and the network."""
        engine = self._engine(name, np.result_type(inputs.dtype, self.architecture.dtype))
        inputs = inputs.astype(engine.architecture.dtype, copy=False)
        with self.settings.threads():
            found = compute(engine, SparseInputs(inputs.tocsr()) if is_sparse(inputs) else inputs)
        if np.isnan(found).any():
            raise ValueError(
                f"{what} of the network is NaN, because the inputs or coefs_ are too large; scale the inputs"
            )
        return found

    def _engine(self, name: str, dtype: np.dtype) -> Engine:
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
    key = id(estimator)
    cached = _CACHE.get(key)
    if cached is not None and cached.fits(estimator):
        return cached
    made = CachedEngines.of(estimator)
    if cached is None:  # later, another object may have the same `id`, so the entry ends with the estimator
        weakref.finalize(estimator, _CACHE.pop, key, None).atexit = False
    _CACHE[key] = made
    return made


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
