"""Training and drawing for the chapter's figures on overfitting and on regularization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from fastnet import network2
from fastnet.book.chapter3.curves import shares
from fastnet.book.digits import mnist, silently
from fastnet.plots.figures import PALETTE, in_percent, style_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curves: TypeAlias = dict[str, list[float]]


def train(samples: int, epochs: int, lmbda: float, seed: int, *, costs: bool) -> Curves:
    """Train 784-30-10 with the cross-entropy cost, eta 0.5, mini-batches of 10 and chapter 1's initial weights.

    Parameters
    ----------
    samples : int
        Number of training samples.
    epochs : int
        Number of epochs.
    lmbda : float
        L2 regularization parameter.
    seed : int
        Seed of the network.
    costs : bool
        Whether to compute costs as well as accuracies.

    Returns
    -------
    dict of str to list of float
        "training accuracy" and "test accuracy" after each epoch, from 0 to 1. With `costs`, also "training cost" and
        "test cost".
    """
    training, _, test = mnist()
    training = training[:samples]
    net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
    net.large_weight_initializer()
    test_cost, test_correct, training_cost, training_correct = net.SGD(
        training,
        epochs,
        10,
        0.5,
        lmbda,
        evaluation_data=test,
        monitor_evaluation_cost=costs,
        monitor_evaluation_accuracy=True,
        monitor_training_cost=costs,
        monitor_training_accuracy=True,
        report=silently,
    )
    curves = {"training accuracy": shares(training_correct, training), "test accuracy": shares(test_correct, test)}
    return {**curves, "training cost": training_cost, "test cost": test_cost} if costs else curves


def in_the_end(curves: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return accuracies in percent: training and test accuracy after the last epoch, and the best test accuracy."""
    return {
        "training accuracy after the last epoch": 100 * curves["training accuracy"][-1],
        "test accuracy after the last epoch": 100 * curves["test accuracy"][-1],
        "best test accuracy": 100 * max(curves["test accuracy"]),
    }


def draw_all(curves: Mapping[str, Sequence[float]], figure: Figure) -> None:
    """Draw four panels: costs above, accuracies below; training data on the left, test data on the right.

    The training cost may fall by several powers of ten, so its axis is logarithmic. The accuracies in the first
    fortieth of the epochs are far below the later accuracies, and are left out.
    """
    names = ("training cost", "test cost", "training accuracy", "test accuracy")
    for axes, name, color in zip(figure.subplots(2, 2).flat, names, PALETTE, strict=False):
        values = curves[name]
        first = len(values) // 40 if "accuracy" in name else 0
        axes.plot(range(first, len(values)), values[first:], color=color)
        axes.set_title(name, loc="left")
        if name == "training cost":
            axes.set_yscale("log")
        if "accuracy" in name:
            axes.yaxis.set_major_formatter(in_percent)
        style_curves(axes, len(values))
