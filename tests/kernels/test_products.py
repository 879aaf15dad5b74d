"""Tests matrix products. Products of integers need no tolerance, because sums of integers are exact in any order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.memory import Memory, grid, with_part

from fastnet.kernels import products
from fastnet.kernels.compiler import kernel
from fastnet.kernels.layout import OUTPUTS_AT_A_TIME, SAMPLES_AT_A_TIME, SAMPLES_OF_SUMS
from fastnet.kernels.product_blocks import ROWS
from fastnet.kernels.vectors import lanes_of, register_lanes_of
from fastnet.kernels.workspace import size_of_packed

DTYPES = ("float32", "float64")
PANELS_IN_CACHE = products._PANELS_IN_CACHE
PANELS_TO_PACK = products._ENOUGH_PANELS


@kernel
def add_product(
    x, x_start, x_stride, x_rows, n, outer, x_step, w, w_start, w_panel, z, z_start, z_panel, z_stride, panels, first,
    last, from_zero,
):  # fmt: skip
    products.add_product(
        x, x_start, x_stride, x_rows, n, outer, x_step, w, w_start, w_panel, z, z_start, z_panel, z_stride, panels,
        first, last, from_zero,
    )  # fmt: skip


@kernel
def add_transposed_product(
    x, x_start, x_stride, x_rows, n, outer, x_step, d, d_start, d_panel, d_stride, w, w_start, w_panel, panels, m,
    scratch, scratch_start, samples,
):  # fmt: skip
    products.add_transposed_product(
        x, x_start, x_stride, x_rows, n, outer, x_step, d, d_start, d_panel, d_stride, w, w_start, w_panel, panels, m,
        scratch, scratch_start, samples,
    )  # fmt: skip


@kernel
def set_dot_products(
    a, a_start, a_stride, a_panel, panels, first, last, w, w_start, n, n_first, n_last, z, z_start, z_panel, dots, start
):
    products.set_dot_products(
        a, a_start, a_stride, a_panel, panels, first, last, w, w_start, n, n_first, n_last, z, z_start, z_panel, dots,
        start,
    )  # fmt: skip


@kernel
def transpose(w, w_start, n, first, last, z, z_start, z_panel):
    products.transpose(w, w_start, n, first, last, z, z_start, z_panel)


SHAPES = {
    "x_rows": st.lists(st.integers(0, 7), max_size=18),
    "n": st.integers(1, 9),
    "outer": st.integers(0, 3),
    "start": st.integers(0, 3),
    # Numbers of unused elements between rows, between parts of a row, and between vectors.
    "gaps": st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    "seed": st.integers(0, 2**32 - 1),
}
PICKED = [2, 0, 5, 5, 1, 3]
LARGE = [(1, 600), (40, 16), (3, 171)]  # parts of a row, and elements per part; their product exceeds NUMBERS_IN_CACHE


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    **SHAPES, panels=st.integers(0, 3), ends=st.tuples(st.integers(0, 18), st.integers(0, 18)), setting=st.booleans()
)
@settings(deadline=None, max_examples=50)
def test_product_is_added_to_some_rows(dtype, x_rows, n, outer, start, gaps, seed, panels, ends, setting):
    first, last = sorted(min(end, len(x_rows)) for end in ends)
    setting &= outer > 0
    check_add_product(Memory(dtype, seed), x_rows, n, outer, start, gaps, panels, first, last, setting)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [0, 1, 4])
@pytest.mark.parametrize("rows", range(2 * ROWS))
def test_product_is_added_to_any_number_of_rows(dtype, first, rows):
    check_add_product(Memory(dtype, rows), PICKED * 4, 7, 2, 1, (2, 1, 5), 2, first, first + rows, False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("setting", [False, True])
@pytest.mark.parametrize(("outer", "n"), LARGE)
def test_product_of_more_than_a_cache_holds(dtype, outer, n, setting):
    rows = products._SAMPLES_IN_CACHE + 5
    check_add_product(Memory(dtype), PICKED * 40, n, outer, 0, (1, 0, 1), 2, 1, 1 + rows, setting)


def places_of_rows(x_rows, n, outer, start, gaps):
    """Return the indices of each row's numbers, the distance between rows, and the distance between a row's parts."""
    x_step = n + gaps[1]
    x_stride = outer * x_step + gaps[0]
    of_rows = start + x_stride * np.array(x_rows, np.int64)
    return grid(of_rows, (x_step, outer), (1, n)).reshape(len(x_rows), outer * n), x_stride, x_step


def check_add_product(memory, x_rows, n, outer, start, gaps, panels, first, last, setting):
    width = lanes_of(memory.dtype)
    of_x, x_stride, x_step = places_of_rows(x_rows[first:last], n, outer, start, gaps)
    z_start, z_stride, w_panel = 3 * width, width + gaps[2], n * outer * width + gaps[0]
    z_panel = (last + 1) * z_stride
    of_w = grid(width, (w_panel, panels), (width, n * outer), (1, width))
    of_z = grid(z_start + first * z_stride, (z_panel, panels), (z_stride, last - first), (1, width))
    x, w, z = (memory.at(places) for places in (of_x, of_w, of_z))
    expected = with_part(z, of_z, x[of_x] @ w[of_w] + (0 if setting else z[of_z]))
    if setting:
        z[:] = np.nan
    rows = np.array(x_rows, np.int64)
    add_product(
        x, start, x_stride, rows, n, outer, x_step, w, width, w_panel, z, z_start, z_panel, z_stride, panels, first,
        last, setting,
    )  # fmt: skip
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@given(**SHAPES, panels=st.sampled_from([0, 1, 3, PANELS_TO_PACK - 1, PANELS_TO_PACK, PANELS_TO_PACK + 3]))
@settings(deadline=None, max_examples=50)
def test_transposed_product_is_added(dtype, x_rows, n, outer, start, gaps, seed, panels):
    check_add_transposed_product(Memory(dtype, seed), x_rows, n, outer, start, gaps, panels)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panels", [2, PANELS_TO_PACK])
@pytest.mark.parametrize("n", range(1, 2 * ROWS))
def test_transposed_product_of_any_number_of_columns(dtype, n, panels):
    check_add_transposed_product(Memory(dtype, n), PICKED, n, 2, 1, (2, 1, 5), panels)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panels", [2, PANELS_TO_PACK])
@pytest.mark.parametrize(("outer", "n"), LARGE)
def test_transposed_product_of_more_than_a_cache_holds(dtype, outer, n, panels):
    rows = np.resize(PICKED, SAMPLES_OF_SUMS + 5).tolist()
    check_add_transposed_product(Memory(dtype), rows, n, outer, 0, (1, 0, 1), panels)


def check_add_transposed_product(memory, x_rows, n, outer, start, gaps, panels):
    width, m = lanes_of(memory.dtype), len(x_rows)
    of_x, x_stride, x_step = places_of_rows(x_rows, n, outer, start, gaps)
    d_start, d_stride, w_panel = 2 * width, width + gaps[2], n * outer * width + gaps[0]
    d_panel = (m + 1) * d_stride
    of_w = grid(width, (w_panel, panels), (width, n * outer), (1, width))
    of_d = grid(d_start, (d_panel, panels), (d_stride, m), (1, width))
    x, w, d = (memory.at(places) for places in (of_x, of_w, of_d))
    expected = with_part(w, of_w, w[of_w] + x[of_x].T @ d[of_d])
    rows, scratch = np.array(x_rows, np.int64), np.full(3 + size_of_packed(m) + 2, np.nan, memory.dtype)
    add_transposed_product(
        x, start, x_stride, rows, n, outer, x_step, d, d_start, d_panel, d_stride, w, width, w_panel, panels, m,
        scratch, 3, np.arange(m),
    )  # fmt: skip
    np.testing.assert_array_equal(w, expected, strict=True)
    assert np.isnan(scratch[[0, 1, 2, -2, -1]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.integers(1, 70), st.integers(0, 4), st.integers(0, 4), st.integers(0, 3), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_weights_are_transposed(dtype, n, first, panels, start, seed):
    memory, width = Memory(dtype, seed), lanes_of(dtype)
    last = first + panels
    z_panel = (last * width + 1) * width
    of_w = start + first * n * width + grid(0, (1, width), (n * width, panels), (width, n))
    k = np.arange(n)
    of_z = grid(start, (width, width), (width * width, last))[:, first:, np.newaxis] + k // width * z_panel + k % width
    w, z = memory.at(of_w), np.full(start + -(-n // width) * z_panel, np.nan, dtype)
    expected = with_part(z, of_z, w[of_w])
    transpose(w, start, n, first, last, z, start, z_panel)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    panels=st.integers(1, 4), n=st.integers(0, 37), ends=st.tuples(st.integers(0, 13), st.integers(0, 13)),
    start=st.integers(0, 2), gaps=st.tuples(*[st.integers(0, 2)] * 3), seed=st.integers(0, 2**32 - 1),
    outputs=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_dot_products_are_set(dtype, panels, n, ends, start, gaps, seed, outputs):
    n_first, n_last = (min(panel * lanes_of(dtype), n) for panel in sorted(outputs))
    check_dot_products(Memory(dtype, seed), panels, n, *sorted(ends), start, gaps, slice(n_first, n_last))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", range(2 * SAMPLES_AT_A_TIME))
def test_dot_products_of_any_number_of_samples(dtype, samples):
    """The test covers every remainder modulo SAMPLES_AT_A_TIME, and even and odd numbers of outputs."""
    for n in (1, 8, 10, 15):
        check_dot_products(Memory(dtype, n), 2, n, 3, 3 + samples, 1, (1, 1, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("panels", [PANELS_IN_CACHE, PANELS_IN_CACHE + 1, 2 * PANELS_IN_CACHE + 3])
@pytest.mark.parametrize("n", [OUTPUTS_AT_A_TIME - 1, OUTPUTS_AT_A_TIME, 2 * OUTPUTS_AT_A_TIME + 11])
def test_dot_products_of_more_than_a_cache_holds(dtype, panels, n):
    check_dot_products(Memory(dtype, n), panels, n, 1, SAMPLES_AT_A_TIME + 8, 0, (0, 0, 0))


def check_dot_products(memory, panels, n, first, last, start, gaps, outputs=None):
    dtype, samples = memory.dtype, last - first
    width, register = lanes_of(dtype), register_lanes_of(dtype)
    a_stride = width + gaps[0]
    a_panel, w_start, z_start = 20 * a_stride + gaps[1], 2 * width, 7
    z_panel = (last + gaps[2]) * width
    of_a = grid(start + first * a_stride, (a_stride, samples), (a_panel, panels), (1, width))
    of_w = grid(w_start, (width, n), (n * width, panels), (1, width))
    lane = np.arange(n) % width + np.arange(n) // width * z_panel
    of_z = z_start + grid(first * width, (width, samples))[:, np.newaxis] + lane
    a, w, z = (memory.at(places) for places in (of_a, of_w, of_z))
    a = a[: of_a.max(initial=0) + 1]
    z[:] = np.nan
    outputs = outputs or slice(0, n)
    expected = with_part(z, of_z[:, outputs], np.einsum("sqi,kqi->sk", a[of_a], w[of_w[outputs]]))
    padding = grid(z_start + first * width, (z_panel, -(-n // width)), (width, samples), (1, width))
    padding = np.setdiff1d(padding, of_z)  # the contents of the padding do not matter
    size = SAMPLES_AT_A_TIME * OUTPUTS_AT_A_TIME * register
    dots = np.full(size + 5, np.nan, dtype)
    set_dot_products(
        a, start, a_stride, a_panel, panels, first, last, w, w_start, n, outputs.start, outputs.stop, z, z_start,
        z_panel, dots, 3,
    )  # fmt: skip
    z[padding] = np.nan
    np.testing.assert_array_equal(z, expected, strict=True)
    assert np.isnan(dots[[0, 1, 2, -2, -1]]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_fractions_are_summed_up_to_rounding(dtype):
    random, width, rows, n = np.random.default_rng(0), lanes_of(dtype), 13, 40

    def matrix(*shape):
        return random.standard_normal(shape).astype(dtype)

    x, w, z, d = matrix(rows, n), matrix(n, width), matrix(rows, width), matrix(rows, width)
    x_rows = np.arange(rows)

    result = z.ravel().copy()
    add_product(x.ravel(), 0, n, x_rows, n, 1, 0, w.ravel(), 0, 0, result, 0, 0, width, 1, 0, rows, False)
    assert_sums_of_products(result, np.concatenate([x, np.eye(rows)], axis=1), np.concatenate([w, z]), dtype)

    result = w.ravel().copy()
    add_transposed_product(
        x.ravel(), 0, n, x_rows, n, 1, 0, d.ravel(), 0, 0, width, result, 0, 0, 1, rows, result[:0], 0, x_rows
    )
    assert_sums_of_products(result, np.concatenate([x.T, np.eye(n)], axis=1), np.concatenate([d, w]), dtype)

    # The activations are 40 panels of 13 samples, and the weights are 40 panels of 3 outputs.
    a, panels = matrix(n, rows, width), matrix(n, 3, width)
    result, dots = np.zeros(rows * width, dtype), np.empty(1 << 16, dtype)
    set_dot_products(
        a.ravel(), 0, width, rows * width, n, 0, rows, panels.ravel(), 0, 3, 0, 3, result, 0, 0, dots, 0
    )  # fmt: skip
    by_sample, by_output = (each.transpose(1, 0, 2).reshape(each.shape[1], -1) for each in (a, panels))
    assert_sums_of_products(result.reshape(rows, width)[:, :3], by_sample, by_output.T, dtype)


def test_a_small_gradient_is_not_lost_in_a_large_weight():
    """Five products, each too small to change the weight, are summed before the sum is added to the weight."""
    width, small = lanes_of("float32"), np.float32(2.0**-25)
    w, ones = np.ones(width, "float32"), np.ones((5, width), "float32")
    x = np.full(5, small, "float32")
    samples = np.arange(5)
    add_transposed_product(x, 0, 1, samples, 1, 1, 0, ones.ravel(), 0, 0, width, w, 0, 0, 1, 5, w[:0], 0, samples)
    assert (w > 1).all()


def assert_sums_of_products(result, a, b, dtype):
    """Compare with a @ b, within a bound of the rounding error that holds for any order of summation."""
    a, b = a.astype(np.longdouble), b.astype(np.longdouble)
    bound = (a.shape[1] + 1) * np.finfo(dtype).eps / 2 * (np.abs(a) @ np.abs(b))
    assert (np.abs(result.reshape(bound.shape) - a @ b) <= bound).all()
