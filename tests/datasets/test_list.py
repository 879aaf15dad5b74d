"""Each operation gives the same result on a data set as on the book's list of tuples."""

import copy
import operator
import random

import numpy as np
import pytest

from fastnet import Dataset, network

N = 12


def dense(targets):
    return Dataset(np.arange(4.0 * N).reshape(N, 4) % 7, targets)


def sparse(targets):
    matrix = pytest.importorskip("scipy.sparse").csr_matrix(np.arange(4.0 * N).reshape(N, 4) % 7)
    return Dataset(matrix, targets)


@pytest.fixture(params=[dense, sparse])
def kind(request):
    return request.param


@pytest.fixture(params=["labels", "vectors"])
def data(request, kind):
    return kind(np.arange(N) % 3 if request.param == "labels" else np.arange(2.0 * N).reshape(N, 2))


def same(data, expected):
    assert len(data) == len(expected)
    for (x, y), (expected_x, expected_y) in zip(data, expected, strict=True):
        np.testing.assert_array_equal(x, expected_x, strict=True)
        np.testing.assert_array_equal(y, expected_y, strict=True)
        assert type(y) is type(expected_y)


def assign(place, *values):
    """Return a function that assigns the samples with the indices `values` to `data[place]`."""

    def change(data):
        samples = [data[i] for i in values]
        data[place] = samples if isinstance(place, slice) else samples[0]

    return change


CHANGES = {
    "shuffle": lambda data: random.Random(0).shuffle(data),
    "shuffle of NumPy": lambda data: np.random.RandomState(0).shuffle(data),
    "shuffle of a generator": lambda data: np.random.default_rng(0).shuffle(data),
    "swap": lambda data: operator.setitem(data, slice(0, 2), [data[1], data[0]]),
    "assign": assign(3, 7),
    "assign at the end": assign(-1, 0),
    "assign a slice": assign(slice(2, 5), 7, 8),
    "assign every second": assign(slice(0, 6, 2), 7, 8, 9),
    "append": lambda data: data.append(data[2]),
    "insert": lambda data: data.insert(-2, data[5]),
    "extend": lambda data: data.extend(data[4:6]),
    "extend by itself": lambda data: data.extend(data),
    "add in place": lambda data: operator.iadd(data, [data[1]]),
    "delete": lambda data: operator.delitem(data, 4),
    "delete a slice": lambda data: operator.delitem(data, slice(None, None, 3)),
    "pop": lambda data: data.pop(),
    "reverse": lambda data: data.reverse(),
    "empty it": lambda data: operator.delitem(data, slice(None)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_gives_what_the_list_gives(data, change):
    expected, before = list(data), copy.copy(data)
    unchanged, rows = list(data), data.rows[:].copy()
    change(data)
    change(expected)
    same(data, expected)
    same(before, unchanged)  # `before` shares arrays with `data`, but must not change
    np.testing.assert_array_equal(before.rows[:], rows)
    assert data.rows[:].tolist() == [x[:, 0].tolist() for x, _ in expected]
    assert len(data.targets) == len(expected)
    assert not data.targets.flags.writeable
    same(data, expected)  # `data.rows` and `data.targets` have merged the changes into arrays
    change(data)
    change(expected)
    same(data, expected)


def test_the_callers_arrays_are_never_changed():
    inputs, targets = np.random.default_rng(0).random((N, 4)), np.arange(N)
    before = inputs.copy(), targets.copy()
    data = Dataset(inputs, targets)
    random.Random(1).shuffle(data)
    data[0] = np.ones(4), 5
    assert not np.shares_memory(data.inputs, inputs)
    assert data.targets[0] == 5
    for array, expected in zip((inputs, targets), before, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_samples_memory_is_not_shared_with_what_was_assigned():
    x, data = np.ones((4, 1)), dense(np.arange(N))
    data[3] = x, 2
    x[:] = 9
    np.testing.assert_array_equal(data[3][0], np.ones((4, 1)))


def test_samples_handed_out_before_a_change_stay_as_they_were(data):
    x, y = data[0]
    x, y = x.copy(), copy.copy(y)
    held = data[0]
    data[0] = data[5]
    data[0], data[5] = data[5], held
    np.testing.assert_array_equal(held[0], x)
    np.testing.assert_array_equal(held[1], y)


SELECTIONS = [
    [3, 1, 2], [-1, 0, 0], [], np.array([5, 4]), np.array([2], np.uint8), np.arange(N) % 2 == 0, [True] + [False] * 11,
]  # fmt: skip


@pytest.mark.parametrize("selection", SELECTIONS)
def test_indices_and_masks_select(data, selection):
    samples, array = list(data), np.asarray(selection)
    chosen = np.flatnonzero(array) if array.dtype == bool else [int(i) for i in array]
    same(data[selection], [samples[i] for i in chosen])
    random.Random(0).shuffle(data)
    samples = list(data)
    same(data[selection], [samples[i] for i in chosen])


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        ("a", TypeError, "an integer, a slice, a list of integers or a mask, not by 'a'"),
        (0.5, TypeError, "not by 0.5"),
        ([0.5], TypeError, r"not by \[0.5\]"),
        (None, TypeError, "not by None"),
        ((1, 2, slice(3)), TypeError, "a data set is indexed by"),
        ([[1, 2]], TypeError, "a data set is indexed by"),
        ([[1], [2, 3]], TypeError, "a data set is indexed by"),
        ([True, False], IndexError, "the mask has 2 elements; it must have 12"),
        ([12], IndexError, "12"),
        (12, IndexError, "12"),
    ],
)
def test_what_is_no_index(data, index, error, message):
    with pytest.raises(error, match=message):
        data[index]


def test_sums(kind):
    labelled, vectors = kind(np.arange(N) % 3), kind(np.eye(3)[np.arange(N) % 3])
    same(labelled + labelled[:2], [*labelled, *labelled[:2]])
    same(labelled + list(labelled[:2]), [*labelled, *labelled[:2]])
    same(list(labelled[:2]) + labelled, [*labelled[:2], *labelled])
    same(operator.add(labelled, []), list(labelled))
    same(dense(np.arange(N) % 3) + labelled, [*labelled, *labelled])
    for mixed in (vectors + labelled, labelled + vectors):
        np.testing.assert_array_equal(mixed.targets, np.eye(3)[np.r_[np.arange(N) % 3, np.arange(N) % 3]])
    assert isinstance(labelled + labelled, Dataset)


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (Dataset([[1.0]], [0]), ValueError, "4 and 1 inputs; these numbers must be equal"),
        (Dataset(np.zeros((1, 4)), [[1.0, 0]]), ValueError, "labels up to 11; the vectors of the data set have 2"),
        (5, TypeError, "unsupported operand"),
        ([5], TypeError, "item 0 of the data set is 5"),
    ],
)
def test_what_cannot_be_added(other, error, message):
    with pytest.raises(error, match=message):
        dense(np.arange(N)) + other


