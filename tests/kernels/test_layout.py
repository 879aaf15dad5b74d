from itertools import pairwise

import numpy as np
import pytest
from engines.drawing import architectures, parameters_of, with_dtype
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout
from fastnet.kernels import activations, costs, layout
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
WIDTHS = st.integers(1, 40) | st.sampled_from([1, 15, 16, 17, 31, 32, 33, 64])
ARCHITECTURES = st.builds(with_dtype, architectures(WIDTHS, epsilons=st.just(1e-3)), st.sampled_from(DTYPES))
few = settings(deadline=None, max_examples=50)


def laid_out(architecture):
    """Return the layout, parameters that are drawn, and where they are."""
    parameters = parameters_of(architecture, np.random.default_rng(0))
    parameters = [{name: a.astype(architecture.dtype) for name, a in own.items()} for own in parameters]
    there = layout.layout_of(architecture)
    return there, parameters, layout.from_arrays(architecture, there, parameters)


def computing(architecture):
    """Return the layers that are not Dropout."""
    return [layer for layer in architecture.layers if not isinstance(layer, Dropout)]


def neurons(architecture):
    """Return the number of inputs, and of the neurons of each layer that is not Dropout."""
    behind = zip(architecture.layers, architecture.shapes[1:], strict=True)
    return [*architecture.shapes[0], *(n for layer, (n,) in behind if not isinstance(layer, Dropout))]


def whole_vectors(size, dtype):
    """Return the size with its padding."""
    return next(n for n in range(size, size + lanes_of(dtype)) if n % lanes_of(dtype) == 0)


@given(ARCHITECTURES)
@few
def test_there_and_back_is_the_same(architecture):
    there, parameters, flat = laid_out(architecture)
    statistics = layout.statistics_from(architecture, there, parameters)
    again = layout.to_arrays(architecture, there, flat)
    assert [own.keys() for own in again] == [own.keys() for own in architecture.trained]
    again = layout.add_statistics(architecture, there, statistics, again)
    assert [own.keys() for own in again] == [own.keys() for own in parameters]
    for own, expected in zip(again, parameters, strict=True):
        for name, array in own.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)
            assert array.flags.c_contiguous
            assert not any(np.shares_memory(array, other) for other in (*flat, *statistics))
    assert flat.scale == 1
    trained = [own[name] for own, names in zip(parameters, architecture.trained, strict=True) for name in names]
    assert np.count_nonzero(flat.values) == sum(array.size for array in trained)  # the padding is zero


@given(ARCHITECTURES)
@few
def test_layers_follow_one_another_each_in_whole_vectors(architecture):
    there, sizes, dtype = layout.layout_of(architecture), neurons(architecture), architecture.dtype
    first, *others = [whole_vectors(size, dtype) for size in sizes[1:]]
    assert there.sizes.tolist() == sizes
    assert np.diff(there.units).tolist() == [first, *others]
    numbers = [sizes[0] * first]  # a row an input; then a row a neuron
    numbers += [n_out * whole_vectors(n_in, dtype) for n_in, n_out in pairwise(sizes[1:])]
    dense = [isinstance(layer, Dense) for layer in computing(architecture)]
    assert np.diff(there.weights).tolist() == [n * is_dense for n, is_dense in zip(numbers, dense, strict=True)]
    assert there.units[0] == there.weights[0] == 0
    assert there.biases == there.weights[-1]
    assert there.gammas == there.biases + there.units[-1]
    assert layout.panels(there) == first / lanes_of(dtype)
    zeros = layout.zeros(there)
    assert not zeros.values.any()
    assert len(zeros.values) == there.gammas + (0 if all(dense) else there.units[-1])
    np.testing.assert_array_equal(zeros.scale, np.ones(1), strict=True)
    for array in (there.kinds, there.activations, there.sizes, there.units, there.weights):
        assert array.dtype == np.int64  # one type for Numba


@given(ARCHITECTURES)
@few
def test_what_the_layers_are(architecture):
    there, layers = layout.layout_of(architecture), computing(architecture)
    kinds = {Dense: layout.DENSE, BatchNormalization: layout.BATCH_NORMALIZATION}
    assert there.kinds.tolist() == [kinds[type(layer)] for layer in layers]
    assert there.activations[:-1].tolist() == [activations.CODES[layer.activation] for layer in layers[:-1]]
    constants = [(getattr(layer, "momentum", 0), getattr(layer, "epsilon", 0)) for layer in layers]
    np.testing.assert_array_equal(there.constants.reshape(-1, 2), np.array(constants, float), strict=True)
    assert there.cost == costs.CODES[architecture.cost.__name__]
    assert there.output == costs.OUTPUTS[layers[-1].activation]


