"""Data sets in files of every format.

Each file is written by a library for its format, or by these tests from the format's definition.
"""

import contextlib
import gzip
import io
import pickle
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from fastnet import mnist_loader
from fastnet.datasets import npy
from fastnet.mnist_loader import DataError, DataWarning

RANDOM = np.random.default_rng(0)
CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(array):
    """Return the bytes of an array in the IDX format."""
    code = CODES[array.dtype.str[1:]]
    return (
        struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def images_of(n, side=4):
    return RANDOM.integers(0, 256, (n, side, side), np.uint8)


TRAIN, TEST = images_of(60), images_of(12)
LABELS, TEST_LABELS = (np.arange(n, dtype=np.uint8) % 10 for n in (60, 12))
MNIST = {
    "train-images-idx3-ubyte": TRAIN,
    "train-labels-idx1-ubyte": LABELS,
    "t10k-images-idx3-ubyte": TEST,
    "t10k-labels-idx1-ubyte": TEST_LABELS,
}


def write(folder, files, compress=bytes):
    for name, array in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compress(idx(array)))
    return folder


def renamed(pattern, train="train", test="t10k", labels="labels-idx1-ubyte"):
    """Return the arrays of `MNIST` under the file names of another data set."""
    kinds = "images-idx3-ubyte", labels
    names = [pattern.format(part, kind) for part in (train, test) for kind in kinds]
    return dict(zip(names, MNIST.values(), strict=True))


def check(data, train=TRAIN, labels=LABELS, test=TEST, test_labels=TEST_LABELS):
    """Check the training, validation and test sets.

    The last sixth of `train` is the validation set. Pixels are divided by 256.
    """
    (first, first_labels), (last, last_labels), (others, their_labels) = data
    np.testing.assert_array_equal(np.concatenate([first, last]) * 256, train.reshape(len(train), -1))
    np.testing.assert_array_equal(np.concatenate([first_labels, last_labels]), labels)
    np.testing.assert_array_equal(others * 256, test.reshape(len(test), -1))
    np.testing.assert_array_equal(their_labels, test_labels)
    assert len(last) == len(train) // 6
    assert {each.dtype for pair in data for each in pair} == {np.dtype("float32"), np.dtype("int64")}


