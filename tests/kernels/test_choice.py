"""Tests of how a mini-batch is divided into parts."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import Convolution, Dense, MaxPooling
from fastnet.kernels import choice

MEBIBYTE = 1 << 20


@given(st.integers(1, 10**7), st.floats(1, 1e6), st.integers(1, 10**9))
def test_parts_are_of_nearly_equal_size(samples, bytes_of_sample, bytes_of_weights):
    part = choice.samples_at_a_time(samples, bytes_of_sample, bytes_of_weights)
    if part == samples:
        return
    number = -(-samples // part)
    assert number >= 2
    assert (part - 16) * number < samples  # parts are rounded up by less than 16 samples
    assert part <= 1024
    assert part - 16 <= max(96, 64 * MEBIBYTE / bytes_of_sample)


def test_mini_batches_that_fit_into_the_cache_are_whole():
    assert choice.samples_at_a_time(1000, MEBIBYTE / 1000, 0) == 1000
    assert choice.samples_at_a_time(1000, MEBIBYTE / 999, 0) < 100
    assert choice.samples_at_a_time(1000, MEBIBYTE / 999, MEBIBYTE + 1) == 1000


def test_a_divided_mini_batch_is_one_step():
    """The parameters change once in each mini-batch, by the gradient of all parts."""
    random = np.random.default_rng(0)
    architecture = Architecture.dense((784, 30, 10), np.dtype("float64"))
    parameters = architecture.parameters(
        [random.standard_normal(shape) for shape in architecture.weight_shapes],
        [random.standard_normal((size, 1)) for size in (30, 10)],
    )
    data = Dataset(random.random((300, 784)), random.random((300, 10)))
    engine, truth = (engine_class(name)(architecture, parameters, data) for name in ("numba", "numpy"))
    assert engine._samples_at_a_time(300) < 300
    order = random.permutation(300)
    for each in (engine, truth):
        each.epoch(order, 300, 0.5, Descent(l2=0.1))
    for found, expected in zip(engine.parameters(), truth.parameters(), strict=True):
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("density", [0.2, 1.0])
def test_small_steps_are_as_exact_as_numpys(density):
    """If the terms of the 1,000 samples were added to a weight one by one, most terms would be lost in float32."""
    random = np.random.default_rng(0)
    architecture = Architecture.dense((50, 10, 3), np.dtype("float32"))
    initial = architecture.parameters(
        [random.standard_normal(shape).astype(np.float32) for shape in architecture.weight_shapes],
        [np.zeros((size, 1), np.float32) for size in (10, 3)],
    )
    data = Dataset(random.random((1000, 50)) * (random.random((1000, 50)) < density), random.random((1000, 3)))

    def change(name, architecture):
        engine = engine_class(name)(architecture, initial, data)
        engine.epoch(np.tile(np.arange(1000), 20), 1000, 1e-3, Descent())
        return engine.parameters()[0]["weights"] - initial[0]["weights"].astype(float)

    truth = change("numpy", dataclasses.replace(architecture, dtype=np.dtype("float64")))
    compiled, numpys = (np.linalg.norm(change(name, architecture) - truth) for name in ("numba", "numpy"))
    assert compiled < 3 * numpys


@pytest.mark.parametrize(
    "compute",
    [lambda engine, n: engine.cost_and_gradients(), lambda engine, n: engine.epoch(np.arange(n), n, 0.1)],
    ids=["gradient", "step"],
)
def test_memory_for_images_does_not_grow_with_their_number(compute):
    random, peaks = np.random.default_rng(0), []
    layers = (Convolution(40, 3, "relu"), MaxPooling(2), Dense(3))
    architecture = Architecture((1, 8, 8), layers, dtype=np.dtype("float32"))
    parameters = [{name: np.zeros(shape) for name, shape in trained.items()} for trained in architecture.trained]
    for n in (400, 1600):
        engine = engine_class("numba")(architecture, parameters, Dataset(random.random((n, 64)), random.random((n, 3))))
        tracemalloc.start()
        compute(engine, n)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
