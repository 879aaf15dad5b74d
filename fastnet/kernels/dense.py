"""The kernel `dense`, which computes matrix products of dense layers. The kernel `epoch` calls `dense` by its address.

In layer 0, `dense` multiplies only dense inputs. The module `inputs` multiplies sparse inputs.
"""

from __future__ import annotations

from fastnet.kernels import products
from fastnet.kernels.calls import ACCUMULATE, BACKPROPAGATE, FEED_FORWARD, PREPARE
from fastnet.kernels.compiler import called_kernel, part, subroutine
from fastnet.kernels.geometry import steps
from fastnet.kernels.layout import DENSE, ENOUGH_SAMPLES
from fastnet.kernels.shares import WEIGHTS_IN_CACHE, divides_outputs, divides_samples, scratch_of
from fastnet.kernels.threads import share_of
from fastnet.kernels.vectors import lanes, load, store


@called_kernel
def dense(what, layer, x, rows, m, first, last, scale, layout, parameters, sums, workspace, share):
    """Compute this thread's share of one step of a mini-batch, for a dense layer.

    Parameters
    ----------
    what : int
        `PREPARE`: transpose the weights of all dense layers above layer 0. `FEED_FORWARD`: multiply weights and
        activations. `BACKPROPAGATE`: above layer 0, compute the errors below the layer, and add the gradient of the
        layer's weights to the sums. `ACCUMULATE`: add the gradient of layer 0's weights to the sums.
    layer : int
        Index of the layer; ignored by `PREPARE`.
    x, rows : ndarray, ndarray of int64
        The inputs of all samples in row-major order, and the row indices of the mini-batch's samples; ignored above
        layer 0.
    m : int
        Number of samples in the mini-batch.
    first, last : int
        Above layer 0, range of the samples that `FEED_FORWARD` computes; in layer 0, range of this thread's neurons.
        Ignored by `PREPARE` and `BACKPROPAGATE`, and in layer 0 if threads divide the samples.
    scale : float
        Factor of the weights; see `layout.Parameters`.
    layout, parameters, sums, workspace, share
        See `epoch`.
    """
    if what == PREPARE:
        transpose_all(layout, parameters, workspace, share)
    elif what == FEED_FORWARD:
        if layer == 0:
            multiply_inputs(x, rows, first, last, layout, parameters, workspace, share)
        else:
            multiply(layer, first, last, m, layout, parameters, workspace, share)
    elif what == BACKPROPAGATE:
        backpropagate(layer, m, scale, layout, parameters, workspace, sums, share)
    elif what == ACCUMULATE:
        accumulate_inputs(x, rows, first, last, layout, workspace, sums, share)


@part
def transpose_all(layout, parameters, workspace, share):
    """Transpose the weights of all dense layers above layer 0, in this thread's panels."""
    width = lanes(parameters.values)
    for layer in range(1, len(layout.kinds)):
        if layout.kinds[layer] == DENSE:
            panels = (layout.sizes[layer] + width - 1) // width
            first, last = share_of(panels, share)
            products.transpose(
                parameters.values, layout.weights[layer], layout.sizes[layer + 1], first, last,
                workspace.transposed, layout.transposed[layer], panels * width * width,
            )  # fmt: skip


@subroutine
def multiply_inputs(x, rows, first, last, layout, parameters, workspace, share):
    """Multiply weights and inputs, for neurons `first` to `last` of layer 0."""
    n_in, m, width = layout.sizes[0], len(rows), lanes(workspace.activations)
    s_first, s_last = 0, m
    if divides_samples(m, layout):
        first, last = 0, layout.units[1]
        s_first, s_last = share_of(m, share)
    products.add_product(
        x, 0, n_in, rows, n_in, 1, 0, parameters.values, first * n_in, n_in * width, workspace.activations, m * first,
        m * width, width, (last - first) // width, s_first, s_last, True,
    )  # fmt: skip


