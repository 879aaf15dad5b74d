import copy
import pickle

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.datasets.dataset import as_dataset


@pytest.fixture
def pairs():
    """Five samples in the book's form: a list of tuples of column vectors."""
    random = np.random.default_rng(0)
    return [(random.random((4, 1)), random.random((2, 1))) for _ in range(5)]


def test_it_behaves_as_the_list_that_it_was_made_of(pairs):
    data = Dataset.from_pairs(pairs)
    assert len(data) == 5
    for (x, y), (expected_x, expected_y) in zip(data, pairs, strict=True):
        np.testing.assert_array_equal(x, expected_x, strict=True)
        np.testing.assert_array_equal(y, expected_y, strict=True)
    np.testing.assert_array_equal(data[-1][0], pairs[-1][0])
    np.testing.assert_array_equal(data[np.int64(2)][1], pairs[2][1])
    assert [x[0, 0] for x, _ in reversed(data)] == [x[0, 0] for x, _ in reversed(pairs)]
    with pytest.raises(IndexError):
        data[5]


@pytest.mark.parametrize("part", [slice(2), slice(1, 4), slice(None, None, 2), slice(None, None, -1), slice(9, 9)])
def test_a_slice_is_a_data_set_over_contiguous_arrays(pairs, part):
    data = Dataset.from_pairs(pairs)[part]
    assert isinstance(data, Dataset)
    assert len(data) == len(pairs[part])
    assert all((x == expected).all() for (x, _), (expected, _) in zip(data, pairs[part], strict=True))
    assert data.inputs.flags.c_contiguous
    assert data.targets.flags.c_contiguous


def test_nothing_is_copied_and_nothing_can_be_changed():
    inputs, targets = np.zeros((3, 2), np.float32), np.zeros((3, 1))
    data = Dataset(inputs, targets)
    assert np.shares_memory(data.inputs, inputs)
    assert np.shares_memory(data.targets, targets)
    assert np.shares_memory(data[1:].inputs, inputs)
    for array in (data.inputs, data.targets, *data[0], *data[:2][0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    inputs[0] = 1  # the caller's array is still writable


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        (np.uint8, np.float32),
        (np.int16, np.float32),
        (np.int32, np.float64),
        (bool, np.float32),
        (np.float16, np.float32),
        (np.float32, np.float32),
        (">f8", np.float64),
        (">f4", np.float32),
        (np.longdouble, np.float64),
    ],
)
def test_inputs_become_floating_point_numbers_that_hold_them(given, becomes):
    data = Dataset(np.array([[0, 1], [1, 1]]).astype(given), [0, 1])
    assert data.inputs.dtype == becomes
    np.testing.assert_array_equal(data.inputs, [[0, 1], [1, 1]])


def test_labels_and_vectors_are_two_views_of_the_same():
    labelled = Dataset(np.zeros((3, 1)), [2, 0, 1])
    vectors = labelled.vectors(3)
    np.testing.assert_array_equal(vectors, np.eye(3)[[2, 0, 1]])
    np.testing.assert_array_equal(Dataset(np.zeros((3, 1)), vectors).labels(3), [2, 0, 1])
    assert labelled[0][1] == 2
    assert isinstance(labelled[0][1], int)
    with pytest.raises(ValueError, match="a label 2, but the network has 2 outputs"):
        labelled.vectors(2)
    with pytest.raises(ValueError, match="3 components, but the network has 2 outputs"):
        Dataset(np.zeros((3, 1)), vectors).vectors(2)


def test_a_single_number_is_what_the_book_takes_it_for():
    """With one output, a single number is the target.

    With several outputs, a single number is the index of the correct output.
    """
    x = np.zeros((2, 1))
    for y in (1, 1.0, np.array([1]), np.array([[1.0]])):
        data = Dataset.from_pairs([(x, y), (x, y * 0)])
        np.testing.assert_array_equal(data.vectors(1), [[1], [0]])
        np.testing.assert_array_equal(data.labels(1), [1, 0])
        np.testing.assert_array_equal(data.labels(10), [1, 0])
        np.testing.assert_array_equal(data.vectors(3), [[0, 1, 0], [1, 0, 0]])
    with pytest.raises(ValueError, match="a label 9, but the network has 5 outputs"):
        Dataset.from_pairs([(x, np.array([[9.0]]))]).labels(5)
    with pytest.raises(ValueError, match="3 components, but the network has 5 outputs"):
        Dataset.from_pairs([(x, np.zeros((3, 1)))]).labels(5)
    for bad, message in (
        (0.5, r"a label 0\.5; labels must be integers"),
        (-1.0, "a label -1, but"),
        (np.nan, "a label nan"),
    ):
        with pytest.raises(ValueError, match=message):
            Dataset.from_pairs([(x, bad)]).vectors(5)


def test_a_copy_is_read_only_too():
    for data in (copy.deepcopy(Dataset([[1.0]], [0])), pickle.loads(pickle.dumps(Dataset([[1.0]], [0])))):
        assert data.inputs.tolist() == [[1.0]]
        assert not data.inputs.flags.writeable


def test_a_list_of_tuples_or_an_iterator_becomes_one(pairs):
    for given in (pairs, iter(pairs), zip(*zip(*pairs, strict=True), strict=True)):
        assert len(as_dataset(given)) == 5
    data = as_dataset([(x[:, 0], 7) for x, _ in pairs])
    np.testing.assert_array_equal(data.targets, [7] * 5)
    assert as_dataset(data) is data


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (5, TypeError, "5 is neither a Dataset nor a list of tuples"),
        ([], ValueError, "the data set is empty"),
        ([1, 2], TypeError, r"item 0 of the data set is 1; it must be a tuple \(x, y\)"),
        ([(np.zeros((2, 1)), 0), (np.zeros((3, 1)), 0)], ValueError, r"x of item 1 has shape \(3, 1\)"),
        ([(np.zeros((2, 2)), 0)], ValueError, r"first x has shape \(2, 2\); it must be a column"),
        ([(np.zeros((2, 1)), 0), (np.zeros((2, 1)), np.zeros((2, 1)))], ValueError, "the first y has shape"),
        ([(np.zeros((2, 1)), "5")], TypeError, "targets are of type <U1; they must be real numbers"),
        ([(np.zeros((2, 1)), np.uint64(2**63))], ValueError, "there are labels from 9223372036854775808"),
        (Dataset(np.zeros((0, 2)), np.zeros((0, 1))), ValueError, "the data set is empty"),
        ([(np.zeros((2, 1)), -1)], ValueError, "there are labels from -1 to -1"),
        ([(np.array([["a"]]), 0)], TypeError, "inputs are of type <U1; they must be real numbers"),
        ([(np.array([[1j]]), 0)], TypeError, "complex128"),
    ],
)
def test_what_is_wrong_is_said(bad, error, message):
    with pytest.raises(error, match=message):
        as_dataset(bad)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros(3), [0, 1, 2], r"inputs have shape \(3,\)"),
        (np.zeros((3, 2)), [0, 1], "3 and 2 samples"),
        (np.zeros((3, 2)), np.zeros((3, 2, 1)), r"targets have shape \(3, 2, 1\)"),
    ],
)
def test_arrays_that_do_not_fit(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        Dataset(inputs, targets)


def test_what_cannot_be_read_as_an_array_is_reported_by_name():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("it requires a gradient")

    with pytest.raises(TypeError, match="inputs cannot be read as an array: it requires a gradient"):
        Dataset(Tensor(), [0])
