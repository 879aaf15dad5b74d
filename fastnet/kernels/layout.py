"""How numbers lie in memory: in panels, vertical strips of a matrix as wide as a vector.

The kernels add rows of numbers to one another, a vector of a row at a time, and one vector after the other. So a matrix
is cut into panels, each stored on its own, row by row: the vector in panel q and row r of a matrix of n rows begins at
`(q * n + r) * lanes`. What a loop over the rows of a panel touches is then in one piece, and small enough for a cache
however wide the matrix is. The last panel is filled up with zeros.

    activations, errors   one row a sample, one column a neuron
    weights of layer 0    one row an input, one column a neuron: an input that is zero is a row left out
    weights above         one row a neuron, one column a neuron of the layer below, as in the book

Numbers of one kind are in one flat array for all layers, so that one compiled kernel serves networks of every depth and
width. Layer 0 is the first behind the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple, TypeAlias

import numpy as np

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import name_of
from fastnet.formulas.layers import BatchNormalization, Dense
from fastnet.kernels import activations, costs
from fastnet.kernels.vectors import CACHE_LINE, lanes_of

DENSE, BATCH_NORMALIZATION = range(2)
"""Kinds of layers."""

_PAGE = 4096  # bytes

ArraysOfLayers: TypeAlias = list[dict[str, np.ndarray]]
Factors: TypeAlias = Sequence[np.ndarray | None]


class Layout(NamedTuple):
    """What the layers are, and where each begins. Layers that only drop neurons are not among them.

    Attributes
    ----------
    kinds : ndarray of int64, shape (layers,)
        `DENSE` or `BATCH_NORMALIZATION`.
    activations : ndarray of int64, shape (layers,)
        Numbers of the activation functions, see `activations.CODES`; the last is not used.
    constants : ndarray of float64, shape (2 * layers,)
        For each layer, momentum and epsilon of batch normalization.
    sizes : ndarray of int64, shape (layers + 1,)
        Number of neurons in each layer, the inputs first.
    units : ndarray of int64, shape (layers + 1,)
        The offset of each layer in an array of one number a neuron, padded; the last entry is the total.
    weights : ndarray of int64, shape (layers + 1,)
        The offset of each layer in the array of parameters, padded; the last entry is the total of all weights.
    biases, gammas : int
        Where, in the array of parameters, one number a neuron begins: the biases (of batch normalization, beta), and,
        where there is batch normalization, gamma.
    neurons : ndarray, shape (units[-1],)
        1 where there is a neuron, 0 in the padding; of the parameters' type.
    cost, output : int
        Numbers of the cost and of its output neurons, see `costs.CODES` and `costs.OUTPUTS`.
    """

    kinds: np.ndarray
    activations: np.ndarray
    constants: np.ndarray
    sizes: np.ndarray
    units: np.ndarray
    weights: np.ndarray
    biases: int
    gammas: int
    neurons: np.ndarray
    cost: int
    output: int


class Parameters(NamedTuple):
    """A number for each trained parameter: itself, its gradient, or what an optimizer remembers of it.

    Attributes
    ----------
    values : ndarray
        The weights, which have to be multiplied by `scale`, the biases and the gammas; see `Layout`.
    scale : ndarray of float64, shape (1,)
        To shrink all weights, as L2 regularization does with every mini-batch, it is enough to shrink this: the weights
        of inputs that are zero are not touched.
    """

    values: np.ndarray
    scale: np.ndarray


class Statistics(NamedTuple):
    """Running means of batch normalization: arrays of one number a neuron, or empty."""

    means: np.ndarray
    variances: np.ndarray


class Workspace(NamedTuple):
    """What the kernels compute for the samples of a mini-batch.

    Attributes
    ----------
    activations, slopes, delta : ndarray, shape (samples * layout.units[-1],)
        Layer by layer, and in each in panels of one row a sample: the activations, what they change with z, and the
        errors.
    means, inverses : ndarray, shape (layout.units[-1],)
        Of batch normalization: the mini-batch's mean of each neuron's input, and 1 / sqrt(variance + epsilon).
    samples : ndarray of int64
        0, 1, 2, …: the rows of the above, where a product takes a list of rows.
    """

    activations: np.ndarray
    slopes: np.ndarray
    delta: np.ndarray
    means: np.ndarray
    inverses: np.ndarray
    samples: np.ndarray


def layout_of(architecture: Architecture) -> Layout:
    """Lay a network out."""
    dtype, layers = architecture.dtype, [layer for _, layer in computing(architecture)]
    sizes = [architecture.n_in, *(prod(architecture.shapes[i + 1]) for i, _ in computing(architecture))]
    units = np.cumsum([0, *(_padded(size, dtype) for size in sizes[1:])], dtype=np.int64)
    neurons = aligned_zeros(units[-1], dtype)
    for start, size in zip(units[:-1], sizes[1:], strict=True):
        neurons[start : start + size] = 1
    numbers = [
        prod(_padded_shape(i, n_in, n_out, dtype)) if isinstance(layer, Dense) else 0
        for i, (layer, (n_in, n_out)) in enumerate(zip(layers, pairwise(sizes), strict=True))
    ]
    weights = np.cumsum([0, *numbers], dtype=np.int64)
    normalizations = [layer if isinstance(layer, BatchNormalization) else None for layer in layers]
    return Layout(
        kinds=np.array([DENSE if each is None else BATCH_NORMALIZATION for each in normalizations]),
        activations=np.array([*(activations.CODES[layer.activation] for layer in layers[:-1]), 0], np.int64),
        constants=np.array(
            [n for each in normalizations for n in ((each.momentum, each.epsilon) if each else (0, 0))], float
        ),
        sizes=np.array(sizes, np.int64),
        units=units,
        weights=weights,
        biases=int(weights[-1]),
        gammas=int(weights[-1] + units[-1]),
        neurons=neurons,
        cost=costs.CODES.get(name_of(architecture.cost), 0),  # one of the user's is not computed here
        output=costs.OUTPUTS[architecture.outputs.activation],
    )


def computing(architecture: Architecture) -> list[tuple[int, Dense | BatchNormalization]]:
    """Return the layers that compute something, with their numbers: all but those that drop neurons."""
    return [(i, layer) for i, layer in enumerate(architecture.layers) if isinstance(layer, (Dense, BatchNormalization))]


def panels(layout: Layout) -> int:
    """Return how many panels layer 0 has."""
    return int(layout.units[1]) // lanes_of(layout.neurons.dtype)


def zeros(layout: Layout) -> Parameters:
    """Return parameters that are all zero."""
    with_gammas = (layout.kinds == BATCH_NORMALIZATION).any()
    return Parameters(aligned_zeros(layout.gammas + with_gammas * layout.units[-1], layout.neurons.dtype), np.ones(1))


def workspace(layout: Layout, samples: int) -> Workspace:
    """Make room for mini-batches of up to that many samples."""
    dtype, units = layout.neurons.dtype, int(layout.units[-1])
    small = (aligned_zeros(units, dtype) for _ in range(2))
    return Workspace(*_apart(3, samples * units, dtype), *small, np.arange(samples))


def _apart(count: int, size: int, dtype: np.dtype) -> list[np.ndarray]:
    """Return arrays of zeros of which no two have the same number at addresses that differ by a multiple of a page.

    Processors compare the last 12 bits of addresses to find out whether a load has to wait for a store. What is at the
    same place of several arrays is used together, and would wait without need.
    """
    step = -(-size * dtype.itemsize // _PAGE) * _PAGE + _PAGE // count // CACHE_LINE * CACHE_LINE
    numbers = aligned_zeros(count * step // dtype.itemsize, dtype)
    starts = range(0, len(numbers), step // dtype.itemsize)
    return [numbers[start : start + size] for start in starts]


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


def hidden_rows(architecture: Architecture, layout: Layout, factors: Factors) -> np.ndarray:
    """Return what the activations of hidden neurons are multiplied by, row by row, each layer padded.

    `factors` has, for each Dropout layer, what its inputs are multiplied by, one sample a row. The network's inputs are
    not among the hidden neurons. Where no hidden neuron is dropped, the array is empty.
    """
    found = [
        (i, factor) for i, factor in enumerate(factors) if factor is not None and computing_before(architecture, i)
    ]
    if not found:
        return aligned_zeros(0, layout.neurons.dtype)
    samples, width = len(found[0][1]), layout.units[-2]
    rows = aligned_zeros(samples * width, layout.neurons.dtype)
    matrix = rows.reshape(samples, width)
    matrix[:] = 1
    for i, factor in found:
        start = layout.units[computing_before(architecture, i) - 1]
        matrix[:, start : start + factor.shape[1]] *= factor
    return rows


def input_factors(architecture: Architecture, factors: Factors) -> np.ndarray | None:
    """Return what the network's inputs are multiplied by, one sample a row; None where they are not dropped."""
    found = [each for i, each in enumerate(factors) if each is not None and not computing_before(architecture, i)]
    return np.prod(found, axis=0) if found else None


