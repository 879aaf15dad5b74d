"""An ensemble: five networks with dropout vote on each digit.

The picture shows the digits that the ensemble gets wrong. With seed 0, the five networks have test accuracies from
99.54 to 99.58 %, and the ensemble is more accurate than each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.chapter6.dropout import NETWORKS
from fastnet.book.chapter6.training import best_test_accuracy, train
from fastnet.book.digits import mnist, percent
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.book.seeds import consecutive
from fastnet.plots.figures import PALETTE
from fastnet.plots.images import Mosaic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 60
"""Largest number of misclassified digits that are drawn."""


@experiment("An ensemble of five networks", published=[Published("test accuracy", 99.67, "%")], size=(8.0, 3.2))
def ensemble(
    *, networks: int = 5, samples: int = 50_000, test_samples: int = 10_000, epochs: int = 40, seed: int = 0
) -> Measured:
    """Train networks as in `dropout`, each with its own seed, and let them vote on the test digits."""
    seeds = consecutive(seed * networks, networks)
    (recipe,) = NETWORKS.values()
    trained = train([recipe] * networks, samples, test_samples, epochs, seeds)
    test = mnist()[2][:test_samples]
    answers = vote(net.predictions(test.inputs) for net in trained)
    wrong = np.flatnonzero(answers != test.targets)
    data = {
        "images": test.inputs[wrong].reshape(-1, 28, 28),
        "labels": test.targets[wrong],
        "answers": answers[wrong],
        "test samples": len(test),
        "test accuracy of each network": [best_test_accuracy(net) for net in trained],
    }
    return Measured(data, {"test accuracy": percent(len(test) - len(wrong), test)})


def vote(predictions: Iterable[np.ndarray]) -> np.ndarray:
    """Return the label that most networks predict for each sample, shape (n,); of tied labels, the lowest."""
    votes = np.sum([each[:, np.newaxis] == np.arange(10) for each in predictions], axis=0)
    most: np.ndarray = votes.argmax(axis=1)
    return most


@ensemble.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the digits that the ensemble gets wrong, each with its label above the ensemble's answer."""
    axes = figure.subplots()
    images = data["images"][:SHOWN]
    axes.set_title(f"{len(data['images']):,} of {data['test samples']:,} test digits are wrong", loc="left")
    if not len(images):
        return axes.set_axis_off()
    mosaic = Mosaic(images, (2, 12))
    mosaic.draw(axes, cmap="gray_r")
    for i, pair in enumerate(zip(data["labels"][:SHOWN], data["answers"][:SHOWN], strict=True)):
        top, left = mosaic.corner(i)
        for digit, row, color in zip(pair, (7, 21), PALETTE, strict=False):
            axes.text(left + 33, top + row, digit, color=color, ha="center", va="center")
    axes.set_xlabel("at the right of each digit, its label is above the ensemble's answer")
    return None
