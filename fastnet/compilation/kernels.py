"""All that there is to compile: each kernel, with all types of arguments that it can be called with.

The types are those of real calls: engines are made for small data sets of each kind, while stand-ins take the place of
the kernels. They keep the types of their arguments and compute nothing. So nothing is compiled or run here, and a
kernel may be for a processor that this one is not.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np

import fastnet.kernels
from fastnet import expand_mnist
from fastnet.datasets.dataset import Dataset
from fastnet.engines.numba import Engine
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import Convolution, Dense
from fastnet.kernels import side_by_side
from fastnet.kernels.compiler import is_kernel

_SAMPLES = 1 << 14  # enough for kernels that only large data sets need
_MANY_INPUTS = (1 << 16) + 1  # so many that their columns are numbered in uint32


class Specialization(NamedTuple):
    """A kernel for arguments of some types.

    Attributes
    ----------
    module, name : str
        Where the kernel is.
    types : tuple
        Numba's types of its arguments.
    """

    module: str
    name: str
    types: tuple[Any, ...]


def kernels() -> list[tuple[Any, str]]:
    """Return all modules that have kernels, and the names of these."""
    names = [each.name for each in pkgutil.walk_packages(fastnet.kernels.__path__, "fastnet.kernels.")]
    modules = [importlib.import_module(name) for name in names]
    return [
        (module, name)
        for module in modules
        for name, value in vars(module).items()
        if is_kernel(value) and value.py_func.__module__ == module.__name__
    ]


def specializations() -> list[Specialization]:
    """Return all kernels, for all types of arguments; those with most arguments, which take longest, first."""
    with _recorded() as found:
        for dtype in map(np.dtype, (np.float32, np.float64)):
            for data in (_data(_SAMPLES, 4, 1, dtype), _data(_SAMPLES, 4, 0, dtype), _data(2, _MANY_INPUTS, 0, dtype)):
                _use_networks(data)
            expand_mnist.deform(_data(2, 4, 1, dtype), seed=0)
    return sorted(dict.fromkeys(found), key=lambda each: -len(each.types))


def _use_networks(data: Dataset) -> None:
    """Prepare a network without images for training, and one with them, and evaluate both."""
    inputs, dtype = data.inputs.shape[1], data.inputs.dtype
    dense = Architecture.dense([inputs, 1], dtype)
    images = Architecture((1, 1, inputs), (Convolution(1, (1, 1)), Dense(1)), dtype=dtype)
    for architecture in (dense, images):
        parameters = [
            {name: np.zeros(shape, dtype) for name, shape in shapes.items()} for shapes in architecture.arrays
        ]
        Engine(architecture, parameters, data).outputs(data.inputs)


def _data(samples: int, inputs: int, value: int, dtype: np.dtype) -> Dataset:
    return Dataset(np.full((samples, inputs), value, dtype), np.ones((samples, 1), dtype))


@contextlib.contextmanager
def _recorded() -> Iterator[list[Specialization]]:
    """Have kernels record the types of their arguments in the `with` block, and compute nothing."""
    found: list[Specialization] = []

    def record(kernel: Any, arguments: tuple[Any, ...]) -> None:
        function = kernel.py_func
        found.append(Specialization(function.__module__, function.__name__, tuple(map(numba.typeof, arguments))))

    def record_all(here: side_by_side.Call, *elsewhere: Sequence[side_by_side.Call]) -> None:
        for kernel, arguments in (here, *itertools.chain(*elsewhere)):
            kernel(*arguments)

    with contextlib.ExitStack() as stack:
        for module, name in kernels():
            stack.enter_context(_replaced(module, name, _Recorder(getattr(module, name), record)))
        stack.enter_context(_replaced(side_by_side, "compile_all", record_all))
        # The address of nothing: no kernel is there to jump to it.
        stack.enter_context(_replaced(side_by_side, "address_of", lambda kernel, arguments: 1))
        yield found


class _Recorder:
    """Stands in for a kernel.

    Parameters
    ----------
    kernel : kernel
        Which.
    record : callable
        Takes the kernel and the arguments of a call.
    """

    def __init__(self, kernel: Any, record: Callable[[Any, tuple[Any, ...]], None]) -> None:
        self._kernel, self._record = kernel, record

    def __call__(self, *arguments: Any) -> None:
        self._record(self._kernel, arguments)


@contextlib.contextmanager
def _replaced(module: Any, name: str, replacement: Any) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, replacement)
    try:
        yield
    finally:
        setattr(module, name, original)
