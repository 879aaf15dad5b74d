"""Data as tensors on a device."""

from __future__ import annotations

import os
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastnet import arguments, expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.files import DataError

Pair: TypeAlias = tuple[Tensor, Tensor]

DEVICES = ("auto", "cpu", "cuda")


def load_data_shared(
    filename: str | os.PathLike[str] | None = None, *, expanded: bool = False, device: str = "auto"
) -> list[Pair]:
    """Return the MNIST data as tensors on a device.

    Parameters
    ----------
    filename : path, optional
        The book's `mnist.pkl.gz`, or what else `mnist_loader.load_data` reads. Without it, the files that come with
        fastnet.
    expanded : bool, optional
        Whether the training data are to be what `expand_mnist.expand` makes of them, 250,000 images of 50,000, in a
        random order, which is the same each time: as in the file that the book's `expand_mnist.py` writes.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to; 'auto' is the GPU if there is one.

    Returns
    -------
    training_data, validation_data, test_data : list of three tuples (x, y)
        As `shared` returns them.

    Raises
    ------
    OSError
        If a file is missing or cannot be opened.
    DataError
        If a file is damaged or of another kind. It is a `ValueError`.
    ValueError
        If there is no such device.
    """
    to = find_device(device)
    try:
        training, *others = mnist_loader.load_data(filename)
    except (FileNotFoundError, DataError) as error:
        if filename is None:
            raise
        advice = "load_data_shared(expanded=True) makes the book's expanded data of those that come with fastnet"
        raise type(error)(f"{error}; {advice}") from None
    if expanded:
        training = _expanded(*training)
    return [_shared(*pair, to) for pair in (training, *others)]


def _expanded(images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    data = expand_mnist.expand(Dataset(images, labels))
    # SGD does not shuffle, and an image and its copies in one mini-batch would teach little more than the image.
    order = np.random.default_rng(0).permutation(len(data))
    return data.inputs[order], data.targets[order]


def shared(data: Dataset | tuple[npt.ArrayLike, npt.ArrayLike], device: str = "auto") -> Pair:
    """Return data of one's own as tensors on a device.

    Parameters
    ----------
    data : Dataset or tuple (x, y)
        Samples with labels; or their inputs, shape (n, n_in), and labels, shape (n,), integers. A `Dataset` may have
        vectors too: the label is then where the largest component stands.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to; 'auto' is the GPU if there is one.

    Returns
    -------
    x, y : tensors
        `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    ValueError
        If there is no such device, the shapes do not fit, or labels are not integers from 0.

    Examples
    --------
    >>> x, y = shared(([[0.0, 1.0], [1.0, 0.0]], [1, 0]), device="cpu")
    >>> x.shape, y
    (torch.Size([2, 2]), tensor([1, 0]))
    """
    if isinstance(data, Dataset):
        vectors = data.targets.ndim == 2
        data = data.inputs, data.targets.argmax(axis=1) if vectors else data.targets
    return _shared(np.asarray(data[0]), np.asarray(data[1]), find_device(device))


def _shared(inputs: np.ndarray, labels: np.ndarray, device: torch.device) -> Pair:
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1]:
        raise ValueError(f"x and y have the shapes {inputs.shape} and {labels.shape}; they must be (n, n_in) and (n,)")
    if labels.dtype.kind not in "iu" or (labels < 0).any():
        raise ValueError("y must be labels: integers from 0")
    return (
        torch.tensor(inputs, dtype=torch.float32, device=device),
        torch.tensor(labels, dtype=torch.int64, device=device),
    )


def size(data: Pair) -> int:
    """Return the number of samples in `data`."""
    return len(data[0])


def find_device(name: str) -> torch.device:
    """Return the device that is meant by one of `DEVICES`."""
    name = arguments.one_of(name, DEVICES, "device")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ValueError("device is 'cuda', but PyTorch finds no GPU that it can use")
    return torch.device("cuda" if there and name != "cpu" else "cpu")
