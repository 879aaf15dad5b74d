import json
import os
import threading
import tracemalloc

import numpy as np
import pytest
from model_files import with_checksum

from fastnet import BatchNormalization, Convolution, Dataset, Dense, Dropout, MaxPooling, network, network2
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
    """The test repeats the steps of the book's `load`."""
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
    with pytest.raises(ValueError, match=r"weights\[0\] contains NaN"):
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
    """A network whose cost has an invalid name is not saved, because `load` would refuse the file."""
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
        (VALID | {"sizes": [2]}, "sizes must be a list of at least two positive integers"),
        (VALID | {"sizes": [2, 0]}, "sizes must be a list of at least two positive integers"),
        (VALID | {"sizes": [2, 1.5]}, "sizes must be a list of at least two positive integers"),
        (VALID | {"sizes": [2, 10**9]}, "do not have the shapes that its layers need"),
        (VALID | {"weights": [[[0.1]]]}, "do not have the shapes that its layers need"),
        (VALID | {"weights": [[[0.1, "x"]]]}, "are not numbers"),
        (VALID | {"weights": [[["0.1", "0.2"]]]}, "are not numbers"),
        (VALID | {"weights": [[[True, False]]]}, "are not numbers"),
        (VALID | {"weights": [[[10**400, 0]]]}, "are not finite"),
        (VALID | {"sizes": [2, 10**400]}, "do not have the shapes"),
        (VALID | {"weights": [[[0.1], [0.2, 0.3]]]}, "does not hold a network"),
        (VALID | {"weights": None}, "does not hold a network"),
        (VALID | {"biases": [[[float("nan")]]]}, "are not finite"),
        (VALID | {"biases": [[[1e300]]]}, "are not finite"),
        (VALID | {"cost": None}, "the name of its cost is"),
        (VALID | {"cost": "Cost\x1b[2J"}, "the name of its cost is"),
        (VALID | {"cost": "a" * 1000}, "the name of its cost is"),
        (VALID | {"more": {"a": {}}}, "more JSON objects than a network"),
        (
            VALID | {"cost": "CrossEntropyCost"},
            "its cost is CrossEntropyCost, its activation sigmoid; network.Network has",
        ),
        (VALID | {"dtype": "object"}, "its dtype is neither"),
        ({k: v for k, v in VALID.items() if k != "biases"}, "it has no 'biases'"),
    ],
)
def test_a_file_that_holds_no_network(tmp_path, contents, message):
    path = tmp_path / "net.json"
    path.write_bytes(contents if isinstance(contents, bytes) else with_checksum(contents))
    with pytest.raises(ValueError, match=rf"net\.json: .*{message}"):
        network.load(path)


LAYERS = [3, Dropout(0.5), Dense(2, "leaky_relu"), BatchNormalization("tanh", 0.25, 1e-3), Dense(2, "linear")]


@pytest.fixture
def layered(tmp_path):
    """A trained network with dropout and batch normalization, and the path of its file."""
    net = network2.Network(LAYERS, network2.QuadraticCost, activation="tanh", engine="numpy", dtype="float64", seed=0)
    x = np.random.default_rng(0).random((6, 3))
    net.SGD(Dataset(x, x[:, :2]), 2, 3, 0.1, report=lambda history: None)
    net.save(tmp_path / "net.json")
    return net, tmp_path / "net.json"


def test_a_network_of_layers_is_the_same_network(layered):
    net, path = layered
    again = network2.load(path, engine="numpy")
    assert (again.sizes, again.layers, again.cost) == (net.sizes, net.layers, net.cost)
    assert (again.activation, again.dtype) == ("tanh", net.dtype)
    for layer, expected in zip(again.parameters, net.parameters, strict=True):
        assert layer.keys() == expected.keys()
        for name, array in layer.items():
            np.testing.assert_array_equal(array, expected[name], strict=True)
    assert json.loads(path.read_text())["version"] == 2
    assert "cost" not in json.loads(path.read_text())  # without "cost", the book's `load` raises a KeyError
    with pytest.raises(ValueError, match=r"dense layers of sigmoid neurons only. Use network2.load instead"):
        network.load(path)


