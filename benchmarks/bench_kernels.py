"""Measures the times of single compiled kernels, for one mini-batch of 10 digits in 784-30-10 with float32.

Calling a kernel from Python takes about as long as the shortest product. `test_call` measures the call of an empty
kernel. The 30 neurons and the 10 outputs are divided into panels, whose width depends on the processor. With AVX-512,
each layer is one panel. Without AVX, the neurons are four panels, and the outputs two panels.
"""

import numpy as np
import pytest
from kernels.layer_0 import Layer0, Order

from fastnet.kernels import activations, choice, inputs, products
from fastnet.kernels.arrays import strips
from fastnet.kernels.compiler import kernel
from fastnet.kernels.layout import OUTPUTS_AT_A_TIME, SAMPLES_AT_A_TIME, aligned_zeros
from fastnet.kernels.vectors import lanes, lanes_of, load, register_lanes_of, store

FLOAT32 = np.dtype("float32")
SIGMOID = activations.CODES["sigmoid"]
SAMPLES, N_IN, N_HIDDEN, N_OUT = 10, 784, 30, 10
ORDER = Order(np.arange(SAMPLES), np.arange(0))


class Panels:
    """A random matrix, and a copy of the matrix in panels."""

    def __init__(self, rows, columns, random):
        width = -(-columns // lanes_of(FLOAT32)) * lanes_of(FLOAT32)
        self.matrix = random.standard_normal((rows, columns)).astype(FLOAT32)
        self.panels = aligned_zeros(rows * width, FLOAT32)
        for columns_of_matrix, panel in strips(self.matrix, self.panels):
            panel[:] = columns_of_matrix

    def read(self):
        for columns_of_matrix, panel in strips(self.matrix, self.panels):
            columns_of_matrix[:] = panel
        return self.matrix.copy()


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def group(benchmark):
    benchmark.group = "kernels, one mini-batch"


@pytest.fixture(params=["rows", "matrix"])
def digits(request, training_data, monkeypatch):
    """Ten digits, as an array and in the form of the kernels' inputs."""
    monkeypatch.setattr(choice, "without_zeros", lambda density: request.param == "rows")
    images = training_data.inputs[:SAMPLES]
    return images, inputs.inputs_of(images, FLOAT32)


@kernel
def nothing(x, mini_batch, w, z):
    pass


@kernel
def dot_products(a, w, z, m, dots):
    width = lanes(z)
    panels = len(a) // (m * width)
    products.set_dot_products(a, 0, width, m * width, panels, 0, m, w, 0, N_OUT, 0, N_OUT, z, 0, m * width, dots, 0)


@kernel
def sigmoid(z):
    for i in range(0, len(z), lanes(z)):
        a, _ = activations.activation(SIGMOID, load(z, i))
        store(z, i, a)


def test_call(benchmark, digits, random):
    _, x = digits
    w, z = Panels(N_IN, N_HIDDEN, random), Panels(SAMPLES, N_HIDDEN, random)
    nothing(x, np.arange(SAMPLES), w.panels, z.panels)  # compiles the kernel before the first round
    benchmark(nothing, x, np.arange(SAMPLES), w.panels, z.panels)


def test_inputs_of_50000_digits(benchmark, training_data):
    benchmark.group = "kernels, once a data set"
    rows = benchmark.pedantic(inputs.inputs_of, args=(training_data.inputs, FLOAT32), rounds=5, warmup_rounds=1)
    assert len(rows.values) == np.count_nonzero(training_data.inputs)


def test_multiply_inputs(benchmark, digits, random):
    images, x = digits
    w, z = Panels(N_IN, N_HIDDEN, random), Panels(SAMPLES, N_HIDDEN, random)
    expected = images @ w.matrix
    layer, arguments = Layer0(N_IN, SAMPLES, z.panels, z.panels), (x, ORDER, w.panels, 0, len(z.panels) // SAMPLES)
    layer.multiply(*arguments)
    np.testing.assert_allclose(z.read(), expected, rtol=0, atol=1e-4)
    benchmark(layer.multiply, *arguments)


def test_accumulate_inputs(benchmark, digits, random):
    images, x = digits
    w, d = Panels(N_IN, N_HIDDEN, random), Panels(SAMPLES, N_HIDDEN, random)
    expected = w.matrix + images.T @ d.matrix
    layer, arguments = Layer0(N_IN, SAMPLES, d.panels, d.panels), (x, ORDER, w.panels, 0, len(d.panels) // SAMPLES)
    layer.accumulate(*arguments)
    np.testing.assert_allclose(w.read(), expected, rtol=0, atol=1e-4)
    benchmark(layer.accumulate, *arguments)


def test_dot_products(benchmark, random):
    a, w, z = Panels(SAMPLES, N_HIDDEN, random), Panels(N_OUT, N_HIDDEN, random), Panels(SAMPLES, N_OUT, random)
    dots = aligned_zeros(SAMPLES_AT_A_TIME * OUTPUTS_AT_A_TIME * register_lanes_of(FLOAT32), FLOAT32)
    dot_products(a.panels, w.panels, z.panels, SAMPLES, dots)
    np.testing.assert_allclose(z.read(), a.matrix @ w.matrix.T, rtol=0, atol=1e-4)
    benchmark(dot_products, a.panels, w.panels, z.panels, SAMPLES, dots)


def test_sigmoid(benchmark, random):
    z = Panels(SAMPLES, N_OUT, random)
    expected = 1 / (1 + np.exp(-z.matrix))
    sigmoid(z.panels)
    np.testing.assert_allclose(z.read(), expected, rtol=1e-6)
    benchmark(sigmoid, z.panels)
