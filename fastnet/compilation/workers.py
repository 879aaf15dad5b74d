"""Compiles kernels in several processes, because within a process Numba compiles only one function at a time."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import IO, Any, NamedTuple

from fastnet.compilation.kernels import Specialization
from fastnet.kernels import cache, processes, processors, threads
from fastnet.kernels.cache import KernelCache

_PROGRAM = "importlib.import_module('fastnet.compilation.workers').serve()"


class CompilationError(Exception):
    """A kernel could not be compiled, or its code could not be stored."""


class Report(NamedTuple):
    """The result of `compile_all`.

    Attributes
    ----------
    folder : Path
        Folder that contains the compiled code.
    processor : Processor
        Processor that the code was compiled for.
    compiled : int
        Number of kernels that this call compiled; the code of all other kernels was already stored.
    size : int
        Size of the code of all kernels, in bytes.
    seconds : float
        Elapsed time in seconds.
    """

    folder: Path
    processor: processors.Processor
    compiled: int
    size: int
    seconds: float


def compile_all(
    specializations: Sequence[Specialization],
    variables: Mapping[str, str],
    jobs: int | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Report:
    """Compile the kernels whose code is not stored yet.

    Parameters
    ----------
    specializations : sequence of Specialization
        Kernels with their argument types; at least one kernel.
    variables : mapping
        Environment variables to set in the processes that compile. NUMBA_CACHE_DIR, if given, selects the folder for
        the code. `targets.environment_of` returns the variables that select a processor.
    jobs : int, optional
        Number of processes that compile, at least 1; by default one per processor.
    tick : callable, optional
        Function to call after each kernel.

    Returns
    -------
    Report

    Raises
    ------
    CompilationError
        If a kernel cannot be compiled or stored, or a process ends early.
    OSError
        If no folder is writable, or no Python interpreter can be started.
    """
    began = time.perf_counter()
    folder = _folder(variables.get("NUMBA_CACHE_DIR"))
    number = min(jobs or threads.available(), len(specializations))
    results = _results(_Tasks(specializations), variables, number, tick)
    compiled, size = sum(each.compiled for each in results), sum(each.size for each in results)
    return Report(folder, results[0].processor, compiled, size, time.perf_counter() - began)


def _folder(chosen: str | None) -> Path:
    """Return the folder that code is written to."""
    places = cache.folders() if chosen is None else [Path(chosen, "fastnet")]
    for each in places:
        if cache.can_be_written(each):
            return each
    raise OSError(f"no file can be written to {' or '.join(map(str, places))}; give another folder with --folder")


class _Result(NamedTuple):
    """The reply of a process: the processor, whether the kernel was compiled now, and the size of the code in bytes."""

    processor: processors.Processor
    compiled: bool
    size: int


class _Tasks:
    """The tasks that no process has begun: kernels to compile.

    A process compiles a kernel faster after it has compiled the same kernel for other types of the same precision.
    """

    def __init__(self, waiting: Sequence[Specialization]) -> None:
        self._lock, self._waiting = threading.Lock(), list(waiting)
        self._begun: set[Any] = set()

    def next(self, before: Specialization | None) -> Specialization | None:
        """Return the next task of a process, given its previous task; None if no task is left."""
        with self._lock:
            own = None if before is None else _kind(before)
            # Tasks of the same kind as the previous task come first, then tasks of a kind that no process has begun.
            ranked = sorted(self._waiting, key=lambda each: (_kind(each) != own, _kind(each) in self._begun))
            if not ranked:
                return None
            self._waiting.remove(ranked[0])
            self._begun.add(_kind(ranked[0]))
            return ranked[0]


def _kind(task: Specialization) -> tuple[str, bool]:
    return task.name, any("float32" in str(each) for each in task.types)


def _results(tasks: _Tasks, variables: Mapping[str, str], number: int, tick: Callable[[], None]) -> list[_Result]:
    """Compile all tasks in `number` processes."""
    found: list[_Result] = []
    # If one process fails, or this process is interrupted, all other processes are killed.
    with ThreadPoolExecutor(number) as pool, contextlib.ExitStack() as stack:
        workers = []
        for _ in range(number):
            workers.append(_Worker(variables))
            stack.callback(workers[-1].end)
        for future in as_completed([pool.submit(_work, worker, tasks, tick) for worker in workers]):
            found += future.result()
    return found


def _work(worker: _Worker, tasks: _Tasks, tick: Callable[[], None]) -> list[_Result]:
    found, task = [], tasks.next(None)
    while task is not None:
        found.append(worker.compile(task))
        tick()
        task = tasks.next(task)
    return found


class _Worker:
    """A process that compiles the tasks that it receives."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes the file
        try:
            self._process = processes.start(_PROGRAM, variables, stdout=subprocess.PIPE, stderr=self._errors)
        except BaseException:
            self._errors.close()
            raise

    def compile(self, task: Specialization) -> _Result:
        processes.tell(self._process, task)
        assert self._process.stdout is not None
        try:
            result: _Result = pickle.load(self._process.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            status = self._process.wait()
            self._errors.seek(0)
            *_, last = [b"", *self._errors.read().splitlines()]
            reason = last.decode(errors="replace") or "if memory is short, use --jobs 1"
            raise CompilationError(
                f"the process that compiled {task.name} ended with status {status}: {reason}"
            ) from None
        return result

    def end(self) -> None:
        processes.end(self._process)
        self._errors.close()


def serve() -> None:
    """Compile the tasks that arrive on standard input, until the input ends.

    Each process that compiles runs this function.
    """
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not be mistaken for a reply
    KernelCache.takes_levels = False
    with contextlib.suppress(EOFError):
        while True:
            pickle.dump(_compile(pickle.load(sys.stdin.buffer)), replies)
            replies.flush()


def _compile(task: Specialization) -> _Result:
    kernel = getattr(importlib.import_module(task.module), task.name)
    if not isinstance(kernel._cache, KernelCache):
        raise CompilationError("the cache cannot read the sources of fastnet; install fastnet with its .py files")
    kernel.compile(task.types)
    codegen = kernel.targetctx.codegen()
    size = kernel._cache.size(task.types, codegen)
    if not size:
        raise CompilationError(
            f"the compiled code could not be written to {kernel._cache.cache_path}; check that the disk is not full"
        )
    return _Result(processors.of(codegen), bool(kernel.stats.cache_misses[task.types]), size)
