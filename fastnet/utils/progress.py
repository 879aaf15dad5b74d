"""What a person sees while something takes long enough to notice: on standard error, never in what is piped."""

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

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

COMPILING = "Compiling for this machine, once"
_NOTICEABLE = 0.5  # seconds: nothing is shown for what is over sooner
_RUN = 0.1  # seconds of work between two updates
_GROWTH = 8  # of a run over the one before it, at most: the first mini-batches say little of the next

_between_runs: ContextVar[Callable[[], object] | None] = ContextVar("_between_runs", default=None)


@contextlib.contextmanager
def in_background(between_runs: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Show nothing of what this thread does in the `with` block: someone else does.

    Parameters
    ----------
    between_runs : callable, optional
        What to call several times a second while an epoch is computed; by an exception, it ends the training.
    """
    token = _between_runs.set(between_runs)
    try:
        yield
    finally:
        _between_runs.reset(token)


def runs(order: np.ndarray, mini_batch_size: int, title: str, first: int = 1) -> Iterator[np.ndarray]:
    """Hand an epoch's order out in runs of whole mini-batches, with a bar if the epoch is long.

    A run takes the caller about a tenth of a second, so that the bar moves and Ctrl-C is heard, and so that a short
    epoch is one run but for its first few mini-batches, which show how fast the machine is.

    Parameters
    ----------
    order : ndarray, shape (n,)
        The order of the epoch's samples.
    mini_batch_size : int
        How many of them are a mini-batch.
    title : str
        What stands before the bar.
    first : int, optional
        Number of mini-batches in the first run: as many as any machine computes in a tenth of a second.

    Yields
    ------
    ndarray
        The next run of the order.
    """
    with contextlib.ExitStack() as stack:
        bar, heard = None, _between_runs.get()
        began = time.perf_counter()
        start, mini_batches = 0, first
        while start < len(order):
            run = order[start : start + mini_batches * mini_batch_size]
            run_began = time.perf_counter()
            yield run
            now = time.perf_counter()
            start += len(run)
            if heard is not None:
                heard()
            factor = _RUN / max(now - run_began, 1e-9)
            mini_batches = max(1, int(mini_batches * min(factor, _GROWTH)))
            if bar is None and now - began > _NOTICEABLE and start < len(order) and _watched():
                bar = stack.enter_context(_bar(title, len(order)))
            if bar is not None:
                bar(start)


@contextlib.contextmanager
def steps(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a bar on a terminal, with the time left.

    Parameters
    ----------
    title : str
        What stands before the bar.
    total : int
        How many steps there are.

    Yields
    ------
    callable
        To be called after each step, in any thread. Of more than one step, it takes the number; and with `title=`,
        another title.
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
    """Say that the kernels are being compiled, and on a terminal for how long already."""
    message = f"{COMPILING}: about ten seconds"
    if not _watched():
        if sys.stderr is not None and _between_runs.get() is None:
            print(message, file=sys.stderr, flush=True)
        yield
        return
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(finished_text=" "), TextColumn("{task.description}"), TimeElapsedColumn()
    with _display(*columns) as progress:
        task = progress.add_task(message, total=1)
        yield
        progress.update(task, completed=1)


def _watched() -> bool:
    """Whether what is shown is seen: in a notebook, or on a terminal on which a line can be drawn again.

    In the background it is not. A program with windows has no standard error at all.
    """
    if sys.stderr is None or _between_runs.get() is not None:
        return False
    if "ipykernel" in sys.modules:  # whose notebooks show bars with ipywidgets
        return find_spec("ipywidgets") is not None
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


@contextlib.contextmanager
def _bar(title: str, total: int) -> Iterator[Callable[..., None]]:
    """Show a bar that is gone when it is full; yield what to call with the number of steps done, and a new title."""
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
    """Return rich's display of these columns on standard error."""
    from rich.console import Console
    from rich.progress import Progress

    # While rich shows a bar, it prints on standard error what is sent to standard output, so that both do not draw over
    # each other on a terminal. What is sent elsewhere must arrive there. A standard output of None, which prints
    # nothing, rich would not even put back.
    is_terminal = getattr(sys.stdout, "isatty", bool)()
    return Progress(*columns, console=Console(stderr=True), redirect_stdout=is_terminal, **options)


def _time_left(seconds: float) -> str:
    """Return a time as hours, minutes and seconds.

    Examples
    --------
    >>> _time_left(3725.5), _time_left(-1), _time_left(math.inf)
    ('1:02:05', '0:00:00', '-:--:--')
    """
    if math.isinf(seconds):
        return "-:--:--"
    minutes, seconds = divmod(int(max(seconds, 0)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
