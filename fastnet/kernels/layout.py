"""How the parameters lie in memory: all weights in one array, all biases in another.

One kernel then serves networks of every depth and width, and is compiled once. The weights of a layer are stored with
one row for each neuron that they come from, `(n_in, n_out)`, the transpose of the book's: what a non-zero input adds
to the next layer, and what the update changes because of it, is then one row. Rows are padded with zeros to a whole
number of vectors, so that no loop over a row has a remainder.

Layers are counted as `net.weights` counts them: layer 0 is the first hidden one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastnet.kernels.compiler import part
from fastnet.kernels.prefetching import CACHE_LINE

_VECTOR = 16  # numbers: one AVX-512 register of float32, two of AVX2


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
    """

    sizes: np.ndarray
    units: np.ndarray
    weights: np.ndarray


class Parameters(NamedTuple):
    """A number for each weight and each bias: the parameters themselves, or their gradient.

    Attributes
    ----------
    weights : ndarray, shape (layout.weights[-1],)
    biases : ndarray, shape (layout.units[-1],)
    """

    weights: np.ndarray
    biases: np.ndarray


def layout_of(sizes: Sequence[int]) -> Layout:
    """Lay a network of these sizes out."""
    widths = [-(-size // _VECTOR) * _VECTOR for size in sizes[1:]]
    return Layout(
        np.array(sizes, np.int64),
        np.cumsum([0, *widths], dtype=np.int64),
        np.cumsum([0, *(n_in * width for n_in, width in zip(sizes[:-1], widths, strict=True))], dtype=np.int64),
    )


def zeros(layout: Layout, dtype: np.dtype) -> Parameters:
    """Return parameters that are all zero."""
    return Parameters(_aligned_zeros(layout.weights[-1], dtype), _aligned_zeros(layout.units[-1], dtype))


def _aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin at a cache line, so that no vector lies across two."""
    memory = np.zeros(size * dtype.itemsize + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size * dtype.itemsize].view(dtype)


def from_book(
    layout: Layout, dtype: np.dtype, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]
) -> Parameters:
    """Copy the book's matrices into one array of weights and one of biases."""
    parameters = zeros(layout, dtype)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        _weights(layout, parameters, layer)[:] = w.T
        _biases(layout, parameters, layer)[:] = b[:, 0]
    return parameters


def to_book(layout: Layout, parameters: Parameters) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Copy the arrays back into the book's matrices: weights, then biases."""
    layers = range(len(layout.sizes) - 1)
    return (
        [np.ascontiguousarray(_weights(layout, parameters, layer).T) for layer in layers],
        [_biases(layout, parameters, layer)[:, np.newaxis].copy() for layer in layers],
    )


def _weights(layout: Layout, parameters: Parameters, layer: int) -> np.ndarray:
    return weights_of.py_func(layout, parameters, layer)[:, : layout.sizes[layer + 1]]


def _biases(layout: Layout, parameters: Parameters, layer: int) -> np.ndarray:
    return biases_of.py_func(layout, parameters, layer)[: layout.sizes[layer + 1]]


@part
def weights_of(layout, parameters, layer):
    """View a layer's weights as a matrix of one row for each neuron that they come from."""
    weights = parameters.weights[layout.weights[layer] : layout.weights[layer + 1]]
    return weights.reshape(layout.sizes[layer], -1)


@part
def biases_of(layout, parameters, layer):
    """View a layer's biases as a vector."""
    return parameters.biases[layout.units[layer] : layout.units[layer + 1]]


@part
def units_of(layout, units, layer, samples):
    """View a layer's part of an array of one number a neuron and sample, as a matrix of one sample a row."""
    return units[samples * layout.units[layer] : samples * layout.units[layer + 1]].reshape(samples, -1)
