"""Compares one compiled batch normalization layer with NumPy in higher precision, and with central differences."""

import numpy as np
import pytest

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense
from fastnet.kernels import arrays, layout, normalization
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes, lanes_of, load
from fastnet.kernels.workspace import workspace_of

DTYPES = ("float32", "float64")
EPSILON, MOMENTUM = 0.01, 0.25
NORMALIZATION = 1  # index of the batch normalization layer


@kernel
def normalize(m, there, statistics, space, training):
    width = lanes(space.activations)
    for u in range(there.units[NORMALIZATION], there.units[NORMALIZATION + 1], width):
        below = m * (u - there.units[NORMALIZATION])
        normalization.normalize(NORMALIZATION, u, below, m, there, statistics, space, training)


@kernel
def backpropagate(m, there, parameters, space, sums, sums_scale):
    width = lanes(space.activations)
    for u in range(there.units[NORMALIZATION], there.units[NORMALIZATION + 1], width):
        channel = there.channels[NORMALIZATION] + u - there.units[NORMALIZATION]
        gamma, below = load(parameters.values, there.gammas + channel), m * (u - there.units[NORMALIZATION])
        normalization.backpropagate(u, channel, below, m, gamma, there, space, sums, sums_scale)


class Layer:
    """A batch normalization layer with one neuron more than a vector has lanes, and a mini-batch of m samples."""

    def __init__(self, m, dtype):
        random, self.m, self.n = np.random.default_rng(0), m, lanes_of(dtype) + 1
        layers = (Dense(self.n), BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON), Dense(2))
        architecture = Architecture((3,), layers, dtype=np.dtype(dtype))
        parameters = architecture.parameters([np.zeros((self.n, 3)), np.zeros((2, self.n))], [np.zeros((1, 1))] * 2)
        for own, trained in zip(parameters, architecture.trained, strict=True):
            own.update({name: np.zeros(shape, dtype) for name, shape in trained.items()})
        own = parameters[NORMALIZATION]
        for name in ("gamma", "mean", "variance"):
            own[name] = random.uniform(0.5, 2, (self.n, 1)).astype(dtype)
        self.gamma, self.mean, self.variance = (own[name].ravel() for name in ("gamma", "mean", "variance"))
        self.there = layout.layout_of(architecture)
        self.parameters = arrays.from_arrays(architecture, self.there, parameters)
        self.statistics = arrays.statistics_from(architecture, self.there, parameters)
        self.space = workspace_of(self.there, m)
        # Each neuron's standard deviation is 0.5 to 2, because the variance of nearly equal numbers would be inexact.
        self.x = (random.standard_normal((m, self.n)) * random.uniform(0.5, 2, self.n) + 1).astype(dtype)
        self.set_matrix(self.x, self.space.activations, 0)
        self.eps = np.finfo(dtype).eps

    def running(self):
        """Return the running means and variances."""
        start = self.there.channels[NORMALIZATION]
        return [array[start:][: self.n] for array in self.statistics]

    def matrix(self, panels, layer):
        """Return a layer's part of the workspace array `panels`, as a matrix."""
        result = np.empty((self.m, self.n), panels.dtype)
        for part, panel in arrays.strips(result, panels[self.m * self.there.units[layer] :]):
            part[...] = panel
        return result

    def set_matrix(self, matrix, panels, layer):
        """Copy a matrix to a layer's part of the workspace array `panels`."""
        for part, panel in arrays.strips(matrix, panels[self.m * self.there.units[layer] :]):
            panel[...] = part


def normalized(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPSILON)


@pytest.mark.parametrize("m", [1, 2, 7])
@pytest.mark.parametrize("dtype", DTYPES)
def test_normalized_by_the_mini_batch_which_enters_the_running_means(dtype, m):
    layer = Layer(m, dtype)
    normalize(m, layer.there, layer.statistics, layer.space, True)
    x = layer.x.astype(np.longdouble)
    found = layer.matrix(layer.space.activations, NORMALIZATION)
    np.testing.assert_allclose(found, normalized(x), rtol=0, atol=64 * layer.eps)
    mean, variance = layer.running()
    if m == 1:
        expected = layer.mean, layer.variance  # unchanged, because one sample gives no estimate of the variance
    else:
        expected = [
            (1 - MOMENTUM) * before + MOMENTUM * now
            for before, now in ((layer.mean, x.mean(axis=0)), (layer.variance, x.var(axis=0, ddof=1)))
        ]
    np.testing.assert_allclose(mean, expected[0], rtol=16 * layer.eps)
    np.testing.assert_allclose(variance, expected[1], rtol=32 * layer.eps)


@pytest.mark.parametrize("m", [1, 7])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_trained_network_normalizes_by_the_running_means_and_keeps_them(dtype, m):
    layer = Layer(m, dtype)
    normalize(m, layer.there, layer.statistics, layer.space, False)
    expected = (layer.x.astype(float) - layer.mean) / np.sqrt(layer.variance.astype(float) + EPSILON)
    found = layer.matrix(layer.space.activations, NORMALIZATION)
    np.testing.assert_allclose(found, expected, rtol=8 * layer.eps, atol=8 * layer.eps)
    for found, before in zip(layer.running(), (layer.mean, layer.variance), strict=True):
        np.testing.assert_array_equal(found, before)


@pytest.mark.parametrize("m", [1, 2, 7])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_is_that_of_central_differences(dtype, m):
    layer, scale = Layer(m, dtype), 0.5
    normalize(m, layer.there, layer.statistics, layer.space, True)
    errors = np.random.default_rng(1).standard_normal((m, layer.n)).astype(dtype)
    layer.set_matrix(errors, layer.space.delta, NORMALIZATION)
    sums = layout.zeros(layer.there)
    sums.values[:] = 1
    backpropagate(m, layer.there, layer.parameters, layer.space, sums, scale)
    x, h = layer.x.astype(np.longdouble), 1e-6
    expected = np.empty((m, layer.n), np.longdouble)
    for s in range(m):
        change = h * np.eye(m)[:, s : s + 1]
        difference = normalized(x + change) - normalized(x - change)
        expected[s] = np.sum(errors * layer.gamma * difference, axis=0) / (2 * h)
    close = {"rtol": 0, "atol": max(1e-8, 128 * layer.eps)}
    np.testing.assert_allclose(layer.matrix(layer.space.delta, 0), expected, **close)
    start = layer.there.gammas + layer.there.channels[NORMALIZATION]
    gradient = 1 + scale * np.sum(errors * normalized(x), axis=0)
    np.testing.assert_allclose(sums.values[start:][: layer.n], gradient, **close)
    sums.values[start:][: layer.n] = 1
    assert (sums.values == 1).all()
