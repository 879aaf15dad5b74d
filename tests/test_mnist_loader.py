import gzip
import hashlib
import pickle
import shutil
import struct

import numpy as np
import pytest

from fastnet import mnist_loader
from fastnet.datasets import mnist as mnist_files
from fastnet.mnist_loader import DataError

# Published MD5 checksums of the uncompressed files.
PUBLISHED_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.fixture
def small_folder(tmp_path):
    """A folder with IDX files of 12 training images and 3 test images of 2 x 2 pixels.

    One file is gzipped, and one has an alternative name.
    """
    random = np.random.default_rng(0)

    def images(n):
        return struct.pack(">HBB3I", 0, 8, 3, n, 2, 2) + random.integers(0, 256, 4 * n, np.uint8).tobytes()

    def labels(n):
        return struct.pack(">HBBI", 0, 8, 1, n) + (np.arange(n) % 10).astype(np.uint8).tobytes()

    (tmp_path / "train-images-idx3-ubyte").write_bytes(images(12))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels(12)))
    (tmp_path / "t10k-images.idx3-ubyte").write_bytes(images(3))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(labels(3))
    return tmp_path


@pytest.mark.parametrize("name", PUBLISHED_MD5)
def test_the_bundled_files_are_mnist(name):
    contents = gzip.decompress((mnist_files.bundled_folder() / f"{name}.gz").read_bytes())
    assert hashlib.md5(contents).hexdigest() == PUBLISHED_MD5[name]


def test_load_data_returns_the_books_split_and_scaling():
    data = mnist_loader.load_data()
    assert [images.shape for images, _ in data] == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert [labels.shape for _, labels in data] == [(50_000,), (10_000,), (10_000,)]
    for images, labels in data:
        assert (images.dtype, labels.dtype) == (np.float32, np.int64)
        assert images.min() == 0
        assert images.max() == 255 / 256
    folder = mnist_files.bundled_folder()
    pixels = np.frombuffer(gzip.decompress((folder / "train-images-idx3-ubyte.gz").read_bytes())[16:], np.uint8)
    np.testing.assert_array_equal(data[0][0].ravel() * 256, pixels[: 50_000 * 784])
    np.testing.assert_array_equal(data[1][0].ravel() * 256, pixels[50_000 * 784 :])
    assert [labels[:5].tolist() for _, labels in data] == [[5, 0, 4, 1, 9], [3, 8, 6, 9, 6], [7, 2, 1, 0, 4]]


def test_load_data_wrapper_returns_the_books_tuples(mnist):
    training, validation, test = mnist
    assert [len(data) for data in mnist] == [50_000, 10_000, 10_000]
    x, y = training[0]
    assert (x.shape, y.shape) == ((784, 1), (10, 1))
    np.testing.assert_array_equal(y, mnist_loader.vectorized_result(5))
    assert [y for _, y in validation[:5]] == [3, 8, 6, 9, 6]
    assert test[0][1] == 7


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_the_books_pickle(tmp_path, compress):
    expected = tuple((images[:20], labels[:20]) for images, labels in mnist_loader.load_data())
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(compress(pickle.dumps(expected, 2)))
    for (images, labels), (expected_images, expected_labels) in zip(
        mnist_loader.load_data(path), expected, strict=True
    ):
        np.testing.assert_array_equal(images, expected_images, strict=True)
        np.testing.assert_array_equal(labels, expected_labels, strict=True)
    assert len(mnist_loader.load_data_wrapper(str(path))[2]) == 20


def test_idx_files_by_folder_by_one_and_by_all_four(small_folder):
    four = [small_folder / name for name in (
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte",
    )]  # fmt: skip
    loaded = [mnist_loader.load_data(path) for path in (small_folder, str(small_folder), four[0], four[1], four)]
    for data in loaded:
        assert [len(images) for images, _ in data] == [10, 2, 3]  # a sixth of the 12 images is validation data
        for (images, labels), (expected_images, expected_labels) in zip(data, loaded[0], strict=True):
            np.testing.assert_array_equal(images, expected_images)
            np.testing.assert_array_equal(labels, expected_labels)


