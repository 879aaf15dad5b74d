import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels.networks import (
    ARCHITECTURES,
    DTYPES,
    few,
    is_dense,
    known_layers,
    laid_out,
    positions,
    whole_vectors,
)

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.kernels import arrays, layout
from fastnet.kernels.vectors import lanes_of, narrow_lanes_of


@given(ARCHITECTURES)
@few
def test_there_and_back_is_the_same(architecture):
    there, parameters, flat = laid_out(architecture)
    before = [{name: array.copy() for name, array in own.items()} for own in parameters]
    statistics = arrays.statistics_from(architecture, there, parameters)
    again = arrays.to_arrays(architecture, there, flat)
    assert [own.keys() for own in again] == [own.keys() for own in architecture.trained]
    again = arrays.add_statistics(architecture, there, statistics, again)
    assert [own.keys() for own in again] == [own.keys() for own in parameters]
    for own, given_arrays, expected in zip(again, parameters, before, strict=True):
        for name, array in own.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)
            np.testing.assert_array_equal(given_arrays[name], expected[name], strict=True)
            assert array.flags.c_contiguous
            assert not any(np.shares_memory(array, other) for other in (*flat, *statistics))
    assert flat.scale == 1
    trained = [own[name] for own, names in zip(parameters, architecture.trained, strict=True) for name in names]
    assert np.count_nonzero(flat.values) == sum(array.size for array in trained)  # the padding is zero


def place_of_weight(there, known, k, neuron, inputs):
    """Return the memory indices of a neuron's weights in layer k; `inputs` are indices of inputs in memory order."""
    lanes = lanes_of(there.neurons.dtype)
    n_out, n_in = known[k].channels, there.sizes[k]
    if k == 0:
        q, lane = divmod(neuron, lanes)
        return there.weights[k] + (q * n_in + inputs) * lanes + lane
    q, lane = np.divmod(inputs, lanes)
    return there.weights[k] + (q * n_out + neuron) * lanes + lane


def place_of_filter(there, known, k, f):
    """Return the memory indices of filter f's weights in layer k, as an array of shape (maps, rows, columns)."""
    dtype, (rows, columns), maps = there.neurons.dtype, known[k].layer.shape, known[k - 1].channels
    narrow = narrow_lanes_of(dtype)
    row = -(-columns * maps // narrow) * narrow
    c, i, j = np.ogrid[:maps, :rows, :columns]
    return there.weights[k] + f * whole_vectors(rows * row, dtype) + i * row + j * maps + c


@given(ARCHITECTURES)
@few
def test_every_number_is_where_it_has_to_be(architecture):
    """If panels have n rows, row r of panel q begins at (q * n + r) * lanes. The rows of a filter are contiguous."""
    there, parameters, flat = laid_out(architecture)
    statistics, known = arrays.statistics_from(architecture, there, parameters), known_layers(architecture)
    for k, each in enumerate(known):
        channel = there.channels[k]
        places = {"gamma": flat.values[there.gammas + channel :], "mean": statistics.means[channel:]}
        places |= dict.fromkeys(("biases", "beta"), flat.values[there.biases + channel :])
        places |= {"variance": statistics.variances[channel:]}
        for name, array in parameters[each.first].items() if each.layer else ():
            if name != "weights":
                np.testing.assert_array_equal(places[name][: len(array)], array.ravel())
            elif is_dense(each):
                below = positions(known[k - 1]) if k else np.arange(architecture.n_in)
                # Behind a layer that outputs images, weights are in the memory order of the inputs.
                by_place = np.argsort(below)
                for neuron, row in enumerate(array):
                    place = place_of_weight(there, known, k, neuron, np.arange(len(below)))
                    np.testing.assert_array_equal(flat.values[place], row[by_place])
            else:
                for f, own in enumerate(array):
                    np.testing.assert_array_equal(flat.values[place_of_filter(there, known, k, f)], own)


@given(ARCHITECTURES, st.sampled_from([1.0, 0.5, 1e-6]))
@few
def test_the_weights_are_multiplied_by_their_scale_and_nothing_else_is(architecture, scale):
    there, parameters, flat = laid_out(architecture)
    flat.scale[0] = scale
    for own, expected in zip(arrays.to_arrays(architecture, there, flat), parameters, strict=True):
        for name, array in own.items():
            factor = architecture.dtype.type(scale if name == "weights" else 1)
            np.testing.assert_array_equal(array, expected[name] * factor, strict=True)


MATRICES = {
    "rows": st.integers(0, 7),
    "columns": st.integers(1, 70),
    "types": st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)),
}


