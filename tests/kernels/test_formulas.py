"""Each formula against the book's equation in NumPy, padding included."""

import numpy as np
import pytest

from fastnet.kernels import formulas
from fastnet.kernels.rows import rows_of

N_IN, N, WIDTH, SAMPLES = 18, 19, 32, 7


@pytest.fixture
def random():
    return np.random.default_rng(0)


def padded(array, width=WIDTH):
    return np.pad(array, ((0, 0), (0, width - array.shape[1])))


def test_sigmoid_leaves_the_padding_zero(random):
    z = padded(random.standard_normal((SAMPLES, N)) * 5)
    z[0, :2] = -1000, 1000
    z[:, N:] = 3
    expected = np.pad(1 / (1 + np.exp(-np.clip(z[:, :N], -700, 700))), ((0, 0), (0, WIDTH - N)))
    formulas.sigmoid(z, N)
    np.testing.assert_allclose(z, expected, rtol=1e-14, atol=1e-300)


def test_weighted_inputs(random):
    inputs = random.standard_normal((20, N_IN)) * (random.random((20, N_IN)) < 0.3)
    mini_batch = random.permutation(20)[:SAMPLES]
    weights, biases = padded(random.standard_normal((N_IN, N))), random.standard_normal(WIDTH)
    expected = inputs[mini_batch] @ weights + biases
    z = np.full((SAMPLES, WIDTH), np.nan)
    formulas.weighted_inputs_of_rows(rows_of(inputs, np.dtype("f8")), mini_batch, weights, biases, z)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-13)
    z[:] = np.nan
    formulas.weighted_inputs(padded(inputs[mini_batch]), N_IN, weights, biases, z)
    np.testing.assert_allclose(z, expected, rtol=0, atol=1e-13)


def test_accumulate(random):
    inputs = random.standard_normal((20, N_IN)) * (random.random((20, N_IN)) < 0.3)
    mini_batch = random.permutation(20)[:SAMPLES]
    delta = padded(random.standard_normal((SAMPLES, N)))
    start = random.standard_normal((N_IN, WIDTH))
    expected = start - 0.7 * inputs[mini_batch].T @ delta
    weights = start.copy()
    formulas.accumulate_rows(rows_of(inputs, np.dtype("f8")), mini_batch, delta, -0.7, weights)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-13)
    weights = start.copy()
    formulas.accumulate(padded(inputs[mini_batch]), N_IN, delta, -0.7, weights)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-13)
    biases = start[0].copy()
    formulas.accumulate_biases(delta, -0.7, biases)
    np.testing.assert_allclose(biases, start[0] - 0.7 * delta.sum(axis=0), rtol=0, atol=1e-13)


def test_errors(random):
    activations = padded(random.random((SAMPLES, N)))
    targets, mini_batch = random.random((20, N)), random.permutation(20)[:SAMPLES]
    a = activations[:, :N]
    delta = np.zeros((SAMPLES, WIDTH))
    formulas.output_error(activations, targets, mini_batch, delta)
    np.testing.assert_allclose(delta, padded((a - targets[mini_batch]) * a * (1 - a)), rtol=0, atol=1e-15)

    above, weights = padded(random.standard_normal((SAMPLES, 5)), 16), padded(random.standard_normal((N, 5)), 16)
    formulas.propagate_back(above, weights, activations, N, delta)
    np.testing.assert_allclose(delta, padded((above @ weights.T) * a * (1 - a)), rtol=0, atol=1e-13)
