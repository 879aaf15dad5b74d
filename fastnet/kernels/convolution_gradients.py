"""The gradients of convolution and max pooling (chapter 6).

With max pooling, at most one position of each window has a nonzero error. With ReLU, a neuron whose activation is zero
has the error zero. So nonzero errors are collected in lists, and only these errors are multiplied:

- The list of a filter has errors and the offsets of their patches. The filter's gradient is the sum of the products of
  each error and its patch.
- The list of a position has errors and the offsets of their filters. Each error is multiplied by its filter, and the
  sum of the products is added to the errors of the inputs in the position's patch.

For filters with rows of at most `_SHORT_ROW` taps, the gradient is a sum over a list of nonzero inputs, and not over
nonzero errors. Patches are read in place, and not copied into a matrix (no im2col).

A list is built without branches: each number is written to the end of the list, and the end advances only if the number
is not zero.
"""

from __future__ import annotations

from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.convolution import block_of_filter, narrowly_padded
from fastnet.kernels.formulas import formula, where
from fastnet.kernels.geometry import block, clear, first_place, vectors_at_a_time
from fastnet.kernels.image_blocks import (
    ENOUGH_SUMS,
    MOST_VECTORS,
    PLACES,
    VECTORS_OF_MAPS,
    add_columns,
    add_vectors,
    is_blank,
)
from fastnet.kernels.layout import ERRORS_IN_CACHE, WINDOWS_IN_A_LIST
from fastnet.kernels.shares import scratch_of, share_of_filters
from fastnet.kernels.vectors import item, lanes, load_narrow, narrow_lanes, only, set_item, store, zeros

_INPUTS_AT_A_TIME = 8  # number of adjacent positions whose inputs are compared with zero in one test
_SHORT_ROW = 8  # largest number of taps in a row for which `accumulate_by_inputs` is faster than `accumulate_by_errors`

_at_place = formula(lambda d, place, q: where(place.is_equal(q), d, 0.0))


@part
def clear_images(layer, s, m, layout, delta):
    """Set the errors of a sample's images to zero, including the border."""
    here, size = block(layer, m, layout)
    for i in range(here + s * size, here + (s + 1) * size, lanes(delta)):
        store(delta, i, zeros(delta))


@subroutine
def add_errors_of_pooling(layer, s, m, layout, workspace):
    """For one sample, add each activation's error to the error of the input that the activation was pooled from."""
    delta, maps = workspace.delta, layout.maps[layer]
    below, size_below = block(layer - 1, m, layout)
    here, size = block(layer, m, layout)
    for i in range(layout.heights[layer]):
        corner = below + s * size_below + layout.corners[layer] + i * layout.strides[layer]
        u = here + s * size + layout.origins[layer] + i * layout.lines[layer]
        for j in range(layout.widths[layer]):
            table = layout.places[layer] + j * layout.pools[layer]
            for c in range(maps):
                to = corner + item(layout.table, table + int(item(workspace.places, u + c))) + c
                set_item(delta, to, item(delta, to) + item(delta, u + c))
            u += maps


