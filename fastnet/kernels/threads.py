"""Threads that compute one epoch together, and the barrier where they wait for one another.

In every mini-batch, a thread has the same share: a range of panels or a range of samples (see
`inputs.divides_neurons`). So the weights of a thread's panels stay in the cache of the thread's processor. In
training, all threads meet at a barrier at least twice in each mini-batch. A waiting thread spins, because a system call
would take longer. After every `_PATIENCE` checks of the barrier, a waiting thread yields its processor.

The number of threads does not change the result. If no other thread can be started, one thread does all of the work.
If threads had to wait for processors that other programs were using, one thread also does all of the work for the next
0.5 to 30 seconds (see `_SingleThreadPeriod`).
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

_RELEASE_ALL = 1 << 60  # number of arrivals that is larger than any number that a thread waits for
_PATIENCE = 2000  # number of checks of the barrier before a waiting thread yields its processor

_NOTICEABLE = 2e-3  # number of seconds; the CPU time of shorter work cannot be measured exactly enough
_ENOUGH = 0.8  # smallest ratio of CPU time to elapsed time at which a thread counts as having its own processor
_SHORTEST_PERIOD, _LONGEST_PERIOD = 0.5, 30.0  # lengths of a `_SingleThreadPeriod`, in seconds

_limit: ContextVar[int] = ContextVar("_limit", default=sys.maxsize)
_yield_processor = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.intc())


class Share(NamedTuple):
    """A thread's share of the work.

    Attributes
    ----------
    thread : int
        Index of the thread, from 0.
    threads : int
        Number of threads.
    arrivals : ndarray of int64, shape (1,)
        How many times the threads have arrived at the barrier, in total; initially 0. All threads share the array.
    """

    thread: int
    threads: int
    arrivals: np.ndarray


def available() -> int:
    """Return the number of threads that may be used now, at least 1.

    The default is the number of processors that this process may use, according to its CPU affinity and the CPU quota
    of its control group. The environment variable NUMBA_NUM_THREADS replaces the default. `limited` sets an upper
    bound. During a `_SingleThreadPeriod`, the number is 1.
    """
    if time.monotonic() < _single_thread_period.until:
        return 1
    chosen = "NUMBA_NUM_THREADS" in os.environ
    of_numba: int = numba.config.NUMBA_NUM_THREADS
    return max(1, min(_limit.get(), of_numba, sys.maxsize if chosen else _processors()))


@cache
def _processors() -> int:
    from joblib import cpu_count  # imported late, because joblib takes longer to import than the rest of this package

    return int(cpu_count())


class _SingleThreadPeriod:
    """A period in which only one thread is used, because not every thread had its own processor."""

    def __init__(self) -> None:
        self.until, self._seconds = 0.0, 0.0

    def update(self, running: float) -> None:
        """Begin a period if `running`, the ratio of CPU time to elapsed time, is below `_ENOUGH`.

        Each consecutive period is twice as long as the previous period, up to `_LONGEST_PERIOD`.
        """
        if running >= _ENOUGH:
            self._seconds = 0.0
        else:
            self._seconds = min(max(2 * self._seconds, _SHORTEST_PERIOD), _LONGEST_PERIOD)
            self.until = time.monotonic() + self._seconds


_single_thread_period = _SingleThreadPeriod()


@contextlib.contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use at most `threads` threads in the `with` block."""
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


def run(work: Callable[[Share], object], threads: int, *, together: bool = False) -> None:
    """Divide work among threads; the calling thread is one of them.

    If threads cannot be started, or are not system threads (as with gevent), the calling thread does all of the work.

    Parameters
    ----------
    work : callable
        Function that does the work of one thread, given the thread's `Share`.
    threads : int
        Number of threads, at least 1.
    together : bool, optional
        Whether threads wait for one another. If so, and if a thread had to wait for a processor, a
        `_SingleThreadPeriod` begins.
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
        with _releasing_others(arrivals):
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
    with ThreadPoolExecutor(len(others)) as pool, _releasing_others(arrivals):
        try:
            futures = [pool.submit(work_beside, share) for share in others]
            natives = {threading.get_native_id(), *(started.get() for _ in others)}
            parallel = len(natives) == threads
        except RuntimeError:  # the interpreter is shutting down, or the system has no thread or memory left
            pass
        finally:
            go.set_result(parallel)
        work_timed(first if parallel else alone)
        for future in futures:
            future.result()
    if together and parallel:
        _single_thread_period.update(min(running))


@contextlib.contextmanager
def _releasing_others(arrivals: np.ndarray) -> Iterator[None]:
    """If an exception or Ctrl-C ends this thread's work, release all threads that wait at the barrier."""
    try:
        yield
    except BaseException:
        arrivals[0] = _RELEASE_ALL
        raise


@part
def share_of(n, share):
    """Return this thread's share of n items: the first, and one past the last."""
    return n * share.thread // share.threads, n * (share.thread + 1) // share.threads


@part
def wait_for_all(share, times):
    """Wait until every thread has arrived at the barrier `times` times."""
    if share.threads > 1:
        _arrive(share.arrivals)
        looks = 0
        while _arrived(share.arrivals) < times * share.threads:
            looks += 1
            if looks % _PATIENCE == 0:
                _yield_processor()


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
