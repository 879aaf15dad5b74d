"""Whole numbers, whose sums are exact in any order, so that nothing is a matter of tolerance; then others."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastnet.kernels import products
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
LOST = np.nan  # what no kernel has to read; nor to write to, where it is in the result


@kernel
def add_product(x, x_start, x_stride, x_rows, n, w, w_panel, z, z_panel, first, last):
    products.add_product(x, x_start, x_stride, x_rows, n, w, w_panel, z, z_panel, first, last)


@kernel
def add_transposed_product(x, x_start, x_stride, x_rows, n, d, d_panel, w, w_panel):
    products.add_transposed_product(x, x_start, x_stride, x_rows, n, d, d_panel, w, w_panel)


@kernel
def set_dot_products(a, a_row, a_step, panels, w, w_row, w_step, n, z, z_row):
    products.set_dot_products(a, a_row, a_step, panels, w, w_row, w_step, n, z, z_row)


class Numbers:
    """What is drawn: whole numbers, or any."""

    def __init__(self, seed, dtype, whole=True):
        self.random, self.dtype, self.whole = np.random.default_rng(seed), np.dtype(dtype), whole

    def matrix(self, rows, columns):
        if self.whole:
            return self.random.integers(-9, 10, (rows, columns)).astype(self.dtype)
        return self.random.standard_normal((rows, columns)).astype(self.dtype)

    def rows_of_a_larger_matrix(self, x_rows, n, start, gap):
        """Return the rows that are picked, and the flat array where they lie, nothing else in it a number."""
        picked = sorted(set(x_rows))
        matrix = self.matrix(max(picked, default=0) + 1, n)
        flat = np.full(start + len(matrix) * (n + gap) + 3, LOST, self.dtype)
        for i in picked:
            flat[start + i * (n + gap) :][:n] = matrix[i]
        return matrix[list(x_rows)], flat

    def panel(self, matrix, start):
        """Return where a panel lies, and what is before and behind it."""
        flat = np.full(start + matrix.size + lanes_of(self.dtype), LOST, self.dtype)
        flat[start:][: matrix.size] = matrix.ravel()
        return flat


def with_part(array, start, part):
    array = array.copy()
    array[start:][: part.size] = part.ravel()
    return array


SHAPES = {
    "x_rows": st.lists(st.integers(0, 7), max_size=18),
    "n": st.integers(0, 17),
    "start": st.integers(0, 3),
    "gap": st.integers(0, 3),
    "seed": st.integers(0, 2**32 - 1),
}


@pytest.mark.parametrize("dtype", DTYPES)
@given(**SHAPES, ends=st.tuples(st.integers(0, 18), st.integers(0, 18)))
@settings(deadline=None, max_examples=50)
def test_product_is_added_to_some_rows(dtype, x_rows, n, start, gap, seed, ends):
    first, last = sorted(min(end, len(x_rows)) for end in ends)
    check_add_product(Numbers(seed, dtype), x_rows, n, start, gap, first, last)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [0, 1, 4])
@pytest.mark.parametrize("rows", range(12))
def test_product_is_added_to_any_number_of_rows(dtype, first, rows):
    check_add_product(Numbers(rows, dtype), [2, 0, 5, 5, 1, 3] * 3, 7, 1, 2, first, first + rows)


def check_add_product(draw, x_rows, n, start, gap, first, last):
    width = lanes_of(draw.dtype)
    x, flat_x = draw.rows_of_a_larger_matrix(x_rows, n, start, gap)
    w, z = draw.matrix(n, width), draw.matrix(last - first, width)
    flat_w = draw.panel(w, width)
    begin = 3 * width + first * width
    flat_z = draw.panel(z, begin)
    expected = with_part(flat_z, begin, z + x[first:last] @ w)
    add_product(flat_x, start, n + gap, np.array(x_rows, np.int64), n, flat_w, width, flat_z, 3 * width, first, last)
    np.testing.assert_array_equal(flat_z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@given(**SHAPES)
@settings(deadline=None, max_examples=50)
def test_transposed_product_is_added(dtype, x_rows, n, start, gap, seed):
    check_add_transposed_product(Numbers(seed, dtype), x_rows, n, start, gap)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", range(12))
@pytest.mark.parametrize("samples", [-64, -1, 0, 1, 63, 64, 65])
def test_transposed_product_of_more_samples_than_are_kept_in_the_cache(dtype, n, samples):
    assert products.SAMPLES_IN_CACHE == 64  # or else these are the wrong numbers to try
    random = np.random.default_rng(samples + 64)
    x_rows = random.integers(0, 100, products.SAMPLES_IN_CACHE + samples).tolist()
    check_add_transposed_product(Numbers(n, dtype), x_rows, n, 2, 1)


def check_add_transposed_product(draw, x_rows, n, start, gap):
    width = lanes_of(draw.dtype)
    x, flat_x = draw.rows_of_a_larger_matrix(x_rows, n, start, gap)
    d, w = draw.matrix(len(x_rows), width), draw.matrix(n, width)
    flat_d, flat_w = draw.panel(d, 2 * width), draw.panel(w, width)
    expected = with_part(flat_w, width, w + x.T @ d)
    add_transposed_product(flat_x, start, n + gap, np.array(x_rows, np.int64), n, flat_d, 2 * width, flat_w, width)
    np.testing.assert_array_equal(flat_w, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    panels=st.integers(0, 4), n=st.integers(0, 17), gaps=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    start=st.integers(0, 2), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
@example(panels=1, n=4, gaps=(0, 0), start=0, seed=0)
@example(panels=3, n=5, gaps=(1, 2), start=1, seed=0)
@example(panels=2, n=9, gaps=(2, 0), start=2, seed=0)
@settings(deadline=None, max_examples=50)
def test_dot_products_are_set(dtype, panels, n, gaps, start, seed):
    draw, width = Numbers(seed, dtype), lanes_of(dtype)
    a, w = draw.matrix(panels, width), draw.matrix(panels * n, width).reshape(panels, n, width)
    a_step, w_step = width * (1 + gaps[0]), width * (n + gaps[1])
    flat_a = np.full(start * width + panels * a_step, LOST, dtype)
    flat_w = np.full(start * width + panels * w_step, LOST, dtype)
    for q in range(panels):
        flat_a[start * width + q * a_step :][:width] = a[q]
        flat_w[start * width + q * w_step :][: n * width] = w[q].ravel()
    flat_z = np.full(n + width, LOST, dtype)
    expected = with_part(flat_z, start, np.einsum("qki,qi->k", w, a))
    set_dot_products(flat_a, start * width, a_step, panels, flat_w, start * width, w_step, n, flat_z, start)
    np.testing.assert_array_equal(flat_z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_fractions_are_summed_up_to_rounding(dtype):
    draw, width, rows, n = Numbers(0, dtype, whole=False), lanes_of(dtype), 13, 40
    x, w, z = draw.matrix(rows, n), draw.matrix(n, width), draw.matrix(rows, width)
    d, a = draw.matrix(rows, width), draw.matrix(n, width)
    x_rows = np.arange(rows)

    result = z.ravel().copy()
    add_product(x.ravel(), 0, n, x_rows, n, w.ravel(), 0, result, 0, 0, rows)
    assert_sums_of_products(result, np.concatenate([x, np.eye(rows)], axis=1), np.concatenate([w, z]), dtype)

    result = w.ravel().copy()
    add_transposed_product(x.ravel(), 0, n, x_rows, n, d.ravel(), 0, result, 0)
    assert_sums_of_products(result, np.concatenate([x.T, np.eye(n)], axis=1), np.concatenate([d, w]), dtype)

    result = np.zeros(rows, dtype)  # 40 panels in 13 rows, one behind the other
    panels = draw.matrix(n * rows, width)
    set_dot_products(a.ravel(), 0, width, n, panels.ravel(), 0, rows * width, rows, result, 0)
    rows_of_panels = panels.reshape(n, rows, width).transpose(1, 0, 2).reshape(rows, -1)
    assert_sums_of_products(result, rows_of_panels, a.reshape(-1, 1), dtype)


def assert_sums_of_products(result, a, b, dtype):
    """Compare with a @ b, within what any order of summing may be off."""
    a, b = a.astype(np.longdouble), b.astype(np.longdouble)
    bound = (a.shape[1] + 1) * np.finfo(dtype).eps / 2 * (np.abs(a) @ np.abs(b))
    assert (np.abs(result.reshape(bound.shape) - a @ b) <= bound).all()
