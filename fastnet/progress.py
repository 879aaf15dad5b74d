"""What a person sees while something takes long enough to notice: on standard error, never in what is piped."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

_NOTICEABLE = 0.5  # seconds: nothing is shown for what is over sooner
_RUN = 0.1  # seconds of work between two updates
_GROWTH = 8  # of a run over the one before it, at most: the first mini-batches say little of the next


def runs(order: np.ndarray, mini_batch_size: int, title: str) -> Iterator[np.ndarray]:
    """Hand an epoch's order out in runs of whole mini-batches, with a bar if the epoch is long.

    A run takes the caller about a tenth of a second, so that the bar moves and Ctrl-C is heard, and so that a short
    epoch is one run but for its first few mini-batches.

    Parameters
    ----------
    order : ndarray, shape (n,)
        The order of the epoch's samples.
    mini_batch_size : int
        How many of them are a mini-batch.
    title : str
        What stands before the bar.

    Yields
    ------
    ndarray
        The next run of the order.
    """
    with contextlib.ExitStack() as stack:
        bar = None
        began = time.perf_counter()
        start, mini_batches = 0, 1
        while start < len(order):
            run = order[start : start + mini_batches * mini_batch_size]
            run_began = time.perf_counter()
            yield run
            now = time.perf_counter()
            start += len(run)
            factor = _RUN / max(now - run_began, 1e-9)
            mini_batches = max(1, int(mini_batches * min(factor, _GROWTH)))
            if bar is None and now - began > _NOTICEABLE and start < len(order) and _watched():
                bar = stack.enter_context(_bar(title, len(order)))
            if bar is not None:
                bar(start)


@contextlib.contextmanager
def steps(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal; yield what to call after each of so many steps."""
    if not _watched():
        yield lambda: None
        return
    with _bar(title, total) as show:
        done = itertools.count(1)
        yield lambda: show(next(done))


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Say that the kernels are being compiled, and on a terminal for how long already."""
    message = "Compiling for this machine: a few seconds"
    if not _watched():
        if sys.stderr is not None:
            print(message, file=sys.stderr, flush=True)
        yield
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(finished_text=" "), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(message, total=1)
        yield
        progress.update(task, completed=1)


def _watched() -> bool:
    """Whether standard error is a terminal on which a line can be drawn again; a program with windows has none."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar that is gone when it is full; yield what to call with the number of samples done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done: progress.update(task, completed=done)
