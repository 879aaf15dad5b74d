"""Files of chapter 6's networks."""

import errno
import hashlib
import json
import math
import os
import pickle
import sys
import tracemalloc

import numpy as np
import pytest
from network3_in_numpy import bits

from fastnet import network3
from fastnet.files.reading import DataError
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, sigmoid, tanh


def a_network():
    np.random.seed(0)
    layers = [
        ConvPoolLayer((2, 1, 3, 3), (4, 1, 6, 6), (2, 2), ReLU),
        FullyConnectedLayer(8, 5, tanh, 0.25),
        FullyConnectedLayer(5, 4),
        SoftmaxLayer(4, 3, 0.5, params=(np.random.normal(size=(4, 3)), np.random.normal(size=3))),
    ]
    return Network(layers, 4, engine="numpy")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    a_network().save(path)
    return path


def read(path):
    """Read a file in the documented format; return the header, the description and the numbers."""
    contents = path.read_bytes()
    length = int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8 : 8 + length])
    return header, json.loads(header["__metadata__"]["fastnet.network3"]), contents[8 + length :]


def write(path, header, description, numbers):
    """Write a file with a correct checksum, even if the rest of the file is invalid."""
    text = json.dumps(description)
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    checksum = hashlib.sha256(json.dumps(["fastnet.network3", "1", text, entries]).encode() + numbers).hexdigest()
    metadata = {"fastnet.network3": text, "version": "1", "sha256": checksum}
    whole = json.dumps({"__metadata__": metadata, **entries}).encode()
    path.write_bytes(len(whole).to_bytes(8, "little") + whole + numbers)


def test_a_saved_network_is_the_same_network(saved):
    net = a_network()
    before = np.random.get_state()[2]
    again = network3.load(str(saved), engine="numpy")
    assert np.random.get_state()[2] == before
    assert again.mini_batch_size == 4
    assert [layer.description() for layer in again.layers] == [layer.description() for layer in net.layers]
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in net.layers]
    assert [layer.activation_fn for layer in again.layers] == [layer.activation_fn for layer in net.layers]
    assert again.engine == "numpy"
    assert bits(again) == bits(net)
    x = np.random.default_rng(0).random((10, 36))
    np.testing.assert_array_equal(again.output(x), net.output(x))


def test_it_can_be_trained_on(saved, capsys):
    net = network3.load(saved, engine="numpy")
    data = np.random.default_rng(0).random((8, 36)), np.arange(8) % 3
    net.SGD(data, 1, 4, 0.1, data, data)
    assert not np.array_equal(net.params[0], a_network().params[0])
    net.layers[0].w[0] = 0  # loaded arrays are writable


def test_weights_of_other_kinds_are_saved_as_float32(saved):
    net, before = a_network(), saved.read_bytes()
    for layer in net.layers:
        layer.w, layer.b = layer.w.astype(float), layer.b.tolist()
    net.save(saved)
    assert saved.read_bytes() == before


def test_an_engine_may_be_chosen(saved, pytorch):
    assert network3.load(saved, engine="torch", device="cpu").engine == "torch-cpu"
    with pytest.raises(ValueError, match="device is 'cpu', but engine is 'numba'"):
        network3.load(saved, device="cpu")


def test_the_file_is_what_the_format_says(saved):
    header, description, numbers = read(saved)
    assert int.from_bytes(saved.read_bytes()[:8], "little") % 8 == 0
    del header["__metadata__"]
    for name, param in zip(header, a_network().params, strict=True):
        begin, end = header[name]["data_offsets"]
        assert header[name]["dtype"] == "F32"
        array = np.frombuffer(numbers[begin:end], "<f4").reshape(header[name]["shape"])
        np.testing.assert_array_equal(param, array)
    assert end == len(numbers)
    assert list(header)[:3] == ["layers.0.w", "layers.0.b", "layers.1.w"]
    assert description["layers"][0] == {
        "layer": "ConvPoolLayer",
        "filter_shape": [2, 1, 3, 3],
        "image_shape": [4, 1, 6, 6],
        "poolsize": [2, 2],
        "activation_fn": "ReLU",
    }


