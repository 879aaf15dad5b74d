from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet.kernels import layout
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=5) | st.lists(
    st.sampled_from([1, 16, 31, 32, 33, 64]), min_size=2, max_size=3
)


def drawn_parameters(sizes, dtype, random):
    """Draw weights and biases, none of them zero."""
    weights = [random.uniform(1, 2, (n_out, n_in)).astype(dtype) for n_in, n_out in pairwise(sizes)]
    return weights, [random.uniform(1, 2, (n_out, 1)).astype(dtype) for n_out in sizes[1:]]


def whole_vectors(size, dtype):
    """Return the size with its padding."""
    return next(n for n in range(size, size + lanes_of(dtype)) if n % lanes_of(dtype) == 0)


@given(SIZES, st.sampled_from(DTYPES), st.integers(0, 99))
@settings(deadline=None)
def test_there_and_back_is_the_same(sizes, dtype, seed):
    weights, biases = drawn_parameters(sizes, dtype, np.random.default_rng(seed))
    there = layout.layout_of(sizes, np.dtype(dtype))
    parameters = layout.from_book(there, weights, biases)
    again_weights, again_biases = layout.to_book(there, parameters)
    for array, expected in zip(again_weights + again_biases, weights + biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
        assert array.flags.c_contiguous
        assert not any(np.shares_memory(array, flat) for flat in parameters)
    assert parameters.scale == 1
    for flat, arrays in zip(parameters[:2], (weights, biases), strict=True):  # the padding is zero
        assert np.count_nonzero(flat) == sum(array.size for array in arrays)


@given(SIZES, st.sampled_from(DTYPES))
@settings(deadline=None)
def test_layers_follow_one_another_each_in_whole_vectors(sizes, dtype):
    there = layout.layout_of(sizes, np.dtype(dtype))
    first, *others = [whole_vectors(size, dtype) for size in sizes[1:]]
    assert there.sizes.tolist() == sizes
    assert np.diff(there.units).tolist() == [first, *others]
    numbers = [sizes[0] * first]  # a row an input; then a row a neuron
    numbers += [n_out * whole_vectors(n_in, dtype) for n_in, n_out in pairwise(sizes[1:])]
    assert np.diff(there.weights).tolist() == numbers
    assert there.units[0] == there.weights[0] == 0
    assert layout.panels(there) == first / lanes_of(dtype)
    for array in layout.zeros(there)[:2]:
        assert not array.any()
    np.testing.assert_array_equal(layout.zeros(there).scale, np.ones(1), strict=True)
    assert [len(array) for array in layout.zeros(there)[:2]] == [sum(numbers), sum([first, *others])]


@given(SIZES, st.sampled_from(DTYPES))
@settings(deadline=None)
def test_the_mask_is_one_where_there_is_a_neuron(sizes, dtype):
    there = layout.layout_of(sizes, np.dtype(dtype))
    expected = [np.arange(whole_vectors(size, dtype)) < size for size in sizes[1:]]
    np.testing.assert_array_equal(there.neurons, np.concatenate(expected).astype(dtype), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_is_where_it_has_to_be(dtype):
    """The formula of the module: the vector in panel q and row r of n rows begins at (q * n + r) * lanes."""
    lanes = lanes_of(dtype)
    sizes = [5, 2 * lanes + 3, lanes + 1, 2]
    weights, biases = drawn_parameters(sizes, dtype, np.random.default_rng(0))
    there = layout.layout_of(sizes, np.dtype(dtype))
    parameters = layout.from_book(there, weights, biases)
    for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
        n_out, n_in = w.shape
        for neuron in range(n_out):
            q, lane = divmod(neuron, lanes)
            assert parameters.biases[there.units[layer] + q * lanes + lane] == b[neuron, 0]
            for below in range(n_in):
                if layer == 0:
                    place = (q * n_in + below) * lanes + lane
                else:
                    p, lane_below = divmod(below, lanes)
                    place = (p * n_out + neuron) * lanes + lane_below
                assert parameters.weights[there.weights[layer] + place] == w[neuron, below]


@given(SIZES, st.sampled_from(DTYPES), st.integers(0, 9))
@settings(deadline=None)
def test_no_vector_lies_across_cache_lines(sizes, dtype, samples):
    there = layout.layout_of(sizes, np.dtype(dtype))
    space = layout.workspace(there, samples)
    targets = layout.padded_rows(np.ones((samples + 1, sizes[-1])), np.dtype(dtype))
    for array in (*layout.zeros(there)[:2], there.neurons, space.activations, space.delta, targets):
        assert array.dtype == dtype
        assert array.ctypes.data % 64 == 0 or not array.size
    register = lanes_of(dtype) * np.dtype(dtype).itemsize // 2  # a vector is two of them
    assert 64 % register == 0


@given(SIZES, st.sampled_from(DTYPES), st.integers(0, 9))
@settings(deadline=None)
def test_the_workspace_has_room_for_the_samples(sizes, dtype, samples):
    there = layout.layout_of(sizes, np.dtype(dtype))
    space = layout.workspace(there, samples)
    assert space.activations.shape == space.delta.shape == (samples * there.units[-1],)
    assert not np.shares_memory(space.activations, space.delta)
    assert space.samples.tolist() == list(range(samples))
    assert space.samples.dtype == np.int64


MATRICES = {
    "rows": st.integers(0, 7),
    "columns": st.integers(1, 70),
    "types": st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)),
}


