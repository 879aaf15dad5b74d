"""Matrix products, computed as sums of scalars times vectors, or as dot products.

The scalars are the numbers of the left matrix, which is row-major or stored in panels. A list of indices selects rows
of the left matrix, so that the samples of a mini-batch need not be copied. The right matrix and the result are stored
in panels (see `layout`), and are given by their offsets.

The loops are blocked for registers and caches. The blocks keep sums in registers. The inner dimension is divided into
parts whose numbers and weights fit into the L1 cache. The rows are divided into parts that stay in the L2 cache while
all panels are computed.
"""

from __future__ import annotations

from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.layout import NUMBERS_IN_CACHE, OUTPUTS_AT_A_TIME, SAMPLES_AT_A_TIME, SAMPLES_OF_SUMS
from fastnet.kernels.product_blocks import (
    ROWS,
    add_dots,
    add_outer_products,
    add_products,
    pack,
    set_totals,
    set_transposed,
)
from fastnet.kernels.vectors import REGISTER_BYTES, item, lanes, numbers_of_line, register_lanes, set_item

# Largest number of cache lines of a sample that are multiplied at a time. The lines and their weights fit into L1.
_LINES_IN_CACHE = 16 if REGISTER_BYTES < 64 else 8
# Largest number of samples whose `_LINES_IN_CACHE` cache lines stay in L2 while all panels are computed.
_SAMPLES_IN_CACHE = 192
_ENOUGH_PANELS = 8  # smallest number of panels for which packing the left matrix takes less time than it saves
_PANELS_IN_CACHE = 16  # number of panels of activations that stay in cache while weights of several outputs are read


@part
def _rows_of_block(left):
    """Return the number of rows in the next block, given the number of rows left."""
    if left >= ROWS:
        return ROWS
    return 4 if left >= 4 else min(left, 2)


