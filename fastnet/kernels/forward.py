"""Feeding a mini-batch forward.

`u` is the index of a panel's first neuron, counted through all layers and their padding. In the workspace, the panel
begins at `m * u` for m samples.

In a dense layer, the threads divide the neurons or the samples (see `inputs.divides_neurons` and
`shares.divides_outputs`). In batch normalization, the threads divide the neurons or the maps. In all other layers, the
threads divide the samples. Before a layer that reads the results of other threads, the threads wait for one another.
"""

from __future__ import annotations

from fastnet.kernels import inputs
from fastnet.kernels.activations import activation
from fastnet.kernels.calls import FEED_FORWARD, PREPARE, call
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.geometry import first_factor, is_dropped
from fastnet.kernels.layout import BATCH_NORMALIZATION, DENSE
from fastnet.kernels.normalization import normalize
from fastnet.kernels.shares import divides_outputs, share_of_panels
from fastnet.kernels.threads import wait_for_all
from fastnet.kernels.vectors import lanes, load, only, store, zeros

AHEAD = 12  # number of samples by which prefetching is ahead of the computation


@part
def feed_forward(
    x, samples, start, m, first, last, layout, scale, parameters, statistics, workspace, share, waits, training
):
    """Compute the activations of all hidden layers, and z of the output layer.

    `first` and `last` are the range of this thread's samples. On return, z of this thread's samples is complete. If the
    mini-batch has at least `ENOUGH_SAMPLES` samples, the caller must transpose the weights first. `waits` is the number
    of times that this thread has waited at the barrier. Return the updated `waits`.
    """
    mini_batch, upcoming = samples.order[start : start + m], samples.order[start + AHEAD :]
    factors, width, was_by_neurons = samples.factors[start * layout.factors[-1] :], lanes(workspace.activations), True
    if workspace.images != 0:
        call(
            workspace.images, PREPARE, 0, x, samples, start, m, first, last, scale, 1.0, layout, parameters,
            parameters, statistics, workspace, share, training,
        )  # fmt: skip
    for layer in range(len(layout.kinds)):
        kind, here, above = layout.kinds[layer], layout.units[layer], layout.units[layer + 1]
        by_neurons = divides_neurons(x, layer, m, layout)
        if was_by_neurons != by_neurons or (by_neurons and kind == DENSE and layer > 0):
            was_by_neurons = by_neurons
            waits += 1
            wait_for_all(share, waits)
        if layout.maps[layer] > 0:
            call(
                workspace.images, FEED_FORWARD, layer, x, samples, start, m, first, last, scale, 1.0, layout,
                parameters, parameters, statistics, workspace, share, training,
            )  # fmt: skip
        else:
            u_first, u_last, s_first, s_last = here, above, first, last
            if by_neurons:
                u_first, u_last = share_of_panels(here, above, width, share)
                s_first, s_last = 0, m
            gain = zeros(workspace.activations) + scale
            if layer == 0:
                inputs.multiply(x, mini_batch, upcoming, u_first, u_last, layout, parameters, workspace, share)
            elif kind == DENSE:
                call(
                    workspace.dense, FEED_FORWARD, layer, workspace.activations, workspace.samples, m, s_first, s_last,
                    scale, layout, parameters, parameters, workspace, share,
                )  # fmt: skip
            for u in range(u_first, u_last, width):
                if kind == BATCH_NORMALIZATION:
                    below = m * (layout.units[layer - 1] + u - here)
                    normalize(layer, u, below, m, layout, statistics, workspace, training)
                    gain = load(parameters.values, layout.gammas + layout.channels[layer] + u - here)
                activate(layer, factors, gain, layout, parameters, u, m, s_first, s_last, workspace)
    if was_by_neurons:
        waits += 1
        wait_for_all(share, waits)
    return waits


@part
def divides_neurons(x, layer, m, layout):
    """Return whether threads divide the neurons of a layer; otherwise, they divide the samples."""
    kind = layout.kinds[layer]
    if kind != DENSE:
        return kind == BATCH_NORMALIZATION
    return inputs.divides_neurons(x, m, layout) if layer == 0 else divides_outputs(layer, m, layout)


@subroutine
def activate(layer, factors, gain, layout, parameters, u, m, first, last, workspace):
    """Multiply z by `gain` and add the biases, in the panel of neuron u, for samples `first` to `last`.

    In hidden layers, then replace z by the activations.
    """
    z, width, channel = (
        workspace.activations,
        lanes(workspace.activations),
        layout.channels[layer] + u - layout.units[layer],
    )
    biases, neurons = load(parameters.values, layout.biases + channel), load(layout.neurons, channel)
    is_hidden, keep = layer < len(layout.kinds) - 1, layout.keeps[layer + 1]
    with_factors = is_dropped(layer, factors, layout)
    for s in range(first, last):
        i = m * u + s * width
        a = gain * load(z, i) + biases
        if is_hidden:
            a, slope = activation(layout.activations[layer], a)
            a, slope = only(neurons, a), only(neurons, slope)
            if with_factors:
                factor = load(factors, first_factor(layer, s, layout) + u - layout.units[layer])
                a, slope = a * factor, slope * factor
            else:
                a, slope = a * keep, slope * keep
            store(workspace.slopes, i, slope)
        store(z, i, a)
