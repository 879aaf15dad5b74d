"""Which parts of a layer are a thread's."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.layout import CONVOLUTION, DENSE
from fastnet.kernels.threads import share_of


@part
def share_of_panels(start, stop, width, share):
    """Return which of a layer's neurons, in whole panels, are this thread's: from, to."""
    first, last = share_of((stop - start) // width, share)
    return start + first * width, start + last * width


@part
def share_of_filters(layer, layout, share):
    """Return which filters of a convolution are this thread's: from, to."""
    return share_of(layout.maps[layer], share)


@part
def room_of(room, share):
    """Return where, in an array with room for each thread, this thread's begins."""
    return len(room) // share.threads * share.thread


@part
def share_of_weights(layer, layout, width, share):
    """Return which of a layer's weights are those that this thread changes: from, to."""
    start, stop = layout.weights[layer], layout.weights[layer + 1]
    if layout.kinds[layer] == CONVOLUTION:
        size = (stop - start) // layout.maps[layer]
        first, last = share_of_filters(layer, layout, share)
        return start + first * size, start + last * size
    if layout.kinds[layer] != DENSE:
        return start, start
    columns = layout.sizes[layer + 1] if layer == 0 else layout.sizes[layer]  # which are padded to whole panels
    panels = (columns + width - 1) // width
    first, last = share_of(panels, share)
    size = (stop - start) // panels
    return start + first * size, start + last * size
