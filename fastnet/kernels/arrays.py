"""Copies arrays between the book's shapes and the kernels' memory layout (see `layout`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense
from fastnet.kernels.layout import (
    IMAGES,
    Layout,
    Parameters,
    Statistics,
    aligned_zeros,
    computed,
    filter_block,
    layer_before,
    narrowly_padded,
    zeros,
)
from fastnet.kernels.vectors import lanes_of

ArraysOfLayers: TypeAlias = list[dict[str, np.ndarray]]
Factors: TypeAlias = Sequence[np.ndarray | None]


def from_arrays(architecture: Architecture, layout: Layout, arrays: ArraysOfLayers) -> Parameters:
    """Copy the trained arrays of each layer, in the book's shapes, into one flat array."""
    parameters, arrays = zeros(layout), [dict(each) for each in arrays]
    for own, positions in _reordered(architecture, arrays):
        by_place = np.empty_like(own["weights"])
        by_place[:, positions] = own["weights"]
        own["weights"] = by_place
    for array, there in _placed(architecture, layout, arrays, parameters.values):
        there[...] = array
    return parameters


def to_arrays(architecture: Architecture, layout: Layout, parameters: Parameters) -> ArraysOfLayers:
    """Copy the parameters into new arrays of each layer, in the book's shapes."""
    dtype = layout.neurons.dtype
    arrays = [{name: np.empty(shape, dtype) for name, shape in trained.items()} for trained in architecture.trained]
    for array, there in _placed(architecture, layout, arrays, parameters.values):
        array[...] = there
    for own, positions in _reordered(architecture, arrays):
        own["weights"] = np.take(own["weights"], positions, axis=1)
    for each in arrays:
        if "weights" in each:
            each["weights"] *= dtype.type(parameters.scale[0])
    return arrays


def _reordered(
    architecture: Architecture, arrays: ArraysOfLayers
) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """For each dense layer whose inputs are images, yield the layer's arrays and the inputs' offsets in the images."""
    for below, layer in pairwise(computed(architecture)):
        if isinstance(layer.layer, Dense) and below.image is not None:
            yield arrays[layer.first], below.image.positions()


def statistics_from(architecture: Architecture, layout: Layout, arrays: ArraysOfLayers) -> Statistics:
    """Copy the running means and variances of batch normalization into `Statistics`."""
    parts = list(_statistics(architecture, layout))
    size = layout.channels[-1] if parts else 0
    statistics = Statistics(*(aligned_zeros(size, layout.neurons.dtype) for _ in range(2)))
    for number, part in parts:
        statistics.means[part], statistics.variances[part] = (arrays[number][n].ravel() for n in ("mean", "variance"))
    return statistics


def add_statistics(
    architecture: Architecture, layout: Layout, statistics: Statistics, arrays: ArraysOfLayers
) -> ArraysOfLayers:
    """Put copies of the running means and variances into the dictionaries of their layers, in shape (channels, 1)."""
    for number, part in _statistics(architecture, layout):
        both = {"mean": statistics.means[part], "variance": statistics.variances[part]}
        arrays[number] |= {name: array.reshape(-1, 1).copy() for name, array in both.items()}
    return arrays


def _statistics(architecture: Architecture, layout: Layout) -> Iterator[tuple[int, slice]]:
    """For each batch normalization layer, yield its index in the architecture and the slice of its channels."""
    for start, each in zip(layout.channels, computed(architecture), strict=False):
        if isinstance(each.layer, BatchNormalization):
            yield each.first, slice(start, start + each.channels)


