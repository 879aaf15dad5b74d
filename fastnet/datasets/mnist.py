"""MNIST: where its files are, and how they become the book's three sets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fastnet.datasets import idx, pickles
from fastnet.files.reading import DataError, opened
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]
Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

# The bundled files, in the order in which they are read: the SHA-256 of each as it lies on the disk.
CHECKSUMS = {
    "train-images-idx3-ubyte": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    "train-labels-idx1-ubyte": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
    "t10k-images-idx3-ubyte": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    "t10k-labels-idx1-ubyte": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
}
DIGITS = 10


def load(path: StrPath | Sequence[StrPath] | None = None) -> tuple[Pair, Pair, Pair]:
    """Load training, validation and test set as pairs of arrays.

    Parameters
    ----------
    path : path or four paths, optional
        See `fastnet.mnist_loader.load_data`.

    Returns
    -------
    three pairs (images, labels)
        Images of shape (n, pixels), float32, from 0 to 255/256; labels of shape (n,), int64, from 0 to 9.
    """
    if path is None:
        return _from_idx([(bundled_folder() / f"{name}.gz", sha256) for name, sha256 in CHECKSUMS.items()])
    if isinstance(path, (list, tuple)):
        paths = [arguments.path(item, "path") for item in path]
        if len(paths) != len(CHECKSUMS):
            raise ValueError(f"path names {len(paths)} files; it must name four: {', '.join(CHECKSUMS)}")
        return _from_idx([(item, None) for item in paths])
    path = arguments.path(path, "path")
    if path.is_dir():
        return _from_idx([(_find(path, name), None) for name in CHECKSUMS])
    with opened(path) as stream:
        start = stream.read(2)
    if start == b"\0\0":  # so begins an IDX file; the other three lie beside it
        return _from_idx([(_find(path.parent, name), None) for name in CHECKSUMS])
    if start[:1] in (b"\x80", b"("):  # so begins a pickled tuple: with its protocol, or in the oldest ones with a mark
        return _from_pickle(path)
    raise DataError(f"{path}: this is neither an IDX file nor a pickle such as mnist.pkl.gz")


def bundled_folder() -> Path:
    """Return the folder of the files that come with fastnet: in the package, or in a checkout beside it."""
    package = Path(__file__).parent.parent
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def _find(folder: Path, name: str) -> Path:
    """Find an IDX file by the names that it is known under."""
    for spelling in (name, name.replace("-idx", ".idx")):
        for candidate in (folder / spelling, folder / f"{spelling}.gz"):
            if candidate.is_file():
                return candidate
    raise FileNotFoundError(f"{folder}: there is no file {name} or {name}.gz in this folder")


def _from_idx(files: Sequence[tuple[Path, str | None]]) -> tuple[Pair, Pair, Pair]:
    training_images, training_labels = _images_and_labels(*files[:2])
    test = _images_and_labels(*files[2:])
    if training_images.shape[1] != test[0].shape[1]:
        raise DataError(
            f"{files[2][0]}: its images have {test[0].shape[1]} pixels, those to train with {training_images.shape[1]}"
        )
    # The last 10,000 of MNIST's 60,000 validate, as in the book; of any other number, as large a part.
    split = len(training_images) - len(training_images) // 6
    return (
        (training_images[:split], training_labels[:split]),
        (training_images[split:], training_labels[split:]),
        test,
    )


def _images_and_labels(images_file: tuple[Path, str | None], labels_file: tuple[Path, str | None]) -> Pair:
    images, labels = idx.read(*images_file), idx.read(*labels_file)
    if images.ndim != 3 or images.dtype != np.uint8 or images.size == 0:
        raise DataError(f"{images_file[0]}: this IDX file does not hold images")
    if labels.ndim != 1 or labels.dtype != np.uint8:
        raise DataError(f"{labels_file[0]}: this IDX file does not hold labels")
    pixels = np.multiply(images.reshape(len(images), -1), 1 / 256, dtype=np.float32)
    pair = pixels, labels.astype(np.int64)
    _check(pair, labels_file[0])
    return pair


def _from_pickle(path: Path) -> tuple[Pair, Pair, Pair]:
    pairs = pickles.read_pairs(path)
    if len(pairs) != 3:
        raise DataError(f"{path}: this pickle holds {len(pairs)} sets; it must be three, as in mnist.pkl.gz")
    for images, labels in pairs:
        if images.ndim != 2 or images.dtype.kind != "f" or labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(f"{path}: this pickle does not hold images and labels as mnist.pkl.gz does")
    training, validation, test = ((images, labels.astype(np.int64, copy=False)) for images, labels in pairs)
    for pair in (training, validation, test):
        _check(pair, path)
    return training, validation, test


def _check(pair: Pair, path: Path) -> None:
    images, labels = pair
    if len(images) != len(labels):
        raise DataError(f"{path}: there are {len(labels)} labels for {len(images)} images")
    if len(labels) and not 0 <= labels.min() <= labels.max() < DIGITS:
        raise DataError(f"{path}: its labels go from {labels.min()} to {labels.max()}; digits go from 0 to 9")
