"""A sweep: runs that are not in the record are trained and recorded; a finished run is not trained again."""

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


class TrainingFailed(RuntimeError):  # noqa: N818 - it is what happened
    """Some networks of a sweep could not be trained; the others are in the record."""


def sweep(
    data: Any = None,
    *,
    seeds: int | Iterable[int] = 1,
    jobs: int | None = None,
    scheduler: str | None = None,
    record: StrPath | None = None,
    **recipe: Any,
) -> Sweep:
    """Train networks by all combinations of some values, each with several seeds.

    Parameters
    ----------
    data : path or tuple of two or three Datasets, optional
        Training, validation and test data, the last only if wanted; or where they lie, as for
        `mnist_loader.load_data`. Without it, MNIST.
    seeds : int or iterable of int, optional
        How many seeds, from 0 on; or which.
    jobs : int, optional
        How many networks to train at the same time, each in one thread; by default, as many as there are processors.
    scheduler : str, optional
        The address of a Dask scheduler, whose workers are to train them instead, as many as they have threads. A
        path is one on each worker; sets of data are sent.
    record : path, optional
        A SQLite file, made if it is not there. Each network is recorded in it as soon as it is trained, and none that
        is there, of the same recipe, seed, data and version of fastnet, is trained again: so an interrupted sweep
        goes on where it was. Several sweeps may share one.
    **recipe
        Any arguments of `fastnet.sweeps.recipe.recipe`: each a value, or a list of several. With `layers`, such as
        `["conv 20 5x5 relu, pool 2x2, dense 100 relu", "dense 100 relu"]`, the numbers of inputs and outputs are those
        of the data.

    Returns
    -------
    Sweep
        A row for each recipe.

    Raises
    ------
    ImportError
        If something that is needed is not installed.
    OSError
        If a file or the scheduler cannot be reached.
    TrainingFailed
        If networks could not be trained, for want of memory for example. The others are recorded.
    TypeError, ValueError
        If an argument is not of that form: before anything is trained, and nothing is written then. `DataError`, if a
        file of the data or the record is damaged or of another kind.

    Notes
    -----
    The same recipe, seed and data give the same numbers, however many networks are trained at the same time, on
    processors of the same kind. Ctrl-C raises `KeyboardInterrupt` with how many are recorded.

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
    if jobs is not None and scheduler is not None:
        raise ValueError(f"jobs is {jobs}, but how many networks a scheduler has trained at a time, its workers say")
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
    """Yield what trains networks: threads of this process, or a cluster."""
    if scheduler is None:
        from fastnet.sweeps import threads

        yield partial(threads.outcomes, data=here, jobs=jobs)
    else:
        from fastnet.sweeps import cluster

        with cluster.connected(scheduler) as client:
            yield partial(cluster.outcomes, data=source, fingerprint=here.fingerprint, client=client)


def _train(tasks: list[Task], left: list[Task], kept: Record, trained: Trainer) -> None:
    """Train what is left of the tasks, and record each."""
    done = len(tasks) - len(left)
    failed: dict[Task, str] = {}
    left = sorted(left, key=lambda task: -task[0].work())  # a long one that came last would keep one processor alone
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
        except KeyboardInterrupt:  # which may have come between a run's being recorded and being counted
            done = sum(kept.find(*task) is not None for task in tasks)
            raise KeyboardInterrupt(f"{_title(done, tasks)} are trained") from None
    if failed:
        each, seed = next(task for task in tasks if task in failed)
        name = grid.label(each, grid.differing([each for each, _ in tasks]))
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise TrainingFailed(f"{_title(done, tasks)} are trained; {name}, seed {seed}: {failed[each, seed]}{more}")


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress training warnings: the table shows which networks diverged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        yield


def _title(done: int, tasks: list[Task]) -> str:
    return f"{done} of {len(tasks)} networks"
