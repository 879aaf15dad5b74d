"""Reading files that may be compressed, damaged or hostile: in small steps, and with one clear error."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

_STEP = 1 << 20  # bytes read at a time: a size that a file only claims to have is never allocated
_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_REASON = 150  # characters


class DataError(ValueError):
    """A data file cannot be used: its message names the file and what is wrong with it."""


def one_line(error: object) -> str:
    """Return what an error says, which may quote a file at any length, as a short line that a terminal can show."""
    return "".join(c if c.isprintable() else "?" for c in str(error)[:_LONGEST_REASON])


@contextmanager
def opened(path: Path, sha256: str | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if it is gzipped.

    Parameters
    ----------
    path : Path
        The file.
    sha256 : str, optional
        What the file as it lies on the disk must have; it is checked before anything else is done with it.

    Yields
    ------
    A binary stream.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ...
        If it cannot be opened.
    DataError
        If its checksum is another, or if the code in the `with` block meets the end of the file too early
        (`EOFError`), broken compression, or contents that it refuses (`ValueError`).
    """
    with named_errors(path), path.open("rb") as file:
        stream: BinaryIO = file
        if sha256 is not None:
            contents = file.read()
            if hashlib.sha256(contents).hexdigest() != sha256:
                raise DataError(f"{path}: its SHA-256 is not the expected one; the file is damaged")
            stream = io.BytesIO(contents)
        compressed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        stream.seek(0)
        if compressed:
            stream = gzip.GzipFile(fileobj=stream, mode="rb")
        try:
            yield stream
        except EOFError:
            raise DataError(f"{path}: it ends too early; the file is truncated") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: the compressed data is damaged ({one_line(error)})") from None
        except ValueError as error:
            raise DataError(f"{path}: {one_line(error)}") from None


def read_exactly(stream: BinaryIO, count: int) -> bytes | bytearray:
    """Read `count` bytes, growing with what is there and not with what is asked for.

    Raises
    ------
    EOFError
        If the stream ends before.
    """
    if count <= _STEP:
        contents = stream.read(count)
        if len(contents) < count:
            raise EOFError
        return contents
    parts = bytearray()
    while len(parts) < count:
        part = stream.read(min(count - len(parts), _STEP))
        if not part:
            raise EOFError
        parts += part
    return parts


def read_all(stream: BinaryIO, begins_with: bytes, most: int) -> bytes:
    """Read all of a text, unless it begins otherwise, but for white space, or is longer than that.

    Raises
    ------
    ValueError
        If so: a device that never ends is found by it, too.
    """
    text = stream.read(_STEP)
    if not text.lstrip().startswith(begins_with):
        raise ValueError(f"it does not begin with {begins_with.decode('ascii')}")
    parts = [text]
    while text and sum(map(len, parts)) <= most:
        text = stream.read(_STEP)
        parts.append(text)
    if text:
        raise ValueError(f"it is longer than the {most >> 20} MiB read here")
    return b"".join(parts)


def archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive, whose directory must not be longer than it would be for thousands of files.

    Raises
    ------
    zipfile.BadZipFile, ValueError, ...
        If it is none; zipfile's exceptions are of many kinds.
    """
    return zipfile.ZipFile(cast(BinaryIO, _ReadInSteps(file)))


class _ReadInSteps:
    """A file of which little is read at a time: what is made of a directory takes ten times its length."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.seekable, self.tell = file.seek, file.seekable, file.tell

    def read(self, count: int = -1) -> bytes:
        contents = self._file.read(_STEP + 1 if count < 0 else min(count, _STEP + 1))
        if len(contents) > _STEP:
            raise zipfile.BadZipFile("its directory is too long")
        return contents


@contextmanager
def named_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Have what the system says of reading or writing in the `with` block name the file that the user has named."""
    try:
        yield
    except OSError as error:  # which may name no file, or one that the user has never heard of
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
