"""Trains one network of a sweep. The result depends on the recipe, the seed and the data only."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from fastnet.datasets.dataset import fitting
from fastnet.learning.history import History
from fastnet.sweeps.data import Data
from fastnet.sweeps.recipe import Recipe
from fastnet.utils import arguments


@dataclass(frozen=True)
class Run:
    """The result of a training.

    Attributes
    ----------
    validation : tuple of int
        Number of validation samples classified correctly after each epoch.
    last : int
        Number of validation samples that the trained network classifies correctly.
    test : int or None
        Number of test samples that the trained network classifies correctly; None without test data.
    diverged : bool
        Whether the training ended because weights became infinite or NaN.
    seconds : float
        Duration of the training in seconds. Comparisons of runs ignore the duration.
    """

    validation: tuple[int, ...]
    last: int
    test: int | None
    diverged: bool
    seconds: float = field(compare=False)


Task: TypeAlias = tuple[Recipe, int]
"""A network to train: a recipe and a seed."""

Outcome: TypeAlias = tuple[Recipe, int, Run | str]
"""A recipe, a seed and a result: the run, or the message of the error that ended the training."""


def check(recipe: Recipe, data: Data) -> None:
    """Check that a recipe can be trained on the data, and prepare the data for the recipe's engine.

    Raises
    ------
    ImportError, TypeError, ValueError
        If the recipe cannot be trained.
    """
    net = recipe.network(seed=0)
    sets = {"training_data": data.training, "validation_data": data.validation, "test_data": data.test}
    for name, each in sets.items():
        if each is not None:
            with arguments.named(name):
                fitting(each, recipe.sizes[0], net.dtype).labels(recipe.sizes[-1])
    settings = {**recipe.training(), "epochs": 0}  # with 0 epochs, SGD checks all arguments and trains nothing
    net.SGD(data.training, evaluation_data=data.validation, monitor_evaluation_accuracy=True, **settings)


def run(recipe: Recipe, seed: int, data: Data, report: Callable[[History], object]) -> Run:
    """Train a network in one thread.

    Parameters
    ----------
    recipe, seed, data
        The recipe, the seed and the data of the training, which alone determine the result.
    report : callable
        Function that is called with the history after each epoch.
    """
    began = time.perf_counter()
    with one_thread(recipe.engine), np.errstate(all="ignore"):  # no warnings: `Run.diverged` shows overflows
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
    assert net.history is not None
    return Run(tuple(validation), last, test, net.history.diverged, time.perf_counter() - began)


def attempt(recipe: Recipe, seed: int, data: Data, report: Callable[[History], object]) -> Outcome:
    """Train a network as `run` does, and return the message of an error instead of raising it."""
    try:
        return recipe, seed, run(recipe, seed, data, report)
    except Exception as error:
        return recipe, seed, f"{type(error).__name__}: {error}"


def one_thread(engine: str) -> AbstractContextManager[object]:
    """Restrict an engine to the calling thread in the `with` block.

    Most BLAS libraries have one limit for the whole process. If several threads entered the block, the limit would end
    when the first of them leaves the block. A caller that trains in several threads therefore calls
    `one_thread_of_blas` before it starts the threads.
    """
    if engine == "numba":
        from fastnet.kernels import threads

        return threads.limited(1)
    if engine.startswith("torch"):
        from fastnet.utils import torch_threads

        return torch_threads.limited(1)
    return one_thread_of_blas()


def one_thread_of_blas() -> AbstractContextManager[object]:
    """Restrict NumPy's matrix products to one thread: until a `with` block ends, or permanently without `with`."""
    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits
