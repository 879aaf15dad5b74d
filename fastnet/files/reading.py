"""Reading files that may be compressed, damaged or hostile: in small steps, and with one clear error."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

_STEP = 1 << 20  # bytes read at a time: a size that a file only claims to have is never allocated
_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_REASON = 150  # characters


class DataError(ValueError):
    """A data file cannot be used: its message names the file and what is wrong with it."""


def one_line(error: object) -> str:
    """Return an error's message, which may quote a file at any length, as a short line that a terminal can show."""
    return "".join(c if c.isprintable() else "?" for c in str(error)[:_LONGEST_REASON])


@contextmanager
def opened(path: Path, sha256: str | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed if it is gzipped.

    Parameters
    ----------
    path : Path
        The file.
    sha256 : str, optional
        Checksum of the file as stored, which is verified before anything is read.

    Yields
    ------
    A binary stream.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ...
        If it cannot be opened.
    DataError
        If the checksum does not match, or if the code in the `with` block meets the end of the file too early
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


@contextmanager
def holding(path: str | os.PathLike[str], what: str, reason: Callable[[Exception], str] = one_line) -> Iterator[None]:
    """Have what the `with` block refuses of a file's contents say what the file should hold.

    Parameters
    ----------
    path : path
        The file.
    what : str
        What it should hold.
    reason : callable, optional
        Returns what is wrong, given the exception.

    Raises
    ------
    DataError
        If the code in the `with` block raises an exception that wrong contents cause.
    """
    try:
        yield
    except EOFError:
        raise DataError(f"{os.fspath(path)}: it ends too early; the file is truncated") from None
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"{os.fspath(path)}: this file does not hold a {what} ({reason(error)})") from None


def read_exactly(stream: BinaryIO, count: int) -> bytes | bytearray:
    """Read `count` bytes; memory is taken for bytes that are there only, whatever `count` is.

    Raises
    ------
    EOFError
        If the stream has fewer.
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
    """Read a text to its end.

    Parameters
    ----------
    stream : binary file
        The file; it may be a device that never ends.
    begins_with : bytes
        How the text must begin, after white space.
    most : int
        The largest number of bytes.

    Raises
    ------
    ValueError
        If the text begins otherwise, or is longer.
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
    """Open a zip archive; a directory longer than that of thousands of files is refused.

    Raises
    ------
    zipfile.BadZipFile, ValueError, ...
        If the file is not such an archive; zipfile raises exceptions of many kinds.
    """
    return zipfile.ZipFile(cast(BinaryIO, _ReadInSteps(file)))


class _ReadInSteps:
    """A file that is read in small steps, because a parsed directory takes ten times its length."""

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
    """Have errors of reading or writing in the `with` block name the file as the user has named it."""
    try:
        yield
    except OSError as error:  # which may name no file, or one that the user has never heard of
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
