import math
import operator
import platform
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba.core.errors import TypingError
from numba.core.registry import cpu_target

from fastnet.kernels import vectors
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import (
    CACHE_LINE,
    item,
    lanes,
    lanes_of,
    load,
    load_as,
    load_narrow,
    narrow_lanes,
    narrow_lanes_of,
    narrow_zeros,
    numbers_of_line,
    only,
    register_lanes,
    register_lanes_of,
    set_item,
    sign,
    store,
    store_some,
    zeros,
)

DTYPES = ("float32", "float64")
MOST_LANES = 32


@kernel
def how_many(array):
    return lanes(array), narrow_lanes(array), register_lanes(array), numbers_of_line(array)


@kernel
def copy(source, i, destination, k):
    store(destination, k, load(source, i))


@kernel
def copy_narrow(source, i, destination, k):
    store(destination, k, load_narrow(source, i))


@kernel
def copy_some(source, i, destination, k, count, is_narrow):
    if is_narrow:
        store_some(destination, k, load_narrow(source, i), count)
    else:
        store_some(destination, k, load(source, i), count)


@kernel
def copy_as(source, i, destination, k, is_narrow):
    if is_narrow:
        store(destination, k, load_as(narrow_zeros(destination), source, i))
    else:
        store(destination, k, load_as(zeros(destination), source, i))


@kernel
def product_with_item(array, i, factor):
    return item(array, i) * factor


@kernel
def put(array, i, value):
    set_item(array, i, value)


@kernel
def clear(array, i, is_narrow):
    if is_narrow:
        store(array, i, narrow_zeros(array))
    else:
        store(array, i, zeros(array))


@kernel
def of_two_vectors(a, b, result):
    width, v, w = lanes(a), load(a, 0), load(b, 0)
    store(result, 0, v + w)
    store(result, width, v - w)
    store(result, 2 * width, v * w)
    store(result, 3 * width, v / w)
    store(result, 4 * width, only(v, w))
    store(result, 5 * width, sign(v))


@kernel
def of_a_vector_and_a_number(a, b, result):
    width, v = lanes(a), load(a, 0)
    store(result, 0, v + b)
    store(result, width, v - b)
    store(result, 2 * width, v * b)
    store(result, 3 * width, v / b)
    store(result, 4 * width, b + v)
    store(result, 5 * width, b - v)
    store(result, 6 * width, b * v)
    store(result, 7 * width, b / v)


@kernel
def multiply_and_add(z, x, w, result):
    store(result, 0, load(z, 0) + load(x, 0) * load(w, 0))


@kernel
def total(a):
    return vectors.total(load(a, 0))


def drawn(dtype, n=MOST_LANES):
    """Return a strategy for numbers of every kind: infinities, NaN, zeros of both signs, and subnormal numbers."""
    return arrays(dtype, n, elements=st.floats(width=8 * np.dtype(dtype).itemsize))


def same_bits(array, expected):
    return array.tobytes() == np.asarray(expected, array.dtype).tobytes()


KINDS = pytest.mark.parametrize("is_narrow", [False, True], ids=["wide", "narrow"])


