"""Feeding a mini-batch forward.

`u` and `v` are the first neurons of panels, counted through all layers: what the workspace has of such a panel begins
at `m * u` for m samples. Layer 0 and batch normalization are computed panel by panel, for all samples; the dense layers
above sample by sample, for all neurons. Threads divide panels or samples, and wait for one another in between.
"""

from __future__ import annotations

from fastnet.kernels import inputs, products
from fastnet.kernels.activations import activation
from fastnet.kernels.compiler import part
from fastnet.kernels.layout import BATCH_NORMALIZATION
from fastnet.kernels.normalization import normalize
from fastnet.kernels.shares import share_of_panels
from fastnet.kernels.threads import wait_for_all
from fastnet.kernels.vectors import lanes, load, only, store, zeros


@part
def feed_forward(
    x, mini_batch, upcoming, factors, first, last, layout, scale, parameters, statistics, workspace, share, waits,
    training,
):  # fmt: skip
    """Compute the activations of all layers, but of the outputs z; return the number of waits.

    `first` and `last` are this thread's samples. At the end, all threads have what these need.
    """
    a, m, width = workspace.activations, len(mini_batch), lanes(workspace.activations)
    layers, by_panels = len(layout.kinds), True
    for layer in range(layers):
        here, above, below = layout.units[layer], layout.units[layer + 1], layout.units[max(layer - 1, 0)]
        normalized = layout.kinds[layer] == BATCH_NORMALIZATION
        if by_panels != (layer == 0 or normalized):
            by_panels = not by_panels
            waits += 1
            wait_for_all(share, waits)
        u_first, u_last, s_first, s_last = here, above, first, last
        if by_panels:
            u_first, u_last = share_of_panels(here, above, width, share)
            s_first, s_last = 0, m
        n_out, w, panels = layout.sizes[layer + 1], layout.weights[layer], (here - below) // width
        for u in range(u_first, u_last, width):
            gain = zeros(a) + scale
            if layer == 0:
                clear(a, m * u, m)
                inputs.add_product(x, mini_batch, upcoming, parameters.values, u * layout.sizes[0], a, m * u)
                upcoming = upcoming[:0]
            elif normalized:
                normalize(layer, u, m * (below + u - here), m, layout, statistics, workspace, training)
                gain = load(parameters.values, layout.gammas + u)
            else:
                for s in range(s_first, s_last):
                    products.set_dot_products(
                        a, m * below + s * width, m * width, panels,
                        parameters.values, w + (u - here) * width, n_out * width, min(width, n_out - (u - here)),
                        a, m * u + s * width,
                    )  # fmt: skip
            activate(
                factors, gain, layout.activations[layer], layer < layers - 1, layout, parameters, u, m, s_first,
                s_last, workspace,
            )  # fmt: skip
    if by_panels:
        waits += 1
        wait_for_all(share, waits)
    return waits


@part
def activate(factors, gain, code, hidden, layout, parameters, u, m, first, last, workspace):
    """Complete z, in the panel of neuron u and of some of the samples; of hidden neurons, replace it by activations."""
    z, width = workspace.activations, lanes(workspace.activations)
    biases, neurons = load(parameters.values, layout.biases + u), load(layout.neurons, u)
    for s in range(first, last):
        i = m * u + s * width
        a = gain * load(z, i) + biases
        if hidden:
            a, slope = activation(code, a)
            a = only(neurons, a)
            if len(factors) > 0:
                factor = load(factors, s * layout.units[-2] + u)
                a = a * factor
                slope = slope * factor
            store(workspace.slopes, i, slope)
        store(z, i, a)


@part
def clear(z, start, samples):
    """Set that many rows of a panel to zero."""
    width = lanes(z)
    for s in range(start, start + samples * width, width):
        store(z, s, zeros(z))
