"""Checks and scales arrays that were read from files, and divides them into training, validation and test data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fastnet.files.reading import DataError

Pair: TypeAlias = tuple[np.ndarray, np.ndarray]

DIGITS = 10
NAMES = ("training", "validation", "test")
_GREYS = 256
_MOST_CLASSES = 10_000
_OF_QMNIST = 8  # number of columns of QMNIST's labels: the character, the writer, and so on


class DataWarning(UserWarning):
    """Labels were renumbered from 0, or a part of the training data is used as test data."""


@dataclass
class Part:
    """Images and labels, as they were read from files.

    Attributes
    ----------
    images : ndarray, shape (n, ...)
        One image per row.
    labels : ndarray, shape (n,), (n, 1), (n, 8) or (n, classes)
        The labels; or the eight columns of QMNIST, where the first column is the label; or vectors with 1 at the index
        of the label and 0 elsewhere.
    images_file, labels_file : str
        Names of the files; error messages begin with these names.
    transposed : bool
        Whether the images are stored column by column, as in EMNIST.
    """

    images: np.ndarray
    labels: np.ndarray
    images_file: str
    labels_file: str
    transposed: bool = False


def divided(parts: Mapping[str, Part]) -> tuple[tuple[Pair, Pair, Pair], list[str]]:
    """Return training, validation and test data, and notes for the user.

    Parameters
    ----------
    parts : dict of str to Part
        The part "training", and optionally "validation" and "test". Without test data, a sixth of the training data is
        used instead, drawn at random but always the same. Without validation data, the last sixth of the remaining
        training data is used instead.

    Returns
    -------
    three pairs (images, labels)
        Images of shape (n, pixels), float32; labels of shape (n,), int64, at least 0.
    notes : list of str
        Sentences for the user about how the files were read.

    Raises
    ------
    DataError
        If parts do not fit together, images are not finite numbers, or labels are not integers from 0 to 9,999. If the
        largest label is above 9, and the number of different labels is below min(largest label, training samples) / 2.
        If there are too few samples to divide.
    """
    notes: list[str] = []
    labels = {name: _labels(part) for name, part in parts.items()}
    images = {name: _flat(part) for name, part in parts.items()}
    for name, part in parts.items():
        n, pixels, expected = *images[name].shape[:2], images["training"].shape[1]
        if n != len(labels[name]):
            raise DataError(f"{part.labels_file}: there are {len(labels[name])} labels for {n} images")
        if pixels != expected:
            raise DataError(
                f"{part.images_file}: its images have {pixels} pixels, but the training images have {expected}"
            )
    _number_from_0(parts, labels, notes)
    scaled = _scaled(parts, images)
    pairs = {name: (scaled[name], labels[name]) for name in parts}
    if "test" not in pairs:
        pairs["training"], pairs["test"] = _drawn(pairs["training"], parts["training"].images_file)
        notes.append(
            f"{parts['training'].images_file}: without test data beside it, {len(pairs['test'][0]):,} of its samples, "
            "drawn at random, are the test data"
        )
    if "validation" not in pairs:
        # The validation data are the last sixth: for MNIST, the last 10,000 of 60,000 samples, as in the book.
        training, targets = pairs["training"]
        if len(training) < 2:
            raise DataError(f"{parts['training'].images_file}: it has one sample; there are none left for validation")
        split = len(training) - _sixth(len(training))
        pairs["training"], pairs["validation"] = (
            (training[:split], targets[:split]),
            (training[split:], targets[split:]),
        )
    return (pairs["training"], pairs["validation"], pairs["test"]), notes


def _drawn(pair: Pair, file: str) -> tuple[Pair, Pair]:
    images, labels = pair
    if len(images) < 3:
        raise DataError(f"{file}: it has {len(images)} samples; training, validation and test data need at least 3")
    order = np.random.default_rng(0).permutation(len(images))  # in random order, because a table may be sorted by label
    split = len(images) - _sixth(len(images))
    kept, drawn = order[:split], order[split:]
    return (images[kept], labels[kept]), (images[drawn], labels[drawn])


def _sixth(n: int) -> int:
    return max(n // 6, 1)


def _flat(part: Part) -> np.ndarray:
    """Return images as rows of pixels. Images that are stored column by column are transposed."""
    images = part.images
    if images.ndim < 2 or images.size == 0 or images.dtype.kind not in "fiub":
        raise DataError(
            f"{part.images_file}: this file does not hold images; it has the shape {images.shape}, and images have "
            "the shape (n, height, width) or (n, pixels)"
        )
    flat = images.reshape(len(images), -1)
    if part.transposed:
        height, width = images.shape[1:] if images.ndim == 3 else (int(flat.shape[1] ** 0.5),) * 2
        if height * width == flat.shape[1]:
            return np.ascontiguousarray(flat.reshape(-1, height, width).transpose(0, 2, 1)).reshape(flat.shape)
    return flat


def _labels(part: Part) -> np.ndarray:
    """Return labels as integers of shape (n,)."""
    labels, file = part.labels, part.labels_file
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "fiub":
        if bool(((labels == 0) | (labels == 1)).all()) and bool((labels.sum(axis=1) == 1).all()):
            labels = labels.argmax(axis=1)
        elif labels.shape[1] == _OF_QMNIST and labels.dtype.kind == "i":
            labels = labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "fiub":
        raise DataError(
            f"{file}: this file does not hold labels; it has the shape {labels.shape}, and labels have the shape (n,)"
        )
    if len(labels) and not (
        labels.min() >= 0 and labels.max() < _MOST_CLASSES and (labels == labels.astype(int)).all()
    ):
        raise DataError(
            f"{file}: its labels go from {labels.min()} to {labels.max()}; they must be integers of at least 0, below "
            f"{_MOST_CLASSES:,}; np.unique(labels, return_inverse=True)[1] makes such labels"
        )
    return labels.astype(np.int64)


def _number_from_0(parts: Mapping[str, Part], labels: dict[str, np.ndarray], notes: list[str]) -> None:
    """Renumber labels 1, 2, ... as 0, 1, ..., in place, and refuse labels that are most likely a mistake."""
    found, file = np.unique(labels["training"]), parts["training"].labels_file
    last = int(found[-1]) if len(found) else 0
    for name, part in parts.items():
        if len(labels[name]) and labels[name].max() > max(last, DIGITS - 1):
            raise DataError(
                f"{part.labels_file}: its labels go from {labels[name].min()} to {labels[name].max()}, but the "
                f"training labels go from {found[0]} to {last}"
            )
    if last >= DIGITS and len(found) < min(last, len(labels["training"])) / 2:
        raise DataError(
            f"{file}: only {len(found)} of the labels from 0 to {last} occur; "
            "np.unique(labels, return_inverse=True)[1] numbers them without gaps"
        )
    if np.array_equal(found, np.arange(1, last + 1)) and all(np.all(each > 0) for each in labels.values()):
        for name in labels:
            labels[name] -= 1
        notes.append(
            f"{file}: its labels go from 1 to {last}; here, label 1 is class 0, and {last} is class {last - 1}"
        )


def _scaled(parts: Mapping[str, Part], images: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return grey values from 0 to 255 as multiples of 1/256, and other numbers as they are.

    Arrays of uint8 hold grey values. All other arrays do if no number is negative, and the largest is from 128 to 255.
    """
    others = [array for array in images.values() if array.dtype != np.uint8]
    low, high = min((array.min() for array in others), default=0), max((array.max() for array in others), default=0)
    factor = 1 / _GREYS if low >= 0 and _GREYS / 2 <= high <= _GREYS - 1 else 1
    scaled = {}
    for name, array in images.items():
        with np.errstate(over="ignore", invalid="ignore"):  # no warning is needed: infinity and NaN are refused below
            scale = 1 / _GREYS if array.dtype == np.uint8 else factor
            scaled[name] = np.multiply(array, scale, dtype=np.float32, casting="unsafe")
        if array.dtype.kind == "f" and not np.isfinite([scaled[name].min(), scaled[name].max()]).all():
            raise DataError(f"{parts[name].images_file}: it has a number that is not finite in float32")
    return scaled
