"""Compares each block of `product_blocks` with NumPy, for every number of rows and panels, and several loop lengths."""

import numpy as np
import pytest
from kernels.memory import FORBIDDEN, Memory, grid, with_part

from fastnet.kernels import product_blocks
from fastnet.kernels.compiler import kernel
from fastnet.kernels.product_blocks import PANELS, ROWS
from fastnet.kernels.vectors import lanes_of, register_lanes_of

DTYPES = ("float32", "float64")
START, STRIDE = 4, 19  # row i of x begins at index START + STRIDE * i
PICKED = np.array([3, 0, 2, 2, 7, 1, 5, 4, 6, 0])  # indices of rows of x; blocks read from PICKED[1] on


@kernel
def add_products(
    rows, x, w, z, first, count, x_start, x_stride, inner, outer, step, w_start, z_start, z_stride, setting
):
    product_blocks.add_products(
        rows, x, w, z, first, count, x_start, x_stride, inner, outer, step, w_start, z_start, z_stride, setting
    )


@kernel
def add_outer_products(rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start):
    product_blocks.add_outer_products(
        rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start
    )


@kernel
def pack(rows, x, z, first, samples, count, x_start, x_stride, z_start):
    product_blocks.pack(rows, x, z, first, samples, count, x_start, x_stride, z_start)


@kernel
def set_sparse_product(columns, values, w, z, first, last, w_start, w_panel, z_start, z_panel, panels):
    product_blocks.set_sparse_product(
        columns, values, w, z, first, last, w_start, w_panel, z_start, z_panel, panels
    )  # fmt: skip


@kernel
def add_sparse_outer_product(columns, values, d, w, first, last, d_start, d_panel, w_start, w_panel, panels):
    product_blocks.add_sparse_outer_product(
        columns, values, d, w, first, last, d_start, d_panel, w_start, w_panel, panels
    )


@kernel
def add_dots(a, w, sums, count, a_start, a_sample, a_panel, w_start, w_panel, panels, start, sums_sample, is_first):
    product_blocks.add_dots(
        a, w, sums, count, a_start, a_sample, a_panel, w_start, w_panel, panels, start, sums_sample, is_first
    )


@kernel
def set_totals(sums, z, start, count, z_start):
    product_blocks.set_totals(sums, z, start, count, z_start)


@kernel
def set_transposed(w, z, w_start, z_start):
    product_blocks.set_transposed(w, z, w_start, z_start)


LOOPS = pytest.mark.parametrize(("inner", "outer"), [(0, 2), (3, 0), (1, 1), (1, 4), (4, 1), (3, 5)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 4, ROWS])
@pytest.mark.parametrize("setting", [0, 1])
@LOOPS
def test_rows_times_panels(dtype, count, setting, inner, outer):
    memory, width = Memory(dtype), lanes_of(dtype)
    step, z_stride = inner + 2, width + 3
    of_x = grid(START + STRIDE * PICKED[1:][:count], (step, outer), (1, inner)).reshape(count, -1)
    of_w, of_z = grid(6, (width, inner * outer), (1, width)), grid(1, (z_stride, count), (1, width))
    x, w, z = (memory.at(places) for places in (of_x, of_w, of_z))
    expected = with_part(z, of_z, x[of_x] @ w[of_w] + (0 if setting else z[of_z]))
    if setting:
        z[:] = FORBIDDEN
    add_products(PICKED, x, w, z, 1, count, START, STRIDE, inner, outer, step, 6, 1, z_stride, setting)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 4, ROWS])
@pytest.mark.parametrize("samples", [0, 1, 2, 9])
def test_transposed_rows_times_panels(dtype, count, samples):
    memory, width = Memory(dtype), lanes_of(dtype)
    d_stride = width + 3
    of_x = grid(START + STRIDE * PICKED[1:][:samples], (1, count))
    of_d, of_w = grid(6, (d_stride, samples), (1, width)), grid(1, (width, count), (1, width))
    x, d, w = (memory.at(places) for places in (of_x, of_d, of_w))
    expected = with_part(w, of_w, w[of_w] + x[of_x].T @ d[of_d])
    add_outer_products(PICKED, x, d, w, 1, samples, count, START, STRIDE, 6, d_stride, 1)
    np.testing.assert_array_equal(w, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 4, ROWS])
@pytest.mark.parametrize("samples", [0, 1, 9])
def test_what_rows_are_multiplied_by_is_packed(dtype, count, samples):
    memory = Memory(dtype)
    of_x = grid(START + STRIDE * PICKED[1:][:samples], (1, count))
    of_z = grid(3, (ROWS, samples), (1, count))
    x, z = memory.at(of_x), np.full(3 + ROWS * (samples + 1), FORBIDDEN, dtype)
    expected = with_part(z, of_z, x[of_x])
    pack(PICKED, x, z, 1, samples, count, START, STRIDE, 3)
    np.testing.assert_array_equal(z, expected, strict=True)


def row_without_zeros(memory, count, columns_dtype):
    columns = memory.random.permutation(20)[: count + 2].astype(columns_dtype)
    values = memory.at(np.arange(1, 1 + count))
    return columns, values, columns[1 : 1 + count].astype(int), values[1 : 1 + count]