@subroutine
def add_product(
    x, x_start, x_stride, x_rows, n, outer, x_step, w, w_start, w_panel, z, z_start, z_panel, z_stride, panels, first,
    last, from_zero,
):  # fmt: skip
    """Add sum_j x[x_rows[s], j] w[j] to z[s], for s from `first` to `last`; if `from_zero`, set z[s] to the sum.

    A row of x has `outer` groups of n numbers. The groups begin `x_step` apart. If a row is stored in panels, a group
    is the part of the row in one panel. Panels of w begin `w_panel` apart, and panels of z `z_panel` apart.
    """
    width, most = lanes(w), _LINES_IN_CACHE * numbers_of_line(x)
    some = max(1, most // n)
    for s_first in range(first, last, _SAMPLES_IN_CACHE):
        s_last = min(s_first + _SAMPLES_IN_CACHE, last)
        for o in range(0, outer, some):
            for j in range(0, n, most):
                of_x, of_w = x_start + o * x_step + j, w_start + (o * n + j) * width
                setting = int(from_zero and o == 0 and j == 0)
                for p in range(panels):
                    s = s_first
                    while s < s_last:
                        count = _rows_of_block(s_last - s)
                        add_products(
                            x_rows, x, w, z, s, count, of_x, x_stride, min(most, n - j), min(some, outer - o), x_step,
                            of_w + p * w_panel, z_start + p * z_panel + s * z_stride, z_stride, setting,
                        )  # fmt: skip
                        s += count


@subroutine
def add_transposed_product(
    x, x_start, x_stride, x_rows, n, outer, x_step, d, d_start, d_panel, d_stride, w, w_start, w_panel, panels, m,
    scratch, scratch_start, samples,
):  # fmt: skip
    """Add x^T d of m samples to w: w[j] += sum_s x[x_rows[s], j] d[s].

    A row of x has `outer` groups of n numbers. The groups begin `x_step` apart. If a row is stored in panels, a group
    is the part of the row in one panel. Panels of d begin `d_panel` apart, and panels of w `w_panel` apart.

    A sum over up to `SAMPLES_OF_SUMS` samples begins at zero, and is then added to w. If each term were added to w,
    more digits would be lost, because the numbers in w may be far larger than the terms. With at least `_ENOUGH_PANELS`
    panels, x is first packed into `scratch`, beginning at index `scratch_start`. `samples` has the integers 0, 1, 2, ….
    """
    some, is_packed = max(1, NUMBERS_IN_CACHE // n), panels >= _ENOUGH_PANELS
    for o in range(0, outer, some):
        parts = min(some, outer - o)
        for j in range(0, n, NUMBERS_IN_CACHE):
            numbers, of_x = min(NUMBERS_IN_CACHE, n - j), x_start + o * x_step + j
            of_w = w_start + (o * n + j) * lanes(w)
            for s in range(0, m, SAMPLES_OF_SUMS):
                count, of_d = min(SAMPLES_OF_SUMS, m - s), d_start + s * d_stride
                if is_packed:
                    _pack_samples(x, of_x, x_stride, x_rows, s, count, numbers, parts, x_step, scratch, scratch_start)
                for p in range(panels):
                    if is_packed:
                        _add_packed(
                            scratch, scratch_start, samples, count, numbers, parts, d, of_d + p * d_panel, d_stride,
                            w, of_w + p * w_panel, n,
                        )  # fmt: skip
                    else:
                        _add_samples(
                            x, of_x, x_stride, x_rows, s, count, numbers, parts, x_step, d, of_d + p * d_panel,
                            d_stride, w, of_w + p * w_panel, n,
                        )  # fmt: skip


@part
def _pack_samples(x, x_start, x_stride, x_rows, s, count, numbers, parts, x_step, scratch, to):
    """Pack `count` samples into `scratch`, beginning at index `to`, in the order in which `_add_packed` reads."""
    for o in range(parts):
        j = 0
        while j < numbers:
            rows = _rows_of_block(numbers - j)
            pack(x_rows, x, scratch, s, count, rows, x_start + o * x_step + j, x_stride, to)
            to += count * ROWS
            j += rows


@part
def _add_packed(scratch, start, samples, count, numbers, parts, d, d_start, d_stride, w, w_start, n):
    """Add the sums over packed samples to one panel of w."""
    for o in range(parts):
        j = 0
        while j < numbers:
            rows = _rows_of_block(numbers - j)
            _add_sums(
                samples, scratch, d, w, 0, count, rows, start, ROWS, d_start, d_stride, w_start + (o * n + j) * lanes(w)
            )
            start += count * ROWS
            j += rows


@part
def _add_samples(x, x_start, x_stride, x_rows, s, count, numbers, parts, x_step, d, d_start, d_stride, w, w_start, n):
    """Add x^T d of `count` samples, beginning at sample s, to one panel of w."""
    for o in range(parts):
        j = 0
        while j < numbers:
            rows = _rows_of_block(numbers - j)
            of_x, of_w = x_start + o * x_step + j, w_start + (o * n + j) * lanes(w)
            _add_sums(x_rows, x, d, w, s, count, rows, of_x, x_stride, d_start, d_stride, of_w)
            j += rows


@subroutine
def _add_sums(rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start):
    """Add the sums for `count` rows of one panel of w.

    This function is a subroutine, so that the large block is compiled only once.
    """
    add_outer_products(rows, x, d, w, first, samples, count, x_start, x_stride, d_start, d_stride, w_start)


@subroutine
def set_dot_products(
    a, a_start, a_stride, a_panel, panels, first, last, w, w_start, n, n_first, n_last, z, z_start, z_panel, dots, start
):
    """Set z[s, k] = w[k] . a[s], for samples s from `first` to `last` and outputs k from `n_first` to `n_last`.

    w and a are `panels` panels wide. Samples of a are `a_stride` apart, panels of a are `a_panel` apart, and panels of
    z are `z_panel` apart. Columns of z beyond n are undefined. Partial sums are stored in `dots`, beginning at index
    `start`. One row may be read beyond the end of w, because outputs are computed in pairs.
    """
    width, register = lanes(w), register_lanes(w)
    w_panel, dots_stride = n * width, OUTPUTS_AT_A_TIME * register
    for s_first in range(first, last, SAMPLES_AT_A_TIME):
        s_last = min(s_first + SAMPLES_AT_A_TIME, last)
        for k_first in range(n_first, n_last, OUTPUTS_AT_A_TIME):
            k_last = min(k_first + OUTPUTS_AT_A_TIME, n_last)
            for q in range(0, panels, _PANELS_IN_CACHE):
                some = min(_PANELS_IN_CACHE, panels - q)
                for k in range(k_first, k_last, 2):
                    s = s_first
                    while s < s_last:
                        count = _rows_of_block(s_last - s)
                        add_dots(
                            a, w, dots, count, a_start + q * a_panel + s * a_stride, a_stride, a_panel,
                            w_start + q * w_panel + k * width, w_panel, some,
                            start + (s - s_first) * dots_stride + (k - k_first) * register, dots_stride, int(q == 0),
                        )  # fmt: skip
                        s += count
            for k in range(k_first, k_last, width):
                registers = (min(width, k_last - k) + register - 1) // register
                for s in range(s_first, s_last):
                    set_totals(
                        dots, z, start + (s - s_first) * dots_stride + (k - k_first) * register, registers,
                        z_start + k // width * z_panel + s * width,
                    )  # fmt: skip


@subroutine
def transpose(w, w_start, n, first, last, z, z_start, z_panel):
    """Transpose panels `first` to `last` of w, which have n rows: set z[j, k] = w[k, j].

    The panels of z begin at z_start, `z_panel` apart.
    """
    width, register = lanes(w), register_lanes(w)
    whole = n // register * register
    for q in range(first, last):
        panel, rows = w_start + q * n * width, z_start + q * width * width
        for k in range(0, whole, register):
            for half in range(0, width, register):
                to = rows + k // width * z_panel + half * width + k % width
                set_transposed(w, z, panel + k * width + half, to)
        for k in range(whole, n):
            for j in range(width):
                set_item(z, rows + k // width * z_panel + j * width + k % width, item(w, panel + k * width + j))
