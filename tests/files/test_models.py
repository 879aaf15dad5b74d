import json
import os
import threading

import numpy as np
import pytest
from model_files import sealed

from fastnet import network, network2
from fastnet.mnist_loader import DataError
from fastnet.network import Network


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_saved_network_is_the_same_network(tmp_path, dtype):
    net = Network([5, 3, 2], dtype=dtype, seed=0)
    net.save(tmp_path / "net.json")
    again = network.load(str(tmp_path / "net.json"), engine="numpy")
    assert (again.sizes, again.dtype, again.engine) == (net.sizes, net.dtype, "numpy")
    for array, expected in zip(again.weights + again.biases, net.weights + net.biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)


def test_the_books_load_reads_it(tmp_path):
    """The book's `load` does just this with the file."""
    net = Network([5, 3, 2], seed=0)
    net.save(tmp_path / "net.json")
    data = json.loads((tmp_path / "net.json").read_text())
    assert data["cost"] in ("QuadraticCost", "CrossEntropyCost")
    assert data["sizes"] == [5, 3, 2]
    assert [np.array(w).shape for w in data["weights"]] == [(3, 5), (2, 3)]
    assert [np.array(b).shape for b in data["biases"]] == [(3, 1), (2, 1)]


def test_a_file_of_the_books_becomes_float64(tmp_path):
    book = {"sizes": [2, 1], "weights": [[[0.1, -0.2]]], "biases": [[[0.3]]], "cost": "QuadraticCost"}
    (tmp_path / "book.json").write_text(json.dumps(book))
    net = network.load(tmp_path / "book.json")
    assert net.dtype == np.float64
    x = np.array([[1.0], [2.0]])
    np.testing.assert_allclose(net.feedforward(x), [[1 / (1 + np.exp(-(0.1 - 0.4 + 0.3)))]], rtol=1e-14)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    net = Network([2, 1], seed=0)
    path = tmp_path / "net.json"
    net.save(path)
    before = path.read_bytes()
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"weights\[0\] has a number that is not a number"):
        net.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["net.json"]
    net.weights[0][0, 0] = 0
    with pytest.raises(FileNotFoundError):
        net.save(tmp_path / "nowhere" / "net.json")
    with pytest.raises(OSError, match=r"/a{300}'$"):
        net.save(tmp_path / ("a" * 300))


@pytest.mark.parametrize("name", ["a" * 101, "a\nb", ""])
def test_a_cost_whose_name_no_file_can_have(name, tmp_path):
    """Otherwise it would be written, and could not be loaded."""
    cost = type(name, (network2.QuadraticCost,), {})
    net = network2.Network([2, 1], cost, engine="numpy", seed=0)
    with pytest.raises(ValueError, match=r"the name of its cost is .*; it must have 1 to 100 printable characters"):
        net.save(tmp_path / "net.json")
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path):
    net = Network([2, 1], seed=0)
    target, link, pipe = tmp_path / "target.json", tmp_path / "link.json", tmp_path / "pipe"
    target.touch(mode=0o600)
    link.symlink_to(target)
    net.save(link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert network.load(target).sizes == [2, 1]

    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    net.save(pipe)
    reader.join()
    assert json.loads(received[0])["sizes"] == [2, 1]
    assert pipe.is_fifo()


VALID = {"sizes": [2, 1], "weights": [[[0.1, -0.2]]], "biases": [[[0.3]]], "cost": "QuadraticCost", "dtype": "float32"}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "does not hold a network"),
        (b"\xff\xfe\x00", "does not hold a network"),
        (b"[" * 100_000, "does not hold a network"),
        (b"[]", "does not hold a network"),
        (b"7", "does not hold a network"),
        (json.dumps(VALID)[:-5].encode(), "does not hold a network"),
        (VALID | {"sizes": [2]}, "sizes are not a list of layers"),
        (VALID | {"sizes": [2, 0]}, "sizes are not a list of layers"),
        (VALID | {"sizes": [2, 1.5]}, "sizes are not a list of layers"),
        (VALID | {"sizes": [2, 10**9]}, "not of the shapes that its sizes say"),
        (VALID | {"weights": [[[0.1]]]}, "not of the shapes that its sizes say"),
        (VALID | {"weights": [[[0.1, "x"]]]}, "are not numbers"),
        (VALID | {"weights": [[["0.1", "0.2"]]]}, "are not numbers"),
        (VALID | {"weights": [[[True, False]]]}, "are not numbers"),
        (VALID | {"weights": [[[10**400, 0]]]}, "are not finite"),
        (VALID | {"sizes": [2, 10**400]}, "not of the shapes"),
        (VALID | {"weights": [[[0.1], [0.2, 0.3]]]}, "does not hold a network"),
        (VALID | {"weights": None}, "does not hold a network"),
        (VALID | {"biases": [[[float("nan")]]]}, "are not finite"),
        (VALID | {"biases": [[[1e300]]]}, "are not finite"),
        (VALID | {"cost": None}, "the name of its cost is"),
        (VALID | {"cost": "Cost\x1b[2J"}, "the name of its cost is"),
        (VALID | {"cost": "a" * 1000}, "the name of its cost is"),
        (VALID | {"more": {"a": {}}}, "more objects than a network"),
        (VALID | {"cost": "CrossEntropyCost"}, "its cost is CrossEntropyCost, its activation sigmoid; this"),
        (VALID | {"dtype": "object"}, "its dtype is neither"),
        ({k: v for k, v in VALID.items() if k != "biases"}, "it has no 'biases'"),
    ],
)
def test_a_file_that_holds_no_network(tmp_path, contents, message):
    path = tmp_path / "net.json"
    path.write_bytes(contents if isinstance(contents, bytes) else sealed(contents))
    with pytest.raises(ValueError, match=rf"net\.json: .*{message}"):
        network.load(path)


def test_every_change_of_a_byte_is_found(tmp_path):
    path = tmp_path / "net.json"
    Network([3, 2], seed=0).save(path)
    contents = path.read_bytes()
    for place in range(len(contents)):
        for change in (1, 2, 64):
            damaged = bytearray(contents)
            damaged[place] ^= change
            path.write_bytes(damaged)
            with pytest.raises(DataError, match=r"net\.json: this file does not hold a network"):
                network.load(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"version": 1', b'"version": 2', "its version is 2; it must be 1"),
        (b'"version": 1, ', b"", "its version is None; it must be 1"),
        (b'"weights": [[[', b'"weights": [[[1', "its checksum is another; it is damaged, or was changed"),
    ],
)
def test_a_file_that_was_changed(tmp_path, old, new, message):
    path = tmp_path / "net.json"
    Network([3, 2], seed=0).save(path)
    contents = path.read_bytes()
    assert old in contents
    path.write_bytes(contents.replace(old, new))
    with pytest.raises(DataError, match=message):
        network.load(path)


def test_the_error_is_a_data_error(tmp_path):
    (tmp_path / "net.json").write_text("{}")
    with pytest.raises(DataError):
        network.load(tmp_path / "net.json")
