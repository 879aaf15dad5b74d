import pickle

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.datasets.sparse import SparseInputs

sparse = pytest.importorskip("scipy.sparse")

MATRIX = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, 3.0], [0.0, 0.0, 0.0], [0.0, 4.0, 5.0]])


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csr_matrix, sparse.csc_matrix, sparse.coo_array])
def test_rows_that_are_taken_are_dense(form):
    inputs = SparseInputs(form(MATRIX))
    assert len(inputs) == 4
    assert inputs.shape == (4, 3)
    for rows in (slice(1, 3), slice(9, 9), slice(None, None, -2), np.array([3, 0, 3]), np.array([], int), 1, -1):
        np.testing.assert_array_equal(inputs[rows], MATRIX[rows], strict=True)
    with pytest.raises(IndexError):
        inputs[4]


@pytest.mark.parametrize(("given", "becomes"), [("uint8", "float32"), ("float32", "float32"), ("int32", "float64")])
def test_numbers_become_floating_point_numbers_that_hold_them(given, becomes):
    matrix = sparse.csr_array(MATRIX.astype(given))
    inputs = SparseInputs(matrix)
    assert inputs.dtype == becomes
    np.testing.assert_array_equal(inputs[:], MATRIX.astype(becomes), strict=True)
    assert matrix.dtype == given
    if given == becomes:
        assert np.shares_memory(inputs.arrays[2], matrix.data)


def test_a_number_in_several_pieces_is_their_sum():
    matrix = sparse.csr_array((np.array([1.0, 2, 3]), np.array([2, 2, 0]), np.array([0, 2, 3])), shape=(2, 3))
    before = matrix.data.copy()
    starts, columns, values = SparseInputs(matrix).arrays
    assert (starts.tolist(), columns.tolist(), values.tolist()) == ([0, 1, 2], [2, 0], [3, 3])
    np.testing.assert_array_equal(matrix.data, before)


def test_what_is_no_matrix_of_real_numbers():
    with pytest.raises(TypeError, match="inputs are of type complex128; they must be real numbers"):
        SparseInputs(sparse.csr_array(MATRIX * 1j))
    with pytest.raises(ValueError, match=r"inputs have shape \(3,\)"):
        SparseInputs(sparse.coo_array(MATRIX[0]))
    with pytest.raises(ValueError, match="4 and 3 samples"):
        Dataset(sparse.csr_array(MATRIX), [0, 1, 1])


@pytest.mark.parametrize("targets", [[0, 1, 2, 1], np.arange(8.0).reshape(4, 2)])
def test_a_sparse_data_set_is_the_same_list(targets):
    dense, data = Dataset(MATRIX, targets), Dataset(sparse.csr_matrix(MATRIX), targets)
    for either in (data, data[1:], data[::-1], pickle.loads(pickle.dumps(data))):
        assert isinstance(either.rows, SparseInputs)
    for part in (slice(None), slice(1, 3), slice(None, None, -1)):
        for (x, y), (expected_x, expected_y) in zip(data[part], dense[part], strict=True):
            np.testing.assert_array_equal(x, expected_x, strict=True)
            np.testing.assert_array_equal(y, expected_y, strict=True)
            assert not x.flags.writeable
    with pytest.raises(TypeError, match="the inputs of the data set are sparse"):
        _ = data.inputs
    assert dense.rows is dense.inputs
    assert repr(data).startswith("<Dataset: 4 samples of 3 sparse inputs")
    assert isinstance(data.with_vectors(3 if len(np.shape(targets)) == 1 else 2).rows, SparseInputs)