FOLDERS = {
    "MNIST": renamed("{}-{}"),
    "with dots": {name.replace("-idx", ".idx"): array for name, array in MNIST.items()},
    "a set's name before": renamed("emnist_of_ours-{}-{}".replace("emnist_", ""), test="test"),
    "torchvision's root": renamed("MNIST/raw/{}-{}"),
    "a folder of the same name inside": renamed("mnist/{}-{}"),
    "each file in a folder of its name": {f"{name}/{name}": array for name, array in MNIST.items()},
    "QMNIST's names": renamed("QMNIST/raw/qmnist-{}-{}", test="test", labels="labels-idx2-int"),
    "flat images": {name: a.reshape(len(a), -1) if a.ndim == 3 else a for name, a in MNIST.items()},
    "images of float32 to 255": {name: a.astype("f4") if a.ndim == 3 else a for name, a in MNIST.items()},
    "images of float64 to 1": {name: a / 256 if a.ndim == 3 else a for name, a in MNIST.items()},
    "images of 16 bits": {name: a.astype("i2") if a.ndim == 3 else a for name, a in MNIST.items()},
    "labels of 32 bits": {name: a.astype("i4") if a.ndim == 1 else a for name, a in MNIST.items()},
    "labels of 16 bits": {name: a.astype("i2") if a.ndim == 1 else a for name, a in MNIST.items()},
    "labels of float64": {name: a.astype("f8") if a.ndim == 1 else a for name, a in MNIST.items()},
    "labels in a column": {name: a[:, None] if a.ndim == 1 else a for name, a in MNIST.items()},
    "labels of QMNIST": {
        name: np.c_[a, a + 1, np.full((len(a), 6), 77)].astype("i4") if a.ndim == 1 else a for name, a in MNIST.items()
    },
    "vectors": {name: np.eye(10, dtype="u1")[a] if a.ndim == 1 else a for name, a in MNIST.items()},
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("files", FOLDERS.values(), ids=FOLDERS)
def test_idx_files_in_folders(tmp_path, files, compressed):
    if compressed:
        files = {f"{name}.gz": array for name, array in files.items()}
    check(mnist_loader.load_data(write(tmp_path, files, gzip.compress if compressed else bytes)))
    check(mnist_loader.load_data(next(file for file in tmp_path.rglob("*images*") if file.is_file())))


def test_given_one_idx_file_only_those_of_its_set_count(tmp_path, monkeypatch):
    monkeypatch.setattr("fastnet.datasets.folders._MOST_FILES", 4)
    write(tmp_path, MNIST)
    (tmp_path / "pictures").mkdir()
    for i in range(5):
        (tmp_path / f"{i}.png").touch()
        (tmp_path / "pictures" / f"{i}.png").touch()
    check(mnist_loader.load_data(tmp_path / "train-images-idx3-ubyte"))
    with pytest.raises(DataError, match=r"holds more than 4 files; give the data file itself"):
        mnist_loader.load_data(tmp_path)


def test_hidden_files_do_not_count(tmp_path):
    """macOS writes a file `._NAME` beside NAME on disks of other systems."""
    write(tmp_path, MNIST)
    for name in MNIST:
        (tmp_path / f"._{name}").write_bytes(b"attributes")
    check(mnist_loader.load_data(tmp_path))
    check(mnist_loader.load_data(tmp_path / "train-images-idx3-ubyte"))
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    for name, array in KERAS.items():
        np.save(arrays / f"{name}.npy", array)
        (arrays / f"._{name}.npy").write_bytes(b"attributes")
    check(mnist_loader.load_data(arrays))
    check(mnist_loader.load_data(arrays / "x_train.npy"))


@pytest.mark.parametrize(("name", "classes"), [("balanced", 47), ("digits", 10), ("byclass", 62)])
def test_emnist_is_upright_and_has_its_classes(tmp_path, name, classes):
    files = renamed(f"emnist-{name}-{{}}-{{}}", test="test")
    train = images_of(classes)
    files[f"emnist-{name}-train-images-idx3-ubyte"] = train.transpose(0, 2, 1)
    files[f"emnist-{name}-test-images-idx3-ubyte"] = TEST.transpose(0, 2, 1).reshape(12, 16)
    files[f"emnist-{name}-train-labels-idx1-ubyte"] = labels = np.arange(classes, dtype="u1")
    write(tmp_path, files)
    check(mnist_loader.load_data(tmp_path), train=train, labels=labels)
    assert mnist_loader.load_data_wrapper(tmp_path)[0].targets.shape[1] == classes


def test_labels_from_1_become_classes_from_0_which_is_reported(tmp_path):
    files = renamed("emnist-letters-{}-{}", test="test")
    for part, n in (("train", 60), ("test", 12)):
        files[f"emnist-letters-{part}-labels-idx1-ubyte"] = (np.arange(n) % 26 + 1).astype("u1")
    write(tmp_path, files)
    with pytest.warns(
        DataWarning, match="labels go from 1 to 26; here, label 1 is class 0, and 26 is class 25"
    ) as warned:
        training, validation, test = mnist_loader.load_data_wrapper(tmp_path)
    assert warned[0].filename == __file__
    assert training.targets.shape == (50, 26)
    np.testing.assert_array_equal(training.targets.argmax(axis=1), np.arange(50) % 26)
    np.testing.assert_array_equal(np.r_[validation.targets, test.targets], np.r_[np.arange(50, 60) % 26, np.arange(12)])


def test_labels_are_not_renumbered_where_one_is_0_or_one_is_missing(tmp_path):
    for labels in ([2, 3, 4] * 20, [1, 2, 4] * 20):
        write(tmp_path, MNIST | {"train-labels-idx1-ubyte": np.array(labels, "u1")})
        check(mnist_loader.load_data(tmp_path), labels=np.array(labels))


def test_the_number_of_classes(tmp_path):
    write(tmp_path, MNIST | {"train-labels-idx1-ubyte": LABELS % 3, "t10k-labels-idx1-ubyte": TEST_LABELS % 2})
    assert mnist_loader.load_data_wrapper(tmp_path)[0].targets.shape == (50, 3)
    assert mnist_loader.load_data_wrapper(tmp_path, classes=10)[0].targets.shape == (50, 10)
    with pytest.raises(ValueError, match="classes is 2; the labels go from 0 to 2, so classes must be at least 3"):
        mnist_loader.load_data_wrapper(tmp_path, classes=2)


@pytest.fixture
def sorted_by_label():
    """60 images and their labels, sorted by label."""
    return TRAIN, np.arange(60) // 20


def check_drawn(data, images, labels):
    """Check that a set was divided into 42, 8 and 10 samples, and that no sample was lost or duplicated."""
    assert [len(pair[0]) for pair in data] == [42, 8, 10]
    both = np.concatenate([np.c_[pixels * 256, numbers] for pixels, numbers in data])
    expected = np.c_[images.reshape(60, -1), labels]
    np.testing.assert_array_equal(both[np.lexsort(both.T)], expected[np.lexsort(expected.T)])
    # The test samples are drawn at random, because the last ten samples of the sorted set have only one class.
    assert len(set(data[2][1])) == 3


def test_without_test_data_some_are_drawn_which_is_reported(tmp_path, sorted_by_label):
    images, labels = sorted_by_label
    write(tmp_path, {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels.astype("u1")})
    with pytest.warns(DataWarning, match="without test data beside it, 10 of its samples"):
        data = mnist_loader.load_data(tmp_path)
    check_drawn(data, images, labels)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(TEST))
    with pytest.raises(
        FileNotFoundError, match=r"there is no file t10k-labels-idx1-ubyte, gzipped or not, which .* needs"
    ):
        mnist_loader.load_data(tmp_path)


