"""Backpropagation (chapter 2), and what a mini-batch adds to the sums that parameters follow.

`u` and `v` are the first neurons of panels, as in `forward`.
"""

from __future__ import annotations

from fastnet.kernels import costs, inputs, normalization, products
from fastnet.kernels.compiler import part
from fastnet.kernels.forward import clear
from fastnet.kernels.layout import BATCH_NORMALIZATION, DENSE
from fastnet.kernels.shares import share_of_panels
from fastnet.kernels.threads import wait_for_all
from fastnet.kernels.vectors import item, lanes, load, set_item, store, zeros


@part
def backpropagate(
    samples, mini_batch, losses, first, last, factor, layout, scale, parameters, workspace, sums, sums_scale, share,
    waits,
):  # fmt: skip
    """Compute the errors of every layer, times a factor, the last layer first; return the number of waits.

    `first` and `last` are this thread's samples. The gradient of gamma is added to the sums.
    """
    delta, m, width = workspace.delta, len(mini_batch), lanes(workspace.delta)
    output, end = layout.units[-2], layout.units[-1]
    for s in range(first, last):  # BP1
        sample, weight = item(mini_batch, s), 1.0
        if len(samples.weights) > 0:
            weight = float(item(samples.weights, sample))
        loss = costs.errors(
            layout.cost, layout.output, workspace.activations, m * output + s * width,
            samples.targets, sample * (end - output), factor * weight,
            delta, m * width, layout.sizes[-1], layout.neurons, output, len(losses) > 0,
        )  # fmt: skip
        if len(losses) > 0:
            set_item(losses, s, weight * loss)
    by_panels = False
    for layer in range(len(layout.kinds) - 1, 0, -1):
        below, here = layout.units[layer - 1], layout.units[layer]
        normalized = layout.kinds[layer] == BATCH_NORMALIZATION
        if by_panels != normalized:
            by_panels = normalized
            waits += 1
            wait_for_all(share, waits)
        v_first, v_last, s_first, s_last = below, here, first, last
        if by_panels:
            v_first, v_last = share_of_panels(below, here, width, share)
            s_first, s_last = 0, m
        for v in range(v_first, v_last, width):
            factor_of_below = scale
            if normalized:
                u = v - below + here
                gamma = load(parameters.values, layout.gammas + u)
                normalization.backpropagate(u, m * v, m, gamma, layout, workspace, sums, sums_scale)
                factor_of_below = 1.0
            else:
                add_errors(v, m, s_first, s_last, layer, layout, parameters, workspace)
            for i in range(m * v + s_first * width, m * v + s_last * width, width):
                store(delta, i, load(workspace.slopes, i) * (factor_of_below * load(delta, i)))
    return waits


@part
def add_errors(v, m, first, last, layer, layout, parameters, workspace):
    """Compute w^T delta, of a dense layer, in a panel of the layer below and for some of the samples (BP2)."""
    delta, width = workspace.delta, lanes(workspace.delta)
    below, here, above = layout.units[layer - 1], layout.units[layer], layout.units[layer + 1]
    n_out, w = layout.sizes[layer + 1], layout.weights[layer]
    clear(delta, m * v + first * width, last - first)
    for u in range(here, above, width):
        products.add_product(
            delta, m * u, width, workspace.samples, min(width, n_out - (u - here)),
            parameters.values, w + (v - below) * n_out + (u - here) * width,
            delta, m * v, first, last,
        )  # fmt: skip


@part
def accumulate(x, mini_batch, layout, workspace, sums, sums_scale, share):
    """Add the mini-batch's gradient, as the errors are scaled, to the sums, in this thread's panels."""
    a, delta, m, width = workspace.activations, workspace.delta, len(mini_batch), lanes(workspace.delta)
    for layer in range(len(layout.kinds)):
        below, here, above = layout.units[max(layer - 1, 0)], layout.units[layer], layout.units[layer + 1]
        first, last = share_of_panels(here, above, width, share)
        for u in range(first, last, width):  # BP3
            d = zeros(delta)
            for s in range(m * u, m * (u + width), width):
                d = d + load(delta, s)
            store(sums.values, layout.biases + u, load(sums.values, layout.biases + u) + sums_scale * d)
            if layer == 0:  # BP4
                inputs.add_transposed_product(x, mini_batch, delta, m * u, sums.values, u * layout.sizes[0])
        if layer > 0 and layout.kinds[layer] == DENSE:  # BP4
            n_out, w = layout.sizes[layer + 1], layout.weights[layer]
            first, last = share_of_panels(below, here, width, share)
            for v in range(first, last, width):
                for u in range(here, above, width):
                    products.add_transposed_product(
                        delta, m * u, width, workspace.samples[:m], min(width, n_out - (u - here)),
                        a, m * v, sums.values, w + (v - below) * n_out + (u - here) * width,
                    )  # fmt: skip