@given(**MATRICES)
@few
def test_rows_are_copied_and_a_vector_of_zeros_is_behind_them(rows, columns, types):
    matrix = np.random.default_rng(0).uniform(1, 2, (rows, columns)).astype(types[0])
    flat = arrays.flat_rows(matrix, np.dtype(types[1]))
    expected = np.zeros(rows * columns + lanes_of(types[1]), types[1])
    expected[: rows * columns] = matrix.ravel()
    np.testing.assert_array_equal(flat, expected, strict=True)


@given(**MATRICES)
@few
def test_panels_hold_the_matrix_and_their_padding_is_not_touched(rows, columns, types):
    lanes = lanes_of(types[1])
    matrix = np.random.default_rng(0).uniform(1, 2, (rows, columns)).astype(types[0])
    width = whole_vectors(columns, types[1])
    flat = np.full(rows * width + 3, np.nan, types[1])
    for part, panel in arrays.strips(matrix, flat):
        panel[...] = part
    expected = np.full((rows, width), np.nan, types[1])
    expected[:, :columns] = matrix
    panels = [expected[:, start : start + lanes].ravel() for start in range(0, width, lanes)]
    np.testing.assert_array_equal(flat, np.concatenate([*panels, [np.nan] * 3]).astype(types[1]), strict=True)


@given(ARCHITECTURES, st.integers(1, 5))
@few
def test_outputs_are_copied_out_of_the_last_panels(architecture, samples):
    there, random = layout.layout_of(architecture), np.random.default_rng(0)
    lanes, (n_out,) = lanes_of(architecture.dtype), architecture.shapes[-1]
    outputs = random.random((samples, whole_vectors(n_out, architecture.dtype))).astype(architecture.dtype)
    panels = [outputs[:, start : start + lanes].ravel() for start in range(0, outputs.shape[1], lanes)]
    before = np.full(samples * there.units[-2], np.nan, architecture.dtype)
    found = arrays.outputs_of(there, np.concatenate([before, *panels]), samples)
    np.testing.assert_array_equal(found, outputs[:, :n_out], strict=True)


@given(ARCHITECTURES, st.integers(0, 5))
@few
def test_what_dropout_multiplies(architecture, samples):
    """Dropout multiplies the activations of the nearest lower layer of another kind. Dropout layers may be adjacent."""
    there, random, dtype = layout.layout_of(architecture), np.random.default_rng(0), architecture.dtype
    known, factors, of_inputs = known_layers(architecture), [], None
    rows = {}
    for i, layer in enumerate(architecture.layers):
        if not isinstance(layer, Dropout):
            factors.append(None)
            continue
        size = int(np.prod(architecture.shapes[i]))
        factors.append(random.choice([0.5, 2.0], (samples, size)).astype(dtype))
        before = [k for k, each in enumerate(known) if 0 <= each.last < i]
        if before:
            size = there.units[before[-1] + 1] - there.units[before[-1]]
            row = rows.setdefault(before[-1], np.ones((samples, size), dtype))
            row[:, positions(known[before[-1]])] *= factors[-1]
        else:
            of_inputs = factors[-1] * (1 if of_inputs is None else of_inputs)
    found = arrays.input_factors(architecture, factors)
    assert (found is None) == (of_inputs is None)
    if of_inputs is not None:
        np.testing.assert_array_equal(found, of_inputs, strict=True)
    expected = np.concatenate(list(rows.values()), axis=1).ravel() if rows else np.empty(0, dtype)
    np.testing.assert_array_equal(arrays.hidden_rows(architecture, there, factors), expected, strict=True)


@pytest.mark.parametrize(
    ("shape", "layers", "expected"),
    [
        ((3,), (), None),
        ((1, 2, 3), (), None),  # one map without borders is stored in the order of the inputs
        ((1, 2, 3), (Convolution(2, 2),), None),
        ((1, 2, 3), (Dropout(0.5), MaxPooling(2)), None),
        ((2, 1, 2), (MaxPooling(1),), ([0, 2, 1, 3], 4)),  # in memory, the numbers of a pixel in all maps are adjacent
        ((1, 2, 2), (Convolution(2, (1, 2), padding="same"),), ([0, 1, 3, 4], 6)),
        ((1, 2, 2), (Convolution(2, (3, 3), padding="same"),), ([5, 6, 9, 10], 16)),
        ((2, 1, 2), (Convolution(2, (1, 3), padding="same"),), ([2, 4, 3, 5], 8)),
        ((2, 1, 2), (Dropout(0.5), Convolution(2, (2, 1), padding="same"), BatchNormalization()), ([0, 2, 1, 3], 8)),
    ],
    ids=str,
)
def test_where_the_inputs_lie(shape, layers, expected):
    found = arrays.positions_of_inputs(Architecture(shape, (*layers, Dense(2))))
    assert (found and (found[0].tolist(), found[1])) == expected