def test_what_the_books_format_can_describe_is_written_in_it(tmp_path):
    for entries in ([3, 4, 2], [3, Dense(4, "tanh"), Dense(2, "sigmoid")]):
        network2.Network(entries, activation="tanh").save(tmp_path / "net.json")
        assert json.loads((tmp_path / "net.json").read_text())["neurons"]["activation"] == "tanh"


def change_layer(i, **values):
    def change(network):
        network["layers"][i] = {
            name: value for name, value in {**network["layers"][i], **values}.items() if value is not None
        }

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n.pop("layers"), "it has no 'layers'"),
        (lambda n: n.update(layers=[]), "it has no layers"),
        (lambda n: n.update(layers={}), "must be a JSON object with a network and its layers"),
        (lambda n: n.update(layers=[3]), "a layer must be a JSON object"),
        (lambda n: n.update(layers=n["layers"][:-1]), "the last layer is"),
        (lambda n: n.update(inputs=4), "its weights do not have the shapes"),
        (lambda n: n.update(inputs=0), "its inputs must be a positive integer"),
        (lambda n: n.update(inputs=True), "its inputs must be a positive integer"),
        (lambda n: n.update(inputs=[3]), "its inputs must be a positive integer, or a list of three"),
        (lambda n: n.update(inputs=[1, 3]), "its inputs must be a positive integer, or a list of three"),
        (lambda n: n.update(inputs=[1, 3, 0]), "its inputs must be a positive integer, or a list of three"),
        (lambda n: n.update(inputs=[1, 3, [1]]), "its inputs must be a positive integer, or a list of three"),
        (lambda n: n.update(activation="step"), "its activation must be one of"),
        (lambda n: n.update(cost="LogLikelihoodCost"), "activation of the last layer is 'linear'"),
        (lambda n: n.update(cost=["QuadraticCost"]), "the name of its cost is"),
        (change_layer(0, layer="Recurrent"), "it has no 'Recurrent'"),
        (change_layer(0, layer="Convolution"), "does not hold a network"),
        (change_layer(0, layer=["Dropout"]), "does not hold a network"),
        (change_layer(0, layer=None), "it has no 'layer'"),
        (change_layer(0, p=1), "p of Dropout is 1.0"),
        (change_layer(0, p=float("nan")), "p of Dropout is nan"),
        (change_layer(0, more=1), "does not hold a network"),
        (change_layer(0, gamma=[[1.0]] * 3), "a layer has the arrays gamma; it must have "),
        (change_layer(1, n_out=10**400), "its weights do not have the shapes"),
        (change_layer(1, weights=None), "a layer has the arrays biases; it must have weights, biases"),
        (change_layer(1, weights=[["1", "2", "3"]] * 2), "its weights are not numbers"),
        (change_layer(2, variance=[[1.0], [-1.0]]), "its variance is negative"),
        (change_layer(2, mean=[[1.0], [float("inf")]]), "its mean are not finite"),
        (change_layer(2, gamma=[[1.0]]), "its gamma do not have the shapes"),
        (change_layer(2, epsilon=0), "epsilon of BatchNormalization is 0.0"),
        (lambda n: n.update(layers=[{}] * 2000), "more JSON objects than a network"),
    ],
)
def test_a_file_that_holds_no_network_of_layers(layered, change, message):
    _, path = layered
    contents = json.loads(path.read_text())
    del contents["version"], contents["sha256"]
    path.write_bytes(with_checksum(contents, version=2))
    assert network2.load(path).sizes == [3, 2, 2]
    change(contents["network"])
    path.write_bytes(with_checksum(contents, version=2))
    with pytest.raises(DataError, match=message):
        network2.load(path)


