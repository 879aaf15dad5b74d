"""Where images lie in a workspace, and their copy from the inputs."""

from __future__ import annotations

from fastnet.kernels import inputs
from fastnet.kernels.compiler import part, subroutine
from fastnet.kernels.vectors import item, lanes, store, zeros

AHEAD = 2  # samples: how early a sample's inputs are asked for


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


@subroutine
def copy(x, mini_batch, first, last, m, layout, workspace):
    """Copy the inputs of samples from `first` to `last`."""
    a = workspace.activations
    start, size = block(0, m, layout)
    for s in range(first, last):
        if s + AHEAD < last:
            inputs.prefetch_row(x, item(mini_batch, s + AHEAD))
        here = start + s * size
        for i in range(here, here + size, lanes(a)):
            store(a, i, zeros(a))
        inputs.copy_row(x, item(mini_batch, s), layout.keeps[0], a, here)


@subroutine
def clear(first, last, m, layout, workspace):
    """Set all images of samples from `first` to `last` to zero, where others may have been: borders have to be zero."""
    a, slopes = workspace.activations, workspace.slopes
    for layer in range(len(layout.kinds)):
        if layout.maps[layer] > 0:
            start, size = block(layer, m, layout)
            for i in range(start + first * size, start + last * size, lanes(a)):
                store(a, i, zeros(a))
                store(slopes, i, zeros(a))
                store(workspace.places, i, zeros(a))