SPARSE = [
    pytest.mark.parametrize("dtype", DTYPES),
    pytest.mark.parametrize("columns_dtype", [np.uint16, np.uint32]),
    pytest.mark.parametrize("panels", range(1, PANELS + 1)),
    pytest.mark.parametrize("count", range(11)),
]


def sparse(test):
    for mark in SPARSE:
        test = mark(test)
    return test


@sparse
def test_a_row_without_zeros_times_panels(dtype, columns_dtype, panels, count):
    memory, width = Memory(dtype, count), lanes_of(dtype)
    columns, values, picked, numbers = row_without_zeros(memory, count, columns_dtype)
    w_panel, z_panel = 20 * width + 2, 3 * width + 1
    of_w, of_z = grid(5, (w_panel, panels), (width, 20), (1, width)), grid(7, (z_panel, panels), (1, width))
    w, z = memory.at(of_w), np.full(7 + panels * z_panel, FORBIDDEN, dtype)
    expected = with_part(z, of_z, np.einsum("i,piv->pv", numbers, w[of_w][:, picked]))
    set_sparse_product(columns, values, w, z, 1, 1 + count, 5, w_panel, 7, z_panel, panels)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_panel_has_the_same_bits_beside_any_number_of_others(dtype):
    """Threads divide the panels. The number of panels that a thread computes must not change a result."""
    random, width, n = np.random.default_rng(0), lanes_of(dtype), 101
    columns, values = np.arange(n, dtype=np.uint16), random.standard_normal(n).astype(dtype)
    w = random.standard_normal(PANELS * n * width).astype(dtype)
    found = np.zeros((PANELS, PANELS * width), dtype)
    for panels, z in enumerate(found, 1):
        set_sparse_product(columns, values, w, z, 0, n, 0, n * width, 0, width, panels)
    np.testing.assert_array_equal(found[:, :width], np.broadcast_to(found[0, :width], (PANELS, width)))


@sparse
def test_panels_times_a_row_without_zeros(dtype, columns_dtype, panels, count):
    memory, width = Memory(dtype, count), lanes_of(dtype)
    columns, values, picked, numbers = row_without_zeros(memory, count, columns_dtype)
    w_panel, d_panel = 20 * width + 2, 3 * width + 1
    of_w, of_d = grid(5, (w_panel, panels), (width, 20), (1, width)), grid(7, (d_panel, panels), (1, width))
    w, d = memory.at(of_w), memory.at(of_d)
    expected = w.copy()
    expected[of_w[:, picked]] += np.einsum("i,pv->piv", numbers, d[of_d])
    add_sparse_outer_product(columns, values, d, w, 1, 1 + count, 7, d_panel, 5, w_panel, panels)
    np.testing.assert_array_equal(w, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", [1, 2, 4, ROWS])
@pytest.mark.parametrize("panels", [0, 1, 5])
@pytest.mark.parametrize("is_first", [0, 1])
def test_dot_products(dtype, samples, panels, is_first):
    """A vector has two registers. The products of both are added to one register of partial sums."""
    memory, width, register, outputs = Memory(dtype), lanes_of(dtype), register_lanes_of(dtype), 2
    a_panel, w_panel, sums_sample = (samples + 1) * width, (outputs + 2) * width, outputs * register + 4
    both = (register, width // register), (1, register)
    of_a = grid(5, (width, samples), (a_panel, panels), *both).reshape(samples, -1, register)
    of_w = grid(9, (width, outputs), (w_panel, panels), *both).reshape(outputs, -1, register)
    of_sums = grid(3, (sums_sample, samples), (register, outputs), (1, register))
    a, w, sums = (memory.at(places) for places in (of_a, of_w, of_sums))
    before = sums[of_sums]
    if is_first:
        sums[:] = FORBIDDEN
    products = np.einsum("sqi,kqi->ski", a[of_a], w[of_w])
    expected = with_part(sums, of_sums, products + (0 if is_first else before))
    add_dots(a, w, sums, samples, 5, width, a_panel, 9, w_panel, panels, 3, sums_sample, is_first)
    np.testing.assert_array_equal(sums, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", range(4))
def test_the_totals_of_registers(dtype, count):
    memory, register = Memory(dtype), register_lanes_of(dtype)
    of_sums, of_z = grid(3, (register, count * register), (1, register)), grid(2, (1, count * register))
    sums, z = memory.at(of_sums), np.full(2 + (count + 1) * register, FORBIDDEN, dtype)
    expected = with_part(z, of_z, sums[of_sums].sum(axis=-1))
    set_totals(sums, z, 3, count, 2)
    np.testing.assert_array_equal(z, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_square_is_transposed(dtype):
    memory, width, register = Memory(dtype), lanes_of(dtype), register_lanes_of(dtype)
    of_w, of_z = (grid(start, (width, register), (1, register)) for start in (3, 5))
    w, z = memory.at(of_w), np.full(5 + width * (register + 1), FORBIDDEN, dtype)
    expected = with_part(z, of_z, w[of_w].T)
    set_transposed(w, z, 3, 5)
    np.testing.assert_array_equal(z, expected, strict=True)
