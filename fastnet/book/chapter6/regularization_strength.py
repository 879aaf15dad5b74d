"""The strength of L2 regularization: networks with different values of lambda, on a part of the training data.

A lambda of up to 10 changes the accuracy no more than the seed does. With a lambda of 100, the accuracy is lower. The
book's program tries the same values of lambda. All networks together train for about two minutes on two processors.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter6.networks import two_convolutions
from fastnet.book.chapter6.training import Recipe, train
from fastnet.book.experiment import Measured, experiment
from fastnet.book.seeds import consecutive
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.network3 import ReLU
from fastnet.plots.figures import GRID, OTHERS, PALETTE, in_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAMBDAS = (0.0, 0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


@experiment("The strength of L2 regularization")
def regularization_strength(
    *,
    lambdas: Sequence[float] = LAMBDAS,
    networks: int = 2,
    samples: int = 5_000,
    test_samples: int = 5_000,
    epochs: int = 10,
    seed: int = 0,
) -> Measured:
    """Train networks of rectified linear units with each lambda, and compare their validation accuracies.

    Parameters
    ----------
    lambdas : sequence of float
        Values of lambda for 50,000 samples. For fewer samples, lambda is reduced in proportion, so that weights decay
        equally fast in each mini-batch.
    networks : int
        Number of networks for each lambda.
    samples, test_samples, epochs : int
        Number of training samples, number of validation samples, and number of epochs.
    seed : int
        The networks for each lambda have the seeds `seed * networks`, `seed * networks + 1`, ...
    """
    pairs = list(product(lambdas, consecutive(seed * networks, networks)))
    recipes = [Recipe(partial(two_convolutions, ReLU), 0.03, lmbda * samples / 50_000) for lmbda, _ in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)  # expected where lambda is too large
        trained = train(recipes, samples, test_samples, epochs, [seed for _, seed in pairs], is_tested=False)
    best = np.reshape([net.best.validation_accuracy for net in trained if net.best], (len(lambdas), networks))
    return Measured({"lambda": np.array(lambdas), "validation accuracy": best})


@regularization_strength.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the best validation accuracy of each network against lambda, and a line through the means."""
    axes = figure.subplots()
    accuracy, places = data["validation accuracy"], range(len(data["lambda"]))
    for place in places:
        axes.plot([place] * accuracy.shape[1], accuracy[place], "o", color=OTHERS, label="" if place else "a network")
    axes.plot(places, accuracy.mean(axis=1), color=PALETTE[0], label="mean")
    axes.set_xticks(places, [np.format_float_positional(lmbda, trim="-") for lmbda in data["lambda"]])
    axes.set_xlabel("lambda, as for 50,000 training samples")
    axes.yaxis.set_major_formatter(in_percent)
    axes.set_title("best validation accuracy", loc="left")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", frameon=False)