def test_the_bundled_folder_by_its_path(mnist):
    again = mnist_loader.load_data_wrapper(mnist_files.bundled_folder())
    np.testing.assert_array_equal(again[1].inputs, mnist[1].inputs)


def test_a_damaged_bundled_file_is_detected(tmp_path, monkeypatch):
    shutil.copytree(mnist_files.bundled_folder(), tmp_path / "data")
    path = tmp_path / "data" / "t10k-labels-idx1-ubyte.gz"
    contents = bytearray(path.read_bytes())
    contents[4] ^= 1  # changes only the time stamp in gzip's header
    path.write_bytes(contents)
    monkeypatch.setattr(mnist_files, "bundled_folder", lambda: tmp_path / "data")
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz: SHA-256 checksum mismatch"):
        mnist_loader.load_data()


def labels_file(*labels):
    return struct.pack(">HBBI", 0, 8, 1, len(labels)) + bytes(labels)


@pytest.mark.parametrize(
    ("name", "contents", "message"),
    [
        ("t10k-labels-idx1-ubyte", labels_file(1, 2), "there are 2 labels for 3 images"),
        ("t10k-labels-idx1-ubyte", labels_file(1, 2, 10), "its labels go from 1 to 10"),
        ("t10k-labels-idx1-ubyte", struct.pack(">HBB3I", 0, 8, 3, 1, 1, 1) + b"\0", "does not hold labels"),
        ("t10k-images.idx3-ubyte", labels_file(1, 2, 3), "does not hold images"),
        ("t10k-images.idx3-ubyte", struct.pack(">HBB3I", 0, 8, 3, 3, 1, 2) + bytes(6), "its images have 2 pixels"),
        ("train-images-idx3-ubyte", b"\0\0\x08\x03\0\0\0\x0c", "train-images-idx3-ubyte: it ends too early"),
    ],
)
def test_files_that_do_not_go_together(small_folder, name, contents, message):
    (small_folder / name).write_bytes(contents)
    with pytest.raises(DataError, match=message):
        mnist_loader.load_data(small_folder)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (((np.zeros((2, 4), "f4"), np.zeros(2, int)),), "holds 1 sets"),
        (((np.zeros((2, 4), "f4"), np.zeros(3, int)),) * 3, "there are 3 labels for 2 images"),
        (((np.zeros((2, 4), "f4"), np.full(2, 0.5)),) * 3, "its labels go from 0.5 to 0.5"),
        (((np.zeros((2, 4), "f4"), np.zeros((2, 3))),) * 3, "does not hold labels"),
        (((np.zeros(2, "f4"), np.zeros(2, int)),) * 3, "does not hold images"),
        (((np.full((2, 4), np.nan, "f4"), np.zeros(2, int)),) * 3, "a number that is not finite"),
    ],
)
def test_a_pickle_of_other_arrays(tmp_path, pairs, message):
    path = tmp_path / "mnist.pkl"
    path.write_bytes(pickle.dumps(pairs))
    with pytest.raises(DataError, match=message):
        mnist_loader.load_data(path)


def test_what_is_not_there_or_of_another_kind(tmp_path, small_folder):
    with pytest.raises(FileNotFoundError):
        mnist_loader.load_data(tmp_path / "nothing")
    (small_folder / "train-images-idx3-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="there is no file train-images-idx3-ubyte"):
        mnist_loader.load_data(small_folder)
    (tmp_path / "notes.txt").write_text("the quick brown fox")
    with pytest.raises(DataError, match="neither an IDX file nor a pickle"):
        mnist_loader.load_data(tmp_path / "notes.txt")
    with pytest.raises(ValueError, match="path names 2 files; it must name four"):
        mnist_loader.load_data([tmp_path, tmp_path])


def test_vectorized_result():
    np.testing.assert_array_equal(mnist_loader.vectorized_result(3), np.eye(10)[:, 3:4], strict=True)
    for bad in (10, -1, "3", 2.5):
        with pytest.raises(ValueError, match="it must be a digit"):
            mnist_loader.vectorized_result(bad)
