"""Reads and writes arrays and a description in one file. The format is safetensors: a JSON header, then numbers.

Code in a file is never executed. Memory is allocated only for arrays that the file really contains. A checksum of the
whole contents detects damage.
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
from fastnet.files.writing import atomic_write

StrPath: TypeAlias = str | os.PathLike[str]

_TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U32": "<u4"}
_LONGEST_HEADER = 1 << 24  # largest number of bytes of a header, about 200 for a layer; a longer header is refused
_MOST_MEMORY = 1 << 25  # largest estimated number of bytes of a parsed header; a larger header is refused


class Kind(NamedTuple):
    """The kind of a file's contents.

    Attributes
    ----------
    name : str
        Name of the kind in the header.
    contents : str
        Description of the contents for error messages, such as "checkpoint".
    version : int
        Version of the format that `write` writes.
    earlier : tuple of int
        Earlier versions that `read` accepts, too.
    """

    name: str
    contents: str
    version: int
    earlier: tuple[int, ...] = ()


class Contents(NamedTuple):
    """The contents of a file.

    Attributes
    ----------
    description : dict
        Description as plain data.
    arrays : dict of str to ndarray
        Arrays by name.
    version : int
        Version of the format.
    """

    description: dict[str, Any]
    arrays: dict[str, np.ndarray]
    version: int


def write(path: StrPath, kind: Kind, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays and their description atomically. An existing file is replaced.

    Parameters
    ----------
    path : path
        Name of the file.
    kind : Kind
        Kind of the file. `read` needs a kind of the same name that has this version as `version` or in `earlier`.
    description : mapping
        Data that JSON can represent.
    arrays : mapping of str to ndarray
        Arrays of type float32, float64, int64 or uint32.

    Raises
    ------
    OSError
        If the file cannot be written. An existing file is then unchanged.
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
    whole += b" " * (-len(whole) % 8)  # the format requires aligned numbers
    with atomic_write(path) as file:
        file.write(len(whole).to_bytes(8, "little") + whole)
        for each in numbers:
            file.write(each.data)


def read(path: StrPath, kind: Kind) -> Contents:
    """Return the contents of a file that `write` wrote.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file has another kind or an unknown version, or is damaged. `DataError` is a `ValueError`.
    """
    path = Path(path)
    with named_errors(path), path.open("rb") as file, holding(path, kind.contents):
        return _read(file, kind)


def as_object(value: Any, what: str) -> dict[str, Any]:
    """Return a JSON value if it is an object, otherwise raise a `ValueError`."""
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a JSON object")
    return value


def _read(file: BinaryIO, kind: Kind) -> Contents:
    length = int.from_bytes(read_exactly(file, 8), "little")
    if length > _LONGEST_HEADER or (start := read_exactly(file, 1)) != b"{":
        raise ValueError("it does not begin with a safetensors header")
    header = as_object(_parsed(start + read_exactly(file, max(length, 1) - 1)), "its header")
    metadata = as_object(header.pop("__metadata__", None), "its metadata")
    if kind.name not in metadata:
        raise ValueError("its header has another kind")
    versions = {str(version): version for version in (*kind.earlier, kind.version)}
    version = metadata.get("version")
    if not (isinstance(version, str) and version in versions):
        raise ValueError(f"its version is {version}; it must be {' or '.join(versions)}")
    text = metadata[kind.name]
    if not isinstance(text, str):
        raise ValueError("its description must be a string")
    arrays = dict(_arrays(file, header))
    if file.read(1):
        raise ValueError("it is longer than its header says")
    numbers = [array.reshape(-1) for array in arrays.values()]
    if metadata.get("sha256") != _checksum(kind.name, version, text, header, numbers):
        raise ValueError("its checksum does not match; it is damaged")
    return Contents(as_object(_parsed(text.encode()), "its description"), arrays, versions[version])


def _parsed(text: bytes | bytearray) -> Any:
    """Parse JSON, or raise a `ValueError` if the result would need too much memory."""
    objects, commas = text.count(b"{") + text.count(b"["), text.count(b",")
    if 256 * objects + 64 * commas > _MOST_MEMORY:
        raise ValueError("its header has too many objects and values")
    return json.loads(text)


def _arrays(file: BinaryIO, header: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Read the arrays, which must be in the header's order and without gaps."""
    offset = 0
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not (isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)):
            raise ValueError(f"its {name} has no valid shape")
        code = entry.get("dtype")
        if not (isinstance(code, str) and code in _TYPES) or entry != _entry(code, shape, offset):
            raise ValueError(f"its {name} has a wrong dtype or wrong offsets")
        length = entry["data_offsets"][1] - offset
        offset += length
        yield name, np.frombuffer(read_exactly(file, length), _TYPES[code]).reshape(shape)


def _entry(code: str, shape: list[int], offset: int) -> dict[str, Any]:
    """Return the entry of an array in the header."""
    size = np.dtype(_TYPES[code]).itemsize * math.prod(shape)
    return {"dtype": code, "shape": shape, "data_offsets": [offset, offset + size]}


def _checksum(kind: str, version: str, description: str, header: dict[str, Any], numbers: Iterable[np.ndarray]) -> str:
    checksum = hashlib.sha256(json.dumps([kind, version, description, header]).encode("ascii"))
    for each in numbers:
        checksum.update(each.data)
    return checksum.hexdigest()
