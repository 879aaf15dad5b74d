"""Backpropagation (chapter 2), and the gradient that a mini-batch adds to the sums.

Each of `u` and `v` is the index of a panel's first neuron, counted through all layers and their padding.
"""

from __future__ import annotations

from fastnet.kernels import costs, inputs, normalization
from fastnet.kernels.calls import ACCUMULATE, BACKPROPAGATE, call
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.dense import multiply_by_slopes
from fastnet.kernels.layout import BATCH_NORMALIZATION, DENSE, IMAGES
from fastnet.kernels.shares import share_of_panels
from fastnet.kernels.threads import wait_for_all
from fastnet.kernels.vectors import item, lanes, load, set_item, store, zeros


@part
def backpropagate(
    x, samples, start, m, first, last, factor, layout, scale, parameters, statistics, workspace, sums, sums_scale,
    share, waits,
):  # fmt: skip
    """Compute the errors, times `factor`, of every layer except input images, from the last layer to the first.

    `first` and `last` are the range of this thread's samples. The gradients of gamma and of the weights of dense layers
    above layer 0 are added to the sums. `waits` is the number of times that this thread has waited at the barrier.
    Return the updated `waits`.
    """
    width = lanes(workspace.delta)
    output_errors(samples, start, m, first, last, factor, layout, workspace)
    was_by_neurons = False
    for layer in range(len(layout.kinds) - 1, 0, -1):
        kind = layout.kinds[layer]
        if layout.kinds[layer - 1] == IMAGES:
            break
        by_neurons = kind == DENSE or kind == BATCH_NORMALIZATION  # otherwise, threads divide samples
        # A dense layer reads the errors of all of its neurons. Directly below a dense layer, several threads have
        # computed the errors of each map.
        below_dense = layout.maps[layer] > 0 and layout.kinds[layer + 1] == DENSE
        if was_by_neurons != by_neurons or kind == DENSE or below_dense:
            was_by_neurons = by_neurons
            waits += 1
            wait_for_all(share, waits)
        if layout.maps[layer] > 0:
            call(
                workspace.images, BACKPROPAGATE, layer, x, samples, start, m, first, last, scale, sums_scale,
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
            call(
                workspace.dense, BACKPROPAGATE, layer, workspace.activations, workspace.samples, m, first, last, scale,
                layout, parameters, sums, workspace, share,
            )  # fmt: skip
    return waits


@subroutine
def output_errors(samples, start, m, first, last, factor, layout, workspace):
    """Compute the errors of the outputs (BP1), multiplied by `factor` and by the sample weights.

    The losses are also computed if `samples.losses` is not empty.
    """
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
def accumulate(x, samples, start, m, layout, scale, parameters, statistics, workspace, sums, sums_scale, share):
    """Add this thread's share of the gradient to the sums, except what `backpropagate` has added.

    The gradient is computed from the errors, which `backpropagate` has multiplied by `factor`.
    """
    mini_batch, width = samples.order[start : start + m], lanes(workspace.delta)
    for layer in range(len(layout.kinds)):
        if layout.maps[layer] > 0:
            call(
                workspace.images, ACCUMULATE, layer, x, samples, start, m, 0, m, scale, sums_scale, layout,
                parameters, sums, statistics, workspace, share, True,
            )  # fmt: skip
        else:
            first, last = share_of_panels(0, layout.channels[layer + 1] - layout.channels[layer], width, share)
            accumulate_biases(layer, first, last, m, layout, workspace, sums, sums_scale)
            if layer == 0:
                inputs.accumulate(x, mini_batch, first, last, layout, parameters, workspace, sums, share)


@subroutine
def accumulate_biases(layer, first, last, m, layout, workspace, sums, sums_scale):
    """Add the errors of a layer's neurons `first` to `last` to the sums of the biases (BP3)."""
    delta, width = workspace.delta, lanes(workspace.delta)
    for c in range(first, last, width):
        u, place, d = layout.units[layer] + c, layout.biases + layout.channels[layer] + c, zeros(delta)
        for s in range(m * u, m * (u + width), width):
            d = d + load(delta, s)
        store(sums.values, place, load(sums.values, place) + sums_scale * d)
