"""Shows progress bars and notes on standard error during long operations."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.utils.streams import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

COMPILING = "Compiling kernels, which later runs reuse: up to ten seconds"
_NOTICEABLE = 0.5  # number of seconds after which a progress bar is shown
_RUN = 0.1  # desired number of seconds between two updates of a progress bar
# Largest ratio of a run's size to the previous run's size.
# A larger ratio would rely too much on the time of the first mini-batches, which varies.
_GROWTH = 8

_between_runs: ContextVar[Callable[[], object] | None] = ContextVar("_between_runs", default=None)


@contextlib.contextmanager
def in_background(between_runs: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Show no progress of this thread in the `with` block, because the caller shows the progress.

    Parameters
    ----------
    between_runs : callable, optional
        Function that is called several times per second during training. An exception in the function ends training.
    """
    token = _between_runs.set(between_runs)
    try:
        yield
    finally:
        _between_runs.reset(token)


def runs(order: np.ndarray, mini_batch_size: int, title: str, first: int = 1) -> Iterator[np.ndarray]:
    """Divide an epoch's samples into runs of whole mini-batches, and show a progress bar if the epoch is long.

    The size of a run is chosen so that the caller computes the run in about a tenth of a second: the bar moves, and
    Ctrl-C takes effect soon. The first run is small, and measures the machine's speed. A later run is at most eight
    times as large as the previous run.

    Parameters
    ----------
    order : ndarray, shape (n,)
        Indices of the epoch's samples, in the order of training.
    mini_batch_size : int
        Number of samples in a mini-batch.
    title : str
        Text before the bar.
    first : int, optional
        Number of mini-batches in the first run: at most as many as a slow machine computes in a tenth of a second.

    Yields
    ------
    ndarray
        The next run: a part of `order`.
    """
    with contextlib.ExitStack() as stack:
        bar, between_runs = None, _between_runs.get()
        began = time.perf_counter()
        start, mini_batches = 0, first
        while start < len(order):
            run = order[start : start + mini_batches * mini_batch_size]
            run_began = time.perf_counter()
            yield run
            now = time.perf_counter()
            start += len(run)
            if between_runs is not None:
                between_runs()
            factor = _RUN / max(now - run_began, 1e-9)
            mini_batches = max(1, int(mini_batches * min(factor, _GROWTH)))
            if bar is None and now - began > _NOTICEABLE and start < len(order) and _watched():
                bar = stack.enter_context(_bar(title, len(order)))
            if bar is not None:
                bar(start)


@contextlib.contextmanager
def steps(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a progress bar with the time left, on a terminal or in a notebook.

    Parameters
    ----------
    title : str
        Text before the bar.
    total : int
        Number of steps.

    Yields
    ------
    callable
        Function to call after each step, in any thread. The arguments are the number of steps, by default 1, and
        optionally a new `title`.
    """
    if not _watched():
        yield lambda amount=1, title=None: None
        return
    with _bar(title, total) as show:
        lock, done = threading.Lock(), 0

        def step(amount: int = 1, title: str | None = None) -> None:
            nonlocal done
            with lock:
                done += amount
                show(done, title)

        yield step


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Print that the kernels are being compiled; on a terminal or in a notebook, also show the elapsed time.

    Nothing is shown in an `in_background` block.
    """
    if not _watched():
        if sys.stderr is not None and _between_runs.get() is None:
            print(COMPILING, file=sys.stderr, flush=True)
        yield
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(finished_text=" "), TextColumn("{task.description}"), TimeElapsedColumn()
    with _display(*columns) as progress:
        task = progress.add_task(COMPILING, total=1)
        yield
        progress.update(task, completed=1)


def _watched() -> bool:
    """Return whether a progress bar can be shown: in a notebook, or on a terminal that can redraw a line.

    No bar is shown in an `in_background` block.
    """
    if sys.stderr is None or _between_runs.get() is not None:
        return False
    if "ipykernel" in sys.modules:  # notebooks need ipywidgets for bars
        return find_spec("ipywidgets") is not None
    return is_terminal(sys.stderr) and os.environ.get("TERM") not in ("dumb", "unknown")


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a bar until the end of the block; yield a function that takes the number of steps done and a new title."""
    from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
    from rich.text import Text

    class TimeLeft(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            return Text(_time_left(task.fields["end"] - time.perf_counter()), style="progress.remaining")

    began = time.perf_counter()
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeLeft()
    with _display(*columns, transient=True) as progress:
        task = progress.add_task(title, total=total, end=math.inf)

        def show(done: int, title: str | None = None) -> None:
            now = time.perf_counter()
            end = now + (now - began) * (total - done) / done if done else math.inf
            progress.update(task, completed=done, description=title, end=end)

        yield show


def _display(*columns: ProgressColumn, **options: Any) -> Progress:
    """Return rich's display of columns, on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    # While a bar is shown on a terminal, rich redirects standard output to standard error.
    # Without this redirection, printed text and the bar would overwrite each other.
    # If standard output is a file, a pipe or None, it must not be redirected; rich would not restore None.
    return Progress(*columns, console=Console(stderr=True), redirect_stdout=is_terminal(sys.stdout), **options)


def _time_left(seconds: float) -> str:
    """Return a number of seconds as hours, minutes and seconds.

    Examples
    --------
    >>> _time_left(3725.5), _time_left(-1), _time_left(math.inf)
    ('1:02:05', '0:00:00', '-:--:--')
    """
    if math.isinf(seconds):
        return "-:--:--"
    minutes, seconds = divmod(int(max(seconds, 0)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
