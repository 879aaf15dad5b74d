"""Where the activations of a layer are in a workspace."""

from __future__ import annotations

from fastnet.kernels.compiler import part
from fastnet.kernels.image_blocks import VECTORS_OF_MAPS
from fastnet.kernels.vectors import narrow_lanes, narrow_zeros, store


@part
def block(layer, m, layout):
    """Return where the images of a layer begin, and the distance from a sample's to the next one's."""
    here = layout.units[layer]
    return m * here, layout.units[layer + 1] - here


@part
def first_place(layer, s, i, c, m, layout):
    """Return where map c of the first place is, in row i of a sample's images."""
    start, size = block(layer, m, layout)
    return start + s * size + layout.origins[layer] + i * layout.lines[layer] + c


@part
def vectors_at_a_time(c, last, width):
    """Return how many narrow vectors of the maps from c to `last` are summed up together."""
    return min(VECTORS_OF_MAPS, (last - c + width - 1) // width)


@part
def clear(array, start, n):
    """Set n numbers to zero, in whole narrow vectors."""
    for i in range(start, start + n, narrow_lanes(array)):
        store(array, i, narrow_zeros(array))


@part
def is_dropped(layer, factors, layout):
    """Return whether a layer's activations have factors: in training, if some of its neurons are dropped."""
    return len(factors) > 0 and layout.factors[layer + 1] > layout.factors[layer]


@part
def first_factor(layer, s, layout):
    """Return where the factors of a sample's neurons begin."""
    return s * layout.factors[-1] + layout.factors[layer]


@part
def steps(layer, m, width, layout):
    """Return the distances of a layer's activations from a sample to the next, and from a panel to the next."""
    if layout.maps[layer] > 0:
        return layout.units[layer + 1] - layout.units[layer], width
    return width, m * width
