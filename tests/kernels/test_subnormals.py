"""Subnormal numbers count as zero within the kernel `epoch`, and nowhere else."""

import platform

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import QuadraticCost
from fastnet.kernels import subnormals
from fastnet.kernels.compiler import kernel

TINY = {"float32": 1e-42, "float64": 1e-310}


@kernel
def sums(numbers, found):
    """Add numbers to themselves before, while and after subnormal numbers count as zero."""
    found[0] = numbers[0] + numbers[0]
    control = subnormals.count_as_zero()
    found[1] = numbers[1] + numbers[1]
    subnormals.put_back(control)
    found[2] = numbers[2] + numbers[2]


on_known_processors = pytest.mark.skipif(
    not subnormals.IS_SUPPORTED, reason="fastnet does not know the control register of this processor"
)


def test_the_usual_processors_are_supported():
    usual = "x86_64", "amd64", "aarch64", "arm64"
    assert (platform.machine().lower() in usual) == subnormals.IS_SUPPORTED


@on_known_processors
@pytest.mark.parametrize("dtype", TINY)
def test_they_count_as_zero_until_they_are_put_back(dtype):
    numbers, found = np.full(3, TINY[dtype], dtype), np.full(3, np.nan, dtype)
    sums(numbers, found)
    twice = np.array(TINY[dtype], dtype) * 2
    np.testing.assert_array_equal(found, [twice, 0, twice])
    assert twice != 0  # NumPy still computes with subnormal numbers after the kernel


@on_known_processors
@pytest.mark.parametrize("dtype", TINY)
def test_an_epoch_does_not_compute_with_them_and_leaves_numpy_as_it_was(dtype):
    """The weight is initially 0. It stays 0, because the subnormal input counts as zero."""
    architecture = Architecture.dense([1, 1], np.dtype(dtype), cost=QuadraticCost)
    net = engine_class("numba")(
        architecture,
        architecture.parameters([np.zeros((1, 1))], [np.zeros((1, 1))]),
        Dataset(np.full((1, 1), TINY[dtype], dtype), np.ones((1, 1), dtype)),
    )
    net.epoch(np.zeros(1, np.int64), 1, 1.0)
    layer = net.parameters()[0]
    assert layer["weights"][0, 0] == 0
    assert layer["biases"].ravel()[0] > 0.1
    assert np.array(TINY[dtype], dtype) + np.array(TINY[dtype], dtype) > 0
