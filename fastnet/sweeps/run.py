"""One network of a sweep: what comes of a recipe, a seed and data, the same wherever it is trained."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from fastnet.learning.history import History
from fastnet.learning.schedules import Plan
from fastnet.sweeps.data import Data
from fastnet.sweeps.recipe import Recipe
from fastnet.utils import arguments


@dataclass(frozen=True)
class Run:
    """What came of a training.

    Attributes
    ----------
    validation : tuple of int
        For how many validation samples the largest output was the right one, after each epoch.
    last : int
        Likewise, of the network as it was left.
    test : int or None
        Likewise, for how many test samples.
    diverged : bool
        Whether its weights became infinite or not a number, which ended the training.
    seconds : float
        How long it took; two runs are equal without it.
    """

    validation: tuple[int, ...]
    last: int
    test: int | None
    diverged: bool
    seconds: float = field(compare=False)


Task: TypeAlias = tuple[Recipe, int]
"""What to train: a recipe and a seed."""

Outcome: TypeAlias = tuple[Recipe, int, Run | str]
"""What came of it; or, in words, why nothing did."""


def check(recipe: Recipe, data: Data) -> None:
    """Find out whether a recipe can be trained on the data, and prepare what its engine needs of them.

    Raises
    ------
    ImportError, TypeError, ValueError
        If it cannot.
    """
    net = recipe.network(seed=0)
    settings = {**recipe.training(), "epochs": 0}  # with which SGD looks at everything, and trains nothing
    net.SGD(data.training, evaluation_data=data.validation, monitor_evaluation_accuracy=True, **settings)
    if data.test is not None:
        with arguments.named("test_data"):
            data.test.check_inputs(recipe.sizes[0])
            data.test.check_numbers(net.dtype)
            data.test.labels(recipe.sizes[-1])


def run(recipe: Recipe, seed: int, data: Data, report: Callable[[History], object]) -> Run:
    """Train a network in one thread.

    Parameters
    ----------
    recipe, seed, data
        They decide on the result.
    report : callable
        What to call with the history after each epoch.
    """
    began = time.perf_counter()
    with one_thread(recipe.engine), np.errstate(all="ignore"):  # a network that diverges says so in its result
        net = recipe.network(seed)
        _, validation, _, _ = net.SGD(
            data.training,
            evaluation_data=data.validation,
            monitor_evaluation_accuracy=True,
            report=report,
            **recipe.training(),
        )
        last = validation[-1] if validation else net.accuracy(data.validation)
        test = None if data.test is None else net.accuracy(data.test)
    return Run(tuple(validation), last, test, _diverged(recipe, validation), time.perf_counter() - began)


def _diverged(recipe: Recipe, validation: list[int]) -> bool:
    """Whether there are fewer epochs than there were to be, and not because of the plan."""
    plan = Plan(recipe.eta, recipe.patience, recipe.schedule)
    for correct in validation:
        plan.look_at(correct)
    return len(validation) < recipe.epochs and not plan.stopped


def attempt(recipe: Recipe, seed: int, data: Data, report: Callable[[History], object]) -> Outcome:
    """Train a network as `run` does; an error is no reason not to train the others."""
    try:
        return recipe, seed, run(recipe, seed, data, report)
    except Exception as error:
        return recipe, seed, f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def one_thread(engine: str) -> Iterator[None]:
    """Have an engine compute in this thread alone in the `with` block.

    Most libraries that compute NumPy's products have one limit for a whole process. Whoever trains in several threads
    sets it before, with `one_thread_of_blas`, for it would end with the first thread that leaves such a block.
    """
    if engine == "numba":
        from fastnet.kernels import threads

        with threads.limited(1):
            yield
    elif engine.startswith("torch"):
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)  # of this thread; those that begin later ask for it as well
        try:
            yield
        finally:
            torch.set_num_threads(before)
    else:
        with one_thread_of_blas():
            yield


def one_thread_of_blas() -> threadpool_limits:
    """Have NumPy compute products in one thread, until the end of the `with` block if there is one."""
    return threadpool_limits(1, user_api="blas")
