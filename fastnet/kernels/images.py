"""Layers of images: what a network has of them, and others have not.

Each function has two variants, for the two kinds of workspaces. That for networks without images does nothing, so that
nothing of convolutions is compiled for them.
"""

from __future__ import annotations

from fastnet.kernels import convolution, convolution_gradients, inputs
from fastnet.kernels.compiler import part, subroutine, variant
from fastnet.kernels.geometry import block
from fastnet.kernels.layout import BATCH_NORMALIZATION, CONVOLUTION, IMAGES
from fastnet.kernels.normalization_of_maps import backpropagate_maps, normalize_maps
from fastnet.kernels.shares import share_of_panels
from fastnet.kernels.vectors import item, lanes, load, store, zeros
from fastnet.kernels.workspace import ImageWorkspace, Workspace

_AHEAD = 2  # samples: how early a sample's inputs are asked for


def prepare(workspace, layout, parameters, share):
    """Do what a mini-batch needs of this thread's filters before it is fed forward."""
    raise NotImplementedError


@variant(prepare, Workspace)
def _prepare_nothing(workspace, layout, parameters, share):
    pass


@variant(prepare, ImageWorkspace)
def _prepare(workspace, layout, parameters, share):
    for layer in range(1, len(layout.kinds)):
        if layout.kinds[layer] == CONVOLUTION:
            convolution.transpose_filters(layer, layout, parameters, workspace, share)


def feed_forward(
    workspace, layer, x, mini_batch, first, last, factors, scale, layout, parameters, statistics, share, training
):
    """Compute the activations of a layer of images: for samples from `first` to `last`, or of this thread's maps."""
    raise NotImplementedError


@variant(feed_forward, Workspace)
def _feed_nothing_forward(
    workspace, layer, x, mini_batch, first, last, factors, scale, layout, parameters, statistics, share, training
):
    pass


@variant(feed_forward, ImageWorkspace)
def _feed_forward(
    workspace, layer, x, mini_batch, first, last, factors, scale, layout, parameters, statistics, share, training
):
    m = len(mini_batch)
    if layout.kinds[layer] == IMAGES:
        copy_inputs(x, mini_batch, first, last, m, layout, workspace)
    elif layout.kinds[layer] == BATCH_NORMALIZATION:
        c_first, c_last = share_of_maps(layer, layout, workspace, share)
        normalize_maps(layer, c_first, c_last, m, factors, layout, parameters, statistics, workspace, training)
    else:
        convolution.pool(layer, first, last, m, factors, scale, layout, parameters, workspace, share)


def backpropagate(workspace, layer, first, last, m, scale, layout, parameters, sums, sums_scale, share):
    """Compute the errors below a layer of images: for samples from `first` to `last`, or of this thread's maps."""
    raise NotImplementedError


@variant(backpropagate, Workspace)
def _backpropagate_nothing(workspace, layer, first, last, m, scale, layout, parameters, sums, sums_scale, share):
    pass


@variant(backpropagate, ImageWorkspace)
def _backpropagate(workspace, layer, first, last, m, scale, layout, parameters, sums, sums_scale, share):
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


def accumulate(workspace, layer, m, layout, sums, sums_scale, share):
    """Add the gradient of this thread's part of a layer of images to the sums."""
    raise NotImplementedError


@variant(accumulate, Workspace)
def _accumulate_nothing(workspace, layer, m, layout, sums, sums_scale, share):
    pass


@variant(accumulate, ImageWorkspace)
def _accumulate(workspace, layer, m, layout, sums, sums_scale, share):
    first, last = share_of_maps(layer, layout, workspace, share)
    if layout.kinds[layer] == CONVOLUTION or layout.kinds[layer] == BATCH_NORMALIZATION:
        convolution_gradients.accumulate_biases(layer, first, last, m, layout, workspace, sums, sums_scale, share)
    if layout.kinds[layer] == CONVOLUTION:
        convolution_gradients.accumulate_filters(layer, m, layout, workspace, sums, share)


def clear(workspace, first, last, m, layout):
    """Set all images of samples from `first` to `last` to zero, where others may have been: borders have to be zero."""
    raise NotImplementedError


@variant(clear, Workspace)
def _clear_nothing(workspace, first, last, m, layout):
    pass


@variant(clear, ImageWorkspace)
def _clear(workspace, first, last, m, layout):
    clear_all(first, last, m, layout, workspace)


@part
def share_of_maps(layer, layout, workspace, share):
    """Return which of a layer's maps, in whole panels, are this thread's: from, to."""
    maps = layout.channels[layer + 1] - layout.channels[layer]
    return share_of_panels(0, maps, lanes(workspace.delta), share)


@subroutine
def copy_inputs(x, mini_batch, first, last, m, layout, workspace):
    """Copy the inputs of samples from `first` to `last`."""
    a = workspace.activations
    start, size = block(0, m, layout)
    for s in range(first, last):
        if s + _AHEAD < last:
            inputs.prefetch_row(x, item(mini_batch, s + _AHEAD))
        here = start + s * size
        for i in range(here, here + size, lanes(a)):
            store(a, i, zeros(a))
        inputs.copy_row(x, item(mini_batch, s), layout.keeps[0], a, here)


@subroutine
def clear_all(first, last, m, layout, workspace):
    """Set all images of samples from `first` to `last` to zero, where others may have been: borders have to be zero."""
    a, slopes = workspace.activations, workspace.slopes
    for layer in range(len(layout.kinds)):
        if layout.maps[layer] > 0:
            start, size = block(layer, m, layout)
            for i in range(start + first * size, start + last * size, lanes(a)):
                store(a, i, zeros(a))
                store(slopes, i, zeros(a))
                store(workspace.places, i, zeros(a))
