"""Which parts of a layer are a thread's."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.layout import DENSE
from fastnet.kernels.threads import share_of


@part
def share_of_panels(start, stop, width, share):
    """Return which of a layer's neurons, in whole panels, are this thread's: from, to."""
    first, last = share_of((stop - start) // width, share)
    return start + first * width, start + last * width


@part
def share_of_weights(layer, layout, width, share):
    """Return which of a layer's weights are those that this thread changes: from, to."""
    rows, columns = layout.sizes[0], layout.units[1]  # of layer 0, whose panels are of its own neurons
    start = layout.units[0]
    if layer > 0:
        rows, columns, start = layout.sizes[layer + 1], layout.units[layer], layout.units[layer - 1]
    if layout.kinds[layer] != DENSE:
        rows = 0
    first, last = share_of_panels(start, columns, width, share)
    w = layout.weights[layer] - start * rows
    return w + first * rows, w + last * rows
