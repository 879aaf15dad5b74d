"""A thread that runs one task after another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Worker:
    """A thread that runs tasks in the order in which they are added, and calls `otherwise` while no task waits.

    Parameters
    ----------
    name : str
        Name of the thread.
    otherwise : callable, optional
        Function that is called after a task if no other task waits. The thread calls the function again if the function
        returns True; otherwise, the thread sleeps until the next task.
    on_error : callable, optional
        Called with an exception of `otherwise`. An exception of a task is set on the task's future.
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
        # A daemon thread lets Ctrl-C end the command immediately, even during a computation.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, task: Callable[[], T]) -> Future[T]:
        """Add a task; the returned future gets the task's result or exception."""
        future: Future[T] = Future()
        with self._changed:
            if self._ended:
                future.cancel()
            else:
                self._tasks.append((task, future))
                self._changed.notify()
        return future

    def do_latest(self, key: str, task: Callable[[], object]) -> None:
        """Add a task. If a task with the same key still waits, the new task replaces it."""
        with self._changed:
            waits, self._latest[key] = key in self._latest, task
        if not waits:
            self.do(lambda: self._taken(key)())

    def end(self) -> None:
        """End the thread after its current task. Waiting tasks are cancelled."""
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
            has_more = True  # the task may have given `otherwise` something to do
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task())
                except BaseException as error:  # as in concurrent.futures, the future raises the exception
                    future.set_exception(error)

    def _go_on(self) -> bool:
        try:
            return self._otherwise()
        except Exception as error:  # the thread continues with the next task
            self._on_error(error)
            return False
