"""Compare the kernels and hand-written C code, which run alternately: the times of an epoch of 784-30-10.

    python benchmarks/yardstick.py [C_FILE ...]

The C code shows how fast the machine can be. C_FILE is a C file to time in place of `yardstick.c`. The function `epoch`
in C_FILE must have the signature of the function `epoch` in `yardstick.c`. Several C files run alternately, and the
kernels are compared with the first file. gcc is needed, and compiles for the processor for which Numba compiles: this
machine's processor, or the processor that NUMBA_CPU_NAME names. If gcc is missing or cannot compile a file for the
processor, the exit status is 3. The last lines have ratios of two times, each as the median over the rounds.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from pathlib import Path
from statistics import median
from typing import Any

import compiled_c
import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.engines import engine_class
from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.initialization import normal
from fastnet.kernels.layout import aligned_zeros
from fastnet.kernels.vectors import register_lanes_of
from fastnet.utils import machine

SIZES = (784, 30, 10)
MINI_BATCH_SIZE, ETA = 10, 3.0
FLOAT32 = np.dtype("float32")


class Yardstick:
    """The C function, compiled, with its data and parameters."""

    def __init__(self, source: Path, weights: list[np.ndarray], biases: list[np.ndarray], data: Dataset) -> None:
        self._library = compiled_c.library(source)
        rows, columns = np.nonzero(data.inputs)
        starts = np.zeros(len(data) + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=len(data)), out=starts[1:])
        labels = data.labels(SIZES[-1]).astype(np.uint8)
        self.data = starts, columns.astype(np.uint16), data.inputs[rows, columns].astype(FLOAT32), labels
        self._w0, self._b0 = padded(weights[0].T, 32), padded(biases[0].T, 32)
        self._w1, self._w1t, self._b1 = (
            padded(weights[1].T, 16, 32),
            padded(weights[1], 32, 16),
            padded(biases[1].T, 16),
        )

    @property
    def vectors(self) -> str:
        """Vector registers that the C function `vectors` names; without this function, the widest that gcc uses."""
        if not hasattr(self._library, "vectors"):
            return f"not named in the C code; the widest that gcc uses are {compiled_c.instructions()}"
        self._library.vectors.restype = ctypes.c_char_p
        return self._library.vectors().decode()

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        data = [pointer(array) for array in (*self.data, order)]
        parameters = [pointer(array) for array in (self._w0, self._b0, self._w1, self._w1t, self._b1)]
        self._library.epoch(*data, ctypes.c_int64(len(order)), mini_batch_size, ctypes.c_float(eta), *parameters)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        _, hidden, outputs = SIZES
        weights = [self._w0[:, :hidden].T, self._w1[:hidden, :outputs].T]
        return weights, [self._b0[:, :hidden].T, self._b1[:, :outputs].T]


def padded(matrix: np.ndarray, columns: int, rows: int | None = None) -> np.ndarray:
    """Copy a matrix to a new array that begins at a cache line and is padded with zeros."""
    array = aligned_zeros((rows or len(matrix)) * columns, FLOAT32).reshape(-1, columns)
    array[: matrix.shape[0], : matrix.shape[1]] = matrix
    return array


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", metavar="C_FILE", type=Path, nargs="*", help="(default: yardstick.c)")
    parser.add_argument("--epochs", type=int, default=31, help="number of epochs of each (default: %(default)s)")
    arguments = parser.parse_args()
    training_data = mnist_loader.load_data_wrapper()[0]
    random = np.random.RandomState(0)
    weights, biases = normal(Architecture.dense(SIZES, FLOAT32).weight_shapes, random, scaled=True)
    sources = arguments.sources or [Path(__file__).with_name("yardstick.c")]
    with compiled_c.refusing():
        yardsticks = {each.name: Yardstick(each, weights, biases, training_data) for each in sources}
    for each in yardsticks.values():  # all get the same arrays, because some places in memory may be faster
        each.data = next(iter(yardsticks.values())).data
    engines = {
        dtype: engine_class("numba")(architecture, architecture.parameters(weights, biases), training_data)
        for dtype in ("float32", "float64")
        for architecture in [Architecture.dense(SIZES, np.dtype(dtype))]
    }
    check(yardsticks, engines["float32"], random.permutation(len(training_data))[:2000])
    compared: dict[str, Any] = {**yardsticks, **engines}
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    for i in range(arguments.epochs):
        order = random.permutation(len(training_data))
        # The order of the programs alternates, because each program finds the previous program's data in the cache.
        for name, each in list(compared.items())[:: -1 if i % 2 else 1]:
            began = time.perf_counter()
            each.epoch(order, MINI_BATCH_SIZE, ETA)
            seconds[name].append(time.perf_counter() - began)
    print(f"{machine.sentence()}.")
    for name, each in yardsticks.items():
        print(f"Registers of {name}, compiled for {compiled_c.processor()!r}: {each.vectors}.")
    print(f"Registers of the kernels: {register_lanes_of(FLOAT32)} numbers.")
    for name, times in seconds.items():
        print(f"{name}: {median(times) * 1e3:.1f} ms an epoch ({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})")
    first, *others = yardsticks
    for name in others:
        print(f"{name} against {first}: {ratio(seconds[name], seconds[first]):.3f}")
    for name, bound in (("float64", 2.0), ("float32", 1.05)):
        print(f"{name} against the yardstick, at most {bound}: {ratio(seconds[name], seconds[first]):.2f}")


def ratio(times: list[float], of_others: list[float]) -> float:
    """Return the ratio of the two epoch times, as the median over the rounds."""
    return median(a / b for a, b in zip(times, of_others, strict=True))


def check(yardsticks: dict[str, Yardstick], engine: Engine, order: np.ndarray) -> None:
    """Check that the parameters of each yardstick and of `engine` agree within 1e-3 after 200 mini-batches."""
    for each in (engine, *yardsticks.values()):
        each.epoch(order, MINI_BATCH_SIZE, ETA)
    expected = engine.architecture.book_lists(engine.parameters())
    for name, yardstick in yardsticks.items():
        for arrays, expected_arrays in zip(yardstick.parameters(), expected, strict=True):
            for array, expected_array in zip(arrays, expected_arrays, strict=True):
                np.testing.assert_allclose(array, expected_array, rtol=0, atol=1e-3, err_msg=name)


if __name__ == "__main__":
    main()
