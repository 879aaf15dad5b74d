"""Each block against NumPy: every number of vectors, rows and samples, loops of no, one and many rounds."""

import numpy as np
import pytest
from kernels.memory import Memory, grid, with_part

from fastnet.kernels import blocks
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes_of, narrow_lanes_of, register_lanes_of

DTYPES = ("float32", "float64")


@kernel
def set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled):
    blocks.set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled)


@kernel
def add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors):
    blocks.add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors)


@kernel
def add_products(rows, x, w, z, p, inner, outer, step, w_start, z_start, z_stride):
    p0, p1, p2, p3, p4 = p[0], p[1], p[2], p[3], p[4]
    if rows == 5:
        blocks.add_5_products(x, w, z, p0, p1, p2, p3, p4, inner, outer, step, w_start, z_start, z_stride)
    else:
        blocks.add_1_product(x, w, z, p0, p1, p2, p3, p4, inner, outer, step, w_start, z_start, z_stride)


@kernel
def add_outer_products(rows, x, d, w, p, inner, outer, step, d_start, d_stride, w_start):
    p0, p1, p2, p3, p4 = p[0], p[1], p[2], p[3], p[4]
    if rows == 5:
        blocks.add_5_outer_products(x, d, w, p0, p1, p2, p3, p4, inner, outer, step, d_start, d_stride, w_start)
    else:
        blocks.add_1_outer_product(x, d, w, p0, p1, p2, p3, p4, inner, outer, step, d_start, d_stride, w_start)


@kernel
def add_dots(which, a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, to, to_sample, is_first):
    if which == 0:
        blocks.add_5_by_2_dots(
            a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, to, to_sample, is_first
        )
    elif which == 1:
        blocks.add_5_by_1_dots(
            a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, to, to_sample, is_first
        )
    elif which == 2:
        blocks.add_1_by_8_dots(
            a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, to, to_sample, is_first
        )
    else:
        blocks.add_1_dot(a, w, sums, a_start, a_sample, a_panel, w_start, w_panel, panels, to, to_sample, is_first)


@kernel
def total_of_register(array, index):
    return blocks.total_of_register(array, index)


@kernel
def or_rows(x, z, start, line, rows, z_start, vectors):
    blocks.or_rows(x, z, start, line, rows, z_start, vectors)


@kernel
def is_blank(x, start, n):
    return blocks.is_blank(x, start, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", [1, 2, 3])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (0, 9), (3, 3), (3, 4), (2, 9)])
@pytest.mark.parametrize("pooled", [0, 1])
def test_patches_times_filters(dtype, vectors, first, last, pooled):
    """From tap 0 on, sums are set; from another on, they are added. Of equal ones, the first is the largest."""
    memory, width = Memory(dtype), narrow_lanes_of(dtype)
    taps = np.array([0, 1, 2, 9, 10, 11, 30, 31, 33])
    patches, step, column, z_start = np.array([7, 8, 7, 50]), (vectors + 2) * width + 1, width - 1, 3
    of_x = patches[:, np.newaxis] + taps[first:last]
    of_w = grid(first * step + column, (step, last - first), (1, vectors * width))
    of_z = grid(z_start + column, (step, 4), (1, vectors * width))
    x, w, z = (memory.at(places) for places in (of_x, of_w, of_z))
    before = z[of_z]
    if first == 0:
        z[:] = np.nan
    sums = x[of_x] @ w[of_w] + (before if first > 0 else 0)
    expected = with_part(z, of_z, sums)
    if pooled:
        expected = with_part(z, of_z[:2], [sums.max(axis=0), sums.argmax(axis=0)])
    set_patch_products(taps, x, w, z, *patches, first, last, step, column, z_start, vectors, pooled)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 3])
@pytest.mark.parametrize("vectors", range(1, blocks.MOST_VECTORS + 1))
def test_numbers_times_vectors(dtype, vectors, rows):
    """The sums that do not wait for one another are all added, whatever is left over."""
    for count in range(17):
        memory, width = Memory(dtype, count), narrow_lanes_of(dtype)
        offsets = memory.random.integers(0, 200, 20)
        of_row = (1, vectors * width)
        x_line, z_line = 3 * width + 1, vectors * width + 2
        of_x = 5 + grid(offsets[:count], (x_line, rows), of_row)
        of_z = grid(11, (z_line, rows), of_row)
        values, x, z = (memory.at(places) for places in (np.arange(count), of_x, of_z))
        sums = np.tensordot(values[:count], x[of_x], 1)
        expected = with_part(z, of_z, z[of_z] + sums)
        add_vectors(values, offsets, x, z, count, 5, x_line, 11, z_line, rows, vectors)
        np.testing.assert_array_equal(z, expected, strict=True, err_msg=f"{count} numbers")


