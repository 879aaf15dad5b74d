"""Arrays and a description of them in one file: safetensors, which is a header in JSON, and numbers.

Files are never executed, and no memory is taken for arrays that a header only claims. A checksum of the whole contents
detects damage.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from fastnet.files.reading import holding, named_errors, read_exactly
from fastnet.files.writing import replaced

StrPath: TypeAlias = str | os.PathLike[str]

_TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U32": "<u4"}
_LONGEST_HEADER = 1 << 24  # bytes; a layer takes some 200
_MOST_MEMORY = 1 << 25  # bytes, about, that are made of a header


class Kind(NamedTuple):
    """The kind of a file's contents.

    Attributes
    ----------
    name : str
        Name of the kind, which the header has.
    version : int
        Version of the format that is written.
    earlier : tuple of int
        Versions that are read, too.
    """

    name: str
    version: int
    earlier: tuple[int, ...] = ()


class Contents(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    description : dict
        Plain data.
    arrays : dict of str to ndarray
        The arrays by name.
    version : int
        Version of the format.
    """

    description: dict[str, Any]
    arrays: dict[str, np.ndarray]
    version: int


def write(path: StrPath, kind: Kind, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays and their description, whole or not at all: a file of that name is replaced.

    Parameters
    ----------
    path : path
        The file.
    kind : Kind
        The kind of the file; `read` refuses files of another kind or version.
    description : mapping
        Plain data for JSON.
    arrays : mapping of str to ndarray
        Arrays of type float32, float64, int64 or uint32.

    Raises
    ------
    OSError
        If it cannot be written. A file that was there is then as it was.
    """
    header: dict[str, Any] = {}
    numbers, offset = [], 0
    for name, array in arrays.items():
        type_name = next(each for each, dtype in _TYPES.items() if array.dtype == np.dtype(dtype))
        header[name] = _entry(type_name, list(array.shape), offset)
        numbers.append(np.ascontiguousarray(array, _TYPES[type_name]).reshape(-1))
        offset += array.nbytes
    text = json.dumps(description)
    version = str(kind.version)
    metadata = {kind.name: text, "version": version, "sha256": _checksum(kind.name, version, text, header, numbers)}
    whole = json.dumps({"__metadata__": metadata, **header}).encode("ascii")
    whole += b" " * (-len(whole) % 8)  # so that the numbers are aligned, as the format has it
    with replaced(path) as file:
        file.write(len(whole).to_bytes(8, "little") + whole)
        for each in numbers:
            file.write(each.data)


def read(path: StrPath, kind: Kind) -> Contents:
    """Return what a file holds that `write` wrote.

    Raises
    ------
    OSError
        If it cannot be opened.
    DataError
        If the file is of another kind or version, or damaged. `DataError` is a `ValueError`.
    """
    path = Path(path)
    with named_errors(path), path.open("rb") as file, holding(path, kind.name):
        return _read(file, kind)


def as_object(value: Any, what: str) -> dict[str, Any]:
    """Return a value of JSON, if it is an object; or else raise a `ValueError`."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value


def _read(file: BinaryIO, kind: Kind) -> Contents:
    length = int.from_bytes(read_exactly(file, 8), "little")
    if length > _LONGEST_HEADER or (start := read_exactly(file, 1)) != b"{":
        raise ValueError("it does not begin as safetensors do")
    header = as_object(_parsed(start + read_exactly(file, max(length, 1) - 1)), "its header")
    metadata = as_object(header.pop("__metadata__", None), "its metadata")
    if kind.name not in metadata:
        raise ValueError("it is of another kind")
    versions = {str(version): version for version in (*kind.earlier, kind.version)}
    version = metadata.get("version")
    if not (isinstance(version, str) and version in versions):
        raise ValueError(f"its version is {version}; it must be {' or '.join(versions)}")
    text = metadata[kind.name]
    if not isinstance(text, str):
        raise ValueError("its description is no text")
    arrays = dict(_arrays(file, header))
    if file.read(1):
        raise ValueError("it is longer than it says")
    numbers = [array.reshape(-1) for array in arrays.values()]
    if metadata.get("sha256") != _checksum(kind.name, version, text, header, numbers):
        raise ValueError("its checksum does not match; it is damaged")
    return Contents(as_object(_parsed(text.encode()), "its description"), arrays, versions[version])


def _parsed(text: bytes | bytearray) -> Any:
    """Parse JSON, unless it is made of so many small pieces that they would take many times its memory."""
    objects, commas = text.count(b"{") + text.count(b"["), text.count(b",")
    if 256 * objects + 64 * commas > _MOST_MEMORY:
        raise ValueError("its header is made of too many pieces")
    return json.loads(text)


def _arrays(file: BinaryIO, header: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Read the arrays, which follow one another without gaps, in the header's order."""
    offset = 0
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)):
            raise ValueError(f"its {name} has no shape")
        code = entry.get("dtype")
        if not (isinstance(code, str) and code in _TYPES) or entry != _entry(code, shape, offset):
            raise ValueError(f"its {name} is not where and what it should be")
        length = entry["data_offsets"][1] - offset
        offset += length
        yield name, np.frombuffer(read_exactly(file, length), _TYPES[code]).reshape(shape)


def _entry(code: str, shape: list[int], offset: int) -> dict[str, Any]:
    """Return what a header says of an array."""
    size = np.dtype(_TYPES[code]).itemsize * math.prod(shape)
    return {"dtype": code, "shape": shape, "data_offsets": [offset, offset + size]}


def _checksum(kind: str, version: str, description: str, header: dict[str, Any], numbers: Iterable[np.ndarray]) -> str:
    checksum = hashlib.sha256(json.dumps([kind, version, description, header]).encode("ascii"))
    for each in numbers:
        checksum.update(each.data)
    return checksum.hexdigest()
