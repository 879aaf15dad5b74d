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
    """Train networks, and hand over what came of each as soon as it is known.

    Whoever does not take all of them, because of Ctrl-C for example, has the others stopped: before this returns,
    no thread computes any more.

    Parameters
    ----------
    tasks : sequence of (Recipe, int)
        What to train: recipes and seeds.
    data : Data
        What to train on.
    jobs : int or None
        How many networks to train at the same time; None for as many as there are processors.
    step : callable
        What to call with the recipe after each epoch, in any thread.

    Yields
    ------
    recipe, seed, run
        Or, instead of the run, what is wrong.
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
