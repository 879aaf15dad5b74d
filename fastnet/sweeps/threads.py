"""Many networks on one machine, through joblib: a thread for each processor, and one copy of the data."""

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

    When the caller stops early, because of Ctrl-C for example, the other trainings are stopped. No thread computes any
    more when the generator is closed.

    Parameters
    ----------
    tasks : sequence of (Recipe, int)
        What to train: recipes and seeds.
    data : Data
        What to train on.
    jobs : int or None
        Number of networks to train at the same time; None for the number of processors.
    step : callable
        Called with the recipe after each epoch, in any thread.

    Yields
    ------
    recipe, seed, run
        Instead of the run, the message of an error that ended it.
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
            for result in results:  # noqa: UP028 - or joblib would be stopped here, where it may warn
                yield result
        finally:
            stopping.set()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's, that there are tasks which have not been done
                results.close()
            for _ in range(jobs):
                places.acquire()
