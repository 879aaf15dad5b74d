"""Stochastic gradient descent over an epoch, in one compiled loop.

For each mini-batch, all samples are fed forward, their errors are propagated back, and only then do the parameters
change. No gradient is ever stored: the errors are scaled by -eta / m where they begin, at the outputs, and what the
book's equations make of them is added straight to the parameters.

`u` and `v` are the first neurons of panels, counted through all layers: what the workspace has of such a panel begins
at `m * u` for m samples, its biases at `u`.
"""

from __future__ import annotations

from fastnet.kernels import inputs, products
from fastnet.kernels.activations import sigmoid
from fastnet.kernels.compiler import kernel, part
from fastnet.kernels.threads import share_of, wait_for_all
from fastnet.kernels.vectors import CACHE_LINE, item, lanes, load, only, prefetch, store, zeros

_AHEAD = 12  # samples: how early a sample's numbers are asked for


@kernel
def epoch(x, targets, order, mini_batch_size, eta, layout, parameters, sums, workspace, share, training):
    """Train on the samples of `order`, in mini-batches.

    Parameters
    ----------
    x : Matrix or Rows
        The inputs of all samples.
    targets : ndarray, shape (n * width,)
        The desired outputs of all samples, each padded as the layer of outputs is.
    order : ndarray of int64, shape (m,)
        Which samples, and in which order.
    mini_batch_size : int
        The last mini-batch may be short.
    eta : float
        The learning rate.
    layout : Layout
    parameters : Parameters
    sums : Parameters
        What is added to: the parameters themselves, or the gradient, for which `eta` is -1.
    workspace : Workspace
        With room for a mini-batch.
    share : Share
        This thread's part of the work. Nothing that is computed depends on how it is divided.
    training : bool
        If not, mini-batches are only fed forward. It is the same kernel, so that it is compiled once; the workspace
        is left with the activations of the last mini-batch.
    """
    u_first, u_last = share_of_panels(layout.units[0], layout.units[1], lanes(targets), share)
    waits = 0
    for start in range(0, len(order), mini_batch_size):
        mini_batch, upcoming = order[start : start + mini_batch_size], order[start + _AHEAD :]
        m = len(mini_batch)
        first, last = share_of(m, share)
        if m < mini_batch_size:  # its panels lie elsewhere, where others may still be reading
            waits += 1
            wait_for_all(share, waits)
        prefetch_targets(targets, upcoming[:m], layout)
        feed_inputs_forward(x, mini_batch, upcoming, u_first, u_last, layout, parameters, workspace)
        waits += 1
        wait_for_all(share, waits)
        feed_forward(m, first, last, layout, parameters, workspace)
        if training:
            backpropagate(targets, mini_batch, first, last, -eta / m, layout, parameters, workspace)
            waits += 1
            wait_for_all(share, waits)
            accumulate(x, mini_batch, layout, workspace, sums, share)


@part
def feed_inputs_forward(x, mini_batch, upcoming, start, stop, layout, parameters, workspace):
    """Compute the activations of layer 0, in its panels from `start` to `stop`."""
    z, m, n_in, width = workspace.activations, len(mini_batch), layout.sizes[0], lanes(workspace.activations)
    for u in range(start, stop, width):
        clear(z, m * u, m)
        inputs.add_product(x, mini_batch, upcoming, parameters.weights, u * n_in, z, m * u)
        activate(layout, parameters, u, z, m * u, m)
        upcoming = upcoming[:0]


@part
def feed_forward(m, first, last, layout, parameters, workspace):
    """Compute the activations of the layers above, of some of the samples."""
    a, width = workspace.activations, lanes(workspace.activations)
    for layer in range(1, len(layout.sizes) - 1):
        below, here, above = layout.units[layer - 1], layout.units[layer], layout.units[layer + 1]
        n_out, w, panels = layout.sizes[layer + 1], layout.weights[layer], (here - below) // width
        for u in range(here, above, width):
            n = min(width, n_out - (u - here))
            for s in range(first, last):
                products.set_dot_products(
                    a, m * below + s * width, m * width, panels,
                    parameters.weights, w + (u - here) * width, n_out * width, n,
                    a, m * u + s * width,
                )  # fmt: skip
            activate(layout, parameters, u, a, m * u + first * width, last - first)


