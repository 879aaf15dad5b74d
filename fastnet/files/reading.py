"""Reads files that may be compressed, damaged or malicious. Wrong contents raise `DataError`."""

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

from fastnet.files.kinds import kind_at

# Largest number of bytes that are read at a time, so that memory is allocated only for bytes that a file really has.
_STEP = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_REASON = 150  # largest number of characters of a reason; longer reasons are cut off


class DataError(ValueError):
    """A data file cannot be used. The message names the file and the reason."""


def one_line(error: object) -> str:
    """Return an error's message, which may quote a file, as one printable line of at most 150 characters."""
    return "".join(c if c.isprintable() else "?" for c in str(error)[:_LONGEST_REASON])


@contextmanager
def opened(path: Path, sha256: str | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading, and decompress it if it is gzipped.

    Parameters
    ----------
    path : Path
        Name of the file.
    sha256 : str, optional
        Expected checksum of the file as stored on the disk. The checksum is verified before the `with` block runs.

    Yields
    ------
    binary file
        Stream of the decompressed contents.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError, ...
        If the file cannot be opened.
    DataError
        If the checksum does not match, the compressed data is damaged, or the code in the `with` block raises an
        `EOFError` or a `ValueError`.
    """
    with named_errors(path), path.open("rb") as file:
        stream: BinaryIO = file
        if sha256 is not None:
            contents = file.read()
            if hashlib.sha256(contents).hexdigest() != sha256:
                raise DataError(f"{path}: SHA-256 checksum mismatch; the file is damaged")
            stream = io.BytesIO(contents)
        compressed = stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        stream.seek(0)
        if compressed:
            stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))
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
    """Convert exceptions about a file's contents to a `DataError`, which names the kind of a file of another kind.

    Parameters
    ----------
    path : path
        Name of the file.
    what : str
        Expected contents for the error message, such as "network".
    reason : callable, optional
        Function that returns the reason in the error message, given the exception.

    Raises
    ------
    DataError
        If the code in the `with` block raises an exception that wrong contents of a file typically cause.
    """
    try:
        yield
    except EOFError:
        raise DataError(f"{os.fspath(path)}: it ends too early; the file is truncated") from None
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
        other = kind_at(path)
        if other is not None and other.contents != what:
            raise DataError(f"{os.fspath(path)}: this file does not hold a {what}, but {other}") from None
        raise DataError(f"{os.fspath(path)}: this file does not hold a {what} ({reason(error)})") from None


def read_exactly(stream: BinaryIO, count: int) -> bytes | bytearray:
    """Read `count` bytes. Memory is allocated only for bytes that the stream contains, even if `count` is larger.

    Raises
    ------
    EOFError
        If the stream has fewer than `count` bytes.
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
        File, which may be a device that never ends.
    begins_with : bytes
        Required beginning of the text, after white space.
    most : int
        Largest allowed number of bytes.

    Raises
    ------
    ValueError
        If the text does not begin with `begins_with`, or is longer than `most`.
    """
    text = stream.read(_STEP)
    if not text.lstrip().startswith(begins_with):
        raise ValueError(f"it does not begin with {begins_with.decode('ascii')}")
    parts = [text]
    while text and sum(map(len, parts)) <= most:
        text = stream.read(_STEP)
        parts.append(text)
    if text:
        raise ValueError(f"it is longer than {most >> 20} MiB")
    return b"".join(parts)


def archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open a zip archive. An archive whose directory is longer than 1 MiB is refused.

    Raises
    ------
    zipfile.BadZipFile, ValueError, ...
        If the file is not a zip archive, or its directory is too long. zipfile raises many kinds of exceptions.
    """
    return zipfile.ZipFile(cast(BinaryIO, _ReadInSteps(file)))


class _ReadInSteps:
    """A file that refuses to read more than 1 MiB at a time.

    A zip archive whose directory is longer than 1 MiB is refused, because a parsed directory needs ten times its length
    in memory.
    """

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
    """If the `with` block raises an `OSError`, set the error's file name to `path`, as the user wrote it.

    An `OSError` without an error number is left unchanged.
    """
    try:
        yield
    except OSError as error:  # the error may name no file, or a temporary file
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