def test_several_sets_in_a_folder(tmp_path):
    write(tmp_path, renamed("EMNIST/raw/emnist-digits-{}-{}", test="test"))
    write(tmp_path, renamed("EMNIST/raw/emnist-mnist-{}-{}", test="test"))
    with pytest.raises(DataError, match=r"holds 2 data sets; give one of the files .*emnist-digits-.*emnist-mnist-"):
        mnist_loader.load_data(tmp_path)
    mnist_loader.load_data(tmp_path / "EMNIST/raw/emnist-mnist-test-labels-idx1-ubyte")


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


KERAS = {"x_train": TRAIN, "y_train": LABELS, "x_test": TEST, "y_test": TEST_LABELS}
ARCHIVES = {
    "Keras": KERAS,
    "long names": dict(
        zip(("train_images", "train_labels", "test_images", "test_labels"), KERAS.values(), strict=True)
    ),
    "a column of labels": KERAS | {"y_train": LABELS[:, None].astype("u1")},
    "floats": KERAS | {"x_train": TRAIN / 256, "x_test": (TEST / 256).astype("f4")},
    "columns first": KERAS | {"x_train": np.asfortranarray(TRAIN)},
    "vectors": KERAS | {"y_train": np.eye(10)[LABELS]},
    "other arrays": KERAS | {"names": np.array(["zero", "one"])},
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("arrays", ARCHIVES.values(), ids=ARCHIVES)
def test_npz(tmp_path, arrays, save):
    save(tmp_path / "data.npz", **arrays)
    for path in (tmp_path / "data.npz", tmp_path):
        check(mnist_loader.load_data(path))


def test_npz_with_validation_data(tmp_path):
    arrays = KERAS | {"x_val": TRAIN[:5], "y_val": LABELS[:5]}
    training, validation, test = mnist_loader.load_data(npz(tmp_path / "data.npz", **arrays))
    assert [len(training[0]), len(test[0])] == [60, 12]
    np.testing.assert_array_equal(validation[0] * 256, TRAIN[:5].reshape(5, -1))


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_npz_without_test_data(tmp_path, sorted_by_label):
    images, labels = sorted_by_label
    check_drawn(mnist_loader.load_data(npz(tmp_path / "a.npz", images=images, labels=labels)), images, labels)
    np.savez(tmp_path / "b.npz", images, labels)
    check_drawn(mnist_loader.load_data(tmp_path / "b.npz"), images, labels)


def test_npy_and_npz_files_that_are_named_by_their_array(tmp_path):
    for name, array in KERAS.items():
        np.save(tmp_path / f"{name}.npy", array)
    for path in (tmp_path, tmp_path / "x_test.npy"):
        check(mnist_loader.load_data(path))
    for name in KERAS:
        with gzip.open(tmp_path / f"{name}.npy.gz", "wb") as packed:
            packed.write((tmp_path / f"{name}.npy").read_bytes())
        (tmp_path / f"{name}.npy").unlink()
    for path in (tmp_path, tmp_path / "y_train.npy.gz"):
        check(mnist_loader.load_data(path))
    (tmp_path / "x_train.npy.gz").rename(tmp_path / "x_train.array")
    with pytest.raises(DataError, match=r"x_train.array: the name .* must end with .npy or .npy.gz; rename it"):
        mnist_loader.load_data(tmp_path / "x_train.array")
    (tmp_path / "k").mkdir()
    for name, array in zip(("train-imgs", "train-labels", "test-imgs", "test-labels"), KERAS.values(), strict=True):
        np.savez_compressed(tmp_path / "k" / f"kmnist-{name}.npz", array)
    check(mnist_loader.load_data(tmp_path / "k"))


def csv(path, images, labels, header=True, last=False, form="{:g}", delimiter=",", index=False):
    columns = [labels[:, None], images.reshape(len(images), -1)]
    names = ["label", *(f"pixel{i}" for i in range(columns[1].shape[1]))]
    if last:
        columns, names = columns[::-1], [*names[1:], names[0]]
    if index:
        columns, names = [np.arange(len(images))[:, None], *columns], ["", *names]
    lines = [delimiter.join(names)] if header else []
    lines += [delimiter.join(map(form.format, row.tolist())) for row in np.hstack(columns)]
    path.write_bytes(("\ufeff" if last else "").encode() + "\r\n".join(lines).encode())
    return path


TABLES = {
    "Kaggle's": {},
    "without names": {"header": False},
    "the label last, and a byte order mark": {"last": True},
    "semicolons": {"delimiter": ";"},
    "tabs": {"delimiter": "\t"},
    "with points": {"form": "{:.1f}"},
    "with an index": {"index": True},
}


@pytest.mark.parametrize("form", TABLES.values(), ids=TABLES)
def test_csv(tmp_path, form):
    csv(tmp_path / "mnist_train.csv", TRAIN, LABELS, **form)
    csv(tmp_path / "mnist_test.csv", TEST, TEST_LABELS, **form)
    for path in (tmp_path, tmp_path / "mnist_train.csv"):
        check(mnist_loader.load_data(path))


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_csv_without_test_data_and_gzipped(tmp_path, sorted_by_label):
    images, labels = sorted_by_label
    path = csv(tmp_path / "train.csv", images, labels)
    # Like Kaggle's test.csv, this file has no labels, so it cannot be the test data.
    (tmp_path / "test.csv").write_text("pixel0,pixel1\n1,2\n")
    check_drawn(mnist_loader.load_data(path), images, labels)
    (tmp_path / "all.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    check_drawn(mnist_loader.load_data(tmp_path / "all.csv.gz"), images, labels)


def test_csv_of_emnist_is_upright(tmp_path):
    csv(tmp_path / "emnist-digits-train.csv", TRAIN.transpose(0, 2, 1), LABELS, header=False)
    csv(tmp_path / "emnist-digits-test.csv", TEST.transpose(0, 2, 1), TEST_LABELS, header=False)
    check(mnist_loader.load_data(tmp_path))


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_numbers_that_are_no_grey_values_stay_as_they_are(tmp_path):
    iris = RANDOM.uniform(-3, 7, (60, 4)).astype("f4")
    for inputs in (iris, np.abs(iris), RANDOM.integers(0, 17, (60, 16)), iris * 100, np.abs(iris) % 1 + 254.75):
        data = mnist_loader.load_data(npz(tmp_path / "data.npz", x=inputs, y=np.arange(60) % 3))
        both = np.concatenate([pixels for pixels, _ in data])
        np.testing.assert_array_equal(np.sort(both, axis=None), np.sort(inputs, axis=None))


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_few_samples_are_divided(tmp_path):
    """Each of the three sets has at least one sample, if there are enough samples."""
    images, labels = TRAIN[:5], np.array([0, 1, 0, 1, 0])
    sets = mnist_loader.load_data(npz(tmp_path / "a.npz", x_train=images[:3], y_train=labels[:3]))
    assert [len(inputs) for inputs, _ in sets] == [1, 1, 1]
    sets = mnist_loader.load_data(npz(tmp_path / "b.npz", **KERAS | {"x_train": images, "y_train": labels}))
    assert [len(inputs) for inputs, _ in sets] == [4, 1, len(TEST)]
    file = npz(tmp_path / "c.npz", **KERAS | {"x_train": images[:1], "y_train": labels[:1]})
    with pytest.raises(DataError, match=r"c\.npz: it has one sample; there are none left for validation"):
        mnist_loader.load_data(file)


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_parquet(tmp_path, sorted_by_label):
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    images, labels = sorted_by_label
    frame = pandas.DataFrame(images.reshape(60, -1)).add_prefix("p").assign(label=labels)
    frame.to_parquet(tmp_path / "data.parquet")
    check_drawn(mnist_loader.load_data(tmp_path / "data.parquet"), images, labels)
    for change, message in (
        ({"p0": frame.p0.astype(str)}, "column p0 is of type .*string"),
        ({"p0": frame.p0.where(frame.p0 > 99)}, "column p0 lacks"),
        ({"digit": 1}, "exactly one column must be named label"),
    ):
        frame.assign(**change).to_parquet(tmp_path / "data.parquet")
        with pytest.raises(DataError, match=message):
            mnist_loader.load_data(tmp_path / "data.parquet")
    whole = (tmp_path / "data.parquet").read_bytes()
    for damaged in (whole[:-9], whole[:99], whole[:4]):
        (tmp_path / "data.parquet").write_bytes(damaged)
        with pytest.raises(DataError, match="damaged, or not Parquet"):
            mnist_loader.load_data(tmp_path / "data.parquet")


@pytest.mark.filterwarnings("ignore::fastnet.mnist_loader.DataWarning")
def test_parquet_with_and_without_test_labels(tmp_path, sorted_by_label):
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    images, labels = sorted_by_label
    inputs = pandas.DataFrame(images.reshape(60, -1)).add_prefix("p")
    inputs.assign(label=labels).to_parquet(tmp_path / "train.data")  # recognized by its contents, not by its name
    inputs.to_parquet(tmp_path / "test.data")
    check_drawn(mnist_loader.load_data(tmp_path / "train.data"), images, labels)
    inputs[:20].assign(label=labels[:20]).to_parquet(tmp_path / "test.data")
    _, _, test = mnist_loader.load_data(tmp_path / "train.data")
    assert test[1].tolist() == labels[:20].tolist()


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "data.parquet").write_bytes(b"PAR1" + bytes(50))
    with pytest.raises(ImportError, match=r"pip install pyarrow installs it; .*to_csv\('data.csv', index=False\)"):
        mnist_loader.load_data(tmp_path / "data.parquet")


class Bomb:
    """An object that runs code when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("code in a file was run",)


def array_file(array, **keywords):
    file = io.BytesIO()
    np.save(file, array, **keywords)
    return file.getvalue()


def header(shape, descr="'<f8'"):
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


WHOLE = array_file(LABELS)
BAD_ARRAYS = {
    "objects": (array_file(np.array([Bomb(), 1], object), allow_pickle=True), "Python objects; .*allow_pickle=True"),
    "texts": (array_file(np.array(["a"])), "it must hold numbers"),
    "complex numbers": (array_file(np.array([1j])), "it must hold numbers"),
    "records": (array_file(np.zeros(2, "f4,f4")), "it must hold numbers"),
    "an absurd shape": (header("(100000000000,)"), "more than the limit of 1024 MiB"),
    "a negative shape": (header("(-1,)"), "header"),
    "no shape": (header("None"), "header"),
    "an expression": (header("__import__('os').abort()"), "header"),
    "a shape of 9 dimensions": (header("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "at most 8 dimensions"),
    "a claim": (header("(1000000,)"), "truncated"),
    "cut": (WHOLE[:-1], "truncated"),
    "longer": (WHOLE + b"\0", "goes on after"),
    "a version": (WHOLE.replace(b"Y\x01", b"Y\x09", 1), "header|truncated"),
}


@pytest.mark.parametrize(("contents", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_are_refused(tmp_path, contents, message):
    np.save(tmp_path / "x_train.npy", TRAIN)
    (tmp_path / "y_train.npy").write_bytes(contents)
    with pytest.raises(DataError, match=rf"y_train\.npy: .*({message})"):
        mnist_loader.load_data(tmp_path)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x_train.npy", array_file(TRAIN))
        archive.writestr("y_train.npy", contents)
    with pytest.raises(DataError, match=rf"data\.npz: .*({message})"):
        mnist_loader.load_data(tmp_path / "data.npz")


def test_memory_is_taken_for_what_is_there_only(tmp_path):
    (tmp_path / "a.npy").write_bytes(header("(100000000,)"))
    tracemalloc.start()
    with pytest.raises(DataError, match="truncated"):
        npy.read(tmp_path / "a.npy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6


def test_an_archive_cut_off_or_changed_anywhere(tmp_path):
    np.savez_compressed(tmp_path / "data.npz", **KERAS)
    whole = (tmp_path / "data.npz").read_bytes()
    for place in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[place] ^= 255
        for contents in (whole[:place], bytes(changed)):
            (tmp_path / "data.npz").write_bytes(contents)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)  # damaged names of arrays cause a warning
                with contextlib.suppress(DataError):
                    mnist_loader.load_data(tmp_path / "data.npz")


BAD_FILES = {
    "label.csv": (b"a,b\n1,2\n", "exactly one column must be named label, .*; found a, b"),
    "two.csv": (b"label,class\n1,2\n", "exactly one column must be named label"),
    "ragged.csv": (b"label,a\n1,2\n3\n", "line 3 has 1 value, but the first line has 2 names"),
    "texts.csv": (b"label,a\ncat,2\n", "line 2, column label has the value 'cat'; labels must be integers"),
    "empty.csv": (b"", "no comma"),
    "rows.csv": (b"label,a\n", "no rows"),
    "names.csv": (b"label,a,b\n1,2\n", "line 2 has 2 values, but the first line has 3 names"),
    "missing.csv": (b"label,a\n1,2\n\n1,\n", "line 4, column a is empty"),
    "city.csv": (b"label;a;city\n1;2;Bonn\n", "line 2, column city has the value 'Bonn'; all values must be numbers"),
    "ragged_numbers.csv": (b"1,2\n3,4,5\n", "line 2 has 3 values, but the lines before have 2; correct this line"),
    "no_names.csv": (b"1,2\n3,x\n", "line 2, column 2 has the value 'x'"),
    "crlf.tsv.gz": (gzip.compress(b"label\ta\r\n1\t2\r\n0\tx\r\n"), "line 3, column a has the value 'x'"),
    "nan.csv": (b"label,a\n1,nan\n0,1\n0,2\n", "not finite"),
    "half.csv": (b"label,a\n0.5,1\n0,1\n0,2\n", "must be integers of at least 0"),
    "negative.csv": (b"label,a\n-1,1\n0,1\n0,2\n", "labels go from -1 to 0"),
    "huge.csv": (b"label,a\n100000,1\n0,1\n0,2\n", "labels go from 0.0 to 100000.0"),
    "two_rows.csv": (b"label,a\n1,1\n0,1\n", "need at least 3"),
    "bytes.csv": (b"\xff\xfe\x00,\x01\n", "codec"),
    "cut.csv.gz": (gzip.compress(b"label,a\n" + b"1,2\n" * 99)[:-9], "truncated"),
    "data.mat": (b"MATLAB 5.0 MAT-file", "scipy.io.loadmat"),
    "data.h5": (b"\x89HDF\r\n\x1a\n", "h5py"),
    "labels.xz": (b"\xfd7zXZ\0", "xz --decompress"),
    "notes.txt": (b"the quick brown fox", "neither an IDX file nor a pickle .* nor .csv"),
    "a.npz": (b"PK\x05\x06" + bytes(18), "no arrays of NumPy"),
    "b.npz": (b"PK\x03\x04" + bytes(18), "does not hold arrays"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_are_refused(tmp_path, name):
    contents, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(DataError, match=rf"{name}: .*{message}"):
        mnist_loader.load_data(tmp_path / name)


BAD_NAMES = {
    "no names that are known": (
        {"a": TRAIN, "b": LABELS},
        "found a, b; there must be arrays x_train and y_train",
    ),
    "two of a kind": (KERAS | {"images": TRAIN}, "x_train and images may both be the training images"),
    "text": (KERAS | {"y_train": np.array(["a"] * 60)}, r"y_train: its array is of type '<U1'.*np\.unique"),
    "no labels": ({"x_train": TRAIN}, "there are no training labels"),
    "images to test with only": (KERAS | {"y_test": TEST_LABELS[:3]}, "there are 3 labels for 12 images"),
    "other pixels": (KERAS | {"x_test": TEST[:, :3]}, "its images have 12 pixels, but the training images have 16"),
    "gaps": (KERAS | {"y_train": LABELS * 28}, "only 10 of the labels from 0 to 252 occur"),
    "labels of no sample": (
        KERAS | {"y_test": TEST_LABELS + 9},
        "labels go from 9 to 18, but the training labels go from 0 to 9",
    ),
    "a number that is infinite": (KERAS | {"x_train": np.where(TRAIN > 9, np.inf, 0)}, "a number that is not finite"),
    "too large for float32": (KERAS | {"x_train": TRAIN * 1e300}, "a number that is not finite in float32"),
}


@pytest.mark.parametrize(("arrays", "message"), BAD_NAMES.values(), ids=BAD_NAMES)
def test_arrays_that_do_not_go_together(tmp_path, arrays, message):
    with pytest.raises(DataError, match=rf"data\.npz: .*{message}"):
        mnist_loader.load_data(npz(tmp_path / "data.npz", **arrays))


def test_folders_that_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file train-images-idx3-ubyte.* and no \.csv, \.npz"):
        mnist_loader.load_data(tmp_path)
    for name in ("a.csv", "b.csv"):
        csv(tmp_path / name, TRAIN, LABELS)
    with pytest.raises(DataError, match=r"a\.csv and b\.csv may both be the training data; give one"):
        mnist_loader.load_data(tmp_path)


@pytest.mark.parametrize("protocol", [2, 5])
def test_a_pickle_in_the_books_form_of_another_set(tmp_path, protocol):
    pairs = tuple((images.reshape(len(images), -1), labels) for images, labels in ((TRAIN, LABELS % 3),) * 3)
    (tmp_path / "set.pkl").write_bytes(pickle.dumps(pairs, protocol))
    training, validation, _ = mnist_loader.load_data_wrapper(tmp_path / "set.pkl")
    assert training.targets.shape == (60, 3)
    np.testing.assert_array_equal(validation.inputs * 256, TRAIN.reshape(60, -1))
