"""Compare the speed of the kernels' matrix products with NumPy's (OpenBLAS): `python benchmarks/products.py`.

For a dense layer, `forward` multiplies the inputs by the weights, `gradient` multiplies the errors by the inputs, and
`backward` multiplies the errors by the weights. The kernels and NumPy compute products of the same shapes alternately,
in one thread. The table has billions of floating-point operations per second of processor time. The ratio is NumPy's
time divided by the kernels' time, as the median over the rounds. `forward` includes picking the samples of a mini-batch
in random order. `forward, above` is `forward` for layers above the first, and includes the kernels' transposition of
the weights.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported

import numpy as np

from fastnet.kernels import products
from fastnet.kernels.arrays import strips
from fastnet.kernels.compiler import kernel
from fastnet.kernels.layout import SAMPLES_OF_SUMS, aligned_zeros
from fastnet.kernels.vectors import lanes, lanes_of
from fastnet.kernels.workspace import size_of_packed
from fastnet.utils import machine

SHAPES = (
    (1000, 784, 1000),
    (1000, 1000, 1000),
    (100, 784, 1000),
    (100, 784, 300),
    (100, 300, 300),
    (40, 300, 300),
)
AT_LEAST = 0.9
OPERATIONS = 4e8  # number of floating-point operations in all timed runs of a product, unless `FEWEST` runs have more
FEWEST = 9  # least number of timed runs


@kernel
def forward(x, mini_batch, w, n_in, z, panels):
    m, width = len(mini_batch), lanes(w)
    products.add_product(
        x, 0, n_in, mini_batch, n_in, 1, 0, w, 0, n_in * width, z, 0, m * width, width, panels, 0, m, True
    )  # fmt: skip


@kernel
def gradient(x, mini_batch, d, w, n_in, panels, scratch, samples):
    m, width = len(mini_batch), lanes(w)
    products.add_transposed_product(
        x, 0, n_in, mini_batch, n_in, 1, 0, d, 0, m * width, width, w, 0, n_in * width, panels, m, scratch, 0, samples
    )  # fmt: skip


@kernel
def forward_above(a, samples, w, n, panels_in, transposed, z, panels_out):
    m, width = len(samples), lanes(w)
    size = panels_in * width * width
    products.transpose(w, 0, n, 0, panels_in, transposed, 0, size)
    products.add_product(
        a, 0, width, samples, width, panels_in, m * width, transposed, 0, size, z, 0, m * width, width, panels_out, 0,
        m, True,
    )  # fmt: skip


@kernel
def backward(d, samples, w, n, panels_in, z, panels_out):
    m, width = len(samples), lanes(w)
    products.add_product(
        d, 0, width, samples, width, panels_out, m * width, w, 0, n * width, z, 0, m * width, width, panels_in, 0, m,
        True,
    )  # fmt: skip


class Layer:
    """A dense layer with its inputs and errors, as matrices and as panels of the kernels."""

    def __init__(self, samples: int, n_in: int, n_out: int, dtype: np.dtype) -> None:
        random, self.dtype = np.random.default_rng(0), dtype
        width = lanes_of(dtype)
        self.panels_in, self.panels_out = -(-n_in // width), -(-n_out // width)
        n_out = self.panels_out * width  # a multiple of the width, so that the last panel of errors has no padding
        self.x, self.w, self.d = (
            random.uniform(-1, 1, shape).astype(dtype) for shape in ((samples, n_in), (n_out, n_in), (samples, n_out))
        )
        self.samples, self.n_in, self.n_out = np.arange(samples), n_in, n_out
        self.order = random.permutation(samples)
        self.z, self.gradient = self.zeros(samples * n_out), self.zeros(n_in * n_out)
        self.below = self.zeros(samples * self.panels_in * width)

    def zeros(self, size: int) -> np.ndarray:
        return aligned_zeros(size, self.dtype)

    def panels(self, matrix: np.ndarray) -> np.ndarray:
        """Return a matrix in panels."""
        width = lanes_of(self.dtype)
        found = self.zeros(len(matrix) * -(-matrix.shape[1] // width) * width)
        for part, panel in strips(matrix, found):
            panel[:] = part
        return found

    def matrix(self, panels: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Return panels as a matrix."""
        found = np.empty((rows, columns), self.dtype)
        for part, panel in strips(found, panels):
            part[:] = panel
        return found

    def comparisons(self) -> dict[str, tuple[Callable[[], object], Callable[[], np.ndarray], Callable[[], np.ndarray]]]:
        """Return functions for each product: the kernel, NumPy's product, and the result of the kernel's last call."""
        m = len(self.samples)
        x = self.x.ravel()
        of_inputs, w, d, a = (self.panels(each) for each in (self.w.T, self.w, self.d, self.x))
        scratch, transposed = self.zeros(size_of_packed(SAMPLES_OF_SUMS)), self.zeros(len(w) + len(of_inputs))
        picked, errors = self.x[self.order], self.d

        return {
            "forward": (
                lambda: forward(x, self.order, of_inputs, self.n_in, self.z, self.panels_out),
                lambda: self.x[self.order] @ self.w.T,
                lambda: self.matrix(self.z, m, self.n_out),
            ),
            "forward, above": (
                lambda: forward_above(
                    a, self.samples, w, self.n_out, self.panels_in, transposed, self.z, self.panels_out
                ),
                lambda: self.x @ self.w.T,
                lambda: self.matrix(self.z, m, self.n_out),
            ),
            "gradient": (
                lambda: gradient(x, self.order, d, self.gradient, self.n_in, self.panels_out, scratch, self.samples),
                lambda: picked.T @ errors,
                lambda: self.matrix(self.gradient, self.n_in, self.n_out),
            ),
            "backward": (
                lambda: backward(d, self.samples, w, self.n_out, self.panels_in, self.below, self.panels_out),
                lambda: self.d @ self.w,
                lambda: self.matrix(self.below, m, self.n_in),
            ),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtypes", default="float32,float64", help="precisions (default: %(default)s)")
    arguments = parser.parse_args()
    print(f"{machine.sentence()}.\n")
    print("| precision | samples, inputs, outputs | product | kernels, GFLOP/s | NumPy | ratio |  |")
    print("| --- " * 7 + "|")
    ratios = [
        compare(dtype, shape, name)
        for dtype in arguments.dtypes.split(",")
        for shape in SHAPES
        for name in ("forward", "forward, above", "gradient", "backward")
    ]
    fast = sum(each >= AT_LEAST for each in ratios)
    print(f"\nproducts at {AT_LEAST} of OpenBLAS's rate or more: {fast} of {len(ratios)} cells")
    print(f"smallest part of OpenBLAS's rate, at least {AT_LEAST}: {min(ratios):.2f}")


def compare(dtype: str, shape: tuple[int, int, int], name: str) -> float:
    """Print a row of the table, and return the ratio."""
    layer = Layer(*shape, np.dtype(dtype))
    ours, theirs, found = layer.comparisons()[name]
    ours()
    np.testing.assert_allclose(found(), theirs(), rtol=0, atol={"float32": 1e-3, "float64": 1e-11}[dtype])
    operations = 2 * len(layer.samples) * layer.n_in * layer.n_out
    rounds = max(FEWEST, int(OPERATIONS / operations))
    seconds = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    ratio = median(their / our for our, their in seconds)
    rates = (f"{operations / median(each) / 1e9:.1f}" for each in zip(*seconds, strict=True))
    cells = dtype, ", ".join(map(str, shape)), name, *rates, f"{ratio:.2f}", "" if ratio >= AT_LEAST else "**missed**"
    print("|", " | ".join(cells), "|", flush=True)
    return ratio


def timed(work: Callable[[], object]) -> float:
    """Return the processor time of a call, in seconds."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


if __name__ == "__main__":
    main()