@subroutine
def multiply(layer, first, last, m, layout, parameters, workspace, share):
    """Multiply the weights of a dense layer and the activations of the layer below, for samples `first` to `last`.

    If threads divide the outputs (see `shares.divides_outputs`), only this thread's outputs are computed.
    """
    a, width, dots = workspace.activations, lanes(workspace.activations), workspace.dots
    stride, panel = steps(layer - 1, m, width, layout)
    below, to, n_out = m * layout.units[layer - 1], m * layout.units[layer], layout.sizes[layer + 1]
    panels = (layout.sizes[layer] + width - 1) // width
    if m < ENOUGH_SAMPLES:
        n_first, n_last = 0, n_out
        if divides_outputs(layer, m, layout):
            p_first, p_last = share_of((n_out + width - 1) // width, share)
            n_first, n_last = p_first * width, min(p_last * width, n_out)
        products.set_dot_products(
            a, below, stride, panel, panels, first, last, parameters.values, layout.weights[layer], n_out,
            n_first, n_last, a, to, m * width, dots, scratch_of(dots, share),
        )  # fmt: skip
    else:
        products.add_product(
            a, below, stride, workspace.samples, width, panels, panel, workspace.transposed, layout.transposed[layer],
            panels * width * width, a, to, m * width, width, (n_out + width - 1) // width, first, last, True,
        )  # fmt: skip


@part
def backpropagate(layer, m, scale, layout, parameters, workspace, sums, share):
    """Compute the errors of the layer below a dense layer (BP2), and add the gradient of the layer's weights (BP4).

    Threads divide the panels of weights. With few samples, reading weights from memory takes longer than multiplying.
    So BP4 is computed for the same few panels directly after BP2, while their weights are in the cache.
    """
    width = lanes(workspace.delta)
    first, last = share_of((layout.sizes[layer] + width - 1) // width, share)
    together = max(1, last - first)
    if m < ENOUGH_SAMPLES:
        together = max(1, WEIGHTS_IN_CACHE // (layout.sizes[layer + 1] * width))
    for p in range(first, last, together):
        end = min(p + together, last)
        add_errors(layer, p, end, m, scale, layout, parameters, workspace)
        accumulate_weights(layer, p, end, m, layout, workspace, sums, share)


@subroutine
def add_errors(layer, first, last, m, scale, layout, parameters, workspace):
    """Compute the errors of the layer below a dense layer, in panels `first` to `last` (BP2)."""
    delta, width = workspace.delta, lanes(workspace.delta)
    here, n_out = layout.units[layer], layout.sizes[layer + 1]
    whole = n_out // width * width
    stride, panel = steps(layer - 1, m, width, layout)
    to, w = m * layout.units[layer - 1] + first * panel, layout.weights[layer] + first * n_out * width
    products.add_product(
        delta, m * here, width, workspace.samples, width, n_out // width, m * width,
        parameters.values, w, n_out * width, delta, to, panel, stride, last - first, 0, m, True,
    )  # fmt: skip
    if n_out > whole:
        products.add_product(
            delta, m * (here + whole), width, workspace.samples, n_out - whole, 1, 0,
            parameters.values, w + whole * width, n_out * width, delta, to, panel, stride, last - first, 0, m,
            whole == 0,
        )  # fmt: skip
    for p in range(to, to + (last - first) * panel, panel):
        for s in range(m):
            multiply_by_slopes(p + s * stride, width, scale, workspace)


@part
def multiply_by_slopes(start, n, factor, workspace):
    """Multiply n errors by `factor` and by the slopes of their neurons (derivatives of the activation functions)."""
    delta = workspace.delta
    for i in range(start, start + n, lanes(delta)):
        store(delta, i, load(workspace.slopes, i) * (factor * load(delta, i)))


@subroutine
def accumulate_inputs(x, rows, first, last, layout, workspace, sums, share):
    """Add the gradient of layer 0's weights to the sums, for neurons `first` to `last` (BP4)."""
    delta, n_in, m, width = workspace.delta, layout.sizes[0], len(rows), lanes(workspace.delta)
    j_first, j_last = 0, n_in
    if divides_samples(m, layout):  # each thread has a range of inputs, for all samples
        first, last = 0, layout.units[1]
        j_first, j_last = share_of(n_in, share)
        if j_first == j_last:
            return
    products.add_transposed_product(
        x, j_first, n_in, rows, j_last - j_first, 1, 0, delta, m * first, m * width, width, sums.values,
        first * n_in + j_first * width, n_in * width, (last - first) // width, m, workspace.packed,
        scratch_of(workspace.packed, share), workspace.samples,
    )  # fmt: skip


@subroutine
def accumulate_weights(layer, first, last, m, layout, workspace, sums, share):
    """Add the gradient of a dense layer's weights to the sums, in panels `first` to `last` (BP4)."""
    a, delta, width = workspace.activations, workspace.delta, lanes(workspace.delta)
    here, n_out = layout.units[layer], layout.sizes[layer + 1]
    stride, panel = steps(layer - 1, m, width, layout)
    whole, below = n_out // width * width, m * layout.units[layer - 1] + first * panel
    w = layout.weights[layer] + first * n_out * width
    products.add_transposed_product(
        delta, m * here, width, workspace.samples, width, n_out // width, m * width,
        a, below, panel, stride, sums.values, w, n_out * width, last - first, m,
        workspace.packed, scratch_of(workspace.packed, share), workspace.samples,
    )  # fmt: skip
    if n_out > whole:
        products.add_transposed_product(
            delta, m * (here + whole), width, workspace.samples, n_out - whole, 1, 0,
            a, below, panel, stride, sums.values, w + whole * width, n_out * width, last - first, m,
            workspace.packed, scratch_of(workspace.packed, share), workspace.samples,
        )  # fmt: skip
