"""Chapter 6's data."""

import numpy as np
import pytest

from fastnet import Dataset, expand_mnist, mnist_loader, network3
from fastnet.mnist_loader import DataError


def test_the_data_are_those_of_the_loader(mnist_arrays):
    for (x, y), (images, labels) in zip(mnist_arrays, mnist_loader.load_data(), strict=True):
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(x, images)
        np.testing.assert_array_equal(y, labels)
        assert network3.size((x, y)) == len(images)


def test_the_expanded_data(monkeypatch):
    """Each image occurs five times, as in the book: unchanged, and shifted by one pixel in four directions.

    The order is fixed, and does not depend on NumPy's generator.
    """
    random = np.random.default_rng(0)
    pairs = [(random.random((n, 16)).astype(np.float32), np.arange(n) % 10) for n in (30, 3, 2)]
    monkeypatch.setattr(mnist_loader, "load_data", lambda path=None: tuple(pairs))
    before = np.random.get_state()[1].copy()
    (x, y), validation, test = network3.load_data_shared(expanded=True)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    expanded = expand_mnist.expand(Dataset(*pairs[0]))
    together = [
        sorted(map(tuple, np.column_stack([inputs, labels]).tolist()))
        for inputs, labels in ((x, y), (expanded.inputs, expanded.targets))
    ]
    assert together[0] == together[1]
    assert not np.array_equal(y, expanded.targets)
    assert network3.size(validation) == 3
    assert network3.size(test) == 2
    again, _, _ = network3.load_data_shared(expanded=True)
    np.testing.assert_array_equal(again[0], x)


def test_a_missing_or_foreign_file_says_how_the_expanded_data_are_made(tmp_path):
    path = tmp_path / "mnist_expanded.pkl.gz"
    with pytest.raises(FileNotFoundError, match=r"mnist_expanded\.pkl\.gz'; .*expanded=True"):
        network3.load_data_shared(path)
    path.write_bytes(b"(lp0\n.")  # a list, as in the book's file of expanded data
    with pytest.raises(DataError, match=r"mnist_expanded\.pkl\.gz: .*expanded=True"):
        network3.load_data_shared(path)


def test_given_data_are_copied():
    inputs, labels = np.eye(4, dtype=np.float32)[:3], np.array([1, 0, 2])
    for data in ((inputs, labels), Dataset(inputs, labels), Dataset(inputs, np.eye(3)[labels])):
        x, y = network3.shared(data)
        np.testing.assert_array_equal(x, inputs)
        assert y.tolist() == [1, 0, 2]
        x[:], y[:] = 7, 7
    assert (inputs.max(), labels.max()) == (1, 2)