@pytest.fixture
def of_images():
    """The contents of a model file with a convolutional network."""
    rows = np.arange(8.0).reshape(2, 1, 2, 2).tolist()
    layers = [
        {"layer": "Convolution", "filters": 2, "shape": [2, 2], "activation": "relu", "padding": "valid",
         "weights": rows, "biases": [[0.0], [1.0]]},
        {"layer": "MaxPooling", "shape": [2, 1]},
        {"layer": "Dense", "n_out": 1, "activation": "linear", "weights": [[1.0] * 4], "biases": [[0.0]]},
    ]  # fmt: skip
    network = {"cost": "QuadraticCost", "activation": "sigmoid", "inputs": [1, 3, 3], "layers": layers}
    return {"dtype": "float64", "network": network}


def test_a_file_of_images_by_hand(tmp_path, of_images):
    (tmp_path / "net.json").write_bytes(with_checksum(of_images, version=2))
    net = network2.load(tmp_path / "net.json", engine="numpy")
    assert net.layers == (Convolution(2, 2, "relu"), MaxPooling((2, 1)), Dense(1, "linear"))
    x = np.arange(9.0).reshape(9, 1)
    # In both pooling windows of a map, the activation in the lower row is the maximum.
    windows = [np.array([[a, a + 1], [a + 3, a + 4]]) for a in (3, 4)]
    rows = np.arange(8.0).reshape(2, 2, 2)
    expected = sum(np.sum(w * window) + b for w, b in zip(rows, (0, 1), strict=True) for window in windows)
    assert net.feedforward(x).tolist() == [[expected]]
    net.save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["network"] == of_images["network"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_layer(0, weights=[[[[1.0, 2.0]]]] * 2), "its weights do not have the shapes"),
        (change_layer(0, weights=[[[1.0, 2.0], [1.0, 2.0]]] * 2), "its weights do not have the shapes"),
        (change_layer(0, weights=[[[[1.0, "2"], [1.0, 2.0]]]] * 2), "its weights are not numbers"),
        (change_layer(0, weights=[[[[1.0, [2.0]], [1.0, 2.0]]]] * 2), "its weights are not numbers"),
        (change_layer(0, weights=[[[[1.0, 1e400], [1.0, 2.0]]]] * 2), "its weights are not finite"),
        (change_layer(0, shape=[2]), "shape of Convolution is .*; it must be an integer, or a height and a width"),
        (change_layer(0, shape=[[2, 2], 2]), "a number in shape of Convolution is"),
        (change_layer(0, shape="22"), "shape of Convolution is '22'; it must be an integer"),
        (change_layer(0, shape=[4, 4]), "is larger than its inputs, images of 3 x 3"),
        (change_layer(0, padding="full"), "padding of Convolution is 'full'"),
        (change_layer(0, filters=10**400), "need more than"),
        (change_layer(1, shape=[10**40, 1]), "is larger than its inputs"),
        (change_layer(1, weights=[[1.0]]), "a layer has the arrays weights; it must have "),
        (lambda n: n.update(inputs=9), "needs images"),
        (lambda n: n.update(inputs=[1, 10**12, 10**12]), "need more than|this machine has"),
        (lambda n: n.update(inputs=[10**4000, 10**4000, 10**4000]), "does not hold a network"),
        (lambda n: n.update(inputs=[2, 3, 3]), "its weights do not have the shapes"),
    ],
)
def test_a_file_that_holds_no_network_of_images(tmp_path, of_images, change, message):
    change(of_images["network"])
    (tmp_path / "net.json").write_bytes(with_checksum(of_images, version=2))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=message):
            network2.load(tmp_path / "net.json")
        assert tracemalloc.get_traced_memory()[1] < 4e6  # a tight bound: reading takes more than 2 MB
    finally:
        tracemalloc.stop()


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
        (b'"version": 1', b'"version": 2', "it has no 'network'"),
        (b'"version": 1', b'"version": 3', "its version is 3; it must be 1 or 2"),
        (b'"version": 1, ', b"", "its version is None; it must be 1 or 2"),
        (b'"weights": [[[', b'"weights": [[[1', "its checksum does not match; it is damaged, or was changed"),
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