@given(ARCHITECTURES)
@few
def test_the_mask_is_one_where_there_is_a_neuron(architecture):
    dtype = architecture.dtype
    expected = [np.arange(whole_vectors(size, dtype)) < size for size in neurons(architecture)[1:]]
    there = layout.layout_of(architecture)
    np.testing.assert_array_equal(there.neurons, np.concatenate(expected).astype(dtype), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_is_where_it_has_to_be(dtype):
    """The formula of the module: the vector in panel q and row r of n rows begins at (q * n + r) * lanes."""
    lanes = lanes_of(dtype)
    layers = (
        Dense(2 * lanes + 3),
        BatchNormalization(),
        Dropout(0.5),
        Dense(lanes + 1),
        BatchNormalization(),
        Dense(2),
    )
    architecture = Architecture((5,), layers, dtype=np.dtype(dtype))
    there, parameters, flat = laid_out(architecture)
    statistics = layout.statistics_from(architecture, there, parameters)
    for layer, own in enumerate(own for own in parameters if own):
        unit = there.units[layer]
        places = {"gamma": flat.values[there.gammas + unit :], "mean": statistics.means[unit:]}
        places |= dict.fromkeys(("biases", "beta"), flat.values[there.biases + unit :])
        places |= {"variance": statistics.variances[unit:]}
        for name, array in own.items():
            if name != "weights":
                np.testing.assert_array_equal(places[name][: len(array)], array.ravel())
                continue
            n_out, n_in = array.shape
            for neuron in range(n_out):
                q, lane = divmod(neuron, lanes)
                for below in range(n_in):
                    if layer == 0:
                        place = (q * n_in + below) * lanes + lane
                    else:
                        p, lane_below = divmod(below, lanes)
                        place = (p * n_out + neuron) * lanes + lane_below
                    assert flat.values[there.weights[layer] + place] == array[neuron, below]


@given(ARCHITECTURES, st.integers(0, 9))
@few
def test_no_vector_lies_across_cache_lines(architecture, samples):
    there, dtype = layout.layout_of(architecture), architecture.dtype
    space = layout.workspace(there, samples)
    targets = layout.padded_rows(np.ones((samples + 1, architecture.n_out)), dtype)
    arrays = [layout.zeros(there).values, there.neurons, *space[:-1], targets]
    arrays += layout.statistics_from(architecture, there, parameters_of(architecture, np.random.default_rng(0)))
    for array in arrays:
        assert array.dtype == dtype
        assert array.ctypes.data % 64 == 0 or not array.size
    for start in (*there.units, *there.weights, there.biases, there.gammas):
        assert start % lanes_of(dtype) == 0
    register = lanes_of(dtype) * dtype.itemsize // 2  # a vector is two of them
    assert 64 % register == 0


@given(ARCHITECTURES, st.integers(0, 9))
@few
def test_the_workspace_has_room_for_the_samples(architecture, samples):
    there = layout.layout_of(architecture)
    space = layout.workspace(there, samples)
    for array in (space.activations, space.slopes, space.delta):
        assert array.shape == (samples * there.units[-1],)
    assert space.means.shape == space.inverses.shape == (there.units[-1],)
    for i, array in enumerate(space):
        assert not any(np.shares_memory(array, other) for other in space[:i])
    np.testing.assert_array_equal(space.samples, np.arange(samples), strict=True)


MATRICES = {
    "rows": st.integers(0, 7),
    "columns": st.integers(1, 70),
    "types": st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)),
}


@given(**MATRICES)
@few
def test_rows_are_filled_up_with_zeros(rows, columns, types):
    matrix = np.random.default_rng(0).uniform(1, 2, (rows, columns)).astype(types[0])
    padded = layout.padded_rows(matrix, np.dtype(types[1]))
    width = whole_vectors(columns, types[1])
    expected = np.zeros((rows, width), types[1])
    expected[:, :columns] = matrix
    np.testing.assert_array_equal(padded, expected.ravel(), strict=True)


@given(**MATRICES)
@few
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


@given(ARCHITECTURES, st.sampled_from([1.0, 0.5, 1e-6]))
@few
def test_the_weights_are_multiplied_by_their_scale_and_nothing_else_is(architecture, scale):
    there, parameters, flat = laid_out(architecture)
    flat.scale[0] = scale
    for own, expected in zip(layout.to_arrays(architecture, there, flat), parameters, strict=True):
        for name, array in own.items():
            factor = architecture.dtype.type(scale if name == "weights" else 1)
            np.testing.assert_array_equal(array, expected[name] * factor, strict=True)


@given(ARCHITECTURES, st.integers(0, 7))
@few
def test_what_dropout_multiplies(architecture, samples):
    """Each Dropout layer multiplies the activations of what is before it, several of them in a row those of one."""
    there, random = layout.layout_of(architecture), np.random.default_rng(0)
    factors, hidden, of_inputs, before = [], {}, None, 0
    for layer, (n,) in zip(architecture.layers, architecture.shapes, strict=False):
        if not isinstance(layer, Dropout):
            factors.append(None)
            before += 1
            continue
        factors.append(random.choice([0.5, 2.0], (samples, n)).astype(architecture.dtype))
        if before == 0:
            of_inputs = factors[-1] * (1 if of_inputs is None else of_inputs)
        else:
            hidden[before] = factors[-1] * hidden.get(before, 1)
    found = layout.input_factors(architecture, factors)
    assert (found is None) == (of_inputs is None)
    if of_inputs is not None:
        np.testing.assert_array_equal(found, of_inputs, strict=True)
    sizes = neurons(architecture)
    rows = [np.ones((samples, whole_vectors(n, architecture.dtype)), architecture.dtype) for n in sizes[1:-1]]
    for layer, expected in hidden.items():
        rows[layer - 1][:, : sizes[layer]] = expected
    expected = np.concatenate(rows, axis=1).ravel() if hidden else np.empty(0, architecture.dtype)
    np.testing.assert_array_equal(layout.hidden_rows(architecture, there, factors), expected, strict=True)
