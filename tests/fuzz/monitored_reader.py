"""Checks that a reader refuses files as documented, does nothing but read, and keeps the limits of time and memory."""

from __future__ import annotations

import codecs
import os
import resource
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from fastnet.files.reading import DataError

MOST_SECONDS = 1.0  # largest processor time for one file, in seconds
MOST_BYTES = 64 << 20  # largest additional memory for one file, in bytes
_CODECS = (
    "ascii", "latin1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
    "cp437", "unicode_escape", "raw_unicode_escape",
)  # fmt: skip
_LONGEST_MESSAGE = 300  # largest number of characters of an error message, without the path
# Audit events that Python itself causes while a file is read.
_HARMLESS = {"array.__new__", "builtins.id", "object.__getattr__", "sys._getframe"}


class Finding(BaseException):
    """A reader broke a rule of `tests/fuzz/__main__.py`. A reader's `except Exception` does not catch this class."""


class _AuditHook:
    """Audit hook that raises a `Finding` for forbidden events while a file is read.

    The hook is added only once, because Python cannot remove it.
    """

    def __init__(self) -> None:
        self.allowed: str | None = None  # path of the file that may be read; None if no reader is monitored
        self.thread = 0  # identifier of the monitored thread; other threads are ignored
        self.event = ""
        self._added = False

    def add(self) -> None:
        for codec in _CODECS:  # otherwise, Python would import a codec during monitoring
            codecs.lookup(codec)
        if not self._added:
            self._added = True
            sys.addaudithook(self._on_audit_event)

    def _on_audit_event(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.allowed is None or event in _HARMLESS or threading.get_ident() != self.thread:
            return
        if event == "open" and str(arguments[0]) == self.allowed and arguments[1] in ("r", "rb", None):
            return
        if event.startswith("sqlite3.connect"):
            return
        allowed, self.allowed = self.allowed, None  # `repr` may itself cause audit events
        self.event = f"{event} {arguments!r}"[:200]
        self.allowed = allowed
        raise Finding(f"the reader did more than read the file: {self.event}")


_audit_hook = _AuditHook()


class MonitoredReader:
    """Reads files, and checks what the reader does.

    Parameters
    ----------
    read : function of a path
        The reader.
    path : Path
        Path to which each file is written.
    whole : sequence of bytes
        Files that are read first, so that the reader imports all modules before it is monitored.

    Attributes
    ----------
    memory : int
        Largest memory for a file, in bytes. The memory for a file is the growth of the process's peak memory. If
        `count_memory` is true, the memory for a file is at least the peak that `tracemalloc` measures.
    """

    def __init__(self, read: Callable[[Path], object], path: Path, whole: Sequence[bytes]) -> None:
        self._read, self._path = read, path
        for contents in whole:
            path.write_bytes(contents)
            read(path)
        self.memory = 0
        _audit_hook.add()

    def __call__(self, contents: bytes, *, count_memory: bool = False) -> bool:
        """Read a file, and return whether the reader accepted it.

        Raises
        ------
        Finding
            If the reader did something forbidden, took too much time or memory, or raised anything but a `DataError`
            with one short line.
        """
        self._path.write_bytes(contents)
        if count_memory:
            tracemalloc.start()
        before, start = _most_memory(), time.process_time()
        raised = self._read_audited()
        seconds, memory = time.process_time() - start, _most_memory() - before
        if count_memory:
            memory = max(memory, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        self.memory = max(self.memory, memory)
        if isinstance(raised, DataError):
            self._check_message(str(raised))
        elif raised is not None:
            raise Finding(f"{type(raised).__name__} at {_place(raised)}: {str(raised)[:100]!r}")
        if seconds > MOST_SECONDS and not count_memory:  # counting memory slows the reader down
            raise Finding(f"the reader takes longer than {MOST_SECONDS} s: {seconds:.1f} s")
        if memory > MOST_BYTES:
            raise Finding(f"the reader takes more than {MOST_BYTES >> 20} MiB: {memory >> 20} MiB")
        return raised is None

    def _read_audited(self) -> Exception | None:
        """Read the file, and return the exception that the reader raised, or None."""
        _audit_hook.event, _audit_hook.thread = "", threading.get_ident()
        _audit_hook.allowed = str(self._path)
        raised = None
        try:
            self._read(self._path)
        except Exception as error:
            raised = error
        finally:
            _audit_hook.allowed = None
        if _audit_hook.event:
            raise Finding(f"the reader did more than read the file: {_audit_hook.event}")
        return raised

    def _check_message(self, message: str) -> None:
        name, rest = os.fspath(self._path), ""
        if message.startswith(name):
            rest = message[len(name) :]
        if not (rest.isprintable() and 0 < len(rest) <= _LONGEST_MESSAGE):
            raise Finding(f"the message is no short line that begins with the path: {message[:_LONGEST_MESSAGE]!r}")


def _place(error: Exception) -> str:
    """Return the file and line number of the innermost frame of fastnet in an error's traceback."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}fastnet{os.sep}" in f.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "a place outside fastnet"


def _most_memory() -> int:
    """Return the peak memory of this process, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10
