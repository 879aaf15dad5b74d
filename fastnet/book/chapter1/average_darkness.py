"""A baseline without learning: guess the digit from how dark its image is.

The average darkness of each digit comes from the training images. Each test image is classified as the digit with the
closest average. The guesses are right more than twice as often as random guesses, whose accuracy is ten percent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.digits import mnist, percent
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "Guessing a digit from the darkness of its image",
    published=[Published("test accuracy", 22.25, "%", tolerance=0.005)],
)
def average_darkness(*, samples: int = 50_000) -> Measured:
    """Compute the average darkness of each digit over the training images, and classify the test images."""
    training, _, test = mnist()
    labels, darknesses = training.labels(10)[:samples], darkness(training.inputs[:samples])
    averages = np.array([darknesses[labels == digit].mean() for digit in range(10)])
    of_test = darkness(test.inputs)
    guesses = np.abs(of_test[:, np.newaxis] - averages).argmin(axis=1)
    correct = guesses == test.targets
    found = [float(correct[test.targets == digit].mean()) for digit in range(10)]
    data = {"averages": averages, "accuracies": found, "guesses": guesses, "darkness": of_test, "labels": test.targets}
    return Measured(data, {"test accuracy": percent(int(correct.sum()), test)})


def darkness(images: np.ndarray) -> np.ndarray:
    """Return the sum of the grey values of each image: shape (n,), from images of shape (n, pixels)."""
    sums: np.ndarray = images.sum(axis=1, dtype=np.float64)
    return sums


@average_darkness.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw box plots of the test images' darkness with the training averages; below them, each digit's accuracy."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    by_digit = [data["darkness"][data["labels"] == digit] for digit in range(10)]
    upper.boxplot(
        by_digit,
        positions=range(10),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": "none"},
        boxprops={"color": PALETTE[0]},
        whiskerprops={"color": PALETTE[0]},
        capprops={"color": PALETTE[0]},
    )
    upper.plot(range(10), data["averages"], "D", color=PALETTE[1])
    upper.set_title("darkness: average (diamond), half (box) and 90 % (whiskers) of the images", loc="left")
    upper.set_ylabel("sum of grey values")
    lower.bar(range(10), [100 * accuracy for accuracy in data["accuracies"]], color=PALETTE[0])
    lower.set_title("test images that are guessed right", loc="left")
    lower.set(xlabel="digit", ylabel="accuracy (%)", xticks=range(10), xticklabels=range(10))
    for axes in (upper, lower):
        axes.grid(axis="y", color=GRID)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
