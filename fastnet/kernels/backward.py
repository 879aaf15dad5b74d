"""Backpropagation (chapter 2), and what a mini-batch adds to the sums that parameters follow.

`u` and `v` are the first neurons of panels, as in `forward`.
"""

from __future__ import annotations

from fastnet.kernels import costs, images, inputs, normalization, products
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.geometry import steps
from fastnet.kernels.layout import BATCH_NORMALIZATION, DENSE, IMAGES
from fastnet.kernels.shares import room_of, share_of_panels
from fastnet.kernels.threads import share_of, wait_for_all
from fastnet.kernels.vectors import item, lanes, load, set_item, store, zeros


@part
def backpropagate(
    x, samples, start, m, first, last, factor, layout, scale, parameters, statistics, workspace, sums, sums_scale,
    share, waits,
):  # fmt: skip
    """Compute the errors of every layer, times a factor, the last layer first; return the number of waits.

    `first` and `last` are this thread's samples. The gradient of gamma is added to the sums.
    """
    width = lanes(workspace.delta)
    output_errors(samples, start, m, first, last, factor, layout, workspace)
    by_neurons = False
    for layer in range(len(layout.kinds) - 1, 0, -1):
        kind = layout.kinds[layer]
        if layout.kinds[layer - 1] == IMAGES:
            break
        if by_neurons != (kind == BATCH_NORMALIZATION):
            by_neurons = not by_neurons
            waits += 1
            wait_for_all(share, waits)
        if layout.maps[layer] > 0:
            images.call(
                workspace.images, images.BACKPROPAGATE, layer, x, samples, start, m, first, last, scale, sums_scale,
                layout, parameters, sums, statistics, workspace, share, True,
            )  # fmt: skip
        elif kind == BATCH_NORMALIZATION:
            c_first, c_last = share_of_panels(0, layout.channels[layer + 1] - layout.channels[layer], width, share)
            for c in range(c_first, c_last, width):
                u, v, channel = layout.units[layer] + c, layout.units[layer - 1] + c, layout.channels[layer] + c
                gamma = load(parameters.values, layout.gammas + channel)
                normalization.backpropagate(u, channel, m * v, m, gamma, layout, workspace, sums, sums_scale)
                multiply_by_slopes(m * v, m * width, 1.0, workspace)
        else:
            add_errors(layer, m, first, last, scale, layout, parameters, workspace)
    return waits


@subroutine
def output_errors(samples, start, m, first, last, factor, layout, workspace):
    """Compute the errors of the outputs (BP1), times a factor, and the losses if they are wanted."""
    delta, losses, width = workspace.delta, samples.losses[start:], lanes(workspace.delta)
    output = layout.units[-2]
    for s in range(first, last):
        sample, weight = item(samples.order, start + s), 1.0
        if len(samples.weights) > 0:
            weight = float(item(samples.weights, sample))
        loss = costs.errors(
            layout.cost, layout.setting, layout.output, workspace.activations, m * output + s * width,
            samples.targets, sample * layout.sizes[-1], factor * weight,
            delta, m * width, layout.sizes[-1], layout.neurons, layout.channels[-2], len(losses) > 0,
        )  # fmt: skip
        if len(losses) > 0:
            set_item(losses, s, weight * loss)


@part
def multiply_by_slopes(start, n, factor, workspace):
    """Multiply n errors by the slopes of their neurons, and by a factor."""
    delta = workspace.delta
    for i in range(start, start + n, lanes(delta)):
        store(delta, i, load(workspace.slopes, i) * (factor * load(delta, i)))


