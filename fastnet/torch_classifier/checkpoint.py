"""Saves and loads networks. A file is checked before PyTorch reads it, and the network afterwards."""

from __future__ import annotations

import os
import pickle
import stat
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import torch

from fastnet.files import reading
from fastnet.files.reading import DataError, one_line
from fastnet.files.writing import replaced
from fastnet.torch_classifier import pickles
from fastnet.torch_classifier.model import Classifier, make_model
from fastnet.torch_classifier.options import Options
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_KIND = "fastnet.pytorch_mnist"  # identifies a checkpoint
_VERSION = 1  # of a checkpoint's contents; checkpoints without a version have version 1


def save_model(model: Classifier, path: StrPath) -> None:
    """Write a network, whole or not at all: its tensors, and the plain data from which its layers are made.

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError, ValueError
        If `model` is not a `Classifier`, or `load_model` would refuse the file, for example because of a parameter that
        is infinite or not a number.
    """
    if not isinstance(model, Classifier):
        raise TypeError(f"model is a {type(model).__name__}; it must be a Classifier, as make_model makes it")
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    contents = {
        "kind": _KIND,
        "version": _VERSION,
        "sizes": list(model.sizes),
        "dropout": model.dropout,
        "batch_norm": model.batch_norm,
        "state": state,
    }
    with arguments.named("the network cannot be saved"):
        _model(contents, sum(tensor.nbytes for tensor in state.values()))
    with replaced(path) as file:
        torch.save(contents, file)


def load_model(path: StrPath) -> Classifier:
    """Read a network that `save_model` wrote. The file is never executed.

    Returns
    -------
    Classifier
        The network on the CPU, in evaluation mode.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file does not hold such a network. A `DataError` is a `ValueError`.
    """
    with Path(path).open("rb") as file:
        try:
            size = _check_archive(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # PyTorch warns of some damaged files, which are refused or read anyway
                contents = torch.load(file, map_location="cpu", weights_only=True)
            return _model(contents, size)
        except Exception as error:  # PyTorch raises exceptions of many kinds for damaged files
            raise DataError(f"{os.fspath(path)}: this file does not hold a network ({_reason(error)})") from None


def check_path(path: Any, argument: str) -> Path:
    """Return the path of a regular file, existing or new, to which a network can be written.

    Raises
    ------
    TypeError, ValueError
        If `path` is not such a path, or its folder does not exist or cannot be written to.
    """
    found = arguments.path(path, argument)
    if found.exists() and not found.is_file():
        raise ValueError(f"{argument} is {found}; it must be a regular file, or a file that does not exist yet")
    folder = Path(os.path.realpath(found)).parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ValueError(f"{argument} is {found}; {folder} must be a folder that can be written to")
    return found


def all_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether all numbers are finite."""
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def _check_archive(file: BinaryIO) -> int:
    """Refuse files that PyTorch must not begin to read; return the size of the file.

    In some versions of PyTorch, older formats and TorchScript programs may run code in spite of `weights_only=True`.
    Compressed entries may unpack to any size, and `torch.save` compresses nothing.
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
        if any(Path(entry.filename).name == "constants.pkl" for entry in entries):
            raise ValueError("it is a program of TorchScript")
        if archive.testzip() is not None:  # PyTorch itself does not verify the checksums
            raise ValueError("it is damaged")
        for entry in entries:
            if entry.filename.endswith(".pkl"):
                with archive.open(entry) as stream:
                    pickles.check(stream)
    file.seek(0)
    return status.st_size


def _model(contents: Any, size: int) -> Classifier:
    """Check the contents of a file, and make the network."""
    if not (isinstance(contents, dict) and contents.get("kind") == _KIND):
        raise ValueError("it is of another kind")
    version = contents.get("version", _VERSION)
    if version != _VERSION:
        raise ValueError(f"its version is {arguments.brief(version)}; it must be {_VERSION}")
    sizes, dropout, batch_norm, state = (contents[name] for name in ("sizes", "dropout", "batch_norm", "state"))
    if not (isinstance(state, dict) and isinstance(sizes, list) and len(sizes) <= len(state) + 1):
        raise ValueError("its sizes and parameters don't fit")
    options = Options(sizes=tuple(sizes), dropout=dropout, batch_norm=batch_norm)
    with torch.device("meta"):  # shapes without memory, because the sizes are not checked yet
        model = make_model(options)
    _check_state(state, model.state_dict(), size)
    model.to_empty(device="cpu").load_state_dict(state)
    return model.eval()


def _check_state(state: dict[str, Any], expected: dict[str, torch.Tensor], size: int) -> None:
    """Raise a `ValueError` if tensors are not those of the network's layers, or not finite, or larger than the file."""
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
