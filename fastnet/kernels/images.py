"""The kernel `images`, which computes layers that output images.

For each mini-batch and each such layer, the kernel `epoch` calls `images` by its address: to compute activations, to
compute errors, and to add the gradient. Separate kernels can be compiled at the same time. Networks without images use
the same `epoch`, but do not compile `images`.
"""

from __future__ import annotations

from fastnet.kernels import convolution, convolution_gradients, inputs
from fastnet.kernels.calls import ACCUMULATE, BACKPROPAGATE, FEED_FORWARD, PREPARE
from fastnet.kernels.compiler import called_kernel, part, subroutine
from fastnet.kernels.geometry import block
from fastnet.kernels.layout import BATCH_NORMALIZATION, CONVOLUTION, IMAGES
from fastnet.kernels.normalization_of_maps import backpropagate_maps, normalize_maps
from fastnet.kernels.shares import share_of_panels
from fastnet.kernels.vectors import item, lanes, load, store, zeros

_AHEAD = 2  # number of samples by which prefetching is ahead of copying


@called_kernel
def images(
    what, layer, x, samples, start, m, first, last, scale, sums_scale, layout, parameters, sums, statistics, workspace,
    share, training,
):  # fmt: skip
    """Compute this thread's share of one step of a mini-batch, for a layer that outputs images.

    Parameters
    ----------
    what : int
        `PREPARE`: transpose all filters, before a mini-batch is fed forward. `FEED_FORWARD`: compute the layer's
        activations. `BACKPROPAGATE`: compute the errors below the layer; in batch normalization, also add the
        gradient of gamma to the sums. `ACCUMULATE`: add the gradient of the layer's weights and biases to the sums.
        `CLEAR`: set all images to zero, because borders have to be zero.
    layer : int
        Index of the layer; ignored by `PREPARE` and `CLEAR`.
    start, m : int
        Index in `samples.order` where the mini-batch begins, and number of samples in the mini-batch.
    first, last : int
        Range of this thread's samples; ignored where the maps are divided among the threads.
    scale, sums_scale : float
        Factors of the weights in `parameters` and in `sums`; see `layout.Parameters`.
    x, samples, layout, parameters, sums, statistics, workspace, share, training
        See `epoch`.
    """
    mini_batch, factors = samples.order[start : start + m], samples.factors[start * layout.factors[-1] :]
    if what == PREPARE:
        transpose_all(layout, parameters, workspace, share)
    elif what == FEED_FORWARD:
        feed_forward(
            layer, x, mini_batch, first, last, factors, scale, layout, parameters, statistics, workspace, share,
            training,
        )  # fmt: skip
    elif what == BACKPROPAGATE:
        backpropagate(layer, first, last, m, scale, layout, parameters, workspace, sums, sums_scale, share)
    elif what == ACCUMULATE:
        accumulate(layer, m, layout, workspace, sums, sums_scale, share)
    else:
        clear_all(first, last, m, layout, workspace)


@part
def transpose_all(layout, parameters, workspace, share):
    """Transpose this thread's filters of every layer."""
    for layer in range(1, len(layout.kinds)):
        if layout.kinds[layer] == CONVOLUTION:
            convolution.transpose_filters(layer, layout, parameters, workspace, share)


@part
def feed_forward(
    layer, x, mini_batch, first, last, factors, scale, layout, parameters, statistics, workspace, share, training
):
    """Compute the activations of a layer, for samples `first` to `last`.

    In batch normalization, compute the activations of this thread's maps for all samples.
    """
    m = len(mini_batch)
    if layout.kinds[layer] == IMAGES:
        copy_inputs(x, mini_batch, first, last, m, layout, workspace)
    elif layout.kinds[layer] == BATCH_NORMALIZATION:
        c_first, c_last = share_of_maps(layer, layout, workspace, share)
        normalize_maps(layer, c_first, c_last, m, factors, layout, parameters, statistics, workspace, training)
    else:
        convolution.pool(layer, first, last, m, factors, scale, layout, parameters, workspace, share)


@part
def backpropagate(layer, first, last, m, scale, layout, parameters, workspace, sums, sums_scale, share):
    """Compute the errors below a layer, for samples `first` to `last`.

    In batch normalization, compute the errors of this thread's maps for all samples, and add the gradient of gamma.
    """
    if layout.kinds[layer] == BATCH_NORMALIZATION:
        c_first, c_last = share_of_maps(layer, layout, workspace, share)
        backpropagate_maps(layer, c_first, c_last, m, layout, parameters, workspace, sums, sums_scale, share)
    else:
        delta, (here, size) = workspace.delta, block(layer - 1, m, layout)
        for s in range(first, last):
            convolution_gradients.clear_images(layer - 1, s, m, layout, delta)
            factor = 1.0
            if layout.kinds[layer] == CONVOLUTION:
                convolution_gradients.add_errors_of_convolution(layer, s, m, layout, parameters, workspace, share)
                factor = scale
            else:
                convolution_gradients.add_errors_of_pooling(layer, s, m, layout, workspace)
            for i in range(here + s * size, here + (s + 1) * size, lanes(delta)):
                store(delta, i, load(workspace.slopes, i) * (factor * load(delta, i)))


@part
def accumulate(layer, m, layout, workspace, sums, sums_scale, share):
    """Add the gradient of this thread's share of a layer to the sums."""
    first, last = share_of_maps(layer, layout, workspace, share)
    if layout.kinds[layer] == CONVOLUTION or layout.kinds[layer] == BATCH_NORMALIZATION:
        convolution_gradients.accumulate_biases(layer, first, last, m, layout, workspace, sums, sums_scale, share)
    if layout.kinds[layer] == CONVOLUTION:
        convolution_gradients.accumulate_filters(layer, m, layout, workspace, sums, share)


@part
def share_of_maps(layer, layout, workspace, share):
    """Return this thread's maps of a layer, in whole panels: the first, and one past the last."""
    maps = layout.channels[layer + 1] - layout.channels[layer]
    return share_of_panels(0, maps, lanes(workspace.delta), share)


@subroutine
def copy_inputs(x, mini_batch, first, last, m, layout, workspace):
    """Copy the inputs of samples `first` to `last` into the workspace."""
    a = workspace.activations
    start, size = block(0, m, layout)
    for s in range(first, last):
        if s + _AHEAD < last:
            inputs.prefetch_row(x, item(mini_batch, s + _AHEAD))
        here = start + s * size
        for i in range(here, here + size, lanes(a)):
            store(a, i, zeros(a))
        inputs.copy_row(x, item(mini_batch, s), a, here)


@subroutine
def clear_all(first, last, m, layout, workspace):
    """Set all images of samples `first` to `last` to zero, because the borders of images have to be zero."""
    a, slopes = workspace.activations, workspace.slopes
    for layer in range(len(layout.kinds)):
        if layout.maps[layer] > 0:
            start, size = block(layer, m, layout)
            for i in range(start + first * size, start + last * size, lanes(a)):
                store(a, i, zeros(a))
                store(slopes, i, zeros(a))
                store(workspace.places, i, zeros(a))
