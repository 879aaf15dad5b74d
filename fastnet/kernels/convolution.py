"""Convolution and max pooling (chapter 6).

In a row of pooling windows, four positions are computed at a time, for up to three narrow vectors of filters. If
pooling windows have 2 x 2 positions, the four positions that are computed at a time are those of one window. The sums
and operands of the four positions take all 16 registers of AVX2. In a convolution of the input images, a 2 x 2 window
is not computed if all of its inputs are zero, as at the border of MNIST's images.
"""

from __future__ import annotations

from fastnet.kernels.activations import activation
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.formulas import Value, formula, where
from fastnet.kernels.geometry import block, first_factor, is_dropped
from fastnet.kernels.image_blocks import (
    PLACES,
    is_blank,
    or_rows,
    set_patch_products,
)
from fastnet.kernels.layout import CONVOLUTION, IMAGES
from fastnet.kernels.shares import share_of_filters
from fastnet.kernels.vectors import (
    item,
    load_narrow,
    narrow_lanes,
    narrow_zeros,
    only,
    set_item,
    store,
)

# Largest number of weights by which a row of windows is multiplied in one pass, so that the weights stay in the cache.
# A pass has at least one tap, which may have more weights.
_WEIGHTS_IN_CACHE = 4096
_FILTERS_AT_A_TIME = 3  # largest number of narrow vectors of filters that are computed together


def _larger(best: Value, place: Value, other: Value, its_place: Value) -> tuple[Value, Value]:
    is_larger = other > best
    return where(is_larger, other, best), where(is_larger, its_place, place)


_pool = formula(_larger)


@part
def narrowly_padded(n, width):
    """Return n, rounded up to a multiple of `width`, the number of lanes of a narrow vector."""
    return (n + width - 1) // width * width


@part
def block_of_filter(layer, layout, width):
    """Return the number of stored weights of a filter and of a row of the filter, both including padding."""
    return (layout.weights[layer + 1] - layout.weights[layer]) // layout.maps[layer], narrowly_padded(
        layout.taps[layer], width
    )


@subroutine
def transpose_filters(layer, layout, parameters, workspace, share):
    """Transpose this thread's filters into `workspace.filters`: one row per tap, one column per filter."""
    w, to, width = parameters.values, workspace.filters, narrow_lanes(parameters.values)
    size, line = block_of_filter(layer, layout, width)
    rows, taps, step = layout.rows[layer], layout.taps[layer], narrowly_padded(layout.maps[layer], width)
    first, last = share_of_filters(layer, layout, share)
    for f in range(first, last):
        i = layout.weights[layer] + f * size
        j = layout.filters[layer] + f
        for _ in range(rows):
            for tap in range(taps):
                set_item(to, j, item(w, i + tap))
                j += step
            i += line