def computing_before(architecture: Architecture, i: int) -> int:
    """Return the number of layers before layer i that compute something."""
    return sum(number < i for number, _ in computing(architecture))


def to_panels(matrix: np.ndarray, panels: np.ndarray) -> None:
    """Copy a matrix into the panels that begin where `panels` does, without touching their padding."""
    for strip, columns in _strips(matrix, panels):
        strip[:] = columns


def from_panels(panels: np.ndarray, matrix: np.ndarray) -> None:
    """Copy panels into a matrix, without their padding."""
    for strip, columns in _strips(matrix, panels):
        columns[:] = strip


def from_arrays(architecture: Architecture, layout: Layout, arrays: ArraysOfLayers) -> Parameters:
    """Copy the trained arrays of each layer into one array."""
    parameters = zeros(layout)
    for matrix, panels in _placed(architecture, layout, arrays, parameters.values):
        to_panels(matrix, panels)
    return parameters


def to_arrays(architecture: Architecture, layout: Layout, parameters: Parameters) -> ArraysOfLayers:
    """Copy the array back into those of each layer."""
    dtype = layout.neurons.dtype
    arrays = [{name: np.empty(shape, dtype) for name, shape in trained.items()} for trained in architecture.trained]
    for matrix, panels in _placed(architecture, layout, arrays, parameters.values):
        from_panels(panels, matrix)
    for each in arrays:
        if "weights" in each:
            each["weights"] *= dtype.type(parameters.scale[0])
    return arrays