def test_a_file_is_replaced_whole_or_not_at_all(saved):
    before = saved.read_bytes()
    net = a_network()
    net.layers[1].w[0, 0] = math.nan
    with pytest.raises(ValueError, match=r"cannot be saved: layers\[1\]: w contains NaN"):
        net.save(saved)
    own = a_network()
    own.layers[1].activation_fn = lambda z: z
    with pytest.raises(ValueError, match=r"cannot be saved: a layer's activation_fn is .*; it must be one of linear, "):
        own.save(saved)
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]
    with pytest.raises(FileNotFoundError):
        a_network().save(saved.parent / "nowhere" / "net")
    with pytest.raises(FileNotFoundError):
        network3.load(saved.parent / "nothing")


def test_a_full_disk_leaves_what_was_there(saved, monkeypatch):
    before = saved.read_bytes()

    def refuse(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    net = a_network()
    net.layers[0].w[...] = 0
    with pytest.raises(OSError, match="No space left on device"):
        net.save(saved)
    assert saved.read_bytes() == before
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]


def test_every_truncation_is_found(saved):
    contents = saved.read_bytes()
    for length in [*range(0, len(contents), 23), len(contents) - 1]:
        saved.write_bytes(contents[:length])
        with pytest.raises(DataError, match=r"net\.safetensors: "):
            network3.load(saved)


def test_damage_is_found_wherever_it_is(saved):
    contents = bytearray(saved.read_bytes())
    random = np.random.default_rng(0)
    for place in random.integers(0, len(contents), 300):
        damaged = contents.copy()
        damaged[place] ^= 1 << random.integers(8)
        saved.write_bytes(damaged)
        with pytest.raises(DataError, match=r"net\.safetensors: "):
            network3.load(saved)


class Hostile:
    def __reduce__(self):
        return exec, ("import sys; sys.hostile = True",)


@pytest.mark.parametrize("make", ["a pickle", "torch.save", "text", "a huge header", "nothing", "not an object"])
def test_foreign_and_hostile_files_run_nothing(tmp_path, make):
    path = tmp_path / "net"
    if make == "torch.save":
        torch = pytest.importorskip("torch")
        torch.save({"a": Hostile()}, path)
    else:
        path.write_bytes(
            {
                "a pickle": pickle.dumps(Hostile()),
                "text": b"a text that is no network at all",
                "a huge header": (1 << 62).to_bytes(8, "little") + b"{}",
                "nothing": b"",
                "not an object": (2).to_bytes(8, "little") + b"[]",
            }[make]
        )
    message = "does not begin with a safetensors header" if make == "a huge header" else "net: "
    with pytest.raises(DataError, match=message):
        network3.load(path)
    assert not hasattr(sys, "hostile")


def test_no_memory_is_taken_for_what_a_file_only_claims(saved):
    _, description, numbers = read(saved)
    huge = [100_000, 100_000]
    description["layers"] = [{"layer": "SoftmaxLayer", "n_in": huge[0], "n_out": huge[1], "p_dropout": 0.0}]
    entry = {"dtype": "F32", "shape": huge, "data_offsets": [0, 4 * math.prod(huge)]}
    end = entry["data_offsets"][1]
    bias = {"dtype": "F32", "shape": huge[1:], "data_offsets": [end, end + 4 * huge[1]]}
    write(saved, {"__metadata__": {}, "layers.0.w": entry, "layers.0.b": bias}, description, numbers)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="it ends too early"):
            network3.load(saved)
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def change_layer(**changes):
    return lambda header, description: description["layers"][1].update(changes)


