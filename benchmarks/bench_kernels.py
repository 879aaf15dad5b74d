"""Each formula of the compiled kernel alone: what it takes for one mini-batch of 10 digits, of 784-30-10 in float32.

A call from Python costs about as much as the smaller ones take; `test_call` shows how much.
"""

import numpy as np
import pytest

from fastnet.kernels import formulas
from fastnet.kernels.compiler import kernel
from fastnet.kernels.rows import rows_of

FLOAT32 = np.dtype("float32")
SAMPLES, N_HIDDEN, HIDDEN_WIDTH, N_OUT, OUT_WIDTH = 10, 30, 32, 10, 16


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def draw(random):
    """Draw a matrix of float32 whose columns from `n` on are zero."""

    def draw(rows, n, width):
        array = np.zeros((rows, width), np.float32)
        array[:, :n] = random.standard_normal((rows, n))
        return array

    return draw


@pytest.fixture(autouse=True)
def group(benchmark):
    benchmark.group = "kernels, one mini-batch"


@kernel
def nothing(activations, n, weights, biases, z):
    pass


def test_call(benchmark, draw):
    arguments = draw(SAMPLES, 30, 32), N_HIDDEN, draw(30, 10, 16), draw(1, 10, 16)[0], draw(SAMPLES, 10, 16)
    benchmark(nothing, *arguments)


def test_rows_of_50000_digits(benchmark, training_data):
    benchmark.group = "kernels, once a training"
    rows = benchmark.pedantic(rows_of, args=(training_data.inputs, FLOAT32), rounds=5, warmup_rounds=1)
    assert len(rows.values) == np.count_nonzero(training_data.inputs)


def test_weighted_inputs_of_rows(benchmark, training_data, draw):
    inputs = training_data.inputs[:SAMPLES]
    rows, mini_batch = rows_of(inputs, FLOAT32), np.arange(SAMPLES)
    weights, biases = draw(784, N_HIDDEN, HIDDEN_WIDTH), draw(1, N_HIDDEN, HIDDEN_WIDTH)[0]
    z = draw(SAMPLES, 0, HIDDEN_WIDTH)
    benchmark(formulas.weighted_inputs_of_rows, rows, mini_batch, weights, biases, z)
    np.testing.assert_allclose(z, inputs @ weights + biases, rtol=0, atol=1e-4)


def test_accumulate_rows(benchmark, training_data, draw):
    inputs = training_data.inputs[:SAMPLES]
    rows, mini_batch = rows_of(inputs, FLOAT32), np.arange(SAMPLES)
    weights, delta = draw(784, 0, HIDDEN_WIDTH), draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH)
    formulas.accumulate_rows(rows, mini_batch, delta, np.float32(0.5), weights)
    np.testing.assert_allclose(weights, 0.5 * inputs.T @ delta, rtol=0, atol=1e-4)
    benchmark(formulas.accumulate_rows, rows, mini_batch, delta, np.float32(0), weights)


def test_weighted_inputs(benchmark, draw):
    activations, weights = draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH), draw(N_HIDDEN, N_OUT, OUT_WIDTH)
    biases, z = draw(1, N_OUT, OUT_WIDTH)[0], draw(SAMPLES, 0, OUT_WIDTH)
    benchmark(formulas.weighted_inputs, activations, N_HIDDEN, weights, biases, z)
    np.testing.assert_allclose(z, activations[:, :N_HIDDEN] @ weights + biases, rtol=0, atol=1e-4)


def test_accumulate(benchmark, draw):
    activations, delta = draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH), draw(SAMPLES, N_OUT, OUT_WIDTH)
    weights = draw(N_HIDDEN, 0, OUT_WIDTH)
    formulas.accumulate(activations, N_HIDDEN, delta, np.float32(0.5), weights)
    np.testing.assert_allclose(weights, 0.5 * activations[:, :N_HIDDEN].T @ delta, rtol=0, atol=1e-4)
    benchmark(formulas.accumulate, activations, N_HIDDEN, delta, np.float32(0), weights)


def test_accumulate_biases(benchmark, draw):
    delta, biases = draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH), draw(1, 0, HIDDEN_WIDTH)[0]
    formulas.accumulate_biases(delta, np.float32(0.5), biases)
    np.testing.assert_allclose(biases, 0.5 * delta.sum(axis=0), rtol=0, atol=1e-4)
    benchmark(formulas.accumulate_biases, delta, np.float32(0), biases)


def test_sigmoid(benchmark, draw):
    z = draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH)
    expected = 1 / (1 + np.exp(-z[:, :N_HIDDEN]))
    formulas.sigmoid(z, N_HIDDEN)
    np.testing.assert_allclose(z[:, :N_HIDDEN], expected, rtol=1e-6)
    benchmark(formulas.sigmoid, z, N_HIDDEN)


def test_output_error(benchmark, training_data, draw):
    activations, delta = draw(SAMPLES, N_OUT, OUT_WIDTH), draw(SAMPLES, 0, OUT_WIDTH)
    targets, mini_batch = training_data.targets[:SAMPLES].astype(np.float32), np.arange(SAMPLES)
    benchmark(formulas.output_error, activations, targets, mini_batch, delta)
    a = activations[:, :N_OUT]
    np.testing.assert_allclose(delta[:, :N_OUT], (a - targets) * a * (1 - a), rtol=0, atol=1e-4)


def test_propagate_back(benchmark, draw):
    above, weights = draw(SAMPLES, N_OUT, OUT_WIDTH), draw(N_HIDDEN, N_OUT, OUT_WIDTH)
    activations, delta = draw(SAMPLES, N_HIDDEN, HIDDEN_WIDTH), draw(SAMPLES, 0, HIDDEN_WIDTH)
    benchmark(formulas.propagate_back, above, weights, activations, N_HIDDEN, delta)
    a = activations[:, :N_HIDDEN]
    np.testing.assert_allclose(delta[:, :N_HIDDEN], (above @ weights.T) * a * (1 - a), rtol=0, atol=1e-4)
