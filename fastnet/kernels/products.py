"""Products of matrices, for one panel of their result: sums of numbers times vectors, kept in registers.

A matrix on the left gives numbers: it is flat, row-major, and its rows are picked by a list, so that a mini-batch is
never copied together. A matrix on the right, and the result, give vectors: they are panels (see `layout`), named by
where they begin.

Rows of the result are taken five at a time where there are as many: each vector that is loaded then serves five sums,
and these need not wait for one another. With five, all sums of a panel of two registers, and what they are made of, are
in the sixteen registers that AVX2 has.
"""

from __future__ import annotations

from fastnet.kernels.blocks import (
    add_1_by_8_dots,
    add_1_dot,
    add_1_outer_product,
    add_1_product,
    add_5_by_1_dots,
    add_5_by_2_dots,
    add_5_outer_products,
    add_5_products,
    total_of_register,
)
from fastnet.kernels.compiler import part
from fastnet.kernels.layout import OUTPUTS_AT_A_TIME, SAMPLES_AT_A_TIME
from fastnet.kernels.vectors import item, lanes, register_lanes, set_item

AT_A_TIME = 5
WEIGHTS_IN_CACHE = 64  # vectors, that stay in a cache while `add_transposed_product` passes over them again and again
_PANELS_IN_CACHE = 12  # of some samples' activations, while all outputs' weights are multiplied by them


@part
def add_product(x, x_start, x_stride, x_rows, n, outer, x_step, w, w_panel, z, z_panel, z_stride, first, last):
    """Add x w to rows `first` to `last` of z: z[s] += sum x[x_rows[s], j] w[j].

    A row of x has n numbers and, `x_step` on, n others, `outer` times.
    """
    s = first
    while s < last:
        x0, z_s = x_start + item(x_rows, s) * x_stride, z_panel + s * z_stride
        if s + AT_A_TIME <= last:
            x1 = x_start + item(x_rows, s + 1) * x_stride
            x2 = x_start + item(x_rows, s + 2) * x_stride
            x3 = x_start + item(x_rows, s + 3) * x_stride
            x4 = x_start + item(x_rows, s + 4) * x_stride
            add_5_products(x, w, z, x0, x1, x2, x3, x4, n, outer, x_step, w_panel, z_s, z_stride)
            s += AT_A_TIME
        else:
            add_1_product(x, w, z, x0, x0, x0, x0, x0, n, outer, x_step, w_panel, z_s, z_stride)
            s += 1


@part
def add_transposed_product(x, x_start, x_stride, x_rows, n, outer, x_step, d, d_panel, d_stride, w, w_panel):
    """Add x^T d to w: w[j] += sum_s x[x_rows[s], j] d[s]. Rows of x are as in `add_product`.

    Sums of five samples are made from zero, and added once: they may be far smaller than what they are added to.
    """
    s = 0
    while s < len(x_rows):
        x0, d_s = x_start + item(x_rows, s) * x_stride, d_panel + s * d_stride
        if s + AT_A_TIME <= len(x_rows):
            x1 = x_start + item(x_rows, s + 1) * x_stride
            x2 = x_start + item(x_rows, s + 2) * x_stride
            x3 = x_start + item(x_rows, s + 3) * x_stride
            x4 = x_start + item(x_rows, s + 4) * x_stride
            add_5_outer_products(x, d, w, x0, x1, x2, x3, x4, n, outer, x_step, d_s, d_stride, w_panel)
            s += AT_A_TIME
        else:
            add_1_outer_product(x, d, w, x0, x0, x0, x0, x0, n, outer, x_step, d_s, d_stride, w_panel)
            s += 1


@part
def set_dot_products(
    a, a_start, a_stride, a_panel, panels, first, last, w, w_start, n, z, z_start, z_panel, dots, start
):
    """Set z[s, k] = w[k] . a[s], for samples from `first` to `last` and k < n.

    w and a are `panels` panels wide; `a_stride` and `a_panel` are the steps from a sample to the next, and from a
    panel. z is in panels of one row a sample, `z_panel` apart. There is room for sums in `dots`, from `start` on.
    """
    width, register = lanes(w), register_lanes(w)
    w_panel, dots_stride = n * width, OUTPUTS_AT_A_TIME * register
    for s_first in range(first, last, SAMPLES_AT_A_TIME):
        s_last = min(s_first + SAMPLES_AT_A_TIME, last)
        fives = s_first + (s_last - s_first) // 5 * 5
        for k_first in range(0, n, OUTPUTS_AT_A_TIME):
            k_last = min(k_first + OUTPUTS_AT_A_TIME, n)
            for q in range(0, panels, _PANELS_IN_CACHE):
                some = min(_PANELS_IN_CACHE, panels - q)
                x, v, is_first = a_start + q * a_panel, w_start + q * w_panel, int(q == 0)
                k = k_first
                while k < k_last and s_first < fives:
                    for s in range(s_first, fives, 5):
                        x_s, v_k = x + s * a_stride, v + k * width
                        to = start + (s - s_first) * dots_stride + (k - k_first) * register
                        if k + 2 <= k_last:
                            add_5_by_2_dots(
                                a, w, dots, x_s, a_stride, a_panel, v_k, w_panel, some, to, dots_stride, is_first
                            )
                        else:
                            add_5_by_1_dots(
                                a, w, dots, x_s, a_stride, a_panel, v_k, w_panel, some, to, dots_stride, is_first
                            )
                    k += 2
                for s in range(fives, s_last):
                    k = k_first
                    while k < k_last:
                        x_s, v_k = x + s * a_stride, v + k * width
                        to = start + (s - s_first) * dots_stride + (k - k_first) * register
                        if k + 8 <= k_last:
                            add_1_by_8_dots(
                                a, w, dots, x_s, a_stride, a_panel, v_k, w_panel, some, to, dots_stride, is_first
                            )
                            k += 8
                        else:
                            add_1_dot(a, w, dots, x_s, a_stride, a_panel, v_k, w_panel, some, to, dots_stride, is_first)
                            k += 1
            for s in range(s_first, s_last):
                for k in range(k_first, k_last):
                    z_k = z_start + k // width * z_panel + s * width + k % width
                    found = total_of_register(dots, start + (s - s_first) * dots_stride + (k - k_first) * register)
                    set_item(z, z_k, found)