CHANGES = {
    "more than its layers": (lambda h, d: d["layers"].pop(), "not the weights and biases of its layers"),
    "another kind": (change_layer(layer="Linear"), "each layer must be one of"),
    "a kind that is no name": (change_layer(layer=["SoftmaxLayer"]), "each layer must be one of"),
    "another argument": (change_layer(params=[1, 2]), "must be described by"),
    "a private function": (change_layer(activation_fn="__class__"), "activation_fn is '__class__'"),
    "a function that is none": (change_layer(activation_fn=["ReLU"]), "activation_fn is"),
    "another width": (change_layer(n_out=6), "params have the shapes"),
    "a width that is no number": (change_layer(n_out="5"), "n_out is '5'"),
    "dropout of everything": (change_layer(p_dropout=1.0), "p_dropout is 1.0"),
    "dropout of NaN": (change_layer(p_dropout=math.nan), "p_dropout is nan"),
    "layers that are no list": (
        lambda h, d: d.update(layers={}),
        "its description must have layers and mini_batch_size",
    ),
    "something else": (lambda h, d: d.update(run="ls"), "its description must have layers and mini_batch_size"),
    "no mini-batch": (lambda h, d: d.update(mini_batch_size=0), "mini_batch_size is 0"),
    "another type": (lambda h, d: h["layers.0.w"].update(dtype="F64"), "layers.0.w has a wrong dtype or wrong offsets"),
    "an unknown type": (
        lambda h, d: h["layers.0.w"].update(dtype="I8"),
        "layers.0.w has a wrong dtype or wrong offsets",
    ),
    "an overlap": (
        lambda h, d: h["layers.0.b"].update(data_offsets=[0, 8]),
        "layers.0.b has a wrong dtype or wrong offsets",
    ),
    "a negative shape": (lambda h, d: h["layers.0.b"].update(shape=[-2]), "layers.0.b has no valid shape"),
    "no object": (lambda h, d: h.update({"layers.0.b": 3}), "layers.0.b has no valid shape"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_no_network(saved, change):
    header, description, numbers = read(saved)
    edit, message = CHANGES[change]
    edit(header, description)
    write(saved, header, description, numbers)
    with pytest.raises(DataError, match=rf"net\.safetensors: .*{message}"):
        network3.load(saved)


def test_a_file_that_was_written_by_hand(tmp_path):
    """The test writes the documented format without `Network.save`."""
    w, b = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.0]], "<f4"), np.array([0.25, 0.0, -4.0], "<f4")
    filters, of_filters = np.arange(4, dtype="<f4").reshape(1, 1, 2, 2), np.array([0.5], "<f4")
    arrays = {"layers.0.w": filters, "layers.0.b": of_filters, "layers.1.w": w, "layers.1.b": b}
    entries, offset = {}, 0
    for name, array in arrays.items():
        entries[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    convolution = {"layer": "ConvPoolLayer", "filter_shape": [1, 1, 2, 2], "image_shape": [7, 1, 3, 5],
                   "poolsize": [2, 2], "activation_fn": "sigmoid"}  # fmt: skip
    last = {"layer": "SoftmaxLayer", "n_in": 2, "n_out": 3, "p_dropout": 0.5}
    description = {"layers": [convolution, last], "mini_batch_size": 7}
    write(tmp_path / "net", entries, description, b"".join(array.tobytes() for array in arrays.values()))
    net = network3.load(tmp_path / "net", engine="numpy")
    assert bits(net) == b"".join(array.tobytes() for array in arrays.values())
    assert net.layers[0].activation_fn is sigmoid
    assert (net.layers[0].poolsize, net.layers[1].p_dropout, net.mini_batch_size) == ((2, 2), 0.5, 7)


def test_numbers_that_are_none(saved):
    header, description, numbers = read(saved)
    write(saved, header, description, numbers[:-4] + np.float32(np.inf).tobytes())
    with pytest.raises(DataError, match=r"layers\.3\.b must be float32 and finite"):
        network3.load(saved)
    saved.write_bytes(a_network_and_more(saved))
    with pytest.raises(DataError, match="longer than its header says"):
        network3.load(saved)


def a_network_and_more(path):
    a_network().save(path)
    return path.read_bytes() + b"\0"
