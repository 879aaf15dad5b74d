import os

import numpy as np
import pytest

from fastnet import Dataset, expand_mnist, mnist_loader
from fastnet.sweeps import data as sweep_data
from fastnet.sweeps.data import Data, Source, given, load_on_worker


def copy(data):
    return Dataset(data.inputs.copy(), data.targets.copy())


def test_the_fingerprint_is_that_of_the_numbers(data):
    assert Data(*map(copy, data)).fingerprint == Data(*data).fingerprint
    training, validation, test = data
    changed = training.inputs.copy()
    changed[77, 1] += 1e-9
    labels = training.targets.copy()
    labels[-1] = (labels[-1] + 1) % 3
    others = [
        Data(Dataset(changed, training.targets), validation, test),
        Data(Dataset(training.inputs, labels), validation, test),
        Data(Dataset(training.inputs.astype(np.float32), training.targets), validation, test),
        Data(Dataset(training.inputs.reshape(-1, 1)[:120], training.targets), validation, test),
        Data(training[:-1], validation, test),
        Data(training, test, validation),
        Data(training, validation),
    ]
    assert len({each.fingerprint for each in [Data(*data), *others]}) == len(others) + 1


def test_the_fingerprint_is_taken_in_parts(data, monkeypatch):
    whole = Data(*data).fingerprint
    monkeypatch.setattr(sweep_data, "_NUMBERS_AT_A_TIME", 10)
    assert Data(*data).fingerprint == whole


def test_what_is_sparse_has_the_fingerprint_of_its_numbers(data):
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    training, validation, _ = data
    assert (
        Data(Dataset(sparse.csr_matrix(training.inputs), training.targets), validation).fingerprint
        == Data(training, validation).fingerprint
    )


def test_what_may_be_given(data, tmp_path):
    assert given(None) == Source()
    assert given(tmp_path) == Source(tmp_path)
    assert given(str(tmp_path)) == Source(str(tmp_path))
    assert given(data[:2]) == Data(*data[:2])
    pairs = [(x, y) for x, y in data[1]]
    assert Data(data[0], given([data[0], pairs]).validation).fingerprint == Data(*data[:2]).fingerprint


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "data is 3; it must be a path, or a tuple"),
        (([],), r"data is \(\[\],\); it must be a path, or a tuple"),
        (([], []), "training_data: the data set is empty"),
        (([(np.zeros((1, 1)), 0)], 5), "validation_data: 5 is neither a Dataset nor a list"),
    ],
)
def test_what_may_not(value, message):
    with pytest.raises((TypeError, ValueError), match=message):
        given(value)


@pytest.fixture
def loads(data, monkeypatch):
    """Replace `load_data_wrapper` by a function that appends the path to this fixture's list, and returns `data`."""
    counted = []
    monkeypatch.setattr(mnist_loader, "load_data_wrapper", lambda path: counted.append(path) or data)
    sweep_data._load_once.cache_clear()
    yield counted
    sweep_data._load_once.cache_clear()


def test_a_worker_loads_once(data, loads):
    fingerprint = Data(*data).fingerprint
    first, again = (load_on_worker(Source("there"), fingerprint) for _ in range(2))
    assert first is again
    assert loads == [os.path.abspath("there")]
    assert load_on_worker(first, fingerprint) is first


def test_a_worker_with_other_data_refuses(data, loads):
    with pytest.raises(ValueError, match="the data on this worker differ"):
        load_on_worker(Source("there"), Data(*data[:2]).fingerprint)


def test_expanded(data, loads, monkeypatch):
    monkeypatch.setattr(expand_mnist, "expand", lambda training: training[:5])
    assert len(Source(expanded=True).load().training) == 5
    assert len(Source().load().training) == 120
