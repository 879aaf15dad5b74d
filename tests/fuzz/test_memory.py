"""Files for which a careless reader would use much memory. fastnet's readers refuse them and stay below a bound."""

import gzip
import io
import json
import os
import struct
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from fuzz.formats import CHECKPOINT, MODEL, NETWORK3
from fuzz.readers import READERS
from model_files import with_checksum

from fastnet.files.reading import DataError

MEGABYTE = 1 << 20
MOST = 8 * MEGABYTE  # largest memory, in bytes, that a reader may use, unless `HOSTILE` says otherwise
LARGE = 8 * MEGABYTE


def of_weights(*weights, **others):
    return with_checksum({"sizes": [1, 1], "weights": weights, "biases": [[[0]]], "cost": "QuadraticCost"} | others)


def of_images(*shape):
    convolution = {"layer": "Convolution", "filters": 1, "shape": [1, 1], "weights": [[[[0]]]], "biases": [[0]]}
    dense = {"layer": "Dense", "n_out": 1, "activation": "sigmoid", "weights": [[0]], "biases": [[0]]}
    network = {"cost": "QuadraticCost", "activation": "relu", "inputs": shape, "layers": [convolution, dense]}
    return with_checksum({"dtype": "float32", "network": network}, version=2)


def headed(header):
    return len(header).to_bytes(8, "little") + header


def pieces(piece, length):
    return b"[" + piece * (length // (len(piece) + 1)) + b"0]"


def directory():
    """Return a zip archive whose central directory lists many empty files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("images.npy", b"")
    contents = stream.getvalue()
    (start,) = struct.unpack("<I", contents[-6:-2])
    entry = contents[start:-22]
    entries = entry * (2 * MEGABYTE // len(entry))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entries), start, 0)
    return contents[:start] + entries + end


HOSTILE = {
    "a long text among short ones": ("model", of_weights([["a" * MEGABYTE, *[""] * 5000]]), MOST),
    "numbers as deep as arrays may be": ("model", of_weights(json.loads("[" * 60 + "0" + "]" * 60)), MOST),
    "large images": ("model", of_images(1, 30_000, 30_000), MOST),
    "many objects": ("model", b'{"a":' + pieces(b'{"":0},', LARGE) + b"}", 3 * LARGE),
    "many objects in a header": ("checkpoint", headed(b'{"a":' + pieces(b'{"":0},', LARGE) + b"}"), 3 * LARGE),
    "many lists in a header": ("network3", headed(b'{"a":' + pieces(b"[],", LARGE) + b"}"), 3 * LARGE),
    "many objects in a description": (
        "checkpoint",
        CHECKPOINT.together([b"4", b'{"a":' + pieces(b'{"":0},', LARGE) + b"}", b"{}", b""]),
        8 * LARGE,
    ),
    "many layers in a description": (
        "network3",
        NETWORK3.together([b"1", b'{"mini_batch_size": 1, "layers": ' + pieces(b"2,", MEGABYTE) + b"}", b"{}", b""]),
        4 * LARGE,
    ),
    "many layers in a recipe": (
        "checkpoint",
        CHECKPOINT.together([b"4", b'{"data": "", "recipe": {"sizes": ' + pieces(b"2,", MEGABYTE) + b"}}", b"{}", b""]),
        4 * LARGE,
    ),
    "a packed stream without an end": ("idx", gzip.compress(b"\0\0\x08\1\0\0\0\1" + bytes(64 * MEGABYTE), 1), MOST),
    "a packed pickle without an end": ("pickle", gzip.compress(b"(N" + b"0" * 64 * MEGABYTE, 1), MOST),
    "a long directory": ("expanded", directory(), MOST),
    "a long directory of tensors": ("torch", directory(), MOST),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_little_memory_is_taken(kind, tmp_path):
    name, contents, most = HOSTILE[kind]
    reader, path = READERS[name], tmp_path / "file"
    if not reader.is_there:
        pytest.skip(f"needs {reader.needs}")
    reader.read(reader.whole()[0])
    path.write_bytes(contents)
    assert memory_to_refuse(reader, path) < most


def memory_to_refuse(reader, path):
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=f"^{path}: "):
            reader.read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["idx", "model", "checkpoint", "expanded", "network3", "torch"])
def test_a_device_without_an_end(name):
    reader = READERS[name]
    if not reader.is_there:
        pytest.skip(f"needs {reader.needs}")
    reader.read(reader.whole()[0])
    assert memory_to_refuse(reader, Path("/dev/zero")) < MOST


@pytest.mark.parametrize("name", READERS)
def test_links(name, tmp_path):
    reader = READERS[name]
    if not reader.is_there:
        pytest.skip(f"needs {reader.needs}")
    link, circle = tmp_path / "link", tmp_path / "circle"
    link.symlink_to(reader.whole()[0])
    reader.read(link)
    circle.symlink_to(circle)
    if name != "record":  # the reader of records creates a missing file
        with pytest.raises(OSError, match="circle"):
            reader.read(circle)


def test_a_model_is_read_from_a_pipe(tmp_path):
    reader, pipe = READERS["model"], tmp_path / "pipe"
    os.mkfifo(pipe)
    whole = reader.whole()[0]
    writer = threading.Thread(target=pipe.write_bytes, args=(whole.read_bytes(),))
    writer.start()
    assert reader.read(pipe).architecture == reader.read(whole).architecture
    writer.join()


def test_a_text_that_begins_well_and_has_no_end(monkeypatch, tmp_path):
    monkeypatch.setattr("fastnet.files.models._MOST_BYTES", MEGABYTE)
    (tmp_path / "file").write_bytes(b"{" + b" " * 3 * MEGABYTE)
    with pytest.raises(DataError, match="longer than 1 MiB"):
        READERS["model"].read(tmp_path / "file")


def test_checksums_of_reassembled_files_are_correct(tmp_path):
    """`Format.together` writes correct checksums. Otherwise, tests of damaged parts would prove nothing."""
    for name, shape in (("model", MODEL), ("checkpoint", CHECKPOINT)):
        for whole in READERS[name].whole():
            if "book" not in whole.name:
                (tmp_path / "file").write_bytes(shape.together(shape.apart(whole.read_bytes())))
                READERS[name].read(tmp_path / "file")
