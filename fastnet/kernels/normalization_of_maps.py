"""Batch normalization of images: each map by its mean and variance over all places and samples.

Threads divide maps. A narrow vector has several, of which the last ones may be another thread's, or the next place's:
these are not written.
"""

from __future__ import annotations

from fastnet.kernels.activations import activation
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.geometry import block
from fastnet.kernels.normalization import inverse_of, keep_statistics
from fastnet.kernels.vectors import load_narrow, narrow_lanes, narrow_zeros, only, store, store_some


@part
def first_place(layer, s, i, c, m, layout):
    """Return where map c of the first place is, in row i of a sample's images."""
    start, size = block(layer, m, layout)
    return start + s * size + layout.origins[layer] + i * layout.lines[layer] + c


@subroutine
def normalize_maps(layer, first, last, m, factors, layout, parameters, statistics, workspace, training):
    """Compute the activations of the maps from `first` to `last`, in whole vectors."""
    a, width, maps = workspace.activations, narrow_lanes(workspace.activations), layout.maps[layer]
    rows, columns, channel = layout.heights[layer], layout.widths[layer], layout.channels[layer]
    n, keep = m * rows * columns, layout.keeps[layer + 1]
    for c in range(first, min(last, maps), width):
        k = channel + c
        mean, variance = narrow_zeros(a), narrow_zeros(a)
        if training:
            for s in range(m):
                for i in range(rows):
                    x = first_place(layer - 1, s, i, c, m, layout)
                    for j in range(x, x + columns * maps, maps):
                        mean = mean + load_narrow(a, j)
            mean = mean * (1 / n)
            for s in range(m):
                for i in range(rows):
                    x = first_place(layer - 1, s, i, c, m, layout)
                    for j in range(x, x + columns * maps, maps):
                        centred = load_narrow(a, j) - mean
                        variance = variance + centred * centred
            neurons = load_narrow(layout.neurons, k)
            mean, variance = only(neurons, mean), only(neurons, variance * (1 / n))
            keep_statistics(layout.constants[2 * layer], n, k, mean, variance, statistics)
        else:
            mean, variance = load_narrow(statistics.means, k), load_narrow(statistics.variances, k)
        inverse = inverse_of(variance, layout.constants[2 * layer + 1])
        store(workspace.means, k, mean)
        store(workspace.inverses, k, inverse)
        gamma, beta = (
            load_narrow(parameters.values, layout.gammas + k),
            load_narrow(parameters.values, layout.biases + k),
        )
        for s in range(m):
            for i in range(rows):
                x, to = first_place(layer - 1, s, i, c, m, layout), first_place(layer, s, i, c, m, layout)
                factor = s * layout.units[-2] + first_place(layer, 0, i, c, 0, layout) + layout.units[layer]
                for _ in range(columns):
                    z = gamma * ((load_narrow(a, x) - mean) * inverse) + beta
                    found, slope = activation(layout.activations[layer], z)
                    if len(factors) > 0:
                        f = load_narrow(factors, factor)
                        found, slope = found * f, slope * f
                    else:
                        found, slope = found * keep, slope * keep
                    store_some(a, to, found, maps - c)
                    store_some(workspace.slopes, to, slope, maps - c)
                    x, to, factor = x + maps, to + maps, factor + maps


@subroutine
def backpropagate_maps(layer, first, last, m, layout, parameters, workspace, sums, sums_scale):
    """Write the errors of the layer below of the maps from `first` to `last`, and add gamma's gradient to the sums."""
    a, delta, width, maps = workspace.activations, workspace.delta, narrow_lanes(workspace.delta), layout.maps[layer]
    rows, columns, channel = layout.heights[layer], layout.widths[layer], layout.channels[layer]
    n = m * rows * columns
    for c in range(first, min(last, maps), width):
        k = channel + c
        mean, inverse = load_narrow(workspace.means, k), load_narrow(workspace.inverses, k)
        errors, products = narrow_zeros(a), narrow_zeros(a)
        for s in range(m):
            for i in range(rows):
                x, u = first_place(layer - 1, s, i, c, m, layout), first_place(layer, s, i, c, m, layout)
                for j in range(0, columns * maps, maps):
                    d = load_narrow(delta, u + j)
                    errors = errors + d
                    products = products + d * ((load_narrow(a, x + j) - mean) * inverse)
        neurons, place = load_narrow(layout.neurons, k), layout.gammas + k
        factor = load_narrow(parameters.values, place) * inverse  # before gamma changes, which may be the sum
        store(sums.values, place, load_narrow(sums.values, place) + sums_scale * only(neurons, products))
        errors, products = errors * (1 / n), products * (1 / n)
        for s in range(m):
            for i in range(rows):
                x, u = first_place(layer - 1, s, i, c, m, layout), first_place(layer, s, i, c, m, layout)
                for j in range(0, columns * maps, maps):
                    normalized = (load_narrow(a, x + j) - mean) * inverse
                    d = factor * (load_narrow(delta, u + j) - errors - normalized * products)
                    store_some(delta, x + j, load_narrow(workspace.slopes, x + j) * d, maps - c)
