"""Reads NumPy's format `.npz`. The name of an array determines what the array holds."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import numpy as np

from fastnet.datasets import npy
from fastnet.files.reading import DataError, archive, named_errors, one_line
from fastnet.utils import arguments

Role: TypeAlias = tuple[str, str]
"""The set to which an array belongs ("training", "validation" or "test"), and its contents ("images" or "labels")."""

_SETS = {
    "training": ("train", "training", "tr"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "t10k", "te"),
}
_KINDS = {
    "images": ("x", "image", "images", "img", "imgs", "data", "input", "inputs", "features", "pixels"),
    "labels": ("y", "label", "labels", "target", "targets", "class", "classes", "vectors"),
}
_WITHOUT_NAMES = {"arr_0": "x", "arr_1": "y"}  # the names that `np.savez(file, x, y)` gives
_NEEDS = (
    "arrays x_train and y_train, and may be x_val, y_val, x_test and y_test; np.savez(NEW, x_train=...) writes them"
)


def read(path: Path) -> dict[Role, np.ndarray]:
    """Read the arrays of images and labels.

    Returns
    -------
    dict of (str, str) to ndarray
        The arrays, with their roles as keys. The name of an array determines the role, as in files of Keras and
        MedMNIST: `x_train`, `train_images`, `y`, `labels` and so on. An array whose name mentions no set is training
        data. Arrays whose names mention neither images nor labels are not read.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, has another format, or holds more than 1 GiB. If no name gives a role, or two names give
        the same role.
    """
    with named_errors(path), path.open("rb") as file:
        try:
            with archive(file) as members:
                return _read(members, path)
        except EOFError:
            raise DataError(f"{path}: it ends too early; the file is truncated") from None
        except DataError:
            raise
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, zlib.error) as error:
            raise DataError(
                f"{path}: this file does not hold arrays as np.savez writes them ({one_line(error)})"
            ) from None


def _read(members: zipfile.ZipFile, path: Path) -> dict[Role, np.ndarray]:
    infos = {info.filename[: -len(".npy")]: info for info in members.infolist() if info.filename.endswith(".npy")}
    if not infos:
        raise DataError(f"{path}: this archive holds no arrays of NumPy; if it holds data files, unpack it first")
    if list(infos) == ["arr_0"]:  # the file's name gives the role of the array, as in Kuzushiji-MNIST
        named = {path.stem: infos["arr_0"]}
    elif infos.keys() == _WITHOUT_NAMES.keys():
        named = {_WITHOUT_NAMES[name]: info for name, info in infos.items()}
    else:
        named = infos
    found, left = {}, npy.MOST_BYTES
    for role, name in roles(named, path).items():
        if named[name].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is compressed in a way that NumPy does not use")
        with arguments.named(one_line(name)), cast(BinaryIO, members.open(named[name])) as stream:
            found[role] = npy.read_array(stream, left)
        left -= found[role].nbytes
    return found


def roles(names: Iterable[str], path: Path, needs: str = _NEEDS) -> dict[Role, str]:
    """Return the array's name for each role.

    Parameters
    ----------
    names : iterable of str
        Names of arrays, or of files with one array each.
    path : Path
        File or folder of the arrays, for error messages.
    needs : str, optional
        Names that are required, for error messages, and what to do.

    Raises
    ------
    DataError
        If two names give the same role, or no name gives a role.
    """
    found: dict[Role, str] = {}
    for name in names:
        kind = _word_of(_KINDS, name)
        if kind is None:
            continue
        role = _word_of(_SETS, name) or "training", kind
        if role in found:
            raise DataError(f"{path}: {found[role]} and {name} may both be the {' '.join(role)}; there must be {needs}")
        found[role] = name
    if not found:
        shown = one_line(", ".join(names))
        raise DataError(f"{path}: found {shown}; there must be {needs}")
    return found


def set_of(name: str) -> str | None:
    """Return the set that a name mentions: "training", "validation", "test", or None."""
    return _word_of(_SETS, name)


def _word_of(words: dict[str, tuple[str, ...]], name: str) -> str | None:
    found = re.split(r"[^a-z0-9]+", name.lower())
    return next((key for key, known in words.items() if any(word in known for word in found)), None)
