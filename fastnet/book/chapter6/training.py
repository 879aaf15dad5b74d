"""How the chapter trains its networks: several at a time, on the digits as they are or on the expanded data."""

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
    """A network and how it is trained.

    Attributes
    ----------
    layers : callable
        Makes its layers.
    eta, lmbda : float
        The learning rate, and the parameter of L2 regularization.
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
    """Train a network for each recipe and seed, as many at a time as there are processors.

    Parameters
    ----------
    recipes : iterable of Recipe
        The networks.
    samples, test_samples : int
        Numbers of training samples, before they are expanded, and of validation and test samples: the first ones.
    epochs : int
        How many.
    seeds : iterable of int
        A seed for each network.
    is_tested : bool, optional
        Whether the test accuracy is wanted, and not the validation accuracy alone.
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
        with progress.in_background(stop_if_asked):  # there is one bar for all networks
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
            # The last ones take longest.
            Parallel(n_jobs=min(cpu_count(), len(tasks)), prefer="threads", batch_size=1)(reversed(tasks))
        finally:
            stopping.set()
    return networks


def training_data(samples: int, expanded: bool) -> Dataset:
    """Return the first training samples, or five times as many in a random order, which is the same each time."""
    training = mnist()[0][:samples]
    if not expanded:
        return training
    data = expand_mnist.expand(training)
    # Chapter 6's SGD does not shuffle.
    return data[np.random.default_rng(0).permutation(len(data))]


def accuracies(recipes: Mapping[str, Recipe], samples: int, test_samples: int, epochs: int, seed: int) -> Measured:
    """Train networks with the same seed, and return their accuracies.

    The data are mappings by the names of the networks: "validation accuracy" after each epoch, and "test accuracy"
    after the epoch with the best validation accuracy, as the book gives it. Accuracies are shares of the samples.
    """
    networks = train(recipes.values(), samples, test_samples, epochs, [seed] * len(recipes))
    data: dict[str, dict[str, Any]] = {"validation accuracy": {}, "test accuracy": {}}
    for name, net in zip(recipes, networks, strict=True):
        data["validation accuracy"][name] = validation_accuracies(net)
        data["test accuracy"][name] = best_test_accuracy(net)
    return Measured(data, {f"test accuracy, {name}": 100 * share for name, share in data["test accuracy"].items()})


def published(recipes: Mapping[str, Recipe]) -> list[Published]:
    """Return the book's test accuracies, by the names that `accuracies` uses."""
    return [Published(f"test accuracy, {name}", recipe.book, "%") for name, recipe in recipes.items()]


def validation_accuracies(net: Network) -> list[float]:
    """Return the validation accuracy after each epoch of the last training."""
    assert net.history is not None
    return [correct / net.history.evaluation_samples for correct in net.history.series("evaluation_accuracy")]


def best_test_accuracy(net: Network) -> float:
    """Return the test accuracy after the epoch with the best validation accuracy."""
    assert net.best is not None
    assert net.best.test_accuracy is not None
    return net.best.test_accuracy
