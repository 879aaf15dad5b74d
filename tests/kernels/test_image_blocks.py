"""Compares each block of `image_blocks` with NumPy, for every number of vectors, and for 0, 1 and more iterations."""

import numpy as np
import pytest
from kernels.memory import Memory, grid, with_part

from fastnet.kernels import image_blocks
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import narrow_lanes_of

DTYPES = ("float32", "float64")


@kernel
def set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled):
    image_blocks.set_patch_products(taps, x, w, z, p0, p1, p2, p3, first, last, step, column, z_start, vectors, pooled)


@kernel
def add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors):
    image_blocks.add_vectors(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors)


@kernel
def or_rows(x, z, start, line, rows, z_start, vectors):
    image_blocks.or_rows(x, z, start, line, rows, z_start, vectors)


@kernel
def is_blank(x, start, n):
    return image_blocks.is_blank(x, start, n)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("vectors", [1, 2, 3])
@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (0, 9), (3, 3), (3, 4), (2, 9)])
@pytest.mark.parametrize("pooled", [0, 1])
def test_patches_times_filters(dtype, vectors, first, last, pooled):
    """The block sets the sums if `first` is 0; otherwise, it adds to them. Of equal sums, pooling takes the first."""
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
@pytest.mark.parametrize("vectors", range(1, image_blocks.MOST_VECTORS + 1))
def test_numbers_times_vectors(dtype, vectors, rows):
    """The block splits sums into partial sums, so every number of values from 0 to 16 is tested."""
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


def not_zero(dtype):
    return np.array([1, -2, np.finfo(dtype).smallest_subnormal, np.nan, np.inf], dtype)


def blank_but(size, places, dtype):
    """Return an array of zeros, except for nonzero numbers, infinity and NaN at the indices `places`."""
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
    """`is_blank` checks only the n numbers that begin at `start`."""
    start, most = 3, 3 * narrow_lanes_of(dtype) + 1
    for n in range(1, most + 1):
        outside = np.setdiff1d(np.arange(start + 2 * most), start + np.arange(n))
        assert is_blank(blank_but(start + 2 * most, outside, dtype), start, n)
        for place in range(start, start + n):
            for number in not_zero(dtype):
                array = np.zeros(start + 2 * most, dtype)
                array[place] = number
                assert not is_blank(array, start, n)
