"""Compares compiled activation functions and derivatives with `formulas.activations` and Python's `decimal`."""

import decimal
from decimal import Decimal

import numpy as np
import pytest

from fastnet.formulas.activations import ACTIVATIONS
from fastnet.kernels import activations
from fastnet.kernels.activations import CODES
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes, load, store

DTYPES = ("float32", "float64")
LARGEST = 87
SIGMOID_ULPS = 2.6  # the largest of 10^9 errors in float32 and 10^7 in float64 was 2.48 ulps


@kernel
def activation_of_vectors(code, z, a, slope):
    for i in range(0, len(z), lanes(z)):
        a_i, slope_i = activations.activation(code, load(z, i))
        store(a, i, a_i)
        store(slope, i, slope_i)


def activation(name, z):
    """Return the activation and its derivative, for an array of any length."""
    padded = np.resize(z, -(-len(z) // 64) * 64)
    a, slope = np.full((2, len(padded)), np.nan, padded.dtype)
    activation_of_vectors(CODES[name], padded, a, slope)
    return a[: len(z)], slope[: len(z)]


def sigmoid(z):
    return activation("sigmoid", z)[0]


def samples(dtype, most=LARGEST):
    """Return numbers of every magnitude, integers, and numbers near the limits of `exp`'s range reduction."""
    random = np.random.default_rng(0)
    drawn = [random.uniform(-most, most, 3000), random.choice([-1, 1], 1000) * 2.0 ** random.uniform(-60, 6, 1000)]
    halfway = np.log(2) / 2 * np.arange(-251, 252)
    numbers = np.concatenate([*drawn, np.arange(-most, most + 1), halfway * (1 + 1e-7), halfway * (1 - 1e-7)])
    numbers = np.append(numbers, -0.0).astype(dtype)
    return numbers[np.abs(numbers) <= most]


def extremes(dtype):
    return np.array([np.inf, -np.inf, np.finfo(dtype).max, np.finfo(dtype).min, 88, -88, 1000, -1000], dtype)


def test_every_activation_has_a_number_of_its_own():
    assert sorted(CODES) == sorted(ACTIVATIONS)
    assert sorted(CODES.values()) == list(range(len(CODES)))


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_and_slopes(name, dtype):
    z, eps = np.concatenate([samples(dtype), extremes(dtype)]), np.finfo(dtype).eps
    a, slope = activation(name, z)
    expected = ACTIVATIONS[name].function(z.astype(np.longdouble))
    np.testing.assert_allclose(a, expected, rtol=4 * eps, atol=2 * eps)
    expected = ACTIVATIONS[name].prime(z.astype(np.longdouble))
    np.testing.assert_allclose(slope, expected, rtol=8 * eps, atol=4 * eps)


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_stays_so_and_does_not_change_its_neighbours(name, dtype):
    z = samples(dtype)[:64]
    expected, slopes = activation(name, z)
    z[5::7], expected[5::7] = np.nan, np.nan
    a, slope = activation(name, z)
    np.testing.assert_array_equal(a, expected)
    np.testing.assert_array_equal(np.delete(slope, np.s_[5::7]), np.delete(slopes, np.s_[5::7]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_up_to_a_few_roundings(dtype):
    z = samples(dtype)
    a = sigmoid(z)
    with decimal.localcontext(decimal.Context(prec=40)):
        off = [
            abs(Decimal(float(found)) - 1 / (1 + (-Decimal(float(number))).exp())) / Decimal(float(unit))
            for found, number, unit in zip(a, z, np.spacing(a), strict=True)
        ]
    assert max(off) <= SIGMOID_ULPS
    assert sigmoid(np.array([0.0, -0.0], dtype)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("dtype", DTYPES)
def test_beyond_87_sigmoid_is_that_of_87(dtype):
    above = np.nextafter(np.dtype(dtype).type(LARGEST), np.dtype(dtype).type(np.inf))
    beyond = np.array([LARGEST, above, 88, 100, 1e4, np.finfo(dtype).max, np.inf], dtype)
    at_87 = sigmoid(np.array([LARGEST, -LARGEST], dtype))
    assert (sigmoid(beyond) == at_87[0]).all()
    assert (sigmoid(-beyond) == at_87[1]).all()
    assert at_87[0] == 1
    assert np.finfo(dtype).smallest_normal <= at_87[1] < 1e-37


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_is_from_0_to_1_and_never_denormal(dtype):
    a = sigmoid(samples(dtype))
    assert np.finfo(dtype).smallest_normal <= a.min() <= a.max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_and_its_mirror_image_are_one_together(dtype):
    z = samples(dtype)
    np.testing.assert_allclose(sigmoid(z) + sigmoid(-z), 1, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_never_falls(dtype):
    z = np.linspace(-90, 90, 100_000).astype(dtype)
    assert (np.diff(sigmoid(z)) >= 0).all()
    # Adjacent floating-point numbers are compared, too.
    for start in (-80, -20, -5, -1, -0.1, 0.1, 0.34657, 1, 5, 15):
        start = np.dtype(dtype).type(start)
        neighbours = (start + np.arange(-10_000, 10_000) * np.spacing(abs(start))).astype(dtype)
        assert (np.diff(sigmoid(neighbours)) >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_grows_where_there_are_numbers_between(dtype):
    z = np.arange(-LARGEST, 16).astype(dtype)
    assert (np.diff(sigmoid(z)) > 0).all()


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "linear"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_exact(name, dtype):
    z = np.concatenate([samples(dtype), extremes(dtype)])
    a, slope = activation(name, z)
    np.testing.assert_array_equal(a, ACTIVATIONS[name].function(z), strict=True)
    np.testing.assert_array_equal(slope, ACTIVATIONS[name].prime(z), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_extremes_and_its_mirror_image(dtype):
    z = np.array([0.0, -0.0, 1000, -1000, np.inf, -np.inf, 88, -88], dtype)
    assert activation("tanh", z)[0].tolist() == [0, 0, 1, -1, 1, -1, 1, -1]
    z = samples(dtype)
    found, mirrored = activation("tanh", z)[0], activation("tanh", -z)[0]
    np.testing.assert_allclose(found, -mirrored, rtol=0, atol=2 * np.finfo(dtype).eps)
    assert np.abs(found).max() <= 1
