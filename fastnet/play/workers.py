"""A thread that does one task after another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """A thread that does tasks in their order, and something else while there are none.

    Parameters
    ----------
    name : str
        Name of the thread.
    otherwise : callable, optional
        What to do where no task waits. It returns whether it has more to do; if not, the thread sleeps until the next
        task.
    on_error : callable, optional
        Called with what `otherwise` raises. What a task raises, its future has.
    """

    def __init__(
        self,
        name: str,
        otherwise: Callable[[], bool] = lambda: False,
        on_error: Callable[[Exception], object] = lambda error: None,
    ) -> None:
        self._otherwise, self._on_error = otherwise, on_error
        self._tasks: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._latest: dict[str, Callable[[], object]] = {}
        self._changed = threading.Condition()
        self._ended = False
        # A daemon, so that Ctrl-C ends the command at once, whatever is computed.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, task: Callable[[], T]) -> Future[T]:
        """Have the thread do something; the future has what it returns, or raises."""
        future: Future[T] = Future()
        with self._changed:
            if self._ended:
                future.cancel()
            else:
                self._tasks.append((task, future))
                self._changed.notify()
        return future

    def do_latest(self, key: str, task: Callable[[], object]) -> None:
        """Have the thread do something, in place of what still waits under the same key."""
        with self._changed:
            waits, self._latest[key] = key in self._latest, task
        if not waits:
            self.do(lambda: self._taken(key)())

    def end(self) -> None:
        """End the thread after what it does now. Tasks that wait are cancelled."""
        with self._changed:
            self._ended = True
            while self._tasks:
                self._tasks.popleft()[1].cancel()
            self._changed.notify()

    def _taken(self, key: str) -> Callable[[], object]:
        with self._changed:
            return self._latest.pop(key)

    def _work(self) -> None:
        has_more = False
        while True:
            with self._changed:
                while not (self._ended or self._tasks or has_more):
                    self._changed.wait()
                if self._ended:
                    return
                task, future = self._tasks.popleft() if self._tasks else (None, None)
            if task is None or future is None:
                has_more = self._go_on()
                continue
            has_more = True  # which a task may have given it
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except BaseException as error:  # as in concurrent.futures, whoever waits has it
                    future.set_exception(error)

    def _go_on(self) -> bool:
        try:
            return self._otherwise()
        except Exception as error:  # the thread goes on with the next task
            self._on_error(error)
            return False
