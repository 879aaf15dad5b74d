"""Offsets of a layer's activations in a workspace."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.image_blocks import VECTORS_OF_MAPS
from fastnet.kernels.vectors import narrow_lanes, narrow_zeros, store


@part
def block(layer, m, layout):
    """Return the offset of a layer's images, and the distance from one sample to the next sample."""
    here = layout.units[layer]
    return m * here, layout.units[layer + 1] - here


@part
def first_place(layer, s, i, c, m, layout):
    """Return the offset of map c at the first position of row i, in the images of sample s."""
    start, size = block(layer, m, layout)
    return start + s * size + layout.origins[layer] + i * layout.lines[layer] + c


@part
def vectors_at_a_time(c, last, width):
    """Return the number of narrow vectors for maps `c` to `last`, but at most `VECTORS_OF_MAPS`."""
    return min(VECTORS_OF_MAPS, (last - c + width - 1) // width)


@part
def clear(array, start, n):
    """Set n numbers to zero, beginning at index `start`; n is rounded up to whole narrow vectors."""
    for i in range(start, start + n, narrow_lanes(array)):
        store(array, i, narrow_zeros(array))


@part
def is_dropped(layer, factors, layout):
    """Return whether a layer's activations have dropout factors. Outside of training, `factors` is empty."""
    return len(factors) > 0 and layout.factors[layer + 1] > layout.factors[layer]


@part
def first_factor(layer, s, layout):
    """Return the offset of a layer's dropout factors for sample s."""
    return s * layout.factors[-1] + layout.factors[layer]


@part
def steps(layer, m, width, layout):
    """Return the distance between samples and the distance between panels, in the activations of a layer."""
    if layout.maps[layer] > 0:
        return layout.units[layer + 1] - layout.units[layer], width
    return width, m * width
