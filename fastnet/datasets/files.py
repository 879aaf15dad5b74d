"""Files: reading those that may be compressed, damaged or hostile, and writing them whole or not at all.

What is read is read in small steps, and with one clear error.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import secrets
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from fastnet.interruption import heard_afterwards

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

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
def replaced(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file, whole or not at all: one of that name is replaced when the new one is complete.

    Parameters
    ----------
    path : path
        The file. A link stays a link, and into a pipe or a device, which cannot be replaced, is written as it is.

    Yields
    ------
    binary file
        What to write to.

    Raises
    ------
    OSError
        If it cannot be written; it names the path that was given.
    """
    with named_errors(path), _written(Path(path)) as file:
        yield file


@contextmanager
def named_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Have what the system says of reading or writing in the `with` block name the file that the user has named."""
    try:
        yield
    except OSError as error:  # which may name no file, or one that the user has never heard of
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text, whole or not at all, as `replaced` does."""
    with replaced(path) as file:
        file.write(text.encode())


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield cast(BinaryIO, _Stream(file))
    else:
        # Ctrl-C waits, so that no unfinished file is left behind.
        with heard_afterwards(), _written_beside(_resolved(path)) as unfinished:
            yield unfinished


def _resolved(path: Path) -> Path:
    """Return the file that links lead to."""
    try:
        path = path.resolve()
        in_circle = path.is_symlink()  # which Python 3.13 leaves as it is
    except RuntimeError:  # what Python says before
        in_circle = True
    if in_circle:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return path


@contextmanager
def _written_beside(path: Path) -> Iterator[BinaryIO]:
    """Write an unfinished file, and give it the other's name when it is finished."""
    unfinished, file = _created_beside(path)
    with file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, unfinished)
            _close_on_windows(file)
            unfinished.replace(path)
        except BaseException:
            _close_on_windows(file)
            with suppress(OSError):
                unfinished.unlink()
            raise
    _keep_names(path.parent)


class _Stream:
    """A file that can only be written on: there is no other place in a pipe, and a device says anything of it."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush


def _created_beside(path: Path) -> tuple[Path, BinaryIO]:
    """Create the file that is to replace another one, when it is finished.

    Its name is made of the other's, so that what a killed process has left is found, and removed, by the next one that
    writes the same file. Whoever writes holds a lock, which ends with the process. Where that is of no avail, because
    somebody else is writing the same, or there are no locks, it is a name that nobody has, and nobody can guess.
    """
    if fcntl is not None:
        unfinished = path.with_name(f".fastnet-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}")
        with suppress(OSError):
            _remove_abandoned(unfinished)
            file = unfinished.open("xb")
            try:
                if _locked(file) and os.fstat(file.fileno()).st_nlink:
                    return unfinished, file
            except OSError:  # it lies where nothing can be locked
                unfinished.unlink()
            file.close()  # it was taken for abandoned, before it was locked
    unfinished = path.with_name(f".fastnet-{secrets.token_hex(8)}")
    return unfinished, unfinished.open("xb")


def _remove_abandoned(unfinished: Path) -> None:
    """Remove an unfinished file of which the writer does not live any more."""
    with suppress(FileNotFoundError), open(unfinished, "r+b", opener=_open_no_link) as file:
        # Only who has the lock removes a file, and only if it is still the one of that name. On a disk of another
        # machine, it takes a file that can be written to get the lock.
        if _locked(file) and os.path.samestat(os.fstat(file.fileno()), unfinished.lstat()):
            unfinished.unlink()


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _locked(file: BinaryIO) -> bool:
    """Lock a file, until it is closed, unless somebody else has; return whether that was so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_on_windows(file: BinaryIO) -> None:
    """Close a file where none that is open can be renamed or removed; elsewhere its lock lasts until that is done."""
    if fcntl is None:
        file.close()


def _keep_names(folder: Path) -> None:
    """Have the disk keep which files are in a folder: a power cut must not undo what was renamed."""
    with suppress(OSError):  # some systems cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
