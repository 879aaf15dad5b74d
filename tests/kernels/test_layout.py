from itertools import pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given
from kernels.networks import (
    ARCHITECTURES,
    bordered,
    few,
    is_normalization,
    known_layers,
    positions,
    whole_vectors,
)

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import class_name
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.kernels import activations, costs, layout, shares
from fastnet.kernels.vectors import lanes_of, narrow_lanes_of

KINDS = {
    Dense: layout.DENSE,
    BatchNormalization: layout.BATCH_NORMALIZATION,
    Convolution: layout.CONVOLUTION,
    MaxPooling: layout.POOLING,
    type(None): layout.IMAGES,
}


@given(ARCHITECTURES)
@few
def test_what_the_layers_are(architecture):
    there, known = layout.layout_of(architecture), known_layers(architecture)
    assert there.kinds.tolist() == [KINDS[type(each.layer)] for each in known]
    assert there.sizes.tolist() == [architecture.n_in, *(prod(each.shape) for each in known)]
    names = [getattr(each.layer, "activation", None) or "linear" for each in known[:-1]]
    assert there.activations[:-1].tolist() == [activations.CODES[name] for name in names]
    constants = [(getattr(each.layer, "momentum", 0), getattr(each.layer, "epsilon", 0)) for each in known]
    np.testing.assert_array_equal(there.constants.reshape(-1, 2), np.array(constants, float), strict=True)
    assert there.cost == costs.CODES[class_name(architecture.cost)]
    assert there.output == costs.OUTPUTS[architecture.layers[-1].activation]
    shapes = [each.shape if each.is_image else (0, 0, 0) for each in known]
    np.testing.assert_array_equal(np.transpose([there.maps, there.heights, there.widths]), shapes)


@given(ARCHITECTURES)
@few
def test_layers_follow_one_another_each_in_whole_vectors(architecture):
    there, known, dtype = layout.layout_of(architecture), known_layers(architecture), architecture.dtype
    channels = [whole_vectors(each.channels, dtype) for each in known]
    assert np.diff(there.channels).tolist() == channels
    for size, each in zip(np.diff(there.units), known, strict=True):
        if each.is_image:  # a narrow vector that begins at the last output must fit into the memory
            most = positions(each).max() + narrow_lanes_of(dtype)
            assert prod(bordered(each)[0]) <= size
            assert most <= size <= most + prod(bordered(each)[0]) + lanes_of(dtype)
        else:
            assert size == whole_vectors(each.channels, dtype)
    for starts in (there.units, there.channels, there.weights, there.filters):
        assert starts[0] == 0
        assert len(starts) == len(known) + 1
        assert (np.diff(starts) >= 0).all()
    for starts in (there.units, there.channels, there.weights):
        assert not (starts % lanes_of(dtype)).any()
    assert there.biases == there.weights[-1]
    assert there.gammas == there.biases + there.channels[-1]
    zeros = layout.zeros(there)
    assert not zeros.values.any()
    with_gammas = any(is_normalization(each) for each in known)
    assert len(zeros.values) == there.gammas + (there.channels[-1] if with_gammas else 0)
    np.testing.assert_array_equal(zeros.scale, np.ones(1), strict=True)
    for name, array in there._asdict().items():
        if isinstance(array, np.ndarray) and name not in ("constants", "keeps", "neurons", "pools_2x2"):
            assert array.dtype == np.int64, name  # so that Numba's type is the same for every layout


