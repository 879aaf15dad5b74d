"""Starts Python interpreters with the `sys.path` of this process."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numba

# The empty path is removed from `sys.path` first. Otherwise, a module in the current folder could replace a module of
# the standard library.
_BEGINNING = """
import sys
sys.path[:] = [each for each in sys.path if each]
import importlib, pickle
sys.path[:] = pickle.load(sys.stdin.buffer)
"""


def start(program: str, environment: Mapping[str, str] | None = None, **streams: Any) -> subprocess.Popen[bytes]:
    """Start an interpreter that runs a program; `importlib`, `pickle` and `sys` are imported first.

    Parameters
    ----------
    program : str
        Source code of the program.
    environment : mapping, optional
        Environment variables to set, in addition to those of this process.
    **streams
        Arguments `stdout` and `stderr` of `subprocess.Popen`; by default, output is discarded.

    Returns
    -------
    subprocess.Popen
        The process. The caller has to end the process, because Ctrl-C does not reach the process.

    Raises
    ------
    OSError
        If the system cannot start the process, or this program is frozen: it has no interpreter.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("there is no Python interpreter to start, as in a frozen program; use an installed Python")
    variables = dict(os.environ)
    if numba.config.CACHE_DIR:
        variables["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR
    process = subprocess.Popen(
        [sys.executable, "-c", _BEGINNING + program],
        stdin=subprocess.PIPE,
        env={**variables, **(environment or {})},
        start_new_session=True,  # Ctrl-C must not reach the new process, which `end` has to end
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams},
    )
    tell(process, sys.path)
    return process


def tell(process: subprocess.Popen[bytes], task: object) -> None:
    """Write an object to the standard input of the process, which reads the object by `pickle.load`."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # the process may have ended already
            process.stdin.write(pickle.dumps(task))
            process.stdin.flush()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process, and wait until it has ended."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):  # closing flushes the buffer, but the process has ended
                stream.close()
