"""Reads and writes PyTorch networks in files of `torch.save`. Such a file is a zip archive with a pickle.

The pickle holds a dictionary with the kind and the version of the file, the settings of the layers, and the network's
tensors. The file is checked before PyTorch reads it. The contents are checked before a network is made.
"""

from __future__ import annotations

import os
import pickle
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar

import torch
from torch import nn

from fastnet.files import reading, torch_pickles
from fastnet.files.reading import DataError, one_line
from fastnet.files.writing import atomic_write
from fastnet.utils import arguments
from fastnet.utils.torch_arguments import all_finite

StrPath: TypeAlias = str | os.PathLike[str]
_Model = TypeVar("_Model", bound=nn.Module)

_FIRST_VERSION = 1  # version of files that contain no version


@dataclass(frozen=True)
class Format(Generic[_Model]):
    """The file format for one class of networks.

    Attributes
    ----------
    kind : str
        Name of the kind. Each file contains the name.
    version : int
        Version of the format. Each file that `write` writes contains the version.
    settings : tuple of str
        Names of the network's attributes that determine its layers. Each attribute is a number, a string, None, or a
        sequence. The number of items of a sequence is at most the number of tensors plus 1.
    make : callable
        Function that makes a network, given the settings as keyword arguments. The function raises an exception if a
        setting is invalid.
    """

    kind: str
    version: int
    settings: tuple[str, ...]
    make: Callable[..., _Model]


def write(path: StrPath, model: _Model, form: Format[_Model]) -> None:
    """Write a network atomically. The network may be on any device.

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError, ValueError
        If `read` would refuse the file, for example because a parameter is infinite.
    """
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    contents = {"kind": form.kind, "version": form.version, "state": state}
    for name in form.settings:
        value = getattr(model, name)
        contents[name] = list(value) if isinstance(value, tuple) else value
    with arguments.named("the network cannot be saved"):
        _model(contents, form, sum(tensor.nbytes for tensor in state.values()))
    with atomic_write(path) as file:
        torch.save(contents, file)


def read(path: StrPath, form: Format[_Model]) -> _Model:
    """Read a network from a file that `write` wrote.

    The network is on the CPU and in evaluation mode. Code in the file is never executed.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file does not contain a network of this format. `DataError` is a `ValueError`.
    """
    with Path(path).open("rb") as file:
        try:
            size = _check_archive(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # no warning is needed: an unusable file raises an error
                contents = torch.load(file, map_location="cpu", weights_only=True)
            return _model(contents, form, size)
        except MemoryError:
            raise
        except Exception as error:  # PyTorch raises exceptions of many kinds for a broken file
            raise DataError(f"{os.fspath(path)}: this file does not hold a network ({_reason(error)})") from None


def _check_archive(file: BinaryIO) -> int:
    """Raise an error if PyTorch must not read a file; otherwise, return the size of the file.

    In spite of `weights_only=True`, some versions of PyTorch execute code in files of older formats and in TorchScript
    programs. Compressed entries are refused, because they may have any size after decompression. `torch.save` writes
    no compressed entries.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is not a regular file")
    with reading.archive(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it is compressed")
        if sum(entry.file_size for entry in entries) > status.st_size:
            raise ValueError("it claims to hold more than its size")
        # PyTorch ignores the case of the entries' names.
        if any(Path(entry.filename.casefold()).name == "constants.pkl" for entry in entries):
            raise ValueError("it is a TorchScript program")
        if archive.testzip() is not None:  # PyTorch does not verify the checksums of an archive
            raise ValueError("it is damaged")
        for entry in entries:
            if entry.filename.casefold().endswith(".pkl"):
                with archive.open(entry) as stream:
                    torch_pickles.check(stream)
    file.seek(0)
    return status.st_size


def _model(contents: Any, form: Format[_Model], size: int) -> _Model:
    """Check the contents of a file of `size` bytes, and make the network from them."""
    if not (isinstance(contents, dict) and contents.get("kind") == form.kind):
        raise ValueError("it is of another kind")
    version = contents.get("version", _FIRST_VERSION)
    if version != form.version:
        raise ValueError(f"its version is {arguments.brief(version)}; it must be {form.version}")
    state, settings = contents["state"], {name: contents[name] for name in form.settings}
    if not isinstance(state, dict):
        raise ValueError("its parameters are not tensors")
    for name, value in settings.items():
        _check_setting(value, name, len(state))
    with torch.device("meta"):  # tensors have shapes but no memory here, because the settings may claim any size
        model = form.make(**settings)
    _check_state(state, model.state_dict(), size)
    model.to_empty(device="cpu").load_state_dict(state)
    model.eval()
    return model


def _check_setting(value: Any, name: str, tensors: int) -> None:
    """Raise a `ValueError` if a setting is not plain data, or is a list of more than `tensors` + 1 items."""
    if type(value) is list:
        if len(value) > tensors + 1:
            raise ValueError(f"its {name} and its parameters do not fit one another")
    elif type(value) not in (bool, int, float, str, type(None)):
        raise ValueError(f"its {name} is a {type(value).__name__}; it must be a number, a text or a list")


def _check_state(state: dict[str, Any], expected: dict[str, torch.Tensor], size: int) -> None:
    """Raise a `ValueError` if a file's tensors do not fit the layers, are larger than the file, or are not finite."""
    if state.keys() != expected.keys():
        raise ValueError("its parameters are not those of its layers")
    if any(type(tensor) is not torch.Tensor or tensor.layout is not torch.strided for tensor in state.values()):
        raise ValueError("its parameters are not tensors")
    kinds = {name: (tensor.shape, tensor.dtype, torch.device("cpu")) for name, tensor in expected.items()}
    if {name: (tensor.shape, tensor.dtype, tensor.device) for name, tensor in state.items()} != kinds:
        raise ValueError("its parameters are not of the shapes and the type that its layers have")
    if sum(tensor.nbytes for tensor in state.values()) > size:
        raise ValueError("its parameters claim to be larger than the file")
    if not all_finite(state.values()):
        raise ValueError("its parameters are infinite or NaN")


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # PyTorch's message, which recommends weights_only=False, is replaced
        return "it asks for more than tensors and plain data, or is damaged"
    if isinstance(error, zipfile.BadZipFile):
        return "it is not an archive as torch.save writes it"
    return one_line(f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0])
