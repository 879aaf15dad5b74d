"""Files that `expand_mnist` writes and reads."""

import contextlib
import errno
import io
import os
import struct
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet import Dataset, expand_mnist
from fastnet.files.reading import DataError


def data_of(images, targets=None):
    images = np.asarray(images)
    return Dataset(images.reshape(len(images), -1), np.arange(len(images)) if targets is None else targets)


def random_data(n, side, dtype=np.float32):
    random = np.random.default_rng(0)
    return data_of(random.integers(0, 256, (n, side, side)).astype(dtype) / 256)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "some.npz"
    expand_mnist.save(random_data(4, 3), path)
    return path


@pytest.mark.parametrize("targets", [[0, 300], [[0.5, 1, -2], [0, 0, 1e300]], np.float32([[0.1], [3]])])
def test_what_was_saved_is_loaded_bit_for_bit(tmp_path, targets):
    data = data_of([[[0, 1 / 256], [0.5, 255 / 256]], [[0, 0], [0, 2 / 256]]], targets)
    expand_mnist.save(data, tmp_path / "some.npz")
    again = expand_mnist.load(str(tmp_path / "some.npz"))
    np.testing.assert_array_equal(again.inputs, data.inputs.astype(np.float32), strict=True)
    np.testing.assert_array_equal(again.targets, data.targets, strict=True)


def test_what_is_made_of_mnist_is_saved_exactly(tmp_path, mnist):
    for data in (expand_mnist.expand(mnist[0][:100]), expand_mnist.deform(mnist[1][:100])):
        expand_mnist.save(data, tmp_path / "some.npz")
        again = expand_mnist.load(tmp_path / "some.npz")
        np.testing.assert_array_equal(again.inputs, data.inputs, strict=True)
        np.testing.assert_array_equal(again.targets, data.targets, strict=True)