@part
def activate(layout, parameters, u, z, start, samples):
    """Replace z by the activations sigmoid(z + b), in so many rows of the panel of neuron u."""
    width = lanes(z)
    biases, neurons = load(parameters.biases, u), load(layout.neurons, u)
    for s in range(start, start + samples * width, width):
        store(z, s, only(neurons, sigmoid(load(z, s) + biases)))


@part
def backpropagate(targets, mini_batch, first, last, scale, layout, parameters, workspace):
    """Compute the errors of every layer for some of the samples, the last layer first."""
    a, delta, m, width = workspace.activations, workspace.delta, len(mini_batch), lanes(workspace.delta)
    output, end = layout.units[-2], layout.units[-1]
    for u in range(output, end, width):  # BP1, for the quadratic cost
        for s in range(first, last):
            a_s = load(a, m * u + s * width)
            y = load(targets, item(mini_batch, s) * (end - output) + u - output)
            store(delta, m * u + s * width, scale * (a_s - y) * a_s * (1 - a_s))
    for layer in range(len(layout.sizes) - 2, 0, -1):  # BP2
        below, here, above = layout.units[layer - 1], layout.units[layer], layout.units[layer + 1]
        n_out, w = layout.sizes[layer + 1], layout.weights[layer]
        for v in range(below, here, width):
            clear(delta, m * v + first * width, last - first)
            for u in range(here, above, width):
                products.add_product(
                    delta, m * u, width, workspace.samples, min(width, n_out - (u - here)),
                    parameters.weights, w + (v - below) * n_out + (u - here) * width,
                    delta, m * v, first, last,
                )  # fmt: skip
            for s in range(m * v + first * width, m * v + last * width, width):
                a_s = load(a, s)
                store(delta, s, load(delta, s) * a_s * (1 - a_s))


@part
def accumulate(x, mini_batch, layout, workspace, sums, share):
    """Add the mini-batch's gradient, as the errors are scaled, to `sums`, in this thread's panels."""
    a, delta, m, width = workspace.activations, workspace.delta, len(mini_batch), lanes(workspace.delta)
    for layer in range(len(layout.sizes) - 1):  # BP3
        first, last = share_of_panels(layout.units[layer], layout.units[layer + 1], width, share)
        for u in range(first, last, width):
            b = load(sums.biases, u)
            for s in range(m):
                b = b + load(delta, m * u + s * width)
            store(sums.biases, u, b)
    n_in = layout.sizes[0]
    first, last = share_of_panels(layout.units[0], layout.units[1], width, share)
    for u in range(first, last, width):  # BP4
        inputs.add_transposed_product(x, mini_batch, delta, m * u, sums.weights, u * n_in)
    for layer in range(1, len(layout.sizes) - 1):  # BP4
        below, here, above = layout.units[layer - 1], layout.units[layer], layout.units[layer + 1]
        n_out, w = layout.sizes[layer + 1], layout.weights[layer]
        first, last = share_of_panels(below, here, width, share)
        for v in range(first, last, width):
            for u in range(here, above, width):
                products.add_transposed_product(
                    delta, m * u, width, workspace.samples[:m], min(width, n_out - (u - here)),
                    a, m * v, sums.weights, w + (v - below) * n_out + (u - here) * width,
                )  # fmt: skip


@part
def share_of_panels(start, stop, width, share):
    """Return which of a layer's neurons, in whole panels, are this thread's: from, to."""
    first, last = share_of((stop - start) // width, share)
    return start + first * width, start + last * width


@part
def clear(z, start, samples):
    """Set so many rows of a panel to zero."""
    width = lanes(z)
    for s in range(start, start + samples * width, width):
        store(z, s, zeros(z))


@part
def prefetch_targets(targets, samples, layout):
    """Ask for samples' desired outputs, before they are needed."""
    width = layout.units[-1] - layout.units[-2]
    for s in range(len(samples)):
        i = item(samples, s) * width
        for p in range(i, i + width, CACHE_LINE // targets.itemsize):
            prefetch(targets, p)
