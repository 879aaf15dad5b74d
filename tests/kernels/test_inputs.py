import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet.kernels.rows import rows_of


@given(n=st.integers(1, 8), n_in=st.integers(1, 20), zeros=st.sampled_from([0.0, 0.8, 1.0]), seed=st.integers(0, 99))
def test_rows_hold_the_matrix(n, n_in, zeros, seed):
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((n, n_in)) * (random.random((n, n_in)) >= zeros)
    starts, columns, values = rows_of(matrix, np.dtype("float64"))
    again = np.zeros_like(matrix)
    for i in range(n):
        part = slice(starts[i], starts[i + 1])
        again[i, columns[part]] = values[part]
    np.testing.assert_array_equal(again, matrix)
    assert len(values) == starts[-1] == np.count_nonzero(matrix)


@pytest.mark.parametrize(("n_in", "dtype"), [(1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)])
def test_the_last_column_of_a_wide_matrix(n_in, dtype):
    matrix = np.zeros((1, n_in), np.float32)
    matrix[0, -1] = 7
    _, columns, values = rows_of(matrix, np.dtype("float32"))
    assert columns.dtype == dtype
    assert (columns[0], values[0]) == (n_in - 1, 7)


def test_what_is_not_a_number_is_not_lost():
    _, columns, values = rows_of(np.array([[0.0, np.nan, np.inf, -0.0]]), np.dtype("float64"))
    assert columns.tolist() == [1, 2]
    np.testing.assert_array_equal(values, [np.nan, np.inf])
