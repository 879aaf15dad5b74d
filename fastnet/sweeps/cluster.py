"""Many networks on a cluster, through joblib's backend for Dask: what is done there is what a thread does here."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import cache
from typing import Any

from joblib import Parallel, delayed, parallel_config

import fastnet
from fastnet.sweeps.data import Data, Source, at_hand
from fastnet.sweeps.recipe import Recipe
from fastnet.sweeps.run import Outcome, Task, attempt, one_thread_of_blas
from fastnet.utils import progress

_CONNECTING = 10  # seconds that a scheduler has to answer, and to find workers
_LOOKING = 1.0  # seconds between two looks at whether the cluster is still there
_PATIENCE = 5  # looks at a cluster that does nothing more for us, before what it has not done is taken for lost


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield a connection to a scheduler.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If no scheduler answers.
    """
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise ImportError("a scheduler needs Dask; pip install 'fastnet-nndl[dask]' installs it") from None
    try:
        get_address_host_port(address)  # which finds out at once what is no address
        client: Any = Client(address, timeout=_CONNECTING, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConnectionError(f"no scheduler answers at {address} ({error})") from None
    with client:
        yield client


def outcomes(
    tasks: Sequence[Task], *, data: Data | Source, fingerprint: str, client: Any, step: Callable[[Recipe], object]
) -> Generator[Outcome, None, None]:
    """Train networks on the workers of a scheduler, and yield each result as soon as it is known.

    When a worker dies, another worker trains its unfinished networks. Data sets are sent to each worker once; where a
    description is given, each worker loads the data.

    Parameters
    ----------
    tasks : sequence of (Recipe, int)
        What to train: recipes and seeds.
    data : Data or Source
        What to train on, or where it lies on each worker.
    fingerprint : str
        Fingerprint of the data.
    client : distributed.Client
        The connection to the scheduler.
    step : callable
        Called with the recipe for each epoch, when a network is trained.

    Yields
    ------
    recipe, seed, run
        Instead of the run, the message of an error that ended it.

    Raises
    ------
    OSError
        If the scheduler does not answer any more.
    """
    results: queue.SimpleQueue[Outcome | Exception] = queue.SimpleQueue()
    result: Outcome | Exception | None
    all_sent = threading.Event()

    def calls() -> Iterator[Any]:
        for recipe, seed in tasks:
            yield delayed(_train)(recipe, seed, data, fingerprint, fastnet.__version__)
        all_sent.set()

    def collect() -> None:
        scatter = [data] if isinstance(data, Data) else None
        try:
            with parallel_config("dask", client=client, scatter=scatter, wait_for_workers_timeout=_CONNECTING):
                for result in Parallel(batch_size=1, pre_dispatch="all", return_as="generator_unordered")(calls()):
                    results.put(result)
        except Exception as error:
            results.put(error)

    threading.Thread(target=collect, daemon=True).start()  # for joblib waits for ever for what Dask has given up
    left, idle = set(tasks), 0
    while left and idle < _PATIENCE:
        try:
            result = results.get(timeout=_LOOKING)
        except queue.Empty:
            result = CancelledError() if client.status != "running" else None
            idle = idle + 1 if all_sent.is_set() and not _is_busy(client) else 0
        if isinstance(result, Exception):
            raise _in_words(result)
        if result is not None:
            recipe, seed, _ = result
            left.remove((recipe, seed))
            for _ in range(recipe.epochs):
                step(recipe)
            yield result
    for recipe, seed in left:
        yield recipe, seed, "given up by the workers: they died of it, or fastnet is not installed there"


def _is_busy(client: Any) -> bool:
    """Whether a task of this client is waiting, or being done."""
    return any(state.status == "pending" for state in list(client.futures.values()))


def _in_words(error: Exception) -> Exception:
    """Return what joblib and Dask say of the cluster as an error for people; of others, the error itself."""
    if isinstance(error, CancelledError):
        return ConnectionError("the scheduler does not answer any more")
    if isinstance(error, TimeoutError):
        return ConnectionError(f"the scheduler had no worker for {_CONNECTING} seconds")
    return error


def _train(recipe: Recipe, seed: int, data: Data | Source, fingerprint: str, version: str) -> Outcome:
    """Train a network on a worker."""
    if version != fastnet.__version__:
        reason = f"this worker has fastnet {fastnet.__version__}, and the sweep was started by fastnet {version}"
        return recipe, seed, reason
    try:
        here = at_hand(data, fingerprint)
    except (OSError, ValueError) as error:
        return recipe, seed, str(error)
    _limit_blas()
    with progress.in_background():
        return attempt(recipe, seed, here, lambda history: None)


@cache
def _limit_blas() -> None:
    """Have NumPy use one thread in this process from now on: a worker trains a network in each of its threads."""
    one_thread_of_blas()
