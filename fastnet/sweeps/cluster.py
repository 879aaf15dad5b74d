"""Trains networks on a cluster, with joblib's Dask backend.

A worker trains a network with `attempt`, as a thread of `fastnet.sweeps.threads` does.
"""

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
from fastnet.sweeps.data import Data, Source, load_on_worker
from fastnet.sweeps.recipe import Recipe
from fastnet.sweeps.run import Outcome, Task, attempt, one_thread_of_blas
from fastnet.utils import progress

_CONNECTING = 10  # largest number of seconds to wait for a scheduler's answer, and then for a worker
_CHECK_INTERVAL = 1.0  # number of seconds between two checks of the cluster
_PATIENCE = 5  # number of consecutive checks with an idle cluster, after which unfinished networks count as lost


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield a connection to a scheduler, given its address, such as tcp://HOST:8786.

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
        get_address_host_port(address)  # raises an error immediately if the address is malformed
        client: Any = Client(address, timeout=_CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no scheduler answers at {address} ({error}); start a scheduler, or correct the address"
        ) from None
    with client:
        yield client


def outcomes(
    tasks: Sequence[Task], *, data: Data | Source, fingerprint: str, client: Any, step: Callable[[Recipe], object]
) -> Generator[Outcome, None, None]:
    """Train networks on the workers of a scheduler, and yield each result as soon as it is known.

    If a worker dies, the unfinished networks of that worker are trained by another worker. A `Data` object is sent
    to each worker once. With a `Source`, each worker loads the data.

    Parameters
    ----------
    tasks : sequence of (Recipe, int)
        The recipes and seeds to train.
    data : Data or Source
        The data sets, or the source from which each worker loads the data sets.
    fingerprint : str
        Fingerprint of the data.
    client : distributed.Client
        The connection to the scheduler.
    step : callable
        Function that is called with the recipe when a training has ended, as many times as the recipe has epochs.

    Yields
    ------
    recipe, seed, run
        A task and its result. If an error ended the training, `run` is the error message.

    Raises
    ------
    OSError
        If the scheduler no longer answers, or has no worker.
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

    # joblib waits forever for tasks that Dask has abandoned. A daemon thread does not keep the process from ending.
    threading.Thread(target=collect, daemon=True).start()
    left, idle = set(tasks), 0
    while left and idle < _PATIENCE:
        try:
            result = results.get(timeout=_CHECK_INTERVAL)
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
        yield recipe, seed, "no worker finished this network: the workers died, or fastnet is not installed on them"


def _is_busy(client: Any) -> bool:
    """Whether a task of this client is waiting or running."""
    return any(state.status == "pending" for state in list(client.futures.values()))


def _in_words(error: Exception) -> Exception:
    """Return a readable error in place of joblib's or Dask's error about the cluster. Return other errors unchanged."""
    if isinstance(error, CancelledError):
        return ConnectionError("the scheduler no longer answers")
    if isinstance(error, TimeoutError):
        return ConnectionError(f"the scheduler had no worker for {_CONNECTING} seconds; start workers first")
    return error


def _train(recipe: Recipe, seed: int, data: Data | Source, fingerprint: str, version: str) -> Outcome:
    """Train a network on a worker."""
    if version != fastnet.__version__:
        reason = (
            f"this worker has fastnet {fastnet.__version__}, but the sweep was started by fastnet {version}; "
            "install the same version"
        )
        return recipe, seed, reason
    try:
        here = load_on_worker(data, fingerprint)
    except (OSError, ValueError) as error:
        return recipe, seed, str(error)
    _limit_blas()
    with progress.in_background():
        return attempt(recipe, seed, here, lambda history: None)


@cache
def _limit_blas() -> None:
    """Restrict NumPy to one thread in this process permanently, because each thread of a worker trains a network."""
    one_thread_of_blas()
