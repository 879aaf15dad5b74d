"""Checks of arguments that are PyTorch objects or devices; `fastnet.utils.arguments` checks all other arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain
from typing import Any

import torch
from torch import nn
from torch.utils.data import TensorDataset

from fastnet.utils import arguments

DEVICES = ("auto", "cpu", "cuda")


def all_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Return whether all numbers of all tensors are finite."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def finite(model: nn.Module, argument: str) -> nn.Module:
    """Return `model`, whose parameters and buffers must be finite."""
    arguments.instance(model, nn.Module, argument)
    if not all_finite(chain(model.parameters(), model.buffers())):
        raise ValueError(f"{argument} has parameters or buffers that are infinite or NaN; all must be finite")
    return model


def labelled(
    value: Any, argument: str, classes: int, pixels: int | None = None, least: int = 1, ndim: int = 2
) -> TensorDataset:
    """Return `value`, which must be a data set of images and labels.

    Parameters
    ----------
    value : TensorDataset
        Images, of shape (n, ...) and type float32, and labels, of shape (n,) and type int64.
    argument : str
        Name of the argument.
    classes : int
        Number of classes; the labels must be from 0 to `classes` - 1.
    pixels : int, optional
        Required number of pixels in an image; any number by default.
    least : int, optional
        Smallest allowed number of images.
    ndim : int, optional
        Smallest allowed number of dimensions of the tensor of images.
    """
    if not isinstance(value, TensorDataset) or len(value.tensors) != 2:
        number = f" (number of tensors: {len(value.tensors)})" if isinstance(value, TensorDataset) else ""
        raise TypeError(
            f"{argument} is a {type(value).__name__}{number}; it must be a TensorDataset of images and labels"
        )
    images, labels = value.tensors
    for name, tensor, dtype in (("images", images, torch.float32), ("labels", labels, torch.int64)):
        if tensor.dtype is not dtype or tensor.layout is not torch.strided:
            kind = f"dtype {tensor.dtype} and layout {tensor.layout}"
            raise TypeError(f"{argument} has {name} of {kind}; they must have dtype {dtype} and layout {torch.strided}")
    if images.ndim < ndim or labels.ndim != 1 or len(labels) < least:
        expected = f"({', '.join(['n', *['...'] * (ndim - 1)])}) and (n,), with n at least {least}"
        shapes = f"{tuple(images.shape)} and labels of shape {tuple(labels.shape)}"
        raise ValueError(f"{argument} has images of shape {shapes}; their shapes must be {expected}")
    found = math.prod(images.shape[1:])
    if pixels is not None and found != pixels:
        raise ValueError(f"{argument} has images of {found} pixels; they must have {pixels}, one for each input")
    lowest, highest = (int(bound) for bound in labels.aminmax())
    if not 0 <= lowest <= highest < classes:
        raise ValueError(f"{argument} has labels from {lowest} to {highest}; they must be from 0 to {classes - 1}")
    if not all_finite([images]):
        raise ValueError(f"{argument} has images with infinite or NaN pixels; all pixels must be finite")
    return value


def device(value: str, argument: str) -> torch.device:
    """Return PyTorch's device for "auto", "cpu" or "cuda"; "auto" is the GPU if PyTorch finds one."""
    available = torch.cuda.is_available()
    if value == "cuda" and not available:
        raise ValueError(f"{argument} is 'cuda', but PyTorch finds no GPU; it must be 'auto' or 'cpu'")
    return torch.device("cuda" if value != "cpu" and available else "cpu")
