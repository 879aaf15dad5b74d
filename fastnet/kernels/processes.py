"""Other processes that compile kernels: interpreters that find modules where this one does."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numba

# No module of the current folder may be taken for one of Python's.
_BEGINNING = """
import sys
sys.path[:] = [each for each in sys.path if each]
import importlib, pickle
sys.path[:] = pickle.load(sys.stdin.buffer)
"""


def can_start() -> bool:
    """Return whether there is an interpreter to start."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def start(program: str, environment: Mapping[str, str] | None = None, **streams: Any) -> subprocess.Popen[bytes]:
    """Start an interpreter on a program, which finds `importlib`, `pickle` and `sys` imported.

    Parameters
    ----------
    program : str
        Python source.
    environment : mapping, optional
        Environment variables that differ from this process's.
    **streams
        `stdout` and `stderr` of `subprocess.Popen`; by default, what is written there is lost.

    Returns
    -------
    subprocess.Popen
        The process. Whoever started it ends it: Ctrl-C does not reach it.

    Raises
    ------
    OSError
        If the system does not start it.
    """
    variables = dict(os.environ)
    if numba.config.CACHE_DIR:
        variables["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR
    process = subprocess.Popen(
        [sys.executable, "-c", _BEGINNING + program],
        stdin=subprocess.PIPE,
        env={**variables, **(environment or {})},
        start_new_session=True,  # Ctrl-C is for this process, which then stops that one; on Windows:
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams},
    )
    tell(process, sys.path)
    return process


def tell(process: subprocess.Popen[bytes], task: object) -> None:
    """Write something to the process, which finds it by `pickle.load`."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # it may have ended already
            process.stdin.write(pickle.dumps(task))
            process.stdin.flush()


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process, whatever it does, and wait until it is gone."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was written last has nobody to read it
                stream.close()
