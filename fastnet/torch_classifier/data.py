"""Loads MNIST through torchvision, as tensors and in mini-batches."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset, default_collate
from torchvision import datasets
from torchvision.transforms import v2

from fastnet.datasets import mnist
from fastnet.datasets.dataset import check_numbers
from fastnet.files.reading import DataError, opened
from fastnet.torch_classifier.options import Options

# Values from 0 (white) to 1 (black). With the usual v2.Normalize added, the default options reach one percent less.
TRANSFORM = v2.ToDtype(torch.float32, scale=True)
AUGMENTATION = v2.RandomAffine(degrees=10, translate=(0.1, 0.1), interpolation=v2.InterpolationMode.BILINEAR)


def load_data(root: str | os.PathLike[str] | None = None) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Load MNIST through torchvision, and transform all images at once.

    Parameters
    ----------
    root : path, optional
        A folder of `torchvision.datasets.MNIST`, into which missing files are downloaded. By default, the files that
        come with fastnet are used, or the folder `data` if these files are missing.

    Returns
    -------
    training, validation, test : TensorDataset
        For MNIST, 50,000, 10,000 and 10,000 pairs of an image, float32 of shape (1, 28, 28), and its digit, int64. As
        in the book, the validation data are the last sixth of MNIST's training data.

    Raises
    ------
    OSError
        If a file cannot be opened or written.
    DataError
        If the files cannot be read, or do not hold images with labels from 0 to 9.

    Notes
    -----
    The transform is not random. All images are therefore transformed once, in one tensor, and not one by one in every
    epoch. For 5,000 mini-batches of ten, a loader then takes 0.2 s; with transforms of single images, 4 to 5 s.
    """
    training_digits, test_digits = _digits(root)
    images, labels = _tensors(training_digits)
    split = len(images) - len(images) // 6
    return (
        TensorDataset(images[:split], labels[:split]),
        TensorDataset(images[split:], labels[split:]),
        TensorDataset(*_tensors(test_digits)),
    )


def _digits(root: str | os.PathLike[str] | None) -> tuple[datasets.MNIST, datasets.MNIST]:
    """Return torchvision's training and test data."""
    bundled = mnist.bundled_folder()
    if root is None and all((bundled / f"{name}.gz").is_file() for name in mnist.CHECKSUMS):
        with TemporaryDirectory() as folder:
            _unpack(bundled, Path(folder))
            return _read(folder)
    return _read("data" if root is None else root)


def _unpack(bundled: Path, root: Path) -> None:
    """Unpack the bundled files into the folder in which torchvision looks for them."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, sha256 in mnist.CHECKSUMS.items():
        with opened(bundled / f"{name}.gz", sha256) as packed, (raw / name).open("wb") as file:
            shutil.copyfileobj(packed, file)


def _read(root: str | os.PathLike[str]) -> tuple[datasets.MNIST, datasets.MNIST]:
    try:
        return datasets.MNIST(root, train=True, download=True), datasets.MNIST(root, train=False, download=True)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:  # torchvision's errors for damaged files
        raise DataError(f"{os.fspath(root)}: torchvision cannot read MNIST from this folder ({error})") from None


def _tensors(digits: datasets.MNIST) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images, transformed, of shape (n, 1, height, width), and their labels, of shape (n,)."""
    images, labels = digits.data, digits.targets
    if not 0 < len(images) == len(labels) or labels.max() >= mnist.DIGITS:
        raise DataError(f"{digits.raw_folder}: these are not images with a label from 0 to {mnist.DIGITS - 1} each")
    return TRANSFORM(images.unsqueeze(1)), labels


def check_data(data: Any, argument: str) -> None:
    """Raise a `TypeError` or a `ValueError` if `data` is not images and their digits, as `load_data` returns them."""
    if not isinstance(data, TensorDataset) or len(data.tensors) != 2:
        number = f" of {len(data.tensors)}" if isinstance(data, TensorDataset) else ""
        raise TypeError(
            f"{argument} is a {type(data).__name__}{number}; it must be a TensorDataset of images and labels"
        )
    images, labels = data.tensors
    for name, tensor, dtype in (("images", images, torch.float32), ("labels", labels, torch.int64)):
        if tensor.dtype is not dtype or tensor.layout is not torch.strided:
            kind = f"{tensor.dtype}, {tensor.layout}"
            raise TypeError(f"{argument} has {name} of {kind}; they must be of {dtype}, {torch.strided}")
    if images.ndim < 2 or labels.ndim != 1 or len(labels) == 0:
        shapes = f"{tuple(images.shape)} and labels of shape {tuple(labels.shape)}"
        raise ValueError(f"{argument} has images of shape {shapes}; they must be (n, ...) and (n,), with n at least 1")
    lowest, highest = (int(bound) for bound in labels.aminmax())
    if not 0 <= lowest <= highest < mnist.DIGITS:
        raise ValueError(f"{argument} has labels from {lowest} to {highest}; they must be from 0 to {mnist.DIGITS - 1}")
    if images.numel():
        least, most = images.detach().aminmax()
        check_numbers((float(least), float(most)), np.dtype("float32"), f"{argument}: images")


def training_loader(data: TensorDataset, options: Options, device: torch.device) -> DataLoader:
    """Return a loader of mini-batches, which gives the samples a new random order in each epoch."""
    batch_size = min(options.batch_size, len(data))
    alone = len(data) % batch_size == 1  # a last mini-batch of one sample, which cannot be normalized
    return DataLoader(
        data,
        batch_size,
        shuffle=True,
        drop_last=options.batch_norm and alone,
        collate_fn=_augmented if options.augment else None,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
        pin_memory=device.type == "cuda",
    )


def _augmented(samples: list[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Collate a mini-batch, and rotate and shift all its images by the same random amounts.

    This takes 1 s for 5,000 mini-batches of ten; with different amounts for each image, it would take 5 s.
    """
    images, labels = default_collate(samples)
    return AUGMENTATION(images), labels
