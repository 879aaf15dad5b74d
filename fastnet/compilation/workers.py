"""Processes that compile kernels: Numba compiles one at a time in a process."""

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
    """A kernel could not be compiled, or not be kept."""


class Report(NamedTuple):
    """What was compiled.

    Attributes
    ----------
    folder : Path
        Where the code is.
    processor : Processor
        What it is for.
    compiled : int
        Number of kernels that were not compiled before.
    size : int
        Number of bytes of the code of all kernels.
    seconds : float
        How long it took.
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
    """Compile all kernels that are not compiled yet.

    Parameters
    ----------
    specializations : sequence of Specialization
        At least one.
    variables : mapping
        Environment variables of the processes that compile. NUMBA_CACHE_DIR is the folder to keep the code in, and
        `targets.environment_of` has those for another processor.
    jobs : int, optional
        Number of processes that compile; by default one a processor.
    tick : callable, optional
        Is called after each kernel.

    Returns
    -------
    Report

    Raises
    ------
    CompilationError
        If a process fails.
    OSError
        If there is no folder to write to, or no Python interpreter to start.
    """
    began = time.perf_counter()
    folder = _folder(variables.get("NUMBA_CACHE_DIR"))
    if not processes.can_start():
        raise OSError("there is no Python interpreter to start, which would compile")
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
    raise OSError(f"no file can be written to {' or '.join(map(str, places))}; --folder takes another folder")


class _Result(NamedTuple):
    """What a process replies: for which processor, whether it had to compile, and the number of bytes of the code."""

    processor: processors.Processor
    compiled: bool
    size: int


class _Tasks:
    """What is left to compile, by several processes.

    A process compiles a kernel faster if it has compiled the same kernel of the same precision before.
    """

    def __init__(self, waiting: Sequence[Specialization]) -> None:
        self._lock, self._waiting = threading.Lock(), list(waiting)
        self._begun: set[Any] = set()

    def next(self, before: Specialization | None) -> Specialization | None:
        """Return what a process does next, which has done that before; None where nothing is left."""
        with self._lock:
            own = None if before is None else _kind(before)
            # Its own kind first, then one that no other process has begun, then any.
            ranked = sorted(self._waiting, key=lambda each: (_kind(each) != own, _kind(each) in self._begun))
            if not ranked:
                return None
            self._waiting.remove(ranked[0])
            self._begun.add(_kind(ranked[0]))
            return ranked[0]


def _kind(task: Specialization) -> tuple[str, bool]:
    return task.name, any("float32" in str(each) for each in task.types)


def _results(tasks: _Tasks, variables: Mapping[str, str], number: int, tick: Callable[[], None]) -> list[_Result]:
    """Compile everything in that many processes."""
    found: list[_Result] = []
    # Where one has failed, or this process is told to stop, the others end before they are through.
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
    """A process that compiles what it is told to."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self._process = processes.start(_PROGRAM, variables, stdout=subprocess.PIPE, stderr=self._errors)

    def compile(self, task: Specialization) -> _Result:
        processes.tell(self._process, task)
        assert self._process.stdout is not None
        try:
            result: _Result = pickle.load(self._process.stdout)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            status = self._process.wait()
            self._errors.seek(0)
            *_, last = [b"", *self._errors.read().splitlines()]
            reason = last.decode(errors="replace") or "if memory is short, --jobs 1 needs the least"
            raise CompilationError(
                f"the process that compiled {task.name} ended with status {status}: {reason}"
            ) from None
        return result

    def end(self) -> None:
        processes.end(self._process)
        self._errors.close()


def serve() -> None:
    """Compile what standard input tells, until it ends: what the processes do."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing else that is printed may be taken for a reply
    KernelCache.takes_levels = False
    with contextlib.suppress(EOFError):
        while True:
            pickle.dump(_compile(pickle.load(sys.stdin.buffer)), replies)
            replies.flush()


def _compile(task: Specialization) -> _Result:
    kernel = getattr(importlib.import_module(task.module), task.name)
    if not isinstance(kernel._cache, KernelCache):
        raise CompilationError("the sources of fastnet cannot be read: nothing would say whether code is still good")
    kernel.compile(task.types)
    codegen = kernel.targetctx.codegen()
    size = kernel._cache.size(task.types, codegen)
    if not size:
        raise CompilationError(f"its code could not be written to {kernel._cache.cache_path}: is the disk full?")
    return _Result(processors.of(codegen), bool(kernel.stats.cache_misses[task.types]), size)