@pytest.mark.parametrize(
    ("sample", "error", "message"),
    [
        (5, TypeError, "item 0 of the data set is 5; it must be a tuple"),
        ((np.zeros((3, 1)), 0), ValueError, "x has 3 components, but the data set has 4 inputs"),
        ((np.zeros((2, 2)), 0), ValueError, "must be a column"),
        ((np.zeros(4), -1), ValueError, "labels from -1"),
        ((np.zeros(4), np.zeros(2)), ValueError, "y has 2 components; the data set has labels"),
        ((np.zeros(4), "a"), TypeError, "real numbers"),
    ],
)
def test_a_sample_that_does_not_fit_changes_nothing(sample, error, message):
    data = dense(np.arange(N))
    expected = list(data)
    for change in (
        lambda: operator.setitem(data, 0, sample),
        lambda: operator.setitem(data, slice(1, 3), [sample]),
        lambda: data.append(sample),
        lambda: data.extend([sample, sample]),
    ):
        with pytest.raises(error, match=message):
            change()
        same(data, expected)
    for index in ([0, 1], "a", 0.5):
        with pytest.raises(TypeError, match="by an integer or a slice"):
            data[index] = data[0]


def test_labels_become_vectors_and_numbers_the_data_sets_type():
    data = Dataset(np.zeros((2, 4), np.float32), np.eye(3, dtype=np.float32)[:2])
    data[0] = np.full(4, 0.1), 2
    data.append((np.full((4, 1), 0.1), np.array([0.1, 0.2, 0.3])))
    assert (data.inputs.dtype, data.targets.dtype) == (np.float32, np.float32)
    np.testing.assert_array_equal(data.targets[0], [0, 0, 1])
    np.testing.assert_array_equal(data.inputs[2], np.full(4, 0.1, np.float32))


def test_what_is_derived_is_made_again_after_a_change(data):
    made = []

    def derive():
        return data.derived("key", lambda: made.append(1) or data.rows[:].sum(axis=1).tolist())

    assert derive() == derive() == [x.sum() for x, _ in data]
    derived = data.with_vectors(3) if data.targets.ndim == 1 else data.with_vectors(2)
    before, extremes = list(derived), data.input_extremes()
    data[0] = np.full((4, 1), 50.0), data[0][1]
    assert derive() == [x.sum() for x, _ in data]
    assert len(made) == 2
    assert data.input_extremes() == (extremes[0], 50.0)
    if derived is not data:
        same(derived, before)


@pytest.mark.parametrize("engine", ["numba", "numpy", "reference"])
def test_a_shuffled_data_set_trains_as_the_shuffled_list(engine):
    inputs = np.random.default_rng(0).random((N, 4))
    data = Dataset(inputs, np.arange(N) % 2)
    pairs = list(data)
    nets = [network.Network([4, 3, 2], engine=engine, dtype="float64", seed=0) for _ in range(2)]
    for _ in range(2):
        for net, training_data in zip(nets, (data, pairs), strict=True):
            random.Random(3).shuffle(training_data)
            net.SGD(training_data, 1, 5, 1.0)
    for first, second in zip(nets[0].weights, nets[1].weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_books_own_loop():
    """A training loop like the book's gives the same weights on a data set as on the list."""

    def train(training_data):
        generator, weights = random.Random(0), np.zeros((2, 4))
        for _ in range(3):
            generator.shuffle(training_data)
            for mini_batch in [training_data[k : k + 5] for k in range(0, len(training_data), 5)]:
                weights += 0.1 * sum((y - weights @ x) @ x.T for x, y in mini_batch)
        return weights

    data = Dataset(np.random.default_rng(0).random((N, 4)), np.random.default_rng(1).random((N, 2)))
    expected = train(list(data))
    np.testing.assert_allclose(train(data), expected, rtol=1e-12)


def test_what_is_shown_is_short_and_makes_no_arrays(data):
    text = repr(data)
    random.Random(0).shuffle(data)
    assert repr(data) == text
    assert len(text) < 80
    assert data._edited is not None
    html = data._repr_html_()
    assert "12 samples" in html
    assert "<Dataset" not in html
    assert len(html) < 120
