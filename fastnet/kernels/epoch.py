"""Stochastic gradient descent over an epoch, in one compiled loop.

For each mini-batch, all samples are fed forward, their errors are propagated back, and only then do the parameters
change. No gradient is ever stored: the errors are scaled by -eta / m where they begin, at the outputs, and what the
book's equations make of them is added straight to the parameters; with momentum, to their velocity.

`u` and `v` are the first neurons of panels, counted through all layers: what the workspace has of such a panel begins
at `m * u` for m samples, its biases at `u`.
"""

from __future__ import annotations

from typing import NamedTuple

from fastnet.kernels import costs, inputs, products
from fastnet.kernels.activations import ReLU, Sigmoid, Tanh, activation, times_slope
from fastnet.kernels.compiler import kernel, part
from fastnet.kernels.costs import CrossEntropy, LogLikelihood, Quadratic
from fastnet.kernels.threads import share_of, wait_for_all
from fastnet.kernels.vectors import CACHE_LINE, item, lanes, load, only, prefetch, sign, store, zeros

_AHEAD = 12  # samples: how early a sample's numbers are asked for
_NOTHING = 1e-30  # added and subtracted, it makes zeros of what would become denormal, with which processors are slow
_SMALLEST_SCALE = 1e-6  # of the weights, before they are multiplied by it: far from where float32 ends


class Formulas(NamedTuple):
    """What the kernel is compiled for.

    Attributes
    ----------
    hidden : Sigmoid, Tanh or ReLU
        What the hidden neurons are.
    cost : Quadratic, CrossEntropy or LogLikelihood
        The cost, and with it the output neurons.
    """

    hidden: Sigmoid | Tanh | ReLU
    cost: Quadratic | CrossEntropy | LogLikelihood


class Descent(NamedTuple):
    """How the parameters follow the gradient.

    Attributes
    ----------
    eta : float
        The learning rate; -1 where the gradient itself is wanted.
    shrink : float
        What the weights are multiplied by with each mini-batch, without velocity: 1, or less for L2 regularization.
    with_velocity : bool
        Whether the parameters follow a velocity, and by what is below.
    momentum : float
        What remains of the velocity.
    l2, l1 : float
        eta lambda / n of L2 and of L1 regularization.
    keep : float
        1 - the probability of dropout.
    """

    eta: float
    shrink: float
    with_velocity: bool
    momentum: float
    l2: float
    l1: float
    keep: float


@kernel
def epoch(
    x, targets, kept, order, mini_batch_size, formulas, descent, layout, parameters, sums, workspace, share, training
):
    """Train on the samples of `order`, in mini-batches.

    Parameters
    ----------
    x : Matrix or Rows
        The inputs of all samples.
    targets : ndarray, shape (n * width,)
        The desired outputs of all samples, each padded as the layer of outputs is.
    kept : ndarray, shape (m * layout.units[-2],) or (0,)
        With dropout, for each sample of the order what its hidden neurons are multiplied by.
    order : ndarray of int64, shape (m,)
        Which samples, and in which order.
    mini_batch_size : int
        The last mini-batch may be short.
    formulas : Formulas
    descent : Descent
    layout : Layout
    parameters : Parameters
    sums : Parameters
        What is added to: the parameters themselves, their velocity, or the gradient.
    workspace : Workspace
        With room for a mini-batch.
    share : Share
        This thread's part of the work. Nothing that is computed depends on how it is divided.
    training : bool
        If not, mini-batches are only fed forward. It is the same kernel, so that it is compiled once; the workspace
        is left with the weighted inputs of the outputs, of the last mini-batch.
    """
    u_first, u_last = share_of_panels(layout.units[0], layout.units[1], lanes(targets), share)
    scale, sums_scale, waits = parameters.scale[0], sums.scale[0], 0
    for start in range(0, len(order), mini_batch_size):
        mini_batch, upcoming = order[start : start + mini_batch_size], order[start + _AHEAD :]
        kept_now = kept[start * layout.units[-2] :]
        m = len(mini_batch)
        first, last = share_of(m, share)
        if m < mini_batch_size:  # its panels lie elsewhere, where others may still be reading
            waits += 1
            wait_for_all(share, waits)
        prefetch_targets(targets, upcoming[:m], layout)
        feed_inputs_forward(
            x, mini_batch, upcoming, kept_now, u_first, u_last, formulas, scale, layout, parameters, workspace
        )
        waits += 1
        wait_for_all(share, waits)
        feed_forward(m, kept_now, first, last, formulas, scale, layout, parameters, workspace)
        if training:
            sums_scale *= descent.shrink
            backpropagate(
                targets, mini_batch, kept_now, first, last, -descent.eta / (m * sums_scale),
                formulas, descent, scale, layout, parameters, workspace,
            )  # fmt: skip
            waits += 1
            wait_for_all(share, waits)
            accumulate(x, mini_batch, layout, workspace, sums, sums_scale, share)
            scale *= descent.shrink
            if descent.with_velocity:
                follow(sums, descent, layout, parameters, share)
            elif scale < _SMALLEST_SCALE:
                rescale(scale, layout, parameters, share)
                scale, sums_scale = 1.0, 1.0
    if share.thread == 0:
        parameters.scale[0] = scale


