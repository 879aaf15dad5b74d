import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastnet.kernels import layout


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.sampled_from(["float32", "float64"]))
def test_there_and_back_is_the_same(sizes, dtype):
    random = np.random.default_rng(0)
    weights = [random.standard_normal((n_out, n_in)).astype(dtype) for n_in, n_out in zip(sizes, sizes[1:])]  # noqa: B905, RUF007
    biases = [random.standard_normal((n, 1)).astype(dtype) for n in sizes[1:]]
    there = layout.layout_of(sizes)
    parameters = layout.from_book(there, np.dtype(dtype), weights, biases)
    again_weights, again_biases = layout.to_book(there, parameters)
    for array, expected in zip(again_weights + again_biases, weights + biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
        assert array.flags.c_contiguous
    padding = there.weights[-1] - sum(w.size for w in weights)
    assert np.count_nonzero(parameters.weights == 0) == padding


def test_weights_are_stored_by_where_they_come_from():
    there = layout.layout_of([2, 3, 1])
    weights = [np.arange(6.0).reshape(3, 2), np.array([[6.0, 7.0, 8.0]])]
    parameters = layout.from_book(there, np.dtype("f8"), weights, [np.ones((3, 1)), np.ones((1, 1))])
    np.testing.assert_array_equal(layout.weights_of(there, parameters, 0)[:, :3], [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(layout.weights_of(there, parameters, 1)[:, :1], [[6], [7], [8]])
    assert layout.weights_of(there, parameters, 0).shape[1] % 16 == 0


def test_vectors_do_not_lie_across_cache_lines():
    for size in (1, 20, 300):
        parameters = layout.zeros(layout.layout_of([size, size]), np.dtype("float32"))
        assert parameters.weights.ctypes.data % 64 == parameters.biases.ctypes.data % 64 == 0
