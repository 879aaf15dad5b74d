"""Products of matrices, for one panel of their result: sums of numbers times vectors, kept in registers.

A matrix on the left gives numbers: it is flat, row-major, and its rows are picked by a list, so that a mini-batch is
never copied together. A matrix on the right, and the result, give vectors: they are panels (see `layout`), named by
where they begin.

Rows of the result are taken five at a time where there are as many: each vector that is loaded then serves five sums,
and these need not wait for one another. With five, all sums of a panel of two registers, and what they are made of, are
in the sixteen registers that AVX2 has.
"""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.vectors import item, lanes, load, set_item, store, total, zeros

AT_A_TIME = 5
SAMPLES_IN_CACHE = 64  # whose inputs stay in a cache while `add_transposed_product` passes over them again and again


@part
def add_product(x, x_start, x_stride, x_rows, n, w, w_panel, z, z_panel, first, last):
    """Add x w to rows `first` to `last` of z: z[s] += sum_j x[x_rows[s], j] w[j], j < n."""
    width = lanes(z)
    s = first
    while s + AT_A_TIME <= last:
        x0 = x_start + item(x_rows, s) * x_stride
        x1 = x_start + item(x_rows, s + 1) * x_stride
        x2 = x_start + item(x_rows, s + 2) * x_stride
        x3 = x_start + item(x_rows, s + 3) * x_stride
        x4 = x_start + item(x_rows, s + 4) * x_stride
        z0 = load(z, z_panel + s * width)
        z1 = load(z, z_panel + (s + 1) * width)
        z2 = load(z, z_panel + (s + 2) * width)
        z3 = load(z, z_panel + (s + 3) * width)
        z4 = load(z, z_panel + (s + 4) * width)
        for j in range(n):
            w_j = load(w, w_panel + j * width)
            z0 = z0 + item(x, x0 + j) * w_j
            z1 = z1 + item(x, x1 + j) * w_j
            z2 = z2 + item(x, x2 + j) * w_j
            z3 = z3 + item(x, x3 + j) * w_j
            z4 = z4 + item(x, x4 + j) * w_j
        store(z, z_panel + s * width, z0)
        store(z, z_panel + (s + 1) * width, z1)
        store(z, z_panel + (s + 2) * width, z2)
        store(z, z_panel + (s + 3) * width, z3)
        store(z, z_panel + (s + 4) * width, z4)
        s += AT_A_TIME
    while s < last:
        x_s = x_start + item(x_rows, s) * x_stride
        z_s = load(z, z_panel + s * width)
        for j in range(n):
            z_s = z_s + item(x, x_s + j) * load(w, w_panel + j * width)
        store(z, z_panel + s * width, z_s)
        s += 1


@part
def add_transposed_product(x, x_start, x_stride, x_rows, n, d, d_panel, w, w_panel):
    """Add x^T d to w: w[j] += sum_s x[x_rows[s], j] d[s], j < n."""
    width = lanes(w)
    for first in range(0, len(x_rows), SAMPLES_IN_CACHE):
        last = min(first + SAMPLES_IN_CACHE, len(x_rows))
        j = 0
        while j + AT_A_TIME <= n:
            w0 = load(w, w_panel + j * width)
            w1 = load(w, w_panel + (j + 1) * width)
            w2 = load(w, w_panel + (j + 2) * width)
            w3 = load(w, w_panel + (j + 3) * width)
            w4 = load(w, w_panel + (j + 4) * width)
            for s in range(first, last):
                x_j = x_start + item(x_rows, s) * x_stride + j
                d_s = load(d, d_panel + s * width)
                w0 = w0 + item(x, x_j) * d_s
                w1 = w1 + item(x, x_j + 1) * d_s
                w2 = w2 + item(x, x_j + 2) * d_s
                w3 = w3 + item(x, x_j + 3) * d_s
                w4 = w4 + item(x, x_j + 4) * d_s
            store(w, w_panel + j * width, w0)
            store(w, w_panel + (j + 1) * width, w1)
            store(w, w_panel + (j + 2) * width, w2)
            store(w, w_panel + (j + 3) * width, w3)
            store(w, w_panel + (j + 4) * width, w4)
            j += AT_A_TIME
        while j < n:
            w_j = load(w, w_panel + j * width)
            for s in range(first, last):
                x_j = x_start + item(x_rows, s) * x_stride + j
                w_j = w_j + item(x, x_j) * load(d, d_panel + s * width)
            store(w, w_panel + j * width, w_j)
            j += 1


@part
def set_dot_products(a, a_row, a_step, panels, w, w_row, w_step, n, z, z_row):
    """Set z[k] = w[k] . a, k < n, where a and w are `panels` panels wide, a step from each to the next."""
    width = lanes(w)
    k = 0
    while k + AT_A_TIME <= n:
        w_k = w_row + k * width
        z0 = zeros(w)
        z1 = zeros(w)
        z2 = zeros(w)
        z3 = zeros(w)
        z4 = zeros(w)
        for q in range(panels):
            a_q = load(a, a_row + q * a_step)
            z0 = z0 + load(w, w_k + q * w_step) * a_q
            z1 = z1 + load(w, w_k + q * w_step + width) * a_q
            z2 = z2 + load(w, w_k + q * w_step + 2 * width) * a_q
            z3 = z3 + load(w, w_k + q * w_step + 3 * width) * a_q
            z4 = z4 + load(w, w_k + q * w_step + 4 * width) * a_q
        set_item(z, z_row + k, total(z0))
        set_item(z, z_row + k + 1, total(z1))
        set_item(z, z_row + k + 2, total(z2))
        set_item(z, z_row + k + 3, total(z3))
        set_item(z, z_row + k + 4, total(z4))
        k += AT_A_TIME
    while k < n:
        z_k = zeros(w)
        for q in range(panels):
            z_k = z_k + load(w, w_row + k * width + q * w_step) * load(a, a_row + q * a_step)
        set_item(z, z_row + k, total(z_k))
        k += 1