@given(**MATRICES)
@settings(deadline=None)
def test_rows_are_filled_up_with_zeros(rows, columns, types):
    matrix = np.random.default_rng(0).uniform(1, 2, (rows, columns)).astype(types[0])
    padded = layout.padded_rows(matrix, np.dtype(types[1]))
    width = whole_vectors(columns, types[1])
    expected = np.zeros((rows, width), types[1])
    expected[:, :columns] = matrix
    np.testing.assert_array_equal(padded, expected.ravel(), strict=True)


@given(**MATRICES)
@settings(deadline=None)
def test_panels_hold_the_matrix_and_their_padding_is_not_touched(rows, columns, types):
    lanes = lanes_of(types[1])
    matrix = np.random.default_rng(0).uniform(1, 2, (rows, columns)).astype(types[0])
    width = whole_vectors(columns, types[1])
    flat = np.full(rows * width + 3, np.nan, types[1])
    layout.to_panels(matrix, flat)
    expected = np.full((rows, width), np.nan, types[1])
    expected[:, :columns] = matrix
    panels = [expected[:, start : start + lanes].ravel() for start in range(0, width, lanes)]
    np.testing.assert_array_equal(flat, np.concatenate([*panels, [np.nan] * 3]).astype(types[1]), strict=True)

    again = np.zeros((rows, columns), types[1])
    layout.from_panels(flat, again)
    np.testing.assert_array_equal(again, matrix.astype(types[1]))


@given(SIZES, st.sampled_from(DTYPES), st.sampled_from([1.0, 0.5, 1e-6]))
@settings(deadline=None)
def test_the_weights_are_multiplied_by_their_scale_and_the_biases_are_not(sizes, dtype, scale):
    weights, biases = drawn_parameters(sizes, dtype, np.random.default_rng(0))
    there = layout.layout_of(sizes, np.dtype(dtype))
    parameters = layout.from_book(there, weights, biases)
    parameters.scale[0] = scale
    again_weights, again_biases = layout.to_book(there, parameters)
    for array, expected in zip(again_weights, weights, strict=True):
        np.testing.assert_array_equal(array, expected * np.dtype(dtype).type(scale), strict=True)
    for array, expected in zip(again_biases, biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)


@given(SIZES, st.sampled_from(DTYPES), st.integers(0, 7))
@settings(deadline=None)
def test_rows_of_hidden_neurons_have_each_layer_in_its_place(sizes, dtype, samples):
    there = layout.layout_of(sizes, np.dtype(dtype))
    matrix = np.random.default_rng(0).uniform(1, 2, (samples, sum(sizes[1:-1])))
    layers = np.split(matrix, np.cumsum(sizes[1:-1])[:-1], axis=1) if len(sizes) > 2 else []
    expected = np.zeros((samples, sum(whole_vectors(size, dtype) for size in sizes[1:-1])), dtype)
    for start, layer in zip(there.units, layers, strict=False):
        expected[:, start : start + layer.shape[1]] = layer
    np.testing.assert_array_equal(layout.hidden_rows(there, matrix), expected.ravel(), strict=True)
