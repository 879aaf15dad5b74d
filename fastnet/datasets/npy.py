"""Reads NumPy's format `.npy`. Files with Python objects are refused, because reading them would run code.

NumPy's own reader is not used, because it allocates as much memory as a header claims.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fastnet.files.reading import opened, read_exactly

MAGIC = b"\x93NUMPY"
ENDINGS = (".npy", ".npy.gz")
MOST_BYTES = 1 << 30  # largest total number of bytes of a file's arrays; a file with more is refused
_LONGEST_HEADER = 10_000  # largest number of bytes of an array's header; a longer header is refused
_MOST_DIMENSIONS = 8
_HEADER = re.compile(
    rb"\s*{\s*'descr':\s*(.+?),\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([\d, ]*)\),?\s*}\s*", re.DOTALL
)
_NUMBERS = re.compile(rb"'[<>|=](b1|[iu][1248]|f[248])'")
_LABELS = "; np.unique(labels, return_inverse=True)[1] numbers labels"
_OBJECTS = (
    "it holds Python objects; convert it: a = np.load(FILE, allow_pickle=True), "
    "np.savez(NEW, x=np.stack(a[:, 0]), y=a[:, 1].astype(int))"
)


def read(path: Path) -> np.ndarray:
    """Read an array of numbers from a file, gzipped or not. The array is read-only.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, has another format, holds more than 1 GiB, or does not hold numbers.
    """
    with opened(path) as stream:
        return read_array(stream, MOST_BYTES)


def read_array(stream: BinaryIO, most: int) -> np.ndarray:
    """Read an array of numbers from a stream that ends with the array. The array is read-only.

    Parameters
    ----------
    stream : binary file
        The file.
    most : int
        Largest allowed number of bytes of the array.

    Raises
    ------
    EOFError
        If the stream is truncated.
    ValueError
        If the stream does not hold exactly one array of numbers of at most `most` bytes.
    """
    start = read_exactly(stream, len(MAGIC) + 2)
    if start[: len(MAGIC)] != MAGIC:
        raise ValueError("this is not an array in NumPy's format")
    length = int.from_bytes(read_exactly(stream, 2 if start[-2] == 1 else 4), "little")
    found = _HEADER.fullmatch(read_exactly(stream, length)) if length <= _LONGEST_HEADER else None
    if found is None:
        raise ValueError("the header of its array is damaged, or of an unknown version")
    if found[1] in (b"'|O'", b"'O'"):
        raise ValueError(_OBJECTS)
    if not _NUMBERS.fullmatch(found[1]):
        kind = found[1].decode("ascii", "replace")[:40]
        how = _LABELS if kind[2:3] in ("U", "S") else ""
        raise ValueError(f"its array is of type {kind}; it must hold numbers{how}")
    dtype = np.dtype(found[1][1:-1].decode("ascii"))
    sizes = found[3].replace(b" ", b"").rstrip(b",")
    digits = sizes.split(b",") if sizes else []
    if len(digits) > _MOST_DIMENSIONS or not all(0 < len(size) <= 12 for size in digits):
        raise ValueError(
            f"its array claims the shape ({sizes.decode('ascii')[:40]}); at most {_MOST_DIMENSIONS} dimensions of at "
            "most 12 digits are allowed"
        )
    shape = [int(size) for size in digits]
    size = math.prod(shape) * dtype.itemsize
    if size > most:
        raise ValueError(
            f"with its array of shape {tuple(shape)}, it holds more than the limit of {MOST_BYTES >> 20} MiB"
        )
    contents = read_exactly(stream, size)
    if stream.read(1):
        raise ValueError(f"its array goes on after the {size} bytes that its header claims")
    array = np.frombuffer(contents, dtype).reshape(shape, order="F" if found[2] == b"True" else "C")
    array.flags.writeable = False
    return array
