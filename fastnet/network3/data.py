"""Data as tensors on a device."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fastnet import expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset, as_dataset, check_numbers
from fastnet.files.reading import DataError
from fastnet.utils import arguments

Pair: TypeAlias = tuple[Tensor, Tensor]

DEVICES = ("auto", "cpu", "cuda")

_FLOAT32 = np.dtype("float32")


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
    return [_shared(Dataset(*pair), to) for pair in (training, *others)]


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
        Samples with labels; or what a `Dataset` can be made of: inputs, shape (n, n_in), and labels, shape (n,),
        integers. There may be vectors too: the label is then where the largest component stands.
    device : {'auto', 'cpu', 'cuda'}, optional
        Where to; 'auto' is the GPU if there is one.

    Returns
    -------
    x, y : tensors
        `x` of shape (n, n_in) and type float32, `y` of shape (n,) and type int64.

    Raises
    ------
    TypeError
        If the data are neither, or not real numbers.
    ValueError
        If there is no such device, the shapes do not fit, labels are not integers from 0, or a number is not finite in
        float32.

    Examples
    --------
    >>> x, y = shared(([[0.0, 1.0], [1.0, 0.0]], [1, 0]), device="cpu")
    >>> x.shape, y
    (torch.Size([2, 2]), tensor([1, 0]))
    """
    to = find_device(device)
    with arguments.named("data"):
        return _shared(as_dataset(data if isinstance(data, Dataset) else Dataset(*pair(data, "arrays"))), to)


def _shared(data: Dataset, device: torch.device) -> Pair:
    data.check_numbers(_FLOAT32)
    targets = data.targets
    if targets.ndim == 2 and targets.shape[1] == 1:  # where the largest of one stands says nothing
        raise ValueError(f"y has numbers of type {targets.dtype}; they must be labels: integers from 0")
    return (
        torch.tensor(data.inputs, dtype=torch.float32, device=device),
        torch.tensor(targets if targets.ndim == 1 else targets.argmax(axis=1), dtype=torch.int64, device=device),
    )


def pair(data: Any, kind: str) -> tuple[Any, Any]:
    """Return the two that are in a tuple or list, which should be of that kind, or raise a `TypeError`."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        number = f" of {len(data)}" if isinstance(data, (tuple, list)) else ""
        raise TypeError(f"it is a {type(data).__name__}{number}; it must be a tuple (x, y) of {kind}")
    x, y = data
    return x, y


def check_tensor(tensor: Any, dtype: torch.dtype, name: str) -> None:
    """Raise a `TypeError` or a `ValueError` if it is not a tensor of that type, dense and of finite numbers."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"{name} is a {type(tensor).__name__}; it must be a tensor")
    if tensor.dtype is not dtype:
        raise TypeError(f"{name} is a tensor of {tensor.dtype}; it must be of {dtype}")
    if tensor.layout is not torch.strided:
        raise TypeError(f"{name} is a tensor of {tensor.layout}; it must be dense")
    if tensor.numel():
        lowest, highest = tensor.detach().aminmax()
        check_numbers((float(lowest), float(highest)), _FLOAT32, name)


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