def test_numpy_reads_it_without_pickles(saved):
    with np.load(saved, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["images", "labels"]
        np.testing.assert_array_equal(arrays["images"], random_data(4, 3).inputs * 256)
        np.testing.assert_array_equal(arrays["labels"], range(4))


@pytest.mark.parametrize("wrong", [1.0, -1 / 256, 0.5 / 256, np.nan, np.inf, 1e300, 3.0])
def test_what_a_byte_cannot_hold_is_not_saved_and_nothing_is_lost(saved, wrong):
    before = saved.read_bytes()
    inputs = np.zeros((100, 4))
    inputs[99, 3] = wrong
    with pytest.raises(ValueError, match=r"data has an input .*; inputs must be multiples of 1/256 from"):
        expand_mnist.save(Dataset(inputs, np.zeros(100, int)), saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_a_file_is_replaced_whole_or_not_at_all(saved, monkeypatch):
    before = saved.read_bytes()

    def full_disk(file, array, **keywords):
        file.write(b"some")
        raise OSError(errno.ENOSPC, "the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", full_disk)
        with pytest.raises(OSError, match="the disk is full"):
            expand_mnist.save(random_data(5, 3), saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]
    link = saved.with_name("link")
    link.symlink_to(saved)
    with saved.open("rb") as reader:
        expand_mnist.save(random_data(5, 3), link)
        assert reader.read() == before
    assert link.is_symlink()
    assert len(expand_mnist.load(saved)) == 5


def test_into_a_pipe_or_a_device_it_is_written_from_the_beginning_to_the_end(tmp_path):
    data, pipe, file = random_data(5, 3), tmp_path / "pipe", tmp_path / "file"
    expand_mnist.save(data, "/dev/null")
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: file.write_bytes(pipe.read_bytes()))
    reader.start()
    expand_mnist.save(data, pipe)
    reader.join()
    np.testing.assert_array_equal(expand_mnist.load(file).inputs, data.inputs)


def header(description, shape):
    text = f"{{'descr': {description}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


IMAGES = header("'|u1'", "(2, 4)") + bytes(8)
LABELS = header("'<i8'", "(2,)") + bytes(16)


def archive_of(members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, contents in members:
            archive.writestr(name, contents)
    return buffer.getvalue()


def test_an_archive_made_by_hand_is_loaded(tmp_path):
    path = tmp_path / "hand.npz"
    path.write_bytes(archive_of([("images.npy", IMAGES), ("labels.npy", LABELS)]))
    np.testing.assert_array_equal(expand_mnist.load(path).inputs, np.zeros((2, 4)))


def with_first_entry(contents, offset, patch):
    """Return the archive with `patch` at `offset` in the central directory's first entry."""
    at = contents.index(b"PK\x01\x02") + offset
    return contents[:at] + patch + contents[at + len(patch) :]


def encrypted():
    return with_first_entry(archive_of([("images.npy", IMAGES), ("labels.npy", LABELS)]), 8, b"\x01")


def far_away():
    """Return an archive whose first member has the offset 2**64 - 1."""
    images = zipfile.ZipInfo("images.npy")
    images.extra = struct.pack("<HHQ", 1, 8, (1 << 64) - 1)
    return with_first_entry(archive_of([(images, IMAGES), ("labels.npy", LABELS)]), 42, b"\xff" * 4)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "this file does not hold images"),
        (b"\x80\x04N.", "this file does not hold images"),
        (encrypted(), "is encrypted"),
        (far_away(), "this file does not hold images"),
        (archive_of([]), "must have the arrays"),
        (archive_of([("images.npy", IMAGES)]), "must have the arrays"),
        (archive_of([("images.npy", IMAGES), ("labels.npy", LABELS), ("more.npy", LABELS)]), "must have the arrays"),
        (archive_of([("labels.npy", LABELS), ("images.npy", IMAGES)]), "must have the arrays"),
        (archive_of([("images.npy", IMAGES), ("labels.npy", LABELS)], zipfile.ZIP_DEFLATED), "not be compressed"),
        (archive_of([("images.npy", IMAGES + b"."), ("labels.npy", LABELS)]), "holds more bytes than its shape needs"),
        (archive_of([("images.npy", IMAGES[:-1]), ("labels.npy", LABELS)]), "it ends too early"),
        (archive_of([("images.npy", b"abc"), ("labels.npy", LABELS)]), "it ends too early"),
        (archive_of([("images.npy", b"0123456789"), ("labels.npy", LABELS)]), "images.npy is not a .npy array"),
        (
            archive_of([("images.npy", header("'|O'", "(2, 4)")), ("labels.npy", LABELS)]),
            "images.npy must have dtype uint8",
        ),
        (
            archive_of([("images.npy", header("'|u1'", "(-2, 4)")), ("labels.npy", LABELS)]),
            "images.npy must have dtype uint8",
        ),
        (
            archive_of([("images.npy", header("'|u1'", "(2, 4, 1)")), ("labels.npy", LABELS)]),
            "images.npy must have dtype uint8",
        ),
        (
            archive_of([("images.npy", header("exit(3)", "(2, 4)")), ("labels.npy", LABELS)]),
            "images.npy must have dtype uint8",
        ),
        (archive_of([("images.npy", LABELS), ("labels.npy", LABELS)]), r"images are int64 \(2,\); they must be uint8"),
        (archive_of([("images.npy", IMAGES), ("vectors.npy", LABELS)]), r"vectors are int64 .* vectors float"),
        (archive_of([("images.npy", IMAGES), ("labels.npy", IMAGES)]), r"labels are uint8 .* labels must be int64"),
        (
            archive_of([("images.npy", IMAGES), ("labels.npy", header("'<i8'", "(1,)") + bytes(8))]),
            "it has 2 images, but 1 labels",
        ),
        (
            archive_of([("images.npy", IMAGES), ("labels.npy", LABELS[:-1] + b"\xff")]),
            "there are labels from .*; they must be integers from 0 to 2147483647",
        ),
        (
            archive_of([("images.npy", header("'|u1'", "(0, 4)")), ("labels.npy", header("'<i8'", "(0,)"))]),
            "the data set is empty",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, contents, message):
    path = tmp_path / "other.npz"
    path.write_bytes(contents)
    with pytest.raises(DataError, match=message) as caught:
        expand_mnist.load(path)
    assert str(path) in str(caught.value)


def test_no_memory_is_taken_for_what_is_only_claimed(tmp_path):
    path = tmp_path / "liar.npz"
    images = header("'|u1'", "(999999999, 784)") + bytes(8)
    contents = archive_of([("images.npy", images), ("labels.npy", LABELS)])
    # The archive first states the true size of the member images.npy, then a false size.
    for claimed in (len(images), 1 << 31):
        path.write_bytes(contents.replace(struct.pack("<I", len(images)), struct.pack("<I", claimed)))
        tracemalloc.start()
        with pytest.raises(DataError):
            expand_mnist.load(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 22


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_a_damaged_file_is_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    expand_mnist.save(random_data(4, 3), path)
    contents = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(contents[: data.draw(st.integers(len(contents) // 2, len(contents)))])
    with contextlib.suppress(DataError):  # unused dates or flags may be damaged without an error
        again = expand_mnist.load(path)
        np.testing.assert_array_equal(again.inputs, random_data(4, 3).inputs)
        np.testing.assert_array_equal(again.targets, random_data(4, 3).targets)


def test_a_file_of_which_a_piece_is_missing_is_refused(saved):
    contents = saved.read_bytes()
    for start in range(0, len(contents), 7):
        saved.write_bytes(contents[:start] + contents[start + 60 :])
        with pytest.raises(DataError):
            expand_mnist.load(saved)


def test_every_byte_of_the_images_is_checked(saved):
    contents = saved.read_bytes()
    start = contents.index((random_data(4, 3).inputs * 256).astype(np.uint8).tobytes())
    for i in (start, start + 17, start + 35):
        saved.write_bytes(contents[:i] + bytes([contents[i] ^ 1]) + contents[i + 1 :])
        with pytest.raises(DataError, match="CRC"):
            expand_mnist.load(saved)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        expand_mnist.load(tmp_path / "nowhere.npz")
    with pytest.raises(IsADirectoryError):
        expand_mnist.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        expand_mnist.save(random_data(1, 2), tmp_path / "nowhere" / "some.npz")