def statistics_from(architecture: Architecture, layout: Layout, arrays: ArraysOfLayers) -> Statistics:
    """Copy the running means of batch normalization."""
    size = layout.units[-1] if (layout.kinds == BATCH_NORMALIZATION).any() else 0
    statistics = Statistics(*(aligned_zeros(size, layout.neurons.dtype) for _ in range(2)))
    for number, part in _statistics(architecture, layout):
        statistics.means[part], statistics.variances[part] = (arrays[number][n].ravel() for n in ("mean", "variance"))
    return statistics


def add_statistics(
    architecture: Architecture, layout: Layout, statistics: Statistics, arrays: ArraysOfLayers
) -> ArraysOfLayers:
    """Add copies of the running means to the arrays of their layers."""
    for number, part in _statistics(architecture, layout):
        both = {"mean": statistics.means[part], "variance": statistics.variances[part]}
        arrays[number] |= {name: array.reshape(-1, 1).copy() for name, array in both.items()}
    return arrays


def _statistics(architecture: Architecture, layout: Layout) -> Iterator[tuple[int, slice]]:
    """Yield the number of each batch normalization, and where its neurons are."""
    for layer, (number, kind) in enumerate(computing(architecture)):
        if isinstance(kind, BatchNormalization):
            start = layout.units[layer]
            yield number, slice(start, start + layout.sizes[layer + 1])


def _placed(
    architecture: Architecture, layout: Layout, arrays: ArraysOfLayers, values: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each trained array, as a matrix that is cut into panels, and where these begin."""
    for layer, (number, _) in enumerate(computing(architecture)):
        unit = layout.units[layer]
        for name, array in arrays[number].items():
            if name == "weights":
                yield array.T if layer == 0 else array, values[layout.weights[layer] :]
            elif name in ("biases", "beta"):
                yield array.T, values[layout.biases + unit :]
            elif name == "gamma":
                yield array.T, values[layout.gammas + unit :]


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


def _padded_shape(layer: int, n_in: int, n_out: int, dtype: np.dtype) -> tuple[int, int]:
    """Return the shape of a dense layer's weights, as they are stored."""
    return (n_in, _padded(n_out, dtype)) if layer == 0 else (n_out, _padded(n_in, dtype))


def _padded(size: int, dtype: np.dtype) -> int:
    lanes = lanes_of(dtype)
    return -(-size // lanes) * lanes
