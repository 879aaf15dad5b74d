"""Writing files whole or not at all: a file is replaced when the new one is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from fastnet.files.reading import named_errors
from fastnet.utils import arguments
from fastnet.utils.interruption import heard_afterwards

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between attempts

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


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


def check_path(value: Any, argument: str) -> Path:
    """Return the path of a file that `replaced` can write and that can be read again.

    Raises
    ------
    TypeError, ValueError
        If it is not a path, names something other than a regular file, or its folder cannot be written to.
    """
    path = arguments.path(value, argument)
    if path.exists() and not path.is_file():
        raise ValueError(f"{argument} is {path}; it must be a regular file, or not be there yet")
    folder = Path(os.path.realpath(path)).parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ValueError(f"{argument} is {path}; {folder} must be a folder that can be written to")
    return path


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
            _replace(path, unfinished)
        except BaseException:
            _close_on_windows(file)
            with suppress(OSError):
                unfinished.unlink()
            raise
    _keep_names(path.parent)


def _replace(path: Path, unfinished: Path) -> None:
    """Give the finished file the other's name.

    A file that another program holds on Windows is tried again. One that is a mount point, as a container's bind mount
    of a single file, cannot be replaced, so its contents are.
    """
    for pause in (*_PAUSES, None):
        try:
            unfinished.replace(path)
            return
        except PermissionError:
            if pause is None or os.name != "nt":
                raise
            time.sleep(pause)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            with unfinished.open("rb") as source, path.open("r+b") as target:
                shutil.copyfileobj(source, target)
                target.truncate()
                os.fsync(target.fileno())
            unfinished.unlink()
            return


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
