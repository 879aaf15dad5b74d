"""Loads MNIST and other data sets from files, with the reader that fits each file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TypeAlias

import numpy as np

from fastnet.datasets import csv, folders, idx, npy, npz, parquet, pickles, sets
from fastnet.datasets.npz import Role
from fastnet.datasets.sets import DIGITS, Pair, Part
from fastnet.files.kinds import LENGTH, kind_of
from fastnet.files.reading import DataError, one_line, opened
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]
Loaded: TypeAlias = tuple[tuple[Pair, Pair, Pair], list[str]]

__all__ = ["CHECKSUMS", "DIGITS", "Pair", "StrPath", "bundled_folder", "for_torchvision", "load"]

# SHA-256 of each bundled file as stored on the disk, in the order in which the files are read.
CHECKSUMS = {
    "train-images-idx3-ubyte": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    "train-labels-idx1-ubyte": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
    "t10k-images-idx3-ubyte": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    "t10k-labels-idx1-ubyte": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
}
_FOUR: tuple[Role, ...] = (("training", "images"), ("training", "labels"), ("test", "images"), ("test", "labels"))
_NEEDS = (
    "files x_train.npy and y_train.npy, and may be x_val.npy, y_val.npy, x_test.npy and y_test.npy; rename your files"
)
_OTHERS = {  # first bytes of files in unsupported formats, and how to convert or unpack these files
    b"MATLAB": "convert it with scipy.io.loadmat and np.savez(NEW, x_train=images, y_train=labels)",
    b"\x89HDF": "convert it with h5py.File and np.savez(NEW, x_train=images, y_train=labels)",
    b"\xfd7zXZ": "unpack it with xz --decompress FILE",
}


def load(path: StrPath | Sequence[StrPath] | None = None) -> Loaded:
    """Load the training, validation and test sets as pairs of arrays.

    Parameters
    ----------
    path : path or four paths, optional
        See `fastnet.mnist_loader.load_data`.

    Returns
    -------
    three pairs (images, labels)
        Images of shape (n, pixels), float32; labels of shape (n,), int64, at least 0.
    notes : list of str
        Sentences for the user about how the files were read.

    Raises
    ------
    TypeError, ValueError
        If `path` is neither a path nor a sequence of four paths.
    OSError, ImportError, DataError
        See `fastnet.mnist_loader.load_data`.
    """
    if path is None:
        names = iter(CHECKSUMS.items())
        files: dict[Role, tuple[Path, str | None]] = {
            role: (bundled_folder() / f"{name}.gz", sha256) for role, (name, sha256) in zip(_FOUR, names, strict=True)
        }
        return sets.divided(_from_idx(files))
    if isinstance(path, (list, tuple)):
        paths = [arguments.path(item, "path") for item in path]
        if len(paths) != len(CHECKSUMS):
            raise ValueError(f"path names {len(paths)} files; it must name four: {', '.join(CHECKSUMS)}")
        return sets.divided(_from_idx({role: (item, None) for role, item in zip(_FOUR, paths, strict=True)}))
    path = arguments.path(path, "path")
    return sets.divided(_from_folder(path) if path.is_dir() else _from_file(path))


def bundled_folder() -> Path:
    """Return the folder of the files that come with fastnet: in the package, or, in a checkout, beside the package."""
    package = Path(__file__).parent.parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


@contextmanager
def for_torchvision(root: StrPath | None = None) -> Iterator[StrPath]:
    """Provide a folder from which `torchvision.datasets.MNIST` reads MNIST in the `with` block.

    Parameters
    ----------
    root : path, optional
        The folder. By default, a temporary folder with the bundled files, unpacked as torchvision expects them; if
        there are no bundled files, the folder `data`.

    Yields
    ------
    path
        The folder.

    Raises
    ------
    DataError
        If a bundled file is damaged, or the code in the `with` block raises an exception that torchvision raises for
        damaged files.
    """
    bundled = {name: bundled_folder() / f"{name}.gz" for name in CHECKSUMS}
    with TemporaryDirectory() as folder:
        if root is None and all(file.is_file() for file in bundled.values()):
            root = folder
            _unpack(bundled, Path(folder, "MNIST", "raw"))
        elif root is None:
            root = "data"
        try:
            yield root
        except (AssertionError, RuntimeError, TypeError, ValueError) as error:
            reason = one_line(error)
            raise DataError(f"{os.fspath(root)}: torchvision cannot read MNIST from this folder ({reason})") from None


def _unpack(files: Mapping[str, Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, file in files.items():
        with opened(file, CHECKSUMS[name]) as packed, (folder / name).open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)


def _from_folder(folder: Path) -> dict[str, Part]:
    found = folders.idx_files(folder)
    if found is not None:
        return _from_idx({role: (file, None) for role, file in found.items()})
    files = folders.other_files(folder)
    arrays = [file for file in files if file.name.lower().endswith((*npy.ENDINGS, ".npz"))]
    return _from_arrays(arrays, folder) if len(arrays) == len(files) else _from_tables(folders.by_set(files))


def _from_file(path: Path) -> dict[str, Part]:
    with opened(path) as stream:
        start = stream.read(LENGTH)
    if start[:2] == b"\0\0":  # an IDX file
        found = folders.idx_files(path)  # given one file, `idx_files` returns all files of the data set
        if found is None:
            raise FileNotFoundError(f"{path}: an IDX file must have a name such as {next(iter(CHECKSUMS))}; rename it")
        return _from_idx({role: (file, None) for role, file in found.items()})
    if start[:2] == b"PK":
        return _from_arrays([path], path)
    other = kind_of(start)
    if other is not None:
        raise DataError(f"{path}: this file does not hold data, but {other}")
    if start[:1] in (b"\x80", b"("):  # the first byte of a pickled tuple: PROTO, or MARK in the oldest protocols
        return _from_pickle(path)
    if start.startswith(npy.MAGIC):
        if not _is_array(path):
            raise DataError(f"{path}: the name of an array file must end with {' or '.join(npy.ENDINGS)}; rename it")
        arrays = [file for file in sorted({path, *folders.visible(path.parent)}) if _is_array(file)]
        return _from_arrays(arrays, path)
    if start.startswith(parquet.MAGIC) or path.name.lower().endswith(csv.ENDINGS):
        return _from_tables(_with_test_data(path))
    how = next((how for magic, how in _OTHERS.items() if start.startswith(magic)), None)
    raise DataError(
        f"{path}: this is neither an IDX file nor a pickle such as mnist.pkl.gz, nor .csv, .npz, .npy or .parquet"
        + (f"; {how}" if how else "")
    )


def _from_idx(files: dict[Role, tuple[Path, str | None]]) -> dict[str, Part]:
    arrays = {role: (idx.read(file, sha256), file) for role, (file, sha256) in files.items()}
    return _parts(arrays)


def _from_pickle(path: Path) -> dict[str, Part]:
    pairs = pickles.read_pairs(path)
    if len(pairs) != 3:
        raise DataError(f"{path}: this pickle holds {len(pairs)} sets; it must hold three, as in mnist.pkl.gz")
    return {name: Part(*pair, str(path), str(path)) for name, pair in zip(sets.NAMES, pairs, strict=True)}


def _from_arrays(files: Sequence[Path], path: Path) -> dict[str, Part]:
    """Read `.npy` and `.npz` files. The name of a file or an array determines the role of the array.

    `path` is the file or the folder that the user gave.
    """
    found: dict[Role, tuple[np.ndarray, Path]] = {}
    singles = {file.name: file for file in files if _is_array(file)}
    for role, name in npz.roles(singles, path, _NEEDS).items() if singles else ():
        found[role] = npy.read(singles[name]), singles[name]
    for file in (file for file in files if not _is_array(file)):
        for role, array in npz.read(file).items():
            if role in found:
                raise DataError(f"{file}: {found[role][1].name} holds {' '.join(role)}, too; give one of these files")
            found[role] = array, file
    return _parts(found)


def _is_array(file: Path) -> bool:
    return file.name.lower().endswith(npy.ENDINGS)


def _from_tables(files: dict[str, Path]) -> dict[str, Part]:
    if "training" not in files:
        raise FileNotFoundError(f"{next(iter(files.values())).parent}: there is no table with train in its name")
    parts = {}
    for name, file in files.items():
        inputs, labels = _format_of(file).read(file)
        parts[name] = Part(inputs, labels, str(file), str(file), _is_transposed(file))
    return parts


def _with_test_data(path: Path) -> dict[str, Path]:
    """Return the file of the table `path` and, if the folder has test data, the file of the test data.

    The name of the test data's file is that of `path`, with test instead of train. A test table without labels is left
    out.
    """
    other = path.with_name(path.name.replace("train", "test"))
    if other == path or not other.is_file() or not _format_of(other).has_label(other):
        return {"training": path}
    return {"training": path, "test": other}


def _format_of(table: Path) -> ModuleType:
    with opened(table) as stream:
        is_parquet = stream.read(len(parquet.MAGIC)) == parquet.MAGIC
    return parquet if is_parquet or table.suffix.lower() == ".parquet" else csv


def _parts(arrays: dict[Role, tuple[np.ndarray, Path]]) -> dict[str, Part]:
    parts = {}
    for name in sets.NAMES:
        images, labels = arrays.get((name, "images")), arrays.get((name, "labels"))
        if images is not None and labels is not None:
            parts[name] = Part(images[0], labels[0], str(images[1]), str(labels[1]), _is_transposed(images[1]))
        elif images is not None or labels is not None or name == "training":
            there = next(iter(arrays.values()))[1]
            raise DataError(
                f"{there}: there are no {name} {'images' if images is None else 'labels'} in or beside this file"
            )
    return parts


def _is_transposed(path: Path) -> bool:
    """Whether the images of a file are stored column by column, as in EMNIST, which the file's name identifies."""
    return path.name.lower().startswith("emnist")