@given(ARCHITECTURES)
@few
def test_weights_have_enough_memory(architecture):
    """Weights have a row per input in layer 0, and a row per neuron in other dense layers. Filters have padded rows."""
    there, known, dtype = layout.layout_of(architecture), known_layers(architecture), architecture.dtype
    below = None
    for k, each in enumerate(known):
        numbers, filters = 0, 0
        if isinstance(each.layer, Dense):
            n_in, n_out = prod(below.shape if below else architecture.input_shape), each.channels
            numbers = n_out * whole_vectors(n_in, dtype) if below else n_in * whole_vectors(n_out, dtype)
        elif isinstance(each.layer, Convolution):
            rows, columns = each.layer.shape
            narrow = narrow_lanes_of(dtype)
            row = -(-columns * below.channels // narrow) * narrow
            numbers = each.layer.filters * whole_vectors(rows * row, dtype)
            filters = rows * columns * below.channels * -(-each.layer.filters // narrow) * narrow
            assert (there.rows[k], there.taps[k]) == (rows, columns * below.channels)
        assert there.weights[k + 1] - there.weights[k] == numbers
        assert there.filters[k + 1] - there.filters[k] == filters
        below = each


@given(ARCHITECTURES)
@few
def test_the_mask_is_one_where_there_is_a_neuron_or_a_map(architecture):
    dtype, known = architecture.dtype, known_layers(architecture)
    expected = [np.arange(whole_vectors(each.channels, dtype)) < each.channels for each in known]
    there = layout.layout_of(architecture)
    np.testing.assert_array_equal(there.neurons, np.concatenate(expected).astype(dtype), strict=True)


@given(ARCHITECTURES)
@few
def test_images_and_their_borders(architecture):
    there = layout.layout_of(architecture)
    for k, (each, found) in enumerate(zip(known_layers(architecture), layout.computed(architecture), strict=True)):
        assert (found.first, found.last, found.size) == (each.first, each.last, prod(each.shape))
        assert (found.image is not None) == each.is_image
        if each.is_image:
            assert found.image.size == prod(bordered(each)[0])
            np.testing.assert_array_equal(found.image.positions(), positions(each))
            place = positions(each).reshape(each.shape)
            assert there.origins[k] == place[0, 0, 0]
            if each.shape[1] > 1:
                assert there.lines[k] == place[0, 1, 0] - place[0, 0, 0]


@given(ARCHITECTURES)
@few
def test_windows_find_their_inputs(architecture):
    """An element's value is its index in the image, so the values in a window show the window's position."""
    there, known = layout.layout_of(architecture), known_layers(architecture)
    for k, each in enumerate(known):
        if not isinstance(each.layer, (Convolution, MaxPooling)):
            assert there.pools[k] == there.rows[k] == there.taps[k] == 0
            assert there.places[k] == there.places[k + 1]
            assert there.patches[k] == there.patches[k + 1]
            continue
        below, (high, wide) = known[k - 1], each.pooling
        image = np.arange(prod(bordered(below)[0])).reshape(bordered(below)[0])
        rows, columns = each.layer.shape if isinstance(each.layer, Convolution) else (1, 1)
        maps, height, width = each.shape
        assert there.pools[k] == high * wide
        table = there.table[there.places[k] : there.places[k + 1]]
        patch = there.table[there.patches[k] : there.patches[k + 1]]
        if isinstance(each.layer, MaxPooling):
            assert len(patch) == 0
            patch = np.arange(maps)
        assert len(table) % 4 == 0
        assert len(table) - 3 <= width * high * wide <= len(table)
        assert set(table[width * high * wide :]) <= set(table[: width * high * wide])
        for i in range(height):
            for j in range(width):
                for q in range(high * wide):
                    y, x = i * high + q // wide, j * wide + q % wide
                    place = there.corners[k] + i * there.strides[k] + table[j * high * wide + q]
                    np.testing.assert_array_equal(place + patch, image[y : y + rows, x : x + columns].ravel())
        extent = there.extents[2 * k : 2 * k + 2]
        np.testing.assert_array_equal(extent, (high - 1, (wide - 1) * below.channels))
        assert there.pools_2x2[k] == ((high, wide) == (2, 2))


@given(ARCHITECTURES)
@few
def test_what_is_kept_where_nothing_is_dropped(architecture):
    known, expected = known_layers(architecture), []
    ends = [-1, *(each.last for each in known if each.layer), len(architecture.layers)]
    for end, following in pairwise(ends):
        dropped = [each for each in architecture.layers[end + 1 : following] if isinstance(each, Dropout)]
        expected.append(prod(1 if each.inverted else 1 - each.p for each in dropped))
    if known[0].layer is None:
        # The engine has already multiplied the images by the inputs' factor, so the factor of their copy is 1.
        expected.insert(1, 1)
    np.testing.assert_array_equal(layout.layout_of(architecture).keeps, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_of_a_mini_batch(dtype):
    """Threads divide the panels of layer 0 in a dense network, and the samples in a convolutional network."""
    dense = Architecture((3,), (Dense(3 * lanes_of(dtype) + 1), Dense(2)), dtype=np.dtype(dtype))
    images = Architecture((1, 4, 4), (Dropout(0.5), Convolution(2, 2), Dense(2)), dtype=np.dtype(dtype))
    for samples in (0, 1, 10):
        assert layout.parts(layout.layout_of(dense), samples) == 4
        assert layout.parts(layout.layout_of(images), samples) == max(samples, 1)


@pytest.mark.parametrize("samples", [39, 40, 41, 1000])
def test_threads_are_chosen_for_what_the_kernels_divide(samples):
    """With dense inputs, threads divide blocks of samples if samples outnumber neurons, else panels of neurons."""
    there = layout.layout_of(Architecture((3,), (Dense(40), Dense(2)), dtype=np.dtype("float32")))
    panels = layout.parts(there, samples)
    divided = shares.divides_samples.py_func(samples, there)
    assert layout.parts(there, samples, is_dense=True) == (samples // 8 if divided else panels)
