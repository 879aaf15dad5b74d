"""Atomic writes: an existing file is replaced only when the new file is complete."""

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
from fastnet.utils.interruption import deferred_signals

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between attempts to rename a file on Windows

try:
    import fcntl
except ImportError:  # Windows has no fcntl
    fcntl = None  # type: ignore[assignment] # a module on other systems


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Write a file atomically: an existing file is replaced when the new file is complete.

    Parameters
    ----------
    path : path
        Name of the file. If a link has this name, the linked file is replaced. Pipes and devices cannot be replaced,
        and are written to directly.

    Yields
    ------
    binary file
        File to write to.

    Raises
    ------
    OSError
        If the file cannot be written. The exception names `path`.
    """
    with named_errors(path), _written(Path(path)) as file:
        yield file


def check_path(value: Any, argument: str) -> Path:
    """Return a path, or raise an error if `atomic_write` cannot write the file or the file cannot be read again.

    Raises
    ------
    TypeError, ValueError
        If `value` is not a path, names something other than a regular file, or its folder cannot be written to.
    """
    path = arguments.path(value, argument)
    if path.exists() and not path.is_file():
        raise ValueError(f"{argument} is {path}; it must be a regular file, or a file that does not exist yet")
    try:
        check_writable(path)
    except ValueError as error:
        raise ValueError(f"{argument} is {path}; {error}") from None
    return path


def check_writable(path: Path) -> None:
    """Raise a `ValueError` if `path` is a folder, or if `atomic_write` cannot write to the folder of the file."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file")
    if path.exists() and not path.is_file():
        return  # pipes and devices are written to directly
    try:
        folder = _resolved(path).parent
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise  # for example, the current folder no longer exists
        raise ValueError(f"{path} is a loop of links; name another file") from None
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ValueError(f"{folder} is not a folder that can be written to; name a file in another folder")


def check_new_folder(path: Path) -> None:
    """Raise a `ValueError` if no file can be written to a folder, which may have to be created first."""
    folder = Path(os.path.realpath(path))
    while not os.path.lexists(folder):
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ValueError(f"{folder} is not a folder that can be written to; name another folder")


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text atomically, in UTF-8; see `atomic_write`."""
    with atomic_write(path) as file:
        file.write(text.encode())


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield cast(BinaryIO, _Stream(file))
    else:
        # Signals are deferred, so that no unfinished file remains.
        with deferred_signals(), _written_beside(_resolved(path)) as unfinished:
            yield unfinished


def _resolved(path: Path) -> Path:
    """Return the path with links resolved."""
    try:
        path = path.resolve()
        is_loop = path.is_symlink()  # from Python 3.13 on, a loop of links stays unresolved
    except RuntimeError:  # earlier versions raise an error for a loop of links
        is_loop = True
    if is_loop:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return path


@contextmanager
def _written_beside(path: Path) -> Iterator[BinaryIO]:
    """Write a temporary file in the folder of `path`. When the file is complete, rename it to `path`."""
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
    _flush_folder(path.parent)


def _replace(path: Path, unfinished: Path) -> None:
    """Rename the finished file to `path`.

    On Windows, renaming is tried again if another program has the file open. A mount point, such as a container's bind
    mount of a single file, cannot be replaced, so its contents are overwritten.
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
    """A file with `write` and `flush` only, because pipes cannot seek, and devices report arbitrary positions."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush


def _created_beside(path: Path) -> tuple[Path, BinaryIO]:
    """Create a temporary file that will replace `path`.

    The temporary name is derived from `path`, so the next process that writes `path` finds and removes the file of a
    killed process. A process locks its temporary file until it closes the file. The lock shows that the file is in use.
    If another process is writing the same `path`, or locks are not available, the temporary name is random.
    """
    if fcntl is not None:
        unfinished = path.with_name(f".fastnet-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}")
        with suppress(OSError):
            _remove_abandoned(unfinished)
            file = unfinished.open("xb")
            try:
                if _locked(file) and os.fstat(file.fileno()).st_nlink:
                    return unfinished, file
            except OSError:  # the file system has no locks
                unfinished.unlink()
            file.close()  # locks are not available, or another process has locked or removed the new file
    unfinished = path.with_name(f".fastnet-{secrets.token_hex(8)}")
    return unfinished, unfinished.open("xb")


def _remove_abandoned(unfinished: Path) -> None:
    """Remove a temporary file whose writer no longer runs."""
    with suppress(FileNotFoundError), open(unfinished, "r+b", opener=_open_no_link) as file:
        # The file is removed only if this process has locked it, and if the name still belongs to this file. The file
        # is opened for writing, because network file systems lock only files that are open for writing.
        if _locked(file) and os.path.samestat(os.fstat(file.fileno()), unfinished.lstat()):
            unfinished.unlink()


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _locked(file: BinaryIO) -> bool:
    """Lock a file until it is closed; return False if another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_on_windows(file: BinaryIO) -> None:
    """Close a file on Windows, where open files cannot be renamed or removed.

    On other systems, the file stays open, because closing it would release its lock before the file is renamed.
    """
    if fcntl is None:
        file.close()  # type: ignore[unreachable] # mypy assumes the system where it runs


def _flush_folder(folder: Path) -> None:
    """Flush a folder to the disk, so that a power failure cannot undo the renaming of a file."""
    with suppress(OSError):  # some systems cannot open or flush a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
