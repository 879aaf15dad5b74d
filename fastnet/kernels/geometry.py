"""Where the activations of a layer are in a workspace."""

from __future__ import annotations

from fastnet.kernels.compiler import part


@part
def block(layer, m, layout):
    """Return where the images of a layer begin, and the distance from a sample's to the next one's."""
    here = layout.units[layer]
    return m * here, layout.units[layer + 1] - here


@part
def steps(layer, m, width, layout):
    """Return the distances of a layer's activations from a sample to the next, and from a panel to the next."""
    if layout.maps[layer] > 0:
        return layout.units[layer + 1] - layout.units[layer], width
    return width, m * width