@subroutine
def add_errors(layer, m, first, last, scale, layout, parameters, workspace):
    """Compute the errors below a dense layer, for some of the samples (BP2)."""
    delta, width = workspace.delta, lanes(workspace.delta)
    here, n_out = layout.units[layer], layout.sizes[layer + 1]
    whole = n_out // width * width
    stride, panel = steps(layer - 1, m, width, layout)
    to, w, panels = m * layout.units[layer - 1], layout.weights[layer], (layout.sizes[layer] + width - 1) // width
    products.add_product(
        delta, m * here, width, workspace.samples, width, n_out // width, m * width,
        parameters.values, w, n_out * width, delta, to, panel, stride, panels, first, last, True,
    )  # fmt: skip
    if n_out > whole:
        products.add_product(
            delta, m * (here + whole), width, workspace.samples, n_out - whole, 1, 0,
            parameters.values, w + whole * width, n_out * width, delta, to, panel, stride, panels, first, last,
            whole == 0,
        )  # fmt: skip
    for p in range(to, to + panels * panel, panel):
        for s in range(first, last):
            multiply_by_slopes(p + s * stride, width, scale, workspace)


@part
def accumulate(x, samples, start, m, layout, scale, parameters, statistics, workspace, sums, sums_scale, share):
    """Add the mini-batch's gradient, as the errors are scaled, to the sums, in this thread's part of them."""
    mini_batch, width = samples.order[start : start + m], lanes(workspace.delta)
    for layer in range(len(layout.kinds)):
        if layout.maps[layer] > 0:
            images.call(
                workspace.images, images.ACCUMULATE, layer, x, samples, start, m, 0, m, scale, sums_scale, layout,
                parameters, sums, statistics, workspace, share, True,
            )  # fmt: skip
        else:
            first, last = share_of_panels(0, layout.channels[layer + 1] - layout.channels[layer], width, share)
            accumulate_panels(layer, first, last, x, mini_batch, layout, workspace, sums, sums_scale, share)
            if layer > 0 and layout.kinds[layer] == DENSE:
                accumulate_weights(layer, m, layout, workspace, sums, share)


@subroutine
def accumulate_panels(layer, first, last, x, mini_batch, layout, workspace, sums, sums_scale, share):
    """Add the errors of neurons to the sums of their biases (BP3), and, in layer 0, to those of their weights (BP4)."""
    delta, m, width = workspace.delta, len(mini_batch), lanes(workspace.delta)
    for c in range(first, last, width):
        u, place, d = layout.units[layer] + c, layout.biases + layout.channels[layer] + c, zeros(delta)
        for s in range(m * u, m * (u + width), width):
            d = d + load(delta, s)
        store(sums.values, place, load(sums.values, place) + sums_scale * d)
    if layer == 0:
        inputs.add_transposed_product(
            x, mini_batch, delta, m * first, sums.values, first * layout.sizes[0], layout.sizes[0],
            (last - first) // width, workspace.packed, room_of(workspace.packed, share), workspace.samples,
        )  # fmt: skip


@subroutine
def accumulate_weights(layer, m, layout, workspace, sums, share):
    """Add to the sums of the weights of a dense layer, in this thread's panels (BP4)."""
    a, delta, width = workspace.activations, workspace.delta, lanes(workspace.delta)
    here, n_out = layout.units[layer], layout.sizes[layer + 1]
    stride, panel = steps(layer - 1, m, width, layout)
    first, last = share_of((layout.sizes[layer] + width - 1) // width, share)
    whole, below = n_out // width * width, m * layout.units[layer - 1] + first * panel
    w = layout.weights[layer] + first * n_out * width
    products.add_transposed_product(
        delta, m * here, width, workspace.samples, width, n_out // width, m * width,
        a, below, panel, stride, sums.values, w, n_out * width, last - first, m,
        workspace.packed, room_of(workspace.packed, share), workspace.samples,
    )  # fmt: skip
    if n_out > whole:
        products.add_transposed_product(
            delta, m * (here + whole), width, workspace.samples, n_out - whole, 1, 0,
            a, below, panel, stride, sums.values, w + whole * width, n_out * width, last - first, m,
            workspace.packed, room_of(workspace.packed, share), workspace.samples,
        )  # fmt: skip
