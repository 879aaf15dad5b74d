"""Trains networks on one machine, with joblib. Each network is trained in one thread. All threads share the data."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Generator, Sequence

from joblib import Parallel, cpu_count, delayed

from fastnet.sweeps.data import Data
from fastnet.sweeps.recipe import Recipe
from fastnet.sweeps.run import Outcome, Task, attempt, one_thread_of_blas
from fastnet.utils import progress


class _StoppedError(Exception):
    pass


def outcomes(
    tasks: Sequence[Task], *, data: Data, jobs: int | None, step: Callable[[Recipe], object]
) -> Generator[Outcome, None, None]:
    """Train networks, and yield each result as soon as it is known.

    If the caller closes the generator early, for example after Ctrl-C, all running trainings are stopped. The method
    `close` returns when all threads have stopped computing.

    Parameters
    ----------
    tasks : sequence of (Recipe, int)
        The recipes and seeds to train.
    data : Data
        The data of the sweep.
    jobs : int or None
        Number of networks to train at the same time; None for the number of processors.
    step : callable
        Function that is called with the recipe after each epoch, in the thread that trains.

    Yields
    ------
    recipe, seed, run
        A task and its result. If an error ended the training, `run` is the error message.
    """
    jobs = min(jobs or cpu_count(), len(tasks))
    stopping = threading.Event()
    places = threading.Semaphore(jobs)

    def train(recipe: Recipe, seed: int) -> Outcome:
        with places, progress.in_background(stop_if_asked):
            stop_if_asked()
            return attempt(recipe, seed, data, lambda _: step(recipe))

    def stop_if_asked() -> None:
        if stopping.is_set():
            raise _StoppedError

    parallel = Parallel(n_jobs=jobs, backend="threading", pre_dispatch="all", return_as="generator_unordered")
    with one_thread_of_blas():
        results = parallel(delayed(train)(*task) for task in tasks)
        try:
            for result in results:  # noqa: UP028 - `yield from` would close `results` and show warnings
                yield result
        finally:
            stopping.set()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib warns about tasks that were not started
                results.close()
            for _ in range(jobs):
                places.acquire()