def lanes_of_kind(dtype, is_narrow):
    return narrow_lanes_of(dtype) if is_narrow else lanes_of(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernels_and_python_agree_on_how_many_numbers_are_a_vector(dtype):
    size = np.dtype(dtype).itemsize
    expected = lanes_of(dtype), narrow_lanes_of(dtype), register_lanes_of(dtype), CACHE_LINE // size
    assert how_many(np.empty(0, dtype)) == expected
    for number in (lanes_of, narrow_lanes_of, register_lanes_of):
        assert number(dtype) == number(np.dtype(dtype))
        assert number("float32") == 2 * number("float64")
    assert lanes_of(dtype) == 2 * register_lanes_of(dtype)
    assert narrow_lanes_of(dtype) == min(register_lanes_of(dtype), 32 // size)
    assert lanes_of(dtype) <= MOST_LANES  # assumed by the tests below


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_vector_is_copied_from_any_address_to_any_other_and_nothing_else_is(dtype, is_narrow):
    width, copied = lanes_of_kind(dtype, is_narrow), copy_narrow if is_narrow else copy
    source = np.arange(1, 3 * width + 1, dtype=dtype)
    for i in range(2 * width + 1):
        for k in (i, 0, 1, width - 1, 2 * width):
            destination = np.full(3 * width, -1, dtype)
            copied(source, i, destination, k)
            expected = np.full(3 * width, -1, dtype)
            expected[k : k + width] = source[i : i + width]
            np.testing.assert_array_equal(destination, expected)


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_numbers_of_a_vector_are_copied_and_no_others(dtype, is_narrow):
    """If the count is larger than the vector, the whole vector is copied."""
    width = lanes_of_kind(dtype, is_narrow)
    source = np.arange(1, 2 * width + 1, dtype=dtype)
    for count in (*range(-1, width + 2), 3 * width, 2**40):
        for k in (0, 1, width - 1):
            destination = np.full(2 * width, -1, dtype)
            copy_some(source, width - 2, destination, k, count, is_narrow)
            expected = np.full(2 * width, -1, dtype)
            number = min(max(count, 0), width)
            expected[k : k + number] = source[width - 2 :][:number]
            np.testing.assert_array_equal(destination, expected)


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_as_many_numbers_are_loaded_as_another_vector_has(dtype, is_narrow):
    width = lanes_of_kind(dtype, is_narrow)
    source = np.arange(1, 3 * width + 1, dtype=dtype)
    for i, k in ((0, 0), (1, 0), (width, width + 1)):
        destination = np.full(3 * width, -1, dtype)
        copy_as(source, i, destination, k, is_narrow)
        expected = np.full(3 * width, -1, dtype)
        expected[k : k + width] = source[i : i + width]
        np.testing.assert_array_equal(destination, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_a_copy_is_the_same_bit_for_bit(dtype, data):
    source = data.draw(drawn(dtype))
    destination = np.zeros_like(source)
    copy(source, 0, destination, 0)
    assert same_bits(destination[: lanes_of(dtype)], source[: lanes_of(dtype)])


def test_an_array_that_is_read_only_can_be_read():
    source = np.arange(MOST_LANES, dtype="float32")
    source.flags.writeable = False
    destination = np.zeros_like(source)
    copy(source, 0, destination, 0)
    np.testing.assert_array_equal(destination[: lanes_of("float32")], source[: lanes_of("float32")])
    assert product_with_item(source, 7, 1) == 7


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "int64"])
def test_an_item_that_is_an_integer_has_room_to_be_an_index(dtype):
    limits = np.iinfo(dtype)
    numbers = [limits.max, 0, 1, 300, limits.max // 2 + 1]
    factor = 1 if dtype == "int64" else 1_000_003  # some products exceed the range of the array's dtype
    for i, number in enumerate(numbers):
        assert product_with_item(np.array(numbers, dtype), i, factor) == number * factor
    if limits.min < 0:
        assert product_with_item(np.array([5, -7], dtype), 1, 3) == -21


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_item_that_is_a_fraction(dtype):
    numbers = np.array([0.1, -0.3, np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, np.inf], dtype)
    for i, number in enumerate(numbers):
        assert product_with_item(numbers, i, 1) == number


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_item_is_set_and_no_other(dtype):
    for i in range(5):
        array = np.full(5, -1, dtype)
        put(array, i, np.dtype(dtype).type(0.1))
        assert np.flatnonzero(array != -1).tolist() == [i]
        assert array[i] == np.dtype(dtype).type(0.1)


@KINDS
@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_are_a_vector_of_zeros(dtype, is_narrow):
    width = lanes_of_kind(dtype, is_narrow)
    array = np.full(3 * width, np.nan, dtype)
    clear(array, width - 1, is_narrow)
    expected = np.full(3 * width, np.nan, dtype)
    expected[width - 1 : 2 * width - 1] = 0
    np.testing.assert_array_equal(array, expected)
    assert not np.signbit(array[width - 1 : 2 * width - 1]).any()


def as_numpy_has_it(a, b):
    with np.errstate(all="ignore"):
        return np.concatenate([f(a, b) for f in (operator.add, operator.sub, operator.mul, operator.truediv)])


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_what_is_computed_of_two_vectors(dtype, data):
    width = lanes_of(dtype)
    a, b, result = data.draw(drawn(dtype)), data.draw(drawn(dtype)), np.empty(6 * width, dtype)
    a[::5] = data.draw(st.sampled_from([np.inf, -np.inf, np.nan, -0.0, np.finfo(dtype).smallest_subnormal]))
    of_two_vectors(a, b, result)
    a, b = a[:width], b[:width]
    np.testing.assert_array_equal(result[: 4 * width], as_numpy_has_it(a, b))
    there = ~(a == 0) & ~np.isnan(a)
    assert same_bits(result[4 * width : 5 * width], np.where(there, b, 0))
    np.testing.assert_array_equal(result[5 * width :], np.nan_to_num(np.sign(a)))


@pytest.mark.parametrize("kind", [float, int, np.float32])
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_arithmetic_of_a_vector_and_a_number(dtype, kind, data):
    """A number of any type is first rounded to the vector's type."""
    width, vector, result = lanes_of(dtype), data.draw(drawn(dtype)), np.empty(8 * lanes_of(dtype), dtype)
    number = kind(data.draw(st.integers(-(2**40), 2**40) if kind is int else st.floats(-1e9, 1e9, width=32)) / 3)
    rounded = np.dtype(dtype).type(number)
    of_a_vector_and_a_number(vector, number, result)
    np.testing.assert_array_equal(result[: 4 * width], as_numpy_has_it(vector[:width], rounded))
    np.testing.assert_array_equal(result[4 * width :], as_numpy_has_it(rounded, vector[:width]))


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="the feature +fma is that of x86")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_product_and_a_sum_are_rounded_once_where_the_processor_can(dtype):
    random = np.random.default_rng(0)
    width = lanes_of(dtype)
    result = np.empty(width, dtype)
    differ = 0
    for _ in range(20):
        z, x, w = random.standard_normal((3, width)).astype(dtype)
        multiply_and_add(z, x, w, result)
        twice = z + x * w
        once = np.array([float(Fraction(a) + Fraction(b) * Fraction(c)) for a, b, c in np.float64([z, x, w]).T], dtype)
        differ += np.count_nonzero(once != twice)
        has_it = "+fma" in cpu_target.target_context.codegen()._tm_features.split(",")
        np.testing.assert_array_equal(result, once if has_it else twice)
    assert differ  # otherwise, the test could not distinguish one rounding from two


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_total_of_whole_numbers_is_exact(dtype):
    width = lanes_of(dtype)
    for k in range(width):  # checks that each number is added exactly once
        numbers = np.zeros(MOST_LANES, dtype)
        numbers[k] = 3
        assert total(numbers) == 3
    numbers = np.full(2 * MOST_LANES, np.nan, dtype)
    numbers[:width] = np.random.default_rng(0).integers(-1000, 1000, width)
    assert total(numbers) == numbers[:width].sum(dtype=np.int64)


@pytest.mark.parametrize("dtype", DTYPES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_a_total_is_right_up_to_rounding(dtype, seed):
    random = np.random.default_rng(seed)
    width = lanes_of(dtype)
    numbers = (random.standard_normal(MOST_LANES) * 10.0 ** random.integers(-6, 7, MOST_LANES)).astype(dtype)
    error = float(total(numbers)) - math.fsum(numbers[:width].astype(float))
    assert abs(error) <= width * np.finfo(dtype).eps / 2 * math.fsum(np.abs(numbers[:width]).astype(float))


def test_vectors_of_two_types_do_not_mix():
    single, double = np.zeros(MOST_LANES, "float32"), np.zeros(MOST_LANES, "float64")
    with pytest.raises(TypingError):
        of_two_vectors(single, double, double)
    with pytest.raises(TypingError):
        copy(single, 0, double, 0)
