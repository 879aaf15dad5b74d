"""The sigmoid against 50 decimal digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet.network import sigmoid, sigmoid_prime


def exact(z):
    with localcontext() as context:
        context.prec = 50
        e = (-Decimal(z)).exp()
        return float(1 / (1 + e)), float(e / (1 + e) ** 2)


@given(st.floats(-700, 700))
def test_against_decimals(z):
    expected, expected_prime = exact(z)
    assert sigmoid(z) == pytest.approx(expected, rel=1e-15)
    assert sigmoid_prime(z) == pytest.approx(expected_prime, rel=1e-14)


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
