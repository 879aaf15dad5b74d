"""Networks for tests of the layout, and their expected kernel layers, which are found without the kernels' code."""

from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
from engines import names
from engines.drawing import architectures, parameters_of, with_dtype
from hypothesis import settings
from hypothesis import strategies as st

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.kernels import arrays, layout
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
WIDTHS = st.integers(1, 40) | st.sampled_from([1, 15, 16, 17, 31, 32, 33, 64])
OF_DENSE_LAYERS = architectures(WIDTHS, epsilons=st.just(1e-3))
OF_IMAGES = architectures(WIDTHS, epsilons=st.just(1e-3), images=True)
# These networks have up to 40 maps in a layer, whereas those of OF_IMAGES have at most three.
OF_MANY_MAPS = st.builds(
    lambda maps, filters, pooling, n: Architecture(
        (maps, 7, 6),
        (
            Convolution(filters, (2, 3), "relu", "same"),
            MaxPooling(pooling),
            Convolution(maps, 2, "gelu", "same"),
            MaxPooling(2),
            Dropout(0.5, inverted=False),
            Dense(n),
            Dense(3),
        ),
        dtype=np.dtype("float64"),
    ),
    st.integers(1, 20),
    st.integers(4, 40),
    st.sampled_from([(2, 2), (1, 1), (3, 2)]),
    st.integers(1, 40),
)
ARCHITECTURES = st.builds(with_dtype, OF_DENSE_LAYERS | OF_IMAGES | OF_MANY_MAPS, st.sampled_from(DTYPES))
few = settings(deadline=None, max_examples=60)


class Known(NamedTuple):
    """Expected properties of a kernel layer."""

    layer: Any  # the architecture's layer; None for the kernel layer that copies the images
    first: int  # index of the first architecture layer that this kernel layer computes; -1 if it copies the images
    last: int
    shape: tuple
    pooling: tuple
    borders: tuple

    @property
    def channels(self):
        return self.shape[0]

    @property
    def is_image(self):
        return len(self.shape) == 3


def known_layers(architecture):
    """Return the kernel layers expected for an architecture."""
    layers, shapes = architecture.layers, architecture.shapes
    numbers = [i for i, layer in enumerate(layers) if not isinstance(layer, Dropout)]
    found = []
    if isinstance(layers[numbers[0]], (Convolution, MaxPooling)):
        found.append(Known(None, -1, -1, shapes[0], (1, 1), ((0, 0), (0, 0))))
    for i in numbers:
        pooled = i > 0 and isinstance(layers[i], MaxPooling) and isinstance(layers[i - 1], Convolution)
        if pooled and names.ACTIVATIONS[layers[i - 1].activation].monotonic:
            found[-1] = found[-1]._replace(last=i, shape=shapes[i + 1], pooling=layers[i].shape)
        else:
            pooling = layers[i].shape if isinstance(layers[i], MaxPooling) else (1, 1)
            found.append(Known(layers[i], i, i, shapes[i + 1], pooling, ((0, 0), (0, 0))))
    for k, (below, above) in enumerate(pairwise(found)):
        if isinstance(above.layer, Convolution) and below.is_image:
            found[k] = below._replace(borders=above.layer.borders())
    return found


def bordered(known):
    """Return an image's shape in memory, (rows, columns, maps) with borders, and the slices inside the borders."""
    (above, below), (left, right) = known.borders
    maps, height, width = known.shape
    inside = slice(above, above + height), slice(left, left + width)
    return (above + height + below, left + width + right, maps), inside


def positions(known):
    """Return the memory index of each output of a layer for one sample, in row-major order of (map, row, column)."""
    if not known.is_image:
        return np.arange(prod(known.shape))
    shape, inside = bordered(known)
    return np.arange(prod(shape)).reshape(shape)[inside].transpose(2, 0, 1).ravel()


def whole_vectors(size, dtype):
    """Return `size`, rounded up to a multiple of the number of lanes."""
    return -(-size // lanes_of(dtype)) * lanes_of(dtype)


def laid_out(architecture):
    """Return the layout, drawn parameters, and the same parameters in this layout."""
    parameters = parameters_of(architecture, np.random.default_rng(0))
    parameters = [{name: a.astype(architecture.dtype) for name, a in own.items()} for own in parameters]
    there = layout.layout_of(architecture)
    return there, parameters, arrays.from_arrays(architecture, there, parameters)


def is_normalization(known):
    return isinstance(known.layer, BatchNormalization)


def is_dense(known):
    return isinstance(known.layer, Dense)
