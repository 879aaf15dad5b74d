"""How numbers lie in memory: in panels, vertical strips of a matrix as wide as a vector.

The kernels add rows of numbers to one another, a vector of a row at a time, and one vector after the other. So a matrix
is cut into panels, each stored on its own, row by row: the vector in panel q and row r of a matrix of n rows begins at
`(q * n + r) * lanes`. What a loop over the rows of a panel touches is then in one piece, and small enough for a cache
however wide the matrix is. The last panel is filled up with zeros.

    activations, errors   one row a sample, one column a neuron
    weights of layer 0    one row an input, one column a neuron: an input that is zero is a row left out
    weights above         one row a neuron, one column a neuron of the layer below, as in the book

Numbers of one kind are in one flat array for all layers, so that one compiled kernel serves networks of every depth and
width. Layers are counted as `net.weights` counts them: layer 0 is the first hidden one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from fastnet.kernels.vectors import CACHE_LINE, lanes_of


class Layout(NamedTuple):
    """Where each layer begins.

    Attributes
    ----------
    sizes : ndarray of int64, shape (layers + 1,)
        The number of neurons in each layer, the inputs first.
    units : ndarray of int64, shape (layers + 1,)
        The offset of each layer in an array of one number a neuron, padded; the last entry is the total.
    weights : ndarray of int64, shape (layers + 1,)
        The offset of each layer in the array of weights, padded; the last entry is the total.
    neurons : ndarray, shape (units[-1],)
        1 where there is a neuron, 0 in the padding; of the parameters' type.
    """

    sizes: np.ndarray
    units: np.ndarray
    weights: np.ndarray
    neurons: np.ndarray


class Parameters(NamedTuple):
    """A number for each weight and each bias: the parameters themselves, their gradient, or their velocity.

    Attributes
    ----------
    weights : ndarray, shape (layout.weights[-1],)
        What `scale` has to be multiplied by.
    biases : ndarray, shape (layout.units[-1],)
    scale : ndarray of float64, shape (1,)
        To shrink all weights, as L2 regularization does with every mini-batch, it is enough to shrink this: the weights
        of inputs that are zero are not touched.
    """

    weights: np.ndarray
    biases: np.ndarray
    scale: np.ndarray


class Workspace(NamedTuple):
    """What the kernels compute for the samples of a mini-batch.

    Attributes
    ----------
    activations, delta : ndarray, shape (samples * layout.units[-1],)
        Layer by layer, and in each in panels of one row a sample.
    samples : ndarray of int64
        0, 1, 2, …: the rows of the above, where a product takes a list of rows.
    """

    activations: np.ndarray
    delta: np.ndarray
    samples: np.ndarray


def layout_of(sizes: Sequence[int], dtype: np.dtype) -> Layout:
    """Lay a network of these sizes out."""
    widths = [_padded(size, dtype) for size in sizes[1:]]
    units = np.cumsum([0, *widths], dtype=np.int64)
    neurons = aligned_zeros(units[-1], dtype)
    for start, size in zip(units[:-1], sizes[1:], strict=True):
        neurons[start : start + size] = 1
    numbers = [rows * columns for rows, columns in _padded_shapes(sizes, dtype)]
    return Layout(np.array(sizes, np.int64), units, np.cumsum([0, *numbers], dtype=np.int64), neurons)


def panels(layout: Layout) -> int:
    """Return how many panels layer 0 has."""
    return int(layout.units[1]) // lanes_of(layout.neurons.dtype)


def zeros(layout: Layout) -> Parameters:
    """Return parameters that are all zero."""
    dtype = layout.neurons.dtype
    return Parameters(aligned_zeros(layout.weights[-1], dtype), aligned_zeros(layout.units[-1], dtype), np.ones(1))


def workspace(layout: Layout, samples: int) -> Workspace:
    """Make room for mini-batches of up to so many samples."""
    size, dtype = samples * layout.units[-1], layout.neurons.dtype
    return Workspace(aligned_zeros(size, dtype), aligned_zeros(size, dtype), np.arange(samples))


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin at a cache line, so that no vector lies across two."""
    memory = np.zeros(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)


def padded_rows(matrix: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Copy a matrix into a flat array, row by row, each filled up with zeros to whole vectors."""
    rows, columns = matrix.shape
    width = _padded(columns, dtype)
    padded = aligned_zeros(rows * width, dtype)
    padded.reshape(rows, width)[:, :columns] = matrix
    return padded


def hidden_rows(layout: Layout, matrix: np.ndarray) -> np.ndarray:
    """Copy a matrix of one column a hidden neuron into a flat array, row by row, each layer filled up with zeros."""
    rows = aligned_zeros(len(matrix) * layout.units[-2], layout.neurons.dtype)
    rows.reshape(len(matrix), layout.units[-2])[:, layout.neurons[: layout.units[-2]] == 1] = matrix
    return rows


def to_panels(matrix: np.ndarray, panels: np.ndarray) -> None:
    """Copy a matrix into the panels that begin where `panels` does, without touching their padding."""
    for strip, columns in _strips(matrix, panels):
        strip[:] = columns


def from_panels(panels: np.ndarray, matrix: np.ndarray) -> None:
    """Copy panels into a matrix, without their padding."""
    for strip, columns in _strips(matrix, panels):
        columns[:] = strip


def from_book(layout: Layout, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> Parameters:
    """Copy the book's matrices into one array of weights and one of biases."""
    parameters = zeros(layout)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        to_panels(w.T if layer == 0 else w, parameters.weights[layout.weights[layer] :])
        to_panels(b.T, parameters.biases[layout.units[layer] :])
    return parameters


def to_book(layout: Layout, parameters: Parameters) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Copy the arrays back into the book's matrices: weights, then biases."""
    dtype = layout.neurons.dtype
    weights = [np.empty((n_out, n_in), dtype) for n_in, n_out in pairwise(layout.sizes)]
    biases = [np.empty((n_out, 1), dtype) for n_out in layout.sizes[1:]]
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        from_panels(parameters.weights[layout.weights[layer] :], w.T if layer == 0 else w)
        w *= dtype.type(parameters.scale[0])
        from_panels(parameters.biases[layout.units[layer] :], b.T)
    return weights, biases


def _strips(matrix: np.ndarray, panels: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, for each panel of a matrix, views of its part of the panels and of the matrix."""
    lanes, (rows, columns) = lanes_of(panels.dtype), matrix.shape
    return [
        (
            panels[first * rows : (first + lanes) * rows].reshape(rows, lanes)[:, : columns - first],
            matrix[:, first : first + lanes],
        )
        for first in range(0, columns, lanes)
    ]


def _padded_shapes(sizes: Sequence[int], dtype: np.dtype) -> list[tuple[int, int]]:
    """Return the shapes of the layers' weights, as they are stored."""
    (n_in, n_out), *above = pairwise(sizes)
    return [(n_in, _padded(n_out, dtype)), *((n_out, _padded(n_in, dtype)) for n_in, n_out in above)]


def _padded(size: int, dtype: np.dtype) -> int:
    lanes = lanes_of(dtype)
    return -(-size // lanes) * lanes
