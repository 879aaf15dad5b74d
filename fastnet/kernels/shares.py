"""How the work of a layer is divided among the threads."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.layout import CONVOLUTION, DENSE, ENOUGH_SAMPLES
from fastnet.kernels.threads import share_of

WEIGHTS_IN_CACHE = 1 << 17
"""Number of weights that stay in a core's L2 cache until they are used again."""


@part
def share_of_panels(start, stop, width, share):
    """Return the indices of this thread's neurons: the first, and one past the last. A thread gets whole panels."""
    first, last = share_of((stop - start) // width, share)
    return start + first * width, start + last * width


@part
def divides_samples(m, layout):
    """Return whether threads divide the samples of a dense layer 0 with dense inputs; see `inputs.divides_neurons`."""
    return m > layout.sizes[1]


@part
def divides_outputs(layer, m, layout):
    """Return whether threads divide the neurons of a dense layer above layer 0 when samples are fed forward.

    Otherwise, threads divide the samples, and each thread reads all weights of the layer. With few samples and many
    weights, reading takes longer than multiplying.
    """
    return m < ENOUGH_SAMPLES and layout.sizes[layer] * layout.sizes[layer + 1] > WEIGHTS_IN_CACHE


@part
def share_of_filters(layer, layout, share):
    """Return this thread's filters of a convolution: the first, and one past the last."""
    return share_of(layout.maps[layer], share)


@part
def scratch_of(scratch, share):
    """Return the index where this thread's section of a scratch array begins."""
    return len(scratch) // share.threads * share.thread


@part
def share_of_weights(layer, layout, width, share):
    """Return the weights of a layer that this thread updates: the first, and one past the last."""
    start, stop = layout.weights[layer], layout.weights[layer + 1]
    if layout.kinds[layer] == CONVOLUTION:
        size = (stop - start) // layout.maps[layer]
        first, last = share_of_filters(layer, layout, share)
        return start + first * size, start + last * size
    if layout.kinds[layer] != DENSE:
        return start, start
    columns = layout.sizes[layer + 1] if layer == 0 else layout.sizes[layer]  # number of columns without padding
    panels = (columns + width - 1) // width
    first, last = share_of(panels, share)
    size = (stop - start) // panels
    return start + first * size, start + last * size
