"""Early stopping: training ends after n consecutive epochs in which the best validation accuracy has not improved.

A larger n may take more epochs, and may find improvements that a smaller n misses. One run shows this for all n,
because a run with a smaller n is the beginning of the run with the largest n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import shares
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import PALETTE, in_percent, style_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Early stopping: no improvement in n epochs")
def early_stopping(
    *, patience: Sequence[int] = (5, 10, 20), samples: int = 50_000, epochs: int = 200, seed: int = 0
) -> Measured:
    """Train 784-30-10 with the largest n, and find after which epoch each n ends training.

    Eta is 0.5, and lambda is 5 * samples / 50,000.

    Parameters
    ----------
    patience : sequence of int
        Values of n: numbers of epochs without an improvement.
    samples : int
        Number of training samples.
    epochs : int
        Largest number of epochs.
    seed : int
        Seed of the network.
    """
    training, validation, _ = mnist()
    net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
    _, correct, _, _ = net.SGD(
        training[:samples],
        epochs,
        10,
        0.5,
        lmbda=5.0 * samples / 50_000,
        evaluation_data=validation,
        monitor_evaluation_accuracy=True,
        patience=max(patience),
        report=silently,
    )
    ends = {n: epochs_until(correct, n) for n in patience}
    accuracy = shares(correct, validation)
    best = {n: max(accuracy[:end]) for n, end in ends.items()}
    return Measured({"validation accuracy": accuracy, "epochs": ends, "best accuracy": best})


def epochs_until(correct: Sequence[int], patience: int) -> int:
    """Return the number of epochs that are trained if training ends after `patience` epochs without an improvement."""
    best = without = -1
    for epoch, value in enumerate(correct, 1):
        without = 0 if value > best else without + 1
        best = max(best, value)
        if without == patience:
            return epoch
    return len(correct)


@early_stopping.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the validation accuracy against the epochs, with a vertical line at the last epoch for each n."""
    accuracy = data["validation accuracy"]
    axes = figure.subplots()
    axes.plot(accuracy, color=PALETTE[-1], linewidth=1)
    for (n, end), color in zip(data["epochs"].items(), PALETTE, strict=False):
        label = f"n = {n}: ends after {end} epochs, best {in_percent(data['best accuracy'][n])}"
        axes.axvline(end - 1, color=color, label=label)
    axes.set_title("validation accuracy", loc="left")
    axes.yaxis.set_major_formatter(in_percent)
    style_curves(axes, len(accuracy))
    figure.legend(loc="outside lower center", frameon=False)