def _placed(
    architecture: Architecture, layout: Layout, arrays: ArraysOfLayers, values: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each trained array or panel of weights, yield two views of the same shape: of the array, and of `values`."""
    layers = computed(architecture)
    for i, layer in enumerate(layers):
        channel = layout.channels[i]
        for name, array in arrays[layer.first].items() if layer.first >= 0 else ():
            if name == "weights" and isinstance(layer.layer, Convolution):
                yield array.transpose(0, 2, 3, 1), _filters(array, values[layout.weights[i] :])
            elif name == "weights":
                yield from strips(array if i else array.T, values[layout.weights[i] :])
            elif name in ("biases", "beta"):
                yield array.T, values[layout.biases + channel :][np.newaxis, : layer.channels]
            elif name == "gamma":
                yield array.T, values[layout.gammas + channel :][np.newaxis, : layer.channels]


def _filters(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a view of a convolution's weights in `values`, of shape (filters, rows, columns, maps)."""
    filters, maps, rows, columns = weights.shape
    block = filter_block(rows, columns * maps, values.dtype)
    line = narrowly_padded(columns * maps, values.dtype)
    whole = values[: filters * block].reshape(filters, block)[:, : rows * line].reshape(filters, rows, line)
    return whole[:, :, : columns * maps].reshape(filters, rows, columns, maps)


def strips(matrix: np.ndarray, panels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each panel, yield a view of its columns in the matrix, and a view of the panel without padding."""
    lanes, (rows, columns) = lanes_of(panels.dtype), matrix.shape
    for first in range(0, columns, lanes):
        panel = panels[first * rows : (first + lanes) * rows].reshape(rows, lanes)
        yield matrix[:, first : first + lanes], panel[:, : columns - first]


def outputs_of(layout: Layout, activations: np.ndarray, samples: int) -> np.ndarray:
    """Return a copy of z of the output layer, shape (samples, n_out), given a workspace's activations."""
    found = np.empty((samples, layout.sizes[-1]), layout.neurons.dtype)
    for part, panel in strips(found, activations[samples * layout.units[-2] :]):
        part[:] = panel
    return found


def flat_rows(matrix: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a flat, row-major copy of a matrix, followed by one vector of zeros.

    The zeros are needed because vector loads may read beyond the end of the matrix.
    """
    flat = aligned_zeros(matrix.size + lanes_of(dtype), dtype)
    flat[: matrix.size].reshape(matrix.shape)[:] = matrix
    return flat


def hidden_rows(architecture: Architecture, layout: Layout, factors: Factors) -> np.ndarray:
    """Return the dropout factors of hidden neurons in a flat array, sample by sample, in the order of `layout`.

    `factors` has an entry for each layer of the architecture. The entry of a Dropout layer has the factors of the
    layer's inputs, with one row per sample. The entries of all other layers are None. The returned array has no factors
    of the network's inputs, and no factors of layers without dropped neurons.
    """
    layers = computed(architecture)
    pairs = ((layer_before(layers, i), factor) for i, factor in enumerate(factors) if factor is not None)
    found = [(k, factor) for k, factor in pairs if k >= 0]
    if not found:
        return aligned_zeros(0, layout.neurons.dtype)
    samples, width = len(found[0][1]), layout.factors[-1]
    rows = aligned_zeros(samples * width, layout.neurons.dtype)
    matrix = rows.reshape(samples, width)
    matrix[:] = 1
    for k, factor in found:
        image = layers[k].image
        part = slice(factor.shape[1]) if image is None else image.positions()
        matrix[:, layout.factors[k] : layout.factors[k + 1]][:, part] *= factor
    return rows


def input_factors(architecture: Architecture, factors: Factors) -> np.ndarray | None:
    """Return the dropout factors of the network's inputs, shape (samples, n_in); None if no inputs are dropped."""
    layers = computed(architecture)
    found = [each for i, each in enumerate(factors) if each is not None and layer_before(layers, i) < 0]
    return np.prod(found, axis=0) if found else None


def positions_of_inputs(architecture: Architecture) -> tuple[np.ndarray, int] | None:
    """Return the offset of each input in a stored sample, and the size of a sample.

    Return None if a stored sample has the order of the network's inputs and no border.
    """
    layer = computed(architecture)[0]
    if layer.kind != IMAGES or layer.image is None:
        return None
    positions = layer.image.positions()
    is_identity = len(positions) == layer.image.size and bool((np.diff(positions) == 1).all())
    return None if is_identity else (positions, layer.image.size)
