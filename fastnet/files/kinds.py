"""Recognizes the kinds of files that fastnet writes, for messages about a file of the wrong kind."""

from __future__ import annotations

import os
from typing import NamedTuple

LENGTH = 256  # number of bytes at the beginning of a file from which its kind is recognized


class Kind(NamedTuple):
    """The kind of a file.

    Attributes
    ----------
    contents : str
        What the file holds, such as "checkpoint".
    advice : str
        What can be done with the file; may be empty.
    """

    contents: str
    advice: str = ""

    def __str__(self) -> str:
        article = "an" if self.contents[0] in "aeio" else "a"
        return f"{article} {self.contents}{self.advice and '; '}{self.advice}"


_PICTURE = Kind("picture")
_BEGINNINGS = {
    b'{"version": ': Kind("network"),
    b'{"sizes": ': Kind("network"),
    b'{\n "rows": ': Kind("table of a sweep"),
    b"SQLite format 3\0": Kind("record of a sweep, or another database", "`fastnet sweep --record FILE` continues it"),
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"%PDF": _PICTURE,
    b"%!PS": _PICTURE,
    b"PK\x03\x04": Kind("archive, such as a network of PyTorch or arrays of NumPy"),
}
_OF_TENSORS = {  # names in the headers of the format safetensors
    b'"fastnet.checkpoint"': Kind(
        "checkpoint",
        "`fastnet train --checkpoint FILE --resume`, with the other options of the run, continues the run, and --save "
        "writes its network",
    ),
    b'"fastnet.epochs"': Kind("list of a checkpoint's first epochs", "the checkpoint's name is without .epochs"),
    b'"fastnet.network3"': Kind("network of network3", "`network3.load` reads it"),
}


def kind_of(start: bytes) -> Kind | None:
    """Return the kind of a file, given its first `LENGTH` bytes, or all bytes of a shorter file; None if unknown."""
    if start[8:].startswith(b'{"__metadata__"'):
        return next((kind for name, kind in _OF_TENSORS.items() if name in start), None)
    return next((kind for beginning, kind in _BEGINNINGS.items() if start.startswith(beginning)), None)


def kind_at(path: str | os.PathLike[str]) -> Kind | None:
    """Return the kind of the file at `path`; None if it is unknown, or the file is not a regular file."""
    try:
        if not os.path.isfile(path):  # a pipe would have to be read again
            return None
        with open(path, "rb") as file:
            return kind_of(file.read(LENGTH))
    except OSError:
        return None