LOOPS = pytest.mark.parametrize(("inner", "outer"), [(0, 2), (3, 0), (1, 1), (1, 4), (4, 1), (3, 5)])
ROWS = np.array([2, 90, 2, 31, 7])  # where rows begin; the block with one row takes the first


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 5])
@LOOPS
def test_rows_times_panels(dtype, rows, inner, outer):
    memory, width = Memory(dtype), lanes_of(dtype)
    step, z_stride = inner + 2, width + 3
    of_x = grid(ROWS[:rows], (step, outer), (1, inner)).reshape(rows, -1)
    of_w, of_z = grid(6, (width, inner * outer), (1, width)), grid(1, (z_stride, rows), (1, width))
    x, w, z = (memory.at(places) for places in (of_x, of_w, of_z))
    expected = with_part(z, of_z, z[of_z] + x[of_x] @ w[of_w])
    add_products(rows, x, w, z, ROWS, inner, outer, step, 6, 1, z_stride)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 5])
@LOOPS
def test_transposed_rows_times_panels(dtype, rows, inner, outer):
    memory, width = Memory(dtype), lanes_of(dtype)
    step, d_stride = inner + 2, width + 3
    of_x = grid(ROWS[:rows], (step, outer), (1, inner)).reshape(rows, -1)
    of_w, of_d = grid(6, (width, inner * outer), (1, width)), grid(1, (d_stride, rows), (1, width))
    x, w, d = (memory.at(places) for places in (of_x, of_w, of_d))
    expected = with_part(w, of_w, w[of_w] + x[of_x].T @ d[of_d])
    add_outer_products(rows, x, d, w, ROWS, inner, outer, step, 1, d_stride, 6)
    np.testing.assert_array_equal(w, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", range(len(blocks.DOTS)))
@pytest.mark.parametrize("panels", [0, 1, 5])
@pytest.mark.parametrize("is_first", [0, 1])
def test_dot_products(dtype, which, panels, is_first):
    """A register has partial sums; the two registers of a vector are added up in one."""
    assert blocks.DOTS == ((5, 2), (5, 1), (1, 8), (1, 1))  # as `add_dots` takes for granted
    samples, outputs = blocks.DOTS[which]
    memory, width, register = Memory(dtype), lanes_of(dtype), register_lanes_of(dtype)
    a_panel, w_panel, sums_sample = (samples + 1) * width, (outputs + 2) * width, outputs * register + 4
    both = (register, width // register), (1, register)
    of_a = grid(5, (width, samples), (a_panel, panels), *both).reshape(samples, -1, register)
    of_w = grid(9, (width, outputs), (w_panel, panels), *both).reshape(outputs, -1, register)
    of_sums = grid(3, (sums_sample, samples), (register, outputs), (1, register))
    a, w, sums = (memory.at(places) for places in (of_a, of_w, of_sums))
    before = sums[of_sums]
    if is_first:
        sums[:] = np.nan
    products = np.einsum("sqi,kqi->ski", a[of_a], w[of_w])
    expected = with_part(sums, of_sums, products + (0 if is_first else before))
    add_dots(which, a, w, sums, 5, width, a_panel, 9, w_panel, panels, 3, sums_sample, is_first)
    np.testing.assert_array_equal(sums, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_total_of_a_register(dtype):
    for start in (0, 3):
        places = start + np.arange(register_lanes_of(dtype))
        array = Memory(dtype).at(places)
        assert total_of_register(array, start) == array[places].sum()


def not_zero(dtype):
    return np.array([1, -2, np.finfo(dtype).smallest_subnormal, np.nan, np.inf], dtype)


def blank_but(size, places, dtype):
    """Return zeros, and numbers of all kinds in these places."""
    array = np.zeros(size, dtype)
    array[places] = np.resize(not_zero(dtype), len(places))
    return array


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [0, 1, 4])
@pytest.mark.parametrize("vectors", [0, 1, 3])
def test_where_some_row_is_not_zero(dtype, rows, vectors):
    width, start, z_start = narrow_lanes_of(dtype), 3, 5
    n, line = vectors * width, vectors * width + 2
    for seed in range(10):
        there = np.random.default_rng(seed).random((rows, n)) < 0.2
        places = grid(start, (line, rows), (1, n))
        x = blank_but(start + rows * line + n, places[there], dtype)
        x[np.setdiff1d(np.arange(len(x)), places)] = np.nan
        z = np.full(z_start + n + 1, -1, dtype)
        or_rows(x, z, start, line, rows, z_start, vectors)
        np.testing.assert_array_equal(z[z_start:][:n] != 0, there.any(axis=0))
        assert (np.delete(z, z_start + np.arange(n)) == -1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_whether_numbers_are_all_zero(dtype):
    """What is before and behind them does not count."""
    start, most = 3, 3 * narrow_lanes_of(dtype) + 1
    for n in range(1, most + 1):
        outside = np.setdiff1d(np.arange(start + 2 * most), start + np.arange(n))
        assert is_blank(blank_but(start + 2 * most, outside, dtype), start, n)
        for place in range(start, start + n):
            for number in not_zero(dtype):
                array = np.zeros(start + 2 * most, dtype)
                array[place] = number
                assert not is_blank(array, start, n)