@subroutine
def add_errors_of_convolution(layer, s, m, layout, parameters, workspace, share):
    """Add the filters, multiplied by the errors of a sample, to the errors of the layer below (BP2)."""
    delta, w, width = workspace.delta, parameters.values, narrow_lanes(workspace.delta)
    filters, places, line = layout.maps[layer], layout.pools[layer], layout.lines[layer - 1]
    rows, (size_of_filter, row_of_filter) = layout.rows[layer], block_of_filter(layer, layout, width)
    weights, below, here = layout.weights[layer], block(layer - 1, m, layout), block(layer, m, layout)
    section = len(workspace.values) // share.threads * share.thread
    values, offsets = workspace.values[section:], workspace.offsets[section:]
    counts = workspace.counts[len(workspace.counts) // share.threads * share.thread :]
    for i in range(layout.heights[layer]):
        corner = below[0] + s * below[1] + layout.corners[layer] + i * layout.strides[layer]
        u = here[0] + s * here[1] + layout.origins[layer] + i * layout.lines[layer]
        for j in range(layout.widths[layer]):
            for q in range(places):
                set_item(counts, q, 0)
            for f in range(filters):
                d, q = item(delta, u + f), int(item(workspace.places, u + f))
                n = item(counts, q)
                set_item(values, q * filters + n, d)
                set_item(offsets, q * filters + n, f * size_of_filter)
                set_item(counts, q, n + (d != 0))
            for q in range(places):
                if item(counts, q) > 0:
                    to = corner + item(layout.table, layout.places[layer] + j * places + q)
                    add_rows(
                        values[q * filters :], offsets[q * filters :], w, delta, item(counts, q), weights,
                        row_of_filter, to, line, rows, row_of_filter // width, width,
                    )  # fmt: skip
            u += filters


@subroutine
def add_rows(values, offsets, x, z, count, x_start, x_line, z_start, z_line, rows, vectors, width):
    """Do the same as `add_vectors`, but for rows of any number of narrow vectors."""
    first = 0
    while first < vectors:
        some = vectors - first
        # The vectors of a row are divided into parts of almost equal size.
        some = (some - 1) // ((some + MOST_VECTORS - 1) // MOST_VECTORS) + 1
        add_vectors(
            values, offsets, x, z, count, x_start + first * width, x_line, z_start + first * width, z_line, rows, some
        )
        first += some


@part
def accumulate_filters(layer, m, layout, workspace, sums, share):
    """Add the gradient of this thread's filters (BP4) to the sums.

    The gradient is computed from the errors, which `backward.backpropagate` has multiplied by `factor`. The gradient is
    summed from zero, and then added to `sums`. If each term were added to `sums`, more digits would be lost, because
    the numbers in `sums` may be far larger than the terms.
    """
    first, last = share_of_filters(layer, layout, share)
    if first < last and layout.taps[layer] <= _SHORT_ROW:
        accumulate_by_inputs(layer, first, last, m, layout, workspace, sums, share)
    elif first < last:
        accumulate_by_errors(layer, first, last, m, layout, workspace, sums, share)


@subroutine
def accumulate_by_errors(layer, first, last, m, layout, workspace, sums, share):
    """Add the gradient of filters with long rows: the sum of the products of each nonzero error and its patch."""
    a, g, width = workspace.activations, workspace.gradient, narrow_lanes(workspace.delta)
    line, rows = layout.lines[layer - 1], layout.rows[layer]
    size, row_of_filter = block_of_filter(layer, layout, width)
    start = len(g) // share.threads * share.thread - first * size
    clear(g, start + first * size, (last - first) * size)
    section = len(workspace.values) // share.threads * share.thread
    values, offsets = workspace.values[section:], workspace.offsets[section:]
    at_a_time = max(1, WINDOWS_IN_A_LIST // (layout.heights[layer] * layout.widths[layer]))
    for s in range(0, m, at_a_time):
        for f in range(first, last):
            n = list_errors(layer, f, s, min(s + at_a_time, m), m, layout, workspace, values, offsets)
            add_rows(
                values, offsets, a, g, n, 0, line, start + f * size, row_of_filter, rows, row_of_filter // width, width
            )
    add_filters(layer, first, last, layout, g, start, sums)


@subroutine
def accumulate_by_inputs(layer, first, last, m, layout, workspace, sums, share):
    """Add the gradient of filters with short rows: a sum of products of nonzero inputs and errors.

    Each nonzero input is multiplied by the errors of the positions whose patches contain the input. At most
    `ERRORS_IN_CACHE` errors are unpooled together, unless a row of windows has more. The errors of all filters at a
    position are adjacent. So for a row of taps, an input is multiplied by contiguous errors.
    """
    g, width, maps = workspace.gradient, narrow_lanes(workspace.delta), layout.maps[layer - 1]
    rows, columns = layout.rows[layer], layout.taps[layer] // maps
    v, whole = first // width * width, narrowly_padded(layout.maps[layer], width)
    filters = narrowly_padded(last - v, width)
    # If filters have fewer than `ENOUGH_SUMS` columns, the number of filters that a thread computes can change the
    # order of additions in `add_vectors`. So each thread computes all filters, and the result does not depend on the
    # number of threads.
    if columns < ENOUGH_SUMS:
        v, filters = 0, whole
    pooled_rows, pooled_columns = layout.extents[2 * layer] + 1, layout.extents[2 * layer + 1] // maps + 1
    places = layout.widths[layer] * pooled_columns + 2 * (columns - 1)
    line, windows = places * filters, max(1, ERRORS_IN_CACHE // (pooled_rows * places * whole))
    errors = len(workspace.unpooled) // share.threads * share.thread
    start = len(g) // share.threads * share.thread
    clear(workspace.unpooled, errors, windows * pooled_rows * line)
    clear(g, start, maps * rows * columns * filters)
    section = len(workspace.values) // share.threads * share.thread
    values, offsets, starts = workspace.values[section:], workspace.offsets[section:], workspace.counts[section:]
    lines = layout.heights[layer] * pooled_rows + rows - 1
    for s in range(m):
        list_inputs(layer, s, m, lines, line, filters, layout, workspace, values, offsets, starts)
        for i in range(0, layout.heights[layer], windows):
            some = min(windows, layout.heights[layer] - i)
            for k in range(some):
                to = errors + k * pooled_rows * line + (columns - 1) * filters
                unpool_row(layer, s, i + k, v, filters, pooled_columns, to, line, m, layout, workspace)
            for c in range(maps):
                for row in range(rows):
                    y = c * (lines + 1) + i * pooled_rows + row
                    n, stop = item(starts, y), item(starts, y + some * pooled_rows)
                    x = errors - (i * pooled_rows + row) * line
                    to = start + (c * rows + row) * columns * filters
                    add_rows(
                        values[n:], offsets[n:], workspace.unpooled, g, stop - n, x, 0, to, 0, 1,
                        columns * filters // width, width,
                    )  # fmt: skip
    size, row_of_filter = block_of_filter(layer, layout, width)
    for f in range(first, last):
        for row in range(rows):
            w = layout.weights[layer] + f * size + row * row_of_filter
            for column in range(columns):
                for c in range(maps):
                    k = start + ((c * rows + row) * columns + columns - 1 - column) * filters + f - v
                    set_item(sums.values, w, item(sums.values, w) + item(g, k))
                    w += 1


@subroutine
def list_inputs(layer, s, m, lines, line, filters, layout, workspace, values, offsets, starts):
    """List the nonzero inputs of a sample, map by map and row by row.

    `values` has the inputs, and `starts` the index where each row begins. For each input, `offsets` has the offset of
    the errors by which the input is multiplied. A row of errors has `line` numbers.
    """
    maps, n = layout.maps[layer - 1], 0
    below, size = block(layer - 1, m, layout)
    # number of columns of inputs that are in the patches of a row of windows
    columns = line // filters - layout.taps[layer] // maps + 1
    for c in range(maps):
        for y in range(lines):
            i, offset = below + s * size + y * layout.lines[layer - 1], y * line
            set_item(starts, c * (lines + 1) + y, n)
            for x in range(0, columns, _INPUTS_AT_A_TIME):
                some = min(_INPUTS_AT_A_TIME, columns - x)
                if not is_blank(workspace.activations, i, some * maps):
                    for k in range(some):
                        value = item(workspace.activations, i + k * maps + c)
                        set_item(values, n, value)
                        set_item(offsets, n, offset + k * filters)
                        n += value != 0
                i, offset = i + some * maps, offset + some * filters
        set_item(starts, c * (lines + 1) + lines, n)


@subroutine
def unpool_row(layer, s, i, v, filters, columns, to, line, m, layout, workspace):
    """Unpool the errors of a row of windows, for `filters` filters beginning at filter v."""
    width, maps, places = narrow_lanes(workspace.delta), layout.maps[layer], layout.pools[layer]
    here, size = block(layer, m, layout)
    u = here + s * size + layout.origins[layer] + i * layout.lines[layer] + v
    for _ in range(layout.widths[layer]):
        for c in range(0, filters, width):
            d, place = load_narrow(workspace.delta, u + c), load_narrow(workspace.places, u + c)
            row, column = to + c, 0
            if places == PLACES and columns == 2:
                store(workspace.unpooled, row, _at_place(d, place, 0.0))
                store(workspace.unpooled, row + filters, _at_place(d, place, 1.0))
                store(workspace.unpooled, row + line, _at_place(d, place, 2.0))
                store(workspace.unpooled, row + line + filters, _at_place(d, place, 3.0))
            else:
                for q in range(places):
                    store(workspace.unpooled, row + column * filters, _at_place(d, place, float(q)))
                    column += 1
                    if column == columns:
                        row, column = row + line, 0
        to, u = to + columns * filters, u + maps


@subroutine
def list_errors(layer, f, first, last, m, layout, workspace, values, offsets):
    """List the nonzero errors of a filter in samples `first` to `last`, and the offsets of their patches.

    Return the number of listed errors.
    """
    below, size_below = block(layer - 1, m, layout)
    n = 0
    for s in range(first, last):
        for i in range(layout.heights[layer]):
            corner = below + s * size_below + layout.corners[layer] + i * layout.strides[layer]
            u, place = first_place(layer, s, i, f, m, layout), layout.places[layer]
            for _ in range(layout.widths[layer]):
                d = item(workspace.delta, u)
                set_item(values, n, d)
                set_item(offsets, n, corner + item(layout.table, place + int(item(workspace.places, u))))
                n += d != 0
                u, place = u + layout.maps[layer], place + layout.pools[layer]
    return n


@subroutine
def add_filters(layer, first, last, layout, gradient, start, sums):
    """Add the gradient of filters `first` to `last` to the sums, without the padding of each row.

    `start` is the offset in `gradient` at which filter 0 would begin.
    """
    w, width = sums.values, narrow_lanes(gradient)
    size, row_of_filter = block_of_filter(layer, layout, width)
    taps, w_start = layout.taps[layer], layout.weights[layer]
    for f in range(first, last):
        for row in range(layout.rows[layer]):
            i = f * size + row * row_of_filter
            tap = 0
            while tap + width <= taps:
                store(
                    w,
                    w_start + i + tap,
                    load_narrow(w, w_start + i + tap) + load_narrow(gradient, start + i + tap),
                )
                tap += width
            while tap < taps:
                found = item(w, w_start + i + tap) + item(gradient, start + i + tap)
                set_item(w, w_start + i + tap, found)
                tap += 1


@subroutine
def accumulate_biases(layer, first, last, m, layout, workspace, sums, sums_scale, share):
    """Add the errors of maps `first` to `last`, a range of whole panels, to the sums of the biases (BP3)."""
    width, maps, columns = narrow_lanes(workspace.delta), layout.maps[layer], layout.widths[layer]
    scratch, found, last = workspace.dots, scratch_of(workspace.dots, share), min(last, maps)
    for c in range(first, last, VECTORS_OF_MAPS * width):
        vectors = vectors_at_a_time(c, last, width)
        clear(scratch, found, vectors * width)
        for s in range(m):
            for i in range(layout.heights[layer]):
                u = first_place(layer, s, i, c, m, layout)
                add_columns(workspace.delta, scratch, u, maps, columns, found, vectors)
        for v in range(0, vectors * width, width):
            channel = layout.channels[layer] + c + v
            place = layout.biases + channel
            d = only(load_narrow(layout.neurons, channel), load_narrow(scratch, found + v))
            store(sums.values, place, load_narrow(sums.values, place) + sums_scale * d)