@subroutine
def convolve_row(layer, corner, layout, workspace, z, blank, seen):
    """Compute the weighted sums, without bias, at all positions of a row of windows.

    The first patch begins at `corner`. The sums are written to `workspace.unpooled`, beginning at index z, with one row
    per position and one column per filter. In a convolution of the input images, a 2 x 2 window is left out if all of
    its inputs are zero. A 1 in `workspace.offsets` marks a window that is left out. The marks of the row begin at index
    `blank`.

    Return 1 if the sums are already pooled, otherwise 0. If the sums are pooled, the first row of a window has the
    maxima, and the second row has the indices of the maxima's positions in the window.
    """
    a, w, to, width = workspace.activations, workspace.filters, workspace.unpooled, narrow_lanes(workspace.activations)
    step, table, count = narrowly_padded(layout.maps[layer], width), layout.places[layer], row_of_places(layer, layout)
    weights, taps = layout.filters[layer], layout.patches[layer]
    number = layout.patches[layer + 1] - taps
    some = number
    if number * step > _WEIGHTS_IN_CACHE:
        some = max(1, _WEIGHTS_IN_CACHE // step)
    may_be_blank = layout.kinds[layer - 1] == IMAGES and places_are_pooled(layer, layout)
    if may_be_blank:
        mark_blank_windows(layer, corner, layout, workspace, blank, seen)
    pooled = int(places_are_pooled(layer, layout) and some == number)
    for tap in range(0, number, some):
        for k in range(0, count, PLACES):
            p = table + k
            p0, p1 = corner + item(layout.table, p), corner + item(layout.table, p + 1)
            p2, p3 = corner + item(layout.table, p + 2), corner + item(layout.table, p + 3)
            if not may_be_blank or item(workspace.offsets, blank + k // PLACES) == 0:
                for f in range(0, step, _FILTERS_AT_A_TIME * width):
                    vectors = min(_FILTERS_AT_A_TIME, (step - f) // width)
                    set_patch_products(
                        layout.table[taps:], a, w[weights:], to, p0, p1, p2, p3, tap, min(tap + some, number), step, f,
                        z + k * step, vectors, pooled,
                    )  # fmt: skip
    return pooled


@part
def places_are_pooled(layer, layout):
    """Return whether the four positions that are computed at a time are one pooling window."""
    return layout.pools_2x2[layer] > 0


@part
def row_of_places(layer, layout):
    """Return the number of positions in a row of windows."""
    return layout.widths[layer] * layout.pools[layer]


@part
def mark_blank_windows(layer, corner, layout, workspace, blank, seen):
    """Mark each window of a row in `workspace.offsets`: by 1 if all inputs of the window are zero, otherwise by 0."""
    a, scratch, line, width = (
        workspace.activations,
        workspace.unpooled,
        layout.lines[layer - 1],
        narrow_lanes(workspace.delta),
    )
    rows, taps = layout.rows[layer] + layout.extents[2 * layer], layout.taps[layer] + layout.extents[2 * layer + 1]
    or_rows(a, scratch, corner, line, rows, seen, (line + width - 1) // width)
    for j in range(layout.widths[layer]):
        start = seen + item(layout.table, layout.places[layer] + j * layout.pools[layer])
        set_item(workspace.offsets, blank + j, int(is_blank(scratch, start, taps)))


@subroutine
def gather_row(layer, corner, layout, workspace, z):
    """Copy the inputs at all positions of a row of windows to `workspace.unpooled`, beginning at index z.

    The first position begins at `corner`.
    """
    maps, width = layout.maps[layer], narrow_lanes(workspace.activations)
    for k in range(row_of_places(layer, layout)):
        place = corner + item(layout.table, layout.places[layer] + k)
        for c in range(0, maps, width):
            store(workspace.unpooled, z + c, load_narrow(workspace.activations, place + c))
        z += narrowly_padded(maps, width)


@subroutine
def pool(layer, first, last, m, factors, scale, layout, parameters, workspace, share):
    """Compute the activations of a convolution or pooling layer, for samples `first` to `last`."""
    width, is_convolution = narrow_lanes(workspace.activations), layout.kinds[layer] == CONVOLUTION
    below, size_below = block(layer - 1, m, layout)
    size, step = len(workspace.unpooled) // share.threads, narrowly_padded(layout.maps[layer], width)
    z, blank = size * share.thread, len(workspace.offsets) // share.threads * share.thread
    gain = 1.0
    if is_convolution:
        gain = scale
    for i in range(layout.widths[layer]):
        set_item(workspace.offsets, blank + i, 0)
    of_blank = z + layout.places[layer + 1] * step - layout.places[layer] * step
    for c in range(0, layout.maps[layer], width):
        biases = load_narrow(parameters.values, layout.biases + layout.channels[layer] + c)
        found, slope = activation(layout.activations[layer], biases)
        store(workspace.unpooled, of_blank + c, found)
        store(workspace.unpooled, of_blank + step + c, slope)
    for s in range(first, last):
        for i in range(layout.heights[layer]):
            corner = below + s * size_below + layout.corners[layer] + i * layout.strides[layer]
            pooled = 0
            if is_convolution:
                pooled = convolve_row(layer, corner, layout, workspace, z, blank, of_blank + 2 * step)
            else:
                gather_row(layer, corner, layout, workspace, z)
            pool_row(layer, s, i, m, gain, factors, layout, parameters, workspace, z, blank, of_blank, pooled)


@subroutine
def pool_row(layer, s, i, m, gain, factors, layout, parameters, workspace, z, blank, of_blank, pooled):
    """Compute the activations of sample s for row i of the pooling windows."""
    width, channel, places = narrow_lanes(workspace.activations), layout.channels[layer], layout.pools[layer]
    here, size = block(layer, m, layout)
    row, with_factors = layout.origins[layer] + i * layout.lines[layer], is_dropped(layer, factors, layout)
    factor, to = first_factor(layer, s, layout) + row, here + s * size + row
    step, keep, maps = narrowly_padded(layout.maps[layer], width), layout.keeps[layer + 1], layout.maps[layer]
    for j in range(layout.widths[layer]):
        is_blank_window = item(workspace.offsets, blank + j) != 0
        for c in range(0, maps, width):
            if is_blank_window:
                place = narrow_zeros(workspace.activations)
                found = load_narrow(workspace.unpooled, of_blank + c)
                slope = load_narrow(workspace.unpooled, of_blank + step + c)
            else:
                k = z + c
                best, place = load_narrow(workspace.unpooled, k), narrow_zeros(workspace.activations)
                if pooled > 0:
                    place = load_narrow(workspace.unpooled, k + step)
                else:
                    for q in range(1, places):
                        k += step
                        best, place = _pool(best, place, load_narrow(workspace.unpooled, k), float(q))
                biases = load_narrow(parameters.values, layout.biases + channel + c)
                found, slope = activation(layout.activations[layer], gain * best + biases)
            if with_factors:
                of_sample = load_narrow(factors, factor + c)
                found, slope = found * of_sample, slope * of_sample
            elif keep != 1:
                found, slope = found * keep, slope * keep
            if c + width > maps:  # lanes beyond the last map may belong to the border, which must stay zero
                neurons = load_narrow(layout.neurons, channel + c)
                found, slope = only(neurons, found), only(neurons, slope)
            store(workspace.activations, to + c, found)
            store(workspace.slopes, to + c, slope)
            if places > 1 and not is_blank_window:
                store(workspace.places, to + c, place)
        z += places * step
        to, factor = to + maps, factor + maps
