"""Lists what to compile: each kernel with each combination of argument types with which fastnet can call the kernel.

The types are those of real calls. Recorders first replace the kernels. Then engines are created for dense data, for
sparse data, and for sparse data with many inputs, and images are deformed. A recorder stores the types of its
arguments, and computes nothing. Because no kernel is compiled or run here, Numba may be set to compile for a processor
that this machine does not have.
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
from fastnet.kernels import parallel_compilation
from fastnet.kernels.compiler import is_kernel

_SAMPLES = 1 << 14  # number of samples; with fewer than 1000, the kernel `shuffle` would not be listed
_MANY_INPUTS = (1 << 16) + 1  # smallest number of inputs for which column indices are uint32


class Specialization(NamedTuple):
    """A kernel, and the types of its arguments.

    Attributes
    ----------
    module, name : str
        Module of the kernel, and name of the kernel in that module.
    types : tuple
        Numba's types of the arguments.
    """

    module: str
    name: str
    types: tuple[Any, ...]


def kernels() -> list[tuple[Any, str]]:
    """Return the module and the name of each kernel."""
    names = [each.name for each in pkgutil.walk_packages(fastnet.kernels.__path__, "fastnet.kernels.")]
    modules = [importlib.import_module(name) for name in names]
    return [
        (module, name)
        for module in modules
        for name, value in vars(module).items()
        if is_kernel(value) and value.py_func.__module__ == module.__name__
    ]


def specializations() -> list[Specialization]:
    """Return each kernel with each combination of argument types.

    Kernels with the most arguments come first, because they take longest to compile.
    """
    with _recorded() as found:
        for dtype in map(np.dtype, (np.float32, np.float64)):
            for data in (_data(_SAMPLES, 4, 1, dtype), _data(_SAMPLES, 4, 0, dtype), _data(2, _MANY_INPUTS, 0, dtype)):
                _use_networks(data)
            expand_mnist.deform(_data(2, 4, 1, dtype), seed=0)
    return sorted(dict.fromkeys(found), key=lambda each: -len(each.types))


def _use_networks(data: Dataset) -> None:
    """Create the engines of a network without images and of a network with images, and evaluate both networks."""
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
    """Replace all kernels by recorders in the `with` block; yield the list that the recorders append to."""
    found: list[Specialization] = []

    def record(kernel: Any, arguments: tuple[Any, ...]) -> None:
        function = kernel.py_func
        found.append(Specialization(function.__module__, function.__name__, tuple(map(numba.typeof, arguments))))

    def record_all(here: parallel_compilation.Call, *elsewhere: Sequence[parallel_compilation.Call]) -> None:
        for kernel, arguments in (here, *itertools.chain(*elsewhere)):
            kernel(*arguments)

    with contextlib.ExitStack() as stack:
        for module, name in kernels():
            stack.enter_context(_replaced(module, name, _Recorder(getattr(module, name), record)))
        stack.enter_context(_replaced(parallel_compilation, "compile_all", record_all))
        # The address 1 is never called, because no kernel runs.
        stack.enter_context(_replaced(parallel_compilation, "address_of", lambda kernel, arguments: 1))
        yield found


class _Recorder:
    """Replaces a kernel, and records the calls of the kernel.

    Parameters
    ----------
    kernel : kernel
        The replaced kernel.
    record : callable
        Function to call with the kernel and the arguments of each call.
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
