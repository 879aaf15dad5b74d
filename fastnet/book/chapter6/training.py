"""Trains the chapter's networks, several at a time, on the original or on the expanded training data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, cpu_count, delayed

from fastnet import expand_mnist
from fastnet.book.chapter6.networks import MINI_BATCH_SIZE
from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, Published
from fastnet.datasets.dataset import Dataset
from fastnet.network3 import Network
from fastnet.network3.layers import Layer
from fastnet.utils import progress


class Recipe(NamedTuple):
    """A network and the settings of its training.

    Attributes
    ----------
    layers : callable
        Function that returns new layers.
    eta, lmbda : float
        Learning rate, and L2 regularization parameter.
    expanded : bool
        Whether the training data are expanded: each image, and its copies shifted by a pixel in four directions.
    book : float
        The book's test accuracy, in percent; NaN if the book has none.
    """

    layers: Callable[[], list[Layer]]
    eta: float
    lmbda: float = 0.0
    expanded: bool = False
    book: float = np.nan


def train(
    recipes: Iterable[Recipe],
    samples: int,
    test_samples: int,
    epochs: int,
    seeds: Iterable[int],
    *,
    is_tested: bool = True,
) -> list[Network]:
    """Train a network for each recipe with the seed at the same index, as many at a time as there are processors.

    Parameters
    ----------
    recipes : iterable of Recipe
        Networks and settings; one recipe for each network.
    samples, test_samples : int
        Number of training samples before expansion, and number of validation and of test samples. The first samples
        of each set are taken.
    epochs : int
        Number of epochs.
    seeds : iterable of int
        Seeds; one for each network.
    is_tested : bool, optional
        Whether to compute the test accuracy as well as the validation accuracy.

    Raises
    ------
    ValueError
        If the numbers of recipes and seeds differ.
    """
    pairs = list(zip(recipes, seeds, strict=True))
    _, validation, test = (each[:test_samples] for each in mnist())
    data = {expanded: training_data(samples, expanded) for expanded in {recipe.expanded for recipe, _ in pairs}}

    stopping = threading.Event()

    def stop_if_asked() -> None:
        if stopping.is_set():
            raise RuntimeError("another network failed, or Ctrl-C was pressed")

    def run(net: Network, recipe: Recipe) -> None:
        training = data[recipe.expanded]
        with progress.in_background(stop_if_asked):  # one progress bar shows all networks
            net.SGD(
                training,
                epochs,
                MINI_BATCH_SIZE,
                recipe.eta,
                validation,
                test if is_tested else None,
                lmbda=recipe.lmbda,
                report=lambda history: step(),
            )

    networks = [Network(recipe.layers(), MINI_BATCH_SIZE, seed=seed) for recipe, seed in pairs]
    with progress.steps("Epochs", len(pairs) * epochs) as step:
        tasks = [delayed(run)(net, recipe) for net, (recipe, _) in zip(networks, pairs, strict=True)]
        try:
            # Callers give the largest networks last. They take longest, so they start first.
            Parallel(n_jobs=min(cpu_count(), len(tasks)), prefer="threads", batch_size=1)(reversed(tasks))
        finally:
            stopping.set()
    return networks


def training_data(samples: int, expanded: bool) -> Dataset:
    """Return the first `samples` training samples; with `expanded`, five times as many, in a fixed random order."""
    training = mnist()[0][:samples]
    if not expanded:
        return training
    data = expand_mnist.expand(training)
    # The copies of an image follow one another, and `Network.SGD` of network3 does not shuffle.
    return data[np.random.default_rng(0).permutation(len(data))]


def accuracies(recipes: Mapping[str, Recipe], samples: int, test_samples: int, epochs: int, seed: int) -> Measured:
    """Train networks with the same seed, and return their accuracies.

    `data` has two mappings, whose keys are the names of the networks: "validation accuracy" after each epoch, and "test
    accuracy" after the epoch with the best validation accuracy, as in the book. The accuracies in `data` are from 0 to
    1. The accuracies in `values` are in percent.
    """
    networks = train(recipes.values(), samples, test_samples, epochs, [seed] * len(recipes))
    data: dict[str, dict[str, Any]] = {"validation accuracy": {}, "test accuracy": {}}
    for name, net in zip(recipes, networks, strict=True):
        data["validation accuracy"][name] = validation_accuracies(net)
        data["test accuracy"][name] = best_test_accuracy(net)
    return Measured(data, {f"test accuracy, {name}": 100 * share for name, share in data["test accuracy"].items()})


def published(recipes: Mapping[str, Recipe]) -> list[Published]:
    """Return the book's test accuracies, under the names that `accuracies` uses."""
    return [Published(f"test accuracy, {name}", recipe.book, "%") for name, recipe in recipes.items()]


def validation_accuracies(net: Network) -> list[float]:
    """Return the validation accuracy after each epoch of the last training, from 0 to 1."""
    assert net.history is not None
    return [correct / net.history.evaluation_samples for correct in net.history.series("evaluation_accuracy")]


def best_test_accuracy(net: Network) -> float:
    """Return the test accuracy, from 0 to 1, after the epoch with the best validation accuracy."""
    assert net.best is not None
    assert net.best.test_accuracy is not None
    return net.best.test_accuracy
