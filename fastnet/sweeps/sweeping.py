"""Sweeps: a sweep trains the networks that are not yet in the record, and adds each of them to the record."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import Any, TypeAlias

from fastnet.learning.diagnostics import TrainingWarning
from fastnet.sweeps import grid
from fastnet.sweeps.data import Data, Source, StrPath, given
from fastnet.sweeps.record import Record
from fastnet.sweeps.run import Outcome, Run, Task, check
from fastnet.sweeps.table import Row, Sweep
from fastnet.utils import arguments, progress

Trainer: TypeAlias = Callable[..., Generator[Outcome, None, None]]


class TrainingFailed(RuntimeError):  # noqa: N818 - the name says what happened
    """At least one network of a sweep could not be trained. All other networks are in the record."""


def sweep(
    data: Any = None,
    *,
    seeds: int | Iterable[int] = 1,
    jobs: int | None = None,
    scheduler: str | None = None,
    record: StrPath | None = None,
    **recipe: Any,
) -> Sweep:
    """Train networks with all combinations of the given values, each combination with several seeds.

    Parameters
    ----------
    data : path or tuple of two or three Datasets, optional
        Training, validation and optionally test data; or their path, as for `mnist_loader.load_data`. By default,
        MNIST.
    seeds : int or iterable of int, optional
        Number n of seeds, for the seeds 0 to n - 1; or the seeds themselves.
    jobs : int, optional
        Number of networks to train at the same time, each in one thread; by default, the number of processors.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers train the networks. A worker trains as many networks at the same time
        as it has threads. If `data` is a path, the path must be valid on each worker. If `data` is a tuple, the
        data sets are sent to the workers.
    record : path, optional
        A SQLite file, created if it does not exist. Each network is recorded as soon as it is trained. A recorded
        network with the same recipe, seed, data and version of fastnet is not trained again, so an interrupted sweep
        can be continued. Several sweeps may share a file.
    **recipe
        Any arguments of `fastnet.sweeps.recipe.recipe`; for each argument, one value or a list of values. With
        `layers`, the numbers of inputs and outputs are those of the data. An example of `layers` is
        `["conv 20 5x5 relu, pool 2x2, dense 100 relu", "dense 100 relu"]`.

    Returns
    -------
    Sweep
        The results, with a row for each recipe.

    Raises
    ------
    ImportError
        If a required package is not installed.
    OSError
        If a file or the scheduler cannot be reached.
    TrainingFailed
        If a network could not be trained, for example because memory is insufficient. All other networks are recorded.
    TypeError, ValueError
        If an argument has a wrong type or value. The error is raised before anything is trained or written.
    DataError
        If a data file or the record is damaged or has a wrong format, or the record cannot be written. A `DataError` is
        a `ValueError`.

    Notes
    -----
    On processors of the same kind, the same recipe, seed and data give the same numbers, however many networks are
    trained at the same time. Ctrl-C raises `KeyboardInterrupt`, whose message states the number of recorded networks.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet import Dataset
    >>> points = np.random.default_rng(0).random((300, 2))
    >>> above = Dataset(points, (points[:, 1] > points[:, 0]).astype(int))
    >>> found = sweep(
    ...     (above[:200], above[200:]), sizes=[2, 2], cost="cross-entropy", eta=[0.01, 3.0], epochs=10, seeds=3
    ... )
    >>> [row.mean > 0.9 for row in found.rows]
    [False, True]
    """
    numbers = grid.seeds(seeds)
    jobs = None if jobs is None else arguments.positive(jobs, "jobs")
    record = None if record is None else arguments.path(record, "record")
    if scheduler is not None:
        arguments.instance(scheduler, str, "scheduler")
    if jobs is not None and scheduler is not None:
        raise ValueError(f"jobs is {jobs}, but the workers of a scheduler have their own number of threads; omit jobs")
    source = given(data)
    here = source.load() if isinstance(source, Source) else source
    if recipe.get("layers") is not None:
        recipe = {"sizes": here.ends, **recipe}
    recipes = grid.recipes(**recipe)
    tasks = [(each, seed) for each in recipes for seed in numbers]
    with Record(record, here.fingerprint) as kept:
        left = [task for task in tasks if kept.find(*task) is None]
        for each in dict.fromkeys(each for each, _ in left):
            check(each, here)
        if left:
            with _trainer(source, here, jobs, scheduler) as trained:
                kept.begin()
                _train(tasks, left, kept, trained)
        rows = [Row(each, {seed: kept[each, seed] for seed in numbers}, len(here.validation)) for each in recipes]
    return Sweep(rows, 0 if here.test is None else len(here.test), len(left))


@contextlib.contextmanager
def _trainer(source: Data | Source, here: Data, jobs: int | None, scheduler: str | None) -> Iterator[Trainer]:
    """Yield the function that trains networks, in threads of this process or on a cluster."""
    if scheduler is None:
        from fastnet.sweeps import threads

        yield partial(threads.outcomes, data=here, jobs=jobs)
    else:
        from fastnet.sweeps import cluster

        with cluster.connected(scheduler) as client:
            yield partial(cluster.outcomes, data=source, fingerprint=here.fingerprint, client=client)


def _train(tasks: list[Task], left: list[Task], kept: Record, trained: Trainer) -> None:
    """Train the tasks in `left`, and record each run."""
    done = len(tasks) - len(left)
    failed: dict[Task, str] = {}
    # The longest trainings come first, because a long training at the end would use only one processor.
    left = sorted(left, key=lambda task: -task[0].work())
    work = sum(each.work() for each, _ in left)
    with (
        _without_warnings(),
        progress.steps(_title(done, tasks), work) as step,
        contextlib.closing(trained(left, step=lambda each: step(each.work() // each.epochs))) as outcomes,
    ):
        try:
            for each, seed, run in outcomes:
                if isinstance(run, Run):
                    kept.add(each, seed, run)
                    done += 1
                    step(0, title=_title(done, tasks))
                else:
                    failed[each, seed] = run
        except KeyboardInterrupt:  # Ctrl-C may come between recording and counting a run, so runs are counted again
            done = sum(kept.find(*task) is not None for task in tasks)
            raise KeyboardInterrupt(f"{_title(done, tasks)} are trained") from None
    if failed:
        each, seed = next(task for task in tasks if task in failed)
        recipes = list(dict.fromkeys(each for each, _ in tasks))
        name = grid.labels(recipes)[recipes.index(each)]
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise TrainingFailed(f"{_title(done, tasks)} are trained; {name}, seed {seed}: {failed[each, seed]}{more}")


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress training warnings, because the table shows which networks diverged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        yield


def _title(done: int, tasks: list[Task]) -> str:
    return f"{done} of {len(tasks)} networks"