@part
def feed_inputs_forward(
    x, mini_batch, upcoming, kept, start, stop, formulas, scale, layout, parameters, workspace
):  # fmt: skip
    """Compute the activations of layer 0, in its panels from `start` to `stop`."""
    z, m, n_in, width = workspace.activations, len(mini_batch), layout.sizes[0], lanes(workspace.activations)
    for u in range(start, stop, width):
        clear(z, m * u, m)
        inputs.add_product(x, mini_batch, upcoming, parameters.weights, u * n_in, z, m * u)
        activate(formulas, kept, scale, layout, parameters, u, z, m, 0, m, len(layout.sizes) > 2)
        upcoming = upcoming[:0]


@part
def feed_forward(m, kept, first, last, formulas, scale, layout, parameters, workspace):
    """Compute the activations of the layers above, of some of the samples; but of the outputs z."""
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
            activate(
                formulas, kept, scale, layout, parameters, u, a, m, first, last, layer < len(layout.sizes) - 2
            )  # fmt: skip


@part
def activate(formulas, kept, scale, layout, parameters, u, z, m, first, last, hidden):
    """Complete z, in the panel of neuron u and of some of the samples; of hidden neurons, replace it by activations."""
    width = lanes(z)
    biases, neurons = load(parameters.biases, u), load(layout.neurons, u)
    for s in range(first, last):
        i = m * u + s * width
        a = scale * load(z, i) + biases
        if hidden:
            a = only(neurons, activation(formulas.hidden, a))
            if len(kept) > 0:
                a = a * load(kept, s * layout.units[-2] + u)
        store(z, i, a)


@part
def backpropagate(
    targets, mini_batch, kept, first, last, factor, formulas, descent, scale, layout, parameters, workspace
):
    """Compute the errors of every layer for some of the samples, times a factor, the last layer first."""
    a, delta, m, width = workspace.activations, workspace.delta, len(mini_batch), lanes(workspace.delta)
    output, end = layout.units[-2], layout.units[-1]
    for s in range(first, last):  # BP1
        i, y = m * output + s * width, item(mini_batch, s) * (end - output)
        costs.activate(formulas.cost, a, i, m * width, layout.sizes[-1], layout.neurons, output)
        for k in range(0, end - output, width):
            error = costs.error(formulas.cost, load(a, i + m * k), load(targets, y + k))
            store(delta, i + m * k, factor * error)
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
            for s in range(first, last):
                i = m * v + s * width
                d = times_slope(formulas.hidden, descent.keep * load(a, i), scale * load(delta, i))
                if len(kept) > 0:
                    d = d * load(kept, s * output + v)
                store(delta, i, d)


@part
def accumulate(x, mini_batch, layout, workspace, sums, sums_scale, share):
    """Add the mini-batch's gradient, as the errors are scaled, to `sums`, in this thread's panels."""
    a, delta, m, width = workspace.activations, workspace.delta, len(mini_batch), lanes(workspace.delta)
    for layer in range(len(layout.sizes) - 1):  # BP3
        first, last = share_of_panels(layout.units[layer], layout.units[layer + 1], width, share)
        for u in range(first, last, width):
            d = zeros(delta)
            for s in range(m):
                d = d + load(delta, m * u + s * width)
            store(sums.biases, u, load(sums.biases, u) + sums_scale * d)
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
def follow(velocity, descent, layout, parameters, share):
    """Change this thread's parameters by their velocity, which regularization has changed before."""
    width = lanes(parameters.weights)
    for layer in range(len(layout.sizes) - 1):
        first, last = share_of_panels(layout.units[layer], layout.units[layer + 1], width, share)
        for u in range(first, last, width):
            v = load(velocity.biases, u)
            store(parameters.biases, u, load(parameters.biases, u) + v)
            store(velocity.biases, u, descent.momentum * v + _NOTHING - _NOTHING)
        first, last = share_of_weights(layer, layout, width, share)
        for i in range(first, last, width):
            w = load(parameters.weights, i)
            v = load(velocity.weights, i) - descent.l2 * w - descent.l1 * sign(w)
            store(parameters.weights, i, w + v)
            store(velocity.weights, i, descent.momentum * v + _NOTHING - _NOTHING)


@part
def rescale(scale, layout, parameters, share):
    """Multiply this thread's weights by their scale."""
    width = lanes(parameters.weights)
    for layer in range(len(layout.sizes) - 1):
        first, last = share_of_weights(layer, layout, width, share)
        for i in range(first, last, width):
            store(parameters.weights, i, scale * load(parameters.weights, i))


@part
def share_of_weights(layer, layout, width, share):
    """Return which of a layer's weights are those that this thread changes: from, to."""
    rows, columns = layout.sizes[0], layout.units[1]  # of layer 0, whose panels are of its own neurons
    start = layout.units[0]
    if layer > 0:
        rows, columns, start = layout.sizes[layer + 1], layout.units[layer], layout.units[layer - 1]
    first, last = share_of_panels(start, columns, width, share)
    w = layout.weights[layer] - start * rows
    return w + first * rows, w + last * rows


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
