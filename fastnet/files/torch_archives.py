"""Networks of PyTorch in files of `torch.save`, which is an archive with a pickle.

A file holds a dictionary: the kind and the version of the file, settings from which the layers are made, and the
network's tensors. The file is checked before PyTorch reads it, and its contents before a network is made of them.
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

_FIRST_VERSION = 1  # that of files from before versions


@dataclass(frozen=True)
class Format(Generic[_Model]):
    """The format of the files of a class of networks.

    Attributes
    ----------
    kind : str
        Name of the kind, which a file has.
    version : int
        Version of the format, which a file has, too.
    settings : tuple of str
        Names of attributes of a network from which its layers can be made: numbers, texts, and sequences with at most
        one item more than there are tensors.
    make : callable
        Makes a network with the settings, which are keyword arguments, or raises an exception if it refuses them.
    """

    kind: str
    version: int
    settings: tuple[str, ...]
    make: Callable[..., _Model]


def write(path: StrPath, model: _Model, form: Format[_Model]) -> None:
    """Write a network, on any device, whole or not at all.

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
    """Return a network that `write` wrote, on the CPU and in evaluation mode; no code that a file names is run.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file does not hold such a network. `DataError` is a `ValueError`.
    """
    with Path(path).open("rb") as file:
        try:
            size = _check_archive(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch warns of damaged files; they are refused or read
                contents = torch.load(file, map_location="cpu", weights_only=True)
            return _model(contents, form, size)
        except MemoryError:
            raise
        except Exception as error:  # PyTorch raises exceptions of many kinds for a broken file
            raise DataError(f"{os.fspath(path)}: this file does not hold a network ({_reason(error)})") from None


def _check_archive(file: BinaryIO) -> int:
    """Refuse a file that PyTorch must not begin to read; return the size of the file.

    Some versions of PyTorch run code of older formats and of programs (TorchScript) in spite of `weights_only=True`.
    A compressed entry may have any size when it is unpacked; `torch.save` compresses nothing.
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
        # PyTorch finds entries whatever the case of their letters.
        if any(Path(entry.filename.casefold()).name == "constants.pkl" for entry in entries):
            raise ValueError("it is a program of TorchScript")
        if archive.testzip() is not None:  # PyTorch does not check the checksums
            raise ValueError("it is damaged")
        for entry in entries:
            if entry.filename.casefold().endswith(".pkl"):
                with archive.open(entry) as stream:
                    torch_pickles.check(stream)
    file.seek(0)
    return status.st_size


def _model(contents: Any, form: Format[_Model], size: int) -> _Model:
    """Make the network of a file with that size, after all of its contents have been checked."""
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
    with torch.device("meta"):  # its tensors have shapes but no memory: the settings may claim any size yet
        model = form.make(**settings)
    _check_state(state, model.state_dict(), size)
    model.to_empty(device="cpu").load_state_dict(state)
    model.eval()
    return model


def _check_setting(value: Any, name: str, tensors: int) -> None:
    """Refuse a setting that is not plain data, or a list for more layers than there are tensors."""
    if type(value) is list:
        if len(value) > tensors + 1:
            raise ValueError(f"its {name} and its parameters don't fit")
    elif type(value) not in (bool, int, float, str, type(None)):
        raise ValueError(f"its {name} is a {type(value).__name__}; it must be a number, a text or a list")


def _check_state(state: dict[str, Any], expected: dict[str, torch.Tensor], size: int) -> None:
    """Compare a network's tensors with those that its layers have, and their size with that of the file."""
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
        raise ValueError("its parameters are infinite or not a number")


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):  # PyTorch's own message recommends weights_only=False
        return "it asks for more than tensors and plain data, or is damaged"
    if isinstance(error, zipfile.BadZipFile):
        return "it is not an archive as torch.save writes it"
    return one_line(f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0])
