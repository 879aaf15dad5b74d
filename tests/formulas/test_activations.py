"""Compares activation functions with results that are computed in higher precision."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from engines import names
from hypothesis import given
from hypothesis import strategies as st

from fastnet.formulas.activations import ACTIVATIONS, relu, relu_prime, softmax, tanh, tanh_prime
from fastnet.network import sigmoid, sigmoid_prime


def exact(z):
    with localcontext() as context:
        context.prec = 50
        e = (-Decimal(z)).exp()
        return float(1 / (1 + e)), float(e / (1 + e) ** 2)


@given(st.floats(-700, 700))
def test_against_decimals(z):
    expected, expected_prime = exact(z)
    assert sigmoid(z) == pytest.approx(expected, rel=1e-15, abs=0)
    assert sigmoid_prime(z) == pytest.approx(expected_prime, rel=1e-14, abs=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_and_nothing_warns(dtype):
    z = np.array([-np.inf, -1000, 0, 1000, np.inf], dtype)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sigmoid(z), np.array([0, 0, 0.5, 1, 1], dtype), strict=True)
        np.testing.assert_array_equal(sigmoid_prime(z), np.array([0, 0, 0.25, 0, 0], dtype), strict=True)


def test_scalars_lists_and_not_a_number():
    assert sigmoid(0) == 0.5
    assert sigmoid([[0, 1000]]).tolist() == [[0.5, 1.0]]
    assert np.isnan(sigmoid(np.nan))
    for integers in (np.uint8([5, 0]), np.int8([5, -128]), np.uint64([5, 0]), [True, False]):
        expected = [exact(int(z)) for z in integers]
        np.testing.assert_allclose(sigmoid(integers), [value for value, _ in expected], rtol=1e-15)
        np.testing.assert_allclose(sigmoid_prime(integers), [value for _, value in expected], rtol=1e-14)
    assert np.isnan(sigmoid_prime(np.nan))


def exact_tanh(z):
    with localcontext() as context:
        context.prec = 60
        e, f = Decimal(z).exp(), (-Decimal(z)).exp()
        return float((e - f) / (e + f)), float(4 / (e + f) ** 2)


@given(st.floats(-350, 350))
def test_tanh_against_decimals(z):
    expected, expected_prime = exact_tanh(z) if abs(z) > 1e-10 else (z - z**3 / 3, 1 - z**2)
    assert tanh(z) == pytest.approx(expected, rel=1e-15, abs=0)
    assert tanh_prime(z) == pytest.approx(expected_prime, rel=2e-14, abs=0)


@given(st.floats(allow_nan=False))
def test_relu_by_its_definition(z):
    assert relu(z) == (z if z > 0 else 0)
    assert relu_prime(z) == (1 if z > 0 else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_and_relu_where_nothing_overflows_and_nothing_warns(dtype):
    z = np.array([-np.inf, -1000, 0, 1000, np.inf], dtype)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(tanh(z), np.array([-1, -1, 0, 1, 1], dtype), strict=True)
        np.testing.assert_array_equal(tanh_prime(z), np.array([0, 0, 1, 0, 0], dtype), strict=True)
        np.testing.assert_array_equal(relu(z), np.array([0, 0, 0, 1000, np.inf], dtype), strict=True)
        np.testing.assert_array_equal(relu_prime(z), np.array([0, 0, 0, 1, 1], dtype), strict=True)
    assert np.isnan(tanh(np.nan))
    assert np.isnan(relu(np.nan))
    assert relu([[-3, 3]]).tolist() == [[0.0, 3.0]]
    assert relu(np.int8([-128, 127])).tolist() == [0.0, 127.0]
    assert tanh_prime(np.int8([100])).tolist() == pytest.approx([exact_tanh(100)[1]], rel=1e-13, abs=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", names.ACTIVATIONS)
def test_every_activation_against_its_definition(name, dtype):
    expected, (function, prime) = names.ACTIVATIONS[name], ACTIVATIONS[name]
    z = np.concatenate([np.random.default_rng(0).uniform(-5, 5, 1000), [-1e-3, 0, 1e-3, -30, 30]]).astype(dtype)
    exactly = z.astype(np.float64)
    tolerance, tiny = expected.roundings * np.finfo(dtype).eps, np.finfo(dtype).tiny  # smaller numbers are subnormal
    assert function(z).dtype == prime(z).dtype == dtype
    np.testing.assert_allclose(function(z), expected.function(exactly), rtol=tolerance, atol=tiny)
    np.testing.assert_allclose(prime(z), expected.derivative(exactly), rtol=2 * tolerance, atol=tiny)
    if expected.scipy:
        special = pytest.importorskip("scipy.special")
        np.testing.assert_allclose(function(z), getattr(special, expected.scipy)(exactly), rtol=tolerance, atol=0)


@pytest.mark.parametrize("name", names.ACTIVATIONS)
def test_every_derivative_against_differences(name):
    function, prime = ACTIVATIONS[name]
    z, h = np.random.default_rng(0).uniform(-5, 5, 1000), 1e-3
    differences = (8 * (function(z + h) - function(z - h)) - (function(z + 2 * h) - function(z - 2 * h))) / (12 * h)
    smooth = (np.abs(z) > 2 * h) | (not names.ACTIVATIONS[name].kinked)
    np.testing.assert_allclose(prime(z)[smooth], differences[smooth], rtol=0, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", names.ACTIVATIONS)
def test_every_activation_far_from_zero_and_of_other_types(name, dtype):
    z = np.array([-np.inf, -1000, 0, 1000, np.inf], dtype)
    with np.errstate(all="raise"):
        for f in ACTIVATIONS[name]:
            assert not np.isnan(f(z)).any()
            assert np.isfinite(f(z[1:-1])).all()
            assert f(z.reshape(5, 1)).shape == (5, 1)
    for f in ACTIVATIONS[name]:
        for integers in (np.int8([-128, 127]), np.uint8([0, 200]), [True, False]):
            np.testing.assert_array_equal(f(integers), f(np.array(integers, np.float64)), strict=True)
        assert np.isnan(f(np.nan)) or f is ACTIVATIONS[name].prime  # the derivative may be a constant


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_against_scipy(dtype):
    special = pytest.importorskip("scipy.special")
    z = np.random.default_rng(0).normal(0, 10, (7, 9)).astype(dtype)
    for axis in (0, 1, -1):
        expected = special.softmax(z.astype(np.float64), axis=axis)
        np.testing.assert_allclose(softmax(z, axis), expected, rtol=100 * np.finfo(dtype).eps)
        assert softmax(z, axis).dtype == dtype
    np.testing.assert_array_equal(softmax(z), softmax(z, 0))  # by default, samples are columns, as in the book


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_of_extremes_and_by_hand(dtype):
    with np.errstate(all="raise"):
        found = softmax(np.array([[1e30, -1e30], [0, -1e30], [1e30, 0]], dtype))
    np.testing.assert_array_equal(found, np.array([[0.5, 0], [0, 0], [0.5, 1]], dtype), strict=True)
    assert softmax(np.log([[1], [2], [5]])).ravel().tolist() == pytest.approx([1 / 8, 2 / 8, 5 / 8], rel=1e-15)
    assert softmax([[3], [3]]).tolist() == [[0.5], [0.5]]
    assert softmax(np.int8([[127], [-128]]))[1, 0] == pytest.approx(np.exp(-255.0), rel=1e-13, abs=0)
