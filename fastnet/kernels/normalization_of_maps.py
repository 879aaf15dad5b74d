"""Batch normalization of images.

In training, each map is normalized by its mean and variance over all positions and samples of the mini-batch. The maps
are divided among the threads. Lanes beyond the last map of a position are not written, because they may belong to the
next position, which another thread may compute. The sums of up to `VECTORS_OF_MAPS` adjacent vectors are computed
together, because independent additions need not wait for one another.
"""

from __future__ import annotations

from fastnet.kernels.activations import activation
from fastnet.kernels.compiler import subroutine
from fastnet.kernels.geometry import clear, first_factor, first_place, is_dropped, vectors_at_a_time
from fastnet.kernels.image_blocks import VECTORS_OF_MAPS, add_columns, add_errors_of_columns, add_squares_of_columns
from fastnet.kernels.normalization import inverse_of, keep_statistics
from fastnet.kernels.shares import scratch_of
from fastnet.kernels.vectors import load_narrow, narrow_lanes, only, store, store_some


@subroutine
def normalize_maps(layer, first, last, m, factors, layout, parameters, statistics, workspace, training):
    """Compute the activations of maps `first` to `last`, a range of whole panels."""
    a, width, maps = workspace.activations, narrow_lanes(workspace.activations), layout.maps[layer]
    channel, keep, with_factors = layout.channels[layer], layout.keeps[layer + 1], is_dropped(layer, factors, layout)
    last = min(last, maps)
    if training:
        find_statistics(layer, first, last, m, layout, statistics, workspace)
    else:
        for k in range(channel + first, channel + last, width):
            store(workspace.means, k, load_narrow(statistics.means, k))
            inverse = inverse_of(load_narrow(statistics.variances, k), layout.constants[2 * layer + 1])
            store(workspace.inverses, k, inverse)
    for s in range(m):
        for i in range(layout.heights[layer]):
            x, to = first_place(layer - 1, s, i, 0, m, layout), first_place(layer, s, i, 0, m, layout)
            factor = first_factor(layer, s, layout) + first_place(layer, 0, i, 0, 0, layout)
            for _ in range(layout.widths[layer]):
                for c in range(first, last, width):
                    k = channel + c
                    normalized = (load_narrow(a, x + c) - load_narrow(workspace.means, k)) * load_narrow(
                        workspace.inverses, k
                    )
                    gamma = load_narrow(parameters.values, layout.gammas + k)
                    z = gamma * normalized + load_narrow(parameters.values, layout.biases + k)
                    found, slope = activation(layout.activations[layer], z)
                    if with_factors:
                        f = load_narrow(factors, factor + c)
                        found, slope = found * f, slope * f
                    else:
                        found, slope = found * keep, slope * keep
                    store_some(a, to + c, found, maps - c)
                    store_some(workspace.slopes, to + c, slope, maps - c)
                x, to, factor = x + maps, to + maps, factor + maps


@subroutine
def find_statistics(layer, first, last, m, layout, statistics, workspace):
    """Write the means and inverse standard deviations of maps to the workspace; update the running statistics."""
    a, width, maps = workspace.activations, narrow_lanes(workspace.activations), layout.maps[layer]
    rows, columns, means, inverses = layout.heights[layer], layout.widths[layer], workspace.means, workspace.inverses
    n = m * rows * columns
    for c in range(first, last, VECTORS_OF_MAPS * width):
        k, vectors = layout.channels[layer] + c, vectors_at_a_time(c, last, width)
        clear(means, k, vectors * width)
        clear(inverses, k, vectors * width)
        for s in range(m):
            for i in range(rows):
                x = first_place(layer - 1, s, i, c, m, layout)
                add_columns(a, means, x, maps, columns, k, vectors)
        for v in range(k, k + vectors * width, width):
            store(means, v, only(load_narrow(layout.neurons, v), load_narrow(means, v) * (1 / n)))
        for s in range(m):
            for i in range(rows):
                x = first_place(layer - 1, s, i, c, m, layout)
                add_squares_of_columns(a, means, inverses, x, maps, columns, k, vectors)
        for v in range(k, k + vectors * width, width):
            variance = only(load_narrow(layout.neurons, v), load_narrow(inverses, v) * (1 / n))
            keep_statistics(layout.constants[2 * layer], n, v, load_narrow(means, v), variance, statistics)
            store(inverses, v, inverse_of(variance, layout.constants[2 * layer + 1]))


@subroutine
def backpropagate_maps(layer, first, last, m, layout, parameters, workspace, sums, sums_scale, share):
    """Compute the errors of the layer below for maps `first` to `last`; add the gradient of gamma to the sums."""
    a, delta, width, maps = workspace.activations, workspace.delta, narrow_lanes(workspace.delta), layout.maps[layer]
    rows, columns, last = layout.heights[layer], layout.widths[layer], min(last, layout.maps[layer])
    n, scratch, errors = m * rows * columns, workspace.dots, scratch_of(workspace.dots, share)
    for start in range(first, last, VECTORS_OF_MAPS * width):
        channel, vectors = layout.channels[layer] + start, vectors_at_a_time(start, last, width) * width
        products, scales = errors + vectors, errors + 2 * vectors
        clear(scratch, errors, 2 * vectors)
        for s in range(m):
            for i in range(rows):
                x, u = first_place(layer - 1, s, i, start, m, layout), first_place(layer, s, i, start, m, layout)
                add_errors_of_columns(
                    delta, a, workspace.means, workspace.inverses, scratch, u, x, maps, columns, channel, errors,
                    vectors // width,
                )  # fmt: skip
        for v in range(0, vectors, width):
            place, total = layout.gammas + channel + v, load_narrow(scratch, products + v)
            # Gamma is loaded before `sums` changes, because `sums` may be `parameters`.
            gamma = load_narrow(parameters.values, place)
            store(scratch, scales + v, gamma * load_narrow(workspace.inverses, channel + v))
            total_of_maps = only(load_narrow(layout.neurons, channel + v), total)
            store(sums.values, place, load_narrow(sums.values, place) + sums_scale * total_of_maps)
            store(scratch, errors + v, load_narrow(scratch, errors + v) * (1 / n))
            store(scratch, products + v, total * (1 / n))
        for s in range(m):
            for i in range(rows):
                x, u = first_place(layer - 1, s, i, start, m, layout), first_place(layer, s, i, start, m, layout)
                for j in range(0, columns * maps, maps):
                    for v in range(0, vectors, width):
                        mean, inverse = (
                            load_narrow(workspace.means, channel + v),
                            load_narrow(workspace.inverses, channel + v),
                        )
                        normalized = (load_narrow(a, x + j + v) - mean) * inverse
                        centred = load_narrow(delta, u + j + v) - load_narrow(scratch, errors + v)
                        d = load_narrow(scratch, scales + v) * (
                            centred - normalized * load_narrow(scratch, products + v)
                        )
                        d = load_narrow(workspace.slopes, x + j + v) * d
                        store_some(delta, x + j + v, d, maps - start - v)
