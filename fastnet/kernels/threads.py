"""Several threads in one epoch: who does what, and how they wait for one another.

A thread has the same part of every mini-batch: some of the panels, whose weights stay in its processor's cache. Twice
in a mini-batch all wait for the last, by looking again and again: where each has a processor of its own, that is sooner
noticed than a call to the system. Where they have not, a thread that has waited for long lets others run.

Threads only make an epoch faster: what is computed is the same in one. So one thread does all of the work where no
others can be started, and for a while where they had to wait for processors that other programs use.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from queue import SimpleQueue
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastnet.kernels.compiler import part
from fastnet.kernels.vectors import data_of

_EVERYBODY = 1 << 60  # more arrivals than there will ever be
_PATIENCE = 2000  # looks at what the others have done, before they are given the processor

_NOTICEABLE = 2e-3  # seconds: of shorter work, the time that a thread ran says nothing
_ENOUGH = 0.8  # of its time, for which a thread has to have a processor
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds

_limit: ContextVar[int] = ContextVar("_limit", default=sys.maxsize)
_give_way = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.intc())


class Share(NamedTuple):
    """Which part of the work is a thread's.

    Attributes
    ----------
    thread : int
        From 0.
    threads : int
        How many there are.
    arrivals : ndarray of int64, shape (1,)
        How often a thread has come to where all wait; shared by all of them, 0 at first.
    """

    thread: int
    threads: int
    arrivals: np.ndarray


def available() -> int:
    """Return how many threads may be used now.

    By default, as many as there are processors for this process, by its affinity and by the quota of its control group.
    The environment variable NUMBA_NUM_THREADS says otherwise, or `limited`. One, for a while, where processors that
    threads were given turned out to be used by other programs.
    """
    if time.monotonic() < _pause.until:
        return 1
    chosen = "NUMBA_NUM_THREADS" in os.environ
    return max(1, min(_limit.get(), numba.config.NUMBA_NUM_THREADS, sys.maxsize if chosen else _processors()))


@cache
def _processors() -> int:
    from joblib import cpu_count  # not imported before it is needed: it takes longer than the rest of this package

    return int(cpu_count())


class _Pause:
    """How long one thread is used, because several did not get processors."""

    def __init__(self) -> None:
        self.until, self._seconds = 0.0, 0.0

    def judge(self, running: float) -> None:
        """Begin a pause, longer than the one before, if threads ran for a small part of their time only."""
        if running >= _ENOUGH:
            self._seconds = 0.0
        else:
            self._seconds = min(max(2 * self._seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE)
            self.until = time.monotonic() + self._seconds


_pause = _Pause()


@contextlib.contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use no more threads than this in the `with` block."""
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


def run(work: Callable[[Share], object], threads: int, *, together: bool = False) -> None:
    """Do a thread's share of some work in each of so many threads, this one included.

    Where threads cannot be started, or are not those of the system (as with gevent), this thread does all of the work.

    Parameters
    ----------
    work : callable
        What to do, of a `Share`.
    threads : int
        How many.
    together : bool, optional
        Whether threads wait for one another: then one that waits for a processor holds up all. Where that is so,
        `available` is 1 for a while.
    """
    arrivals = np.zeros(1, np.int64)
    running: list[float] = []
    started: SimpleQueue[int] = SimpleQueue()
    go: Future[bool] = Future()

    def work_beside(share: Share) -> None:
        started.put(threading.get_native_id())
        if go.result():
            work_timed(share)

    def work_timed(share: Share) -> None:
        began, used = time.perf_counter(), time.thread_time()
        with _nobody_left_waiting(arrivals):
            work(share)
        used, took = time.thread_time() - used, time.perf_counter() - began
        running.append(used / took if took > _NOTICEABLE else 1.0)

    alone = Share(0, 1, arrivals)
    if threads == 1:
        work(alone)
        return
    first, *others = [Share(thread, threads, arrivals) for thread in range(threads)]
    futures: list[Future[None]] = []
    parallel = False
    with ThreadPoolExecutor(len(others)) as pool, _nobody_left_waiting(arrivals):
        try:
            futures = [pool.submit(work_beside, share) for share in others]
            natives = {threading.get_native_id(), *(started.get() for _ in others)}
            parallel = len(natives) == threads
        except RuntimeError:  # the interpreter ends, or the system has no thread or no memory to give
            pass
        finally:
            go.set_result(parallel)
        work_timed(first if parallel else alone)
        for future in futures:
            future.result()
    if together and parallel:
        _pause.judge(min(running))


@contextlib.contextmanager
def _nobody_left_waiting(arrivals: np.ndarray) -> Iterator[None]:
    """Let those go on who wait for this thread, if an exception or Ctrl-C ends its work before it comes."""
    try:
        yield
    except BaseException:
        arrivals[0] = _EVERYBODY
        raise


@part
def share_of(n, share):
    """Return which of n things are this thread's: from, to."""
    return n * share.thread // share.threads, n * (share.thread + 1) // share.threads


@part
def wait_for_all(share, times):
    """Return when every thread has come here so many times."""
    if share.threads > 1:
        _arrive(share.arrivals)
        looks = 0
        while _arrived(share.arrivals) < times * share.threads:
            looks += 1
            if looks % _PATIENCE == 0:
                _give_way()


@intrinsic
def _arrive(typing_context: Any, arrivals: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = data_of(context, builder, arrivals, arguments[0])
        builder.atomic_rmw("add", address, ir.Constant(ir.IntType(64), 1), "seq_cst")
        return context.get_dummy_value()

    return types.void(arrivals), generate


@intrinsic
def _arrived(typing_context: Any, arrivals: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = data_of(context, builder, arrivals, arguments[0])
        return builder.load_atomic(address, "seq_cst", 8)

    return types.int64(arrivals), generate
