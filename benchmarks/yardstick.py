"""How close the kernel comes to the machine's limit: an epoch of 784-30-10 against hand-written C, in turns.

    python benchmarks/yardstick.py [C_FILE]

C_FILE holds another yardstick, with the signature of `epoch` in `yardstick.c`. It needs gcc, which compiles for this
processor, or for the one that Numba is told to compile for (NUMBA_CPU_NAME). The last line is the median of the ratios
of neighbouring epochs.
"""

from __future__ import annotations

import argparse
import ctypes
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

import numba
import numpy as np

from fastnet import Dataset, mnist_loader
from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.initialization import normal
from fastnet.kernels.layout import aligned_zeros
from fastnet.kernels.vectors import lanes_of
from fastnet.utils import machine

SIZES = (784, 30, 10)
MINI_BATCH_SIZE, ETA = 10, 3.0
FLOAT32 = np.dtype("float32")


class Yardstick:
    """The C function, compiled, with its data and parameters."""

    def __init__(self, source: Path, weights: list[np.ndarray], biases: list[np.ndarray], data: Dataset) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder, "yardstick.so")
            flags = ["-O3", f"-march={processor()}", "-ffp-contract=fast", "-shared", "-fPIC"]
            subprocess.run(["gcc", *flags, source, "-o", library], check=True)
            self._library = ctypes.CDLL(library)
        rows, columns = np.nonzero(data.inputs)
        starts = np.zeros(len(data) + 1, np.int64)
        np.cumsum(np.bincount(rows, minlength=len(data)), out=starts[1:])
        labels = data.labels(SIZES[-1]).astype(np.uint8)
        self._data = starts, columns.astype(np.uint16), data.inputs[rows, columns].astype(FLOAT32), labels
        self._w0, self._b0 = padded(weights[0].T, 32), padded(biases[0].T, 32)
        self._w1, self._w1t, self._b1 = (
            padded(weights[1].T, 16, 32),
            padded(weights[1], 32, 16),
            padded(biases[1].T, 16),
        )

    @property
    def vectors(self) -> str:
        """Which registers the C uses, as it says itself."""
        if not hasattr(self._library, "vectors"):
            return "not said"
        self._library.vectors.restype = ctypes.c_char_p
        return self._library.vectors().decode()

    def epoch(self, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        data = [pointer(array) for array in (*self._data, order)]
        parameters = [pointer(array) for array in (self._w0, self._b0, self._w1, self._w1t, self._b1)]
        self._library.epoch(*data, ctypes.c_int64(len(order)), mini_batch_size, ctypes.c_float(eta), *parameters)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        _, hidden, outputs = SIZES
        weights = [self._w0[:, :hidden].T, self._w1[:hidden, :outputs].T]
        return weights, [self._b0[:, :hidden].T, self._b1[:, :outputs].T]


def processor() -> str:
    """Return gcc's name of the processor that Numba compiles for."""
    name = numba.config.CPU_NAME or "native"
    return "x86-64" if name == "generic" and platform.machine() in ("x86_64", "AMD64") else name


def padded(matrix: np.ndarray, columns: int, rows: int | None = None) -> np.ndarray:
    """Copy a matrix to the beginning of a cache line, filled up with zeros."""
    array = aligned_zeros((rows or len(matrix)) * columns, FLOAT32).reshape(-1, columns)
    array[: matrix.shape[0], : matrix.shape[1]] = matrix
    return array


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="?", default=Path(__file__).with_name("yardstick.c"))
    parser.add_argument("--epochs", type=int, default=31, help="how many of each (default: %(default)s)")
    arguments = parser.parse_args()
    training_data = mnist_loader.load_data_wrapper()[0]
    random = np.random.RandomState(0)
    weights, biases = normal(Architecture.dense(SIZES, FLOAT32).weight_shapes, random, scaled=True)
    yardstick = Yardstick(arguments.source, weights, biases, training_data)
    engines = {
        dtype: engine_class("numba")(architecture, architecture.parameters(weights, biases), training_data)
        for dtype in ("float32", "float64")
        for architecture in [Architecture.dense(SIZES, np.dtype(dtype))]
    }
    check(yardstick, engines["float32"], random.permutation(len(training_data))[:2000])
    racers = {"yardstick": yardstick, **engines}
    seconds: dict[str, list[float]] = {name: [] for name in racers}
    for _ in range(arguments.epochs):
        order = random.permutation(len(training_data))
        for name, racer in racers.items():
            began = time.perf_counter()
            racer.epoch(order, MINI_BATCH_SIZE, ETA)
            seconds[name].append(time.perf_counter() - began)
    print(f"{machine.sentence()}.")
    print(f"Registers of the yardstick: {yardstick.vectors}; of the kernels: {lanes_of(FLOAT32) // 2} numbers.")
    for name, times in seconds.items():
        print(f"{name}: {median(times) * 1e3:.1f} ms an epoch ({min(times) * 1e3:.1f} to {max(times) * 1e3:.1f})")
    for name, bound in (("float64", 2.5), ("float32", 1.3)):
        ratio = median(t / y for t, y in zip(seconds[name], seconds["yardstick"], strict=True))
        print(f"{name} against the yardstick, at most {bound}: {ratio:.2f}")


def check(yardstick: Yardstick, engine, order: np.ndarray) -> None:
    """Compare 200 mini-batches."""
    for each in (yardstick, engine):
        each.epoch(order, MINI_BATCH_SIZE, ETA)
    found = engine.architecture.book_lists(engine.parameters())
    for arrays, expected in zip(found, yardstick.parameters(), strict=True):
        for array, expected_array in zip(arrays, expected, strict=True):
            np.testing.assert_allclose(array, expected_array, rtol=0, atol=1e-3)


if __name__ == "__main__":
    main()
