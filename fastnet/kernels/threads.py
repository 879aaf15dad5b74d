"""Several threads in one epoch: who does what, and how they wait for one another.

A thread has the same part of every mini-batch: some of the panels, whose weights stay in its processor's cache. Twice
in a mini-batch all wait for the last, by looking again and again: where each has a processor of its own, that is sooner
noticed than a call to the system. Where they have not, a thread that has waited for long lets others run.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
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
    """Return how many threads may be used: by default, as many as there are processors for this process.

    The environment variable NUMBA_NUM_THREADS says otherwise, or `limited`.
    """
    return min(_limit.get(), numba.config.NUMBA_NUM_THREADS)


@contextlib.contextmanager
def limited(threads: int) -> Iterator[None]:
    """Use no more threads than this in the `with` block."""
    token = _limit.set(threads)
    try:
        yield
    finally:
        _limit.reset(token)


def run(work: Callable[[Share], object], threads: int) -> None:
    """Do a thread's share of some work in each of so many threads, this one included."""
    arrivals = np.zeros(1, np.int64)
    first, *others = [Share(thread, threads, arrivals) for thread in range(threads)]
    if not others:
        work(first)
        return

    def work_beside(share: Share) -> None:
        with _nobody_left_waiting(arrivals):
            work(share)

    with ThreadPoolExecutor(len(others)) as pool:
        with _nobody_left_waiting(arrivals):
            futures = [pool.submit(work_beside, share) for share in others]
            work(first)
        for future in futures:
            future.result()


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
