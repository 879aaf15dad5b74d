"""More than two hidden layers do not help: the accuracy of networks with one to four hidden layers of 30 neurons.

The second hidden layer raises the accuracy a little; further layers do not raise the accuracy. With each further layer,
the network needs more epochs before it learns anything at all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed

from fastnet.book.chapter5.speeds import deep_network, hidden_layers
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, Published, experiment
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.plots.figures import PALETTE, in_percent, style_curves
from fastnet.plots.labels import End, label_ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NUMBERS = (1, 2, 3, 4)
REASON = (
    "The accuracy changes by up to one percentage point from epoch to epoch. With one of 15 seeds, the accuracy after "
    "the last epoch is above the book's value; with six of them, the best accuracy is above the book's value."
)


@experiment(
    "Networks with one to four hidden layers: validation accuracy after the last epoch",
    published=[
        Published(hidden_layers(1), 96.48, "%"),
        Published(hidden_layers(2), 96.90, "%"),
        Published(hidden_layers(3), 96.57, "%"),
        Published(hidden_layers(4), 96.53, "%", reason_for_difference=REASON),
    ],
    size=(9.0, 4.2),
)
def depth(*, samples: int = 50_000, epochs: int = 30, seed: int = 0) -> Measured:
    """Train with eta 0.1, lambda 5 and mini-batches of 10, as many networks at a time as there are processors."""
    with warnings.catch_warnings():
        # The warnings are expected: deep networks learn nothing in their first epochs.
        warnings.simplefilter("ignore", TrainingWarning)
        curves = Parallel(n_jobs=-1, prefer="threads")(
            delayed(accuracies)(number, samples, epochs, seed) for number in reversed(NUMBERS)
        )
    data = dict(zip(map(hidden_layers, NUMBERS), reversed(curves), strict=True))
    return Measured(data, {name: 100 * curve[-1] for name, curve in data.items()})


def accuracies(number: int, samples: int, epochs: int, seed: int) -> list[float]:
    """Train a network of `number` hidden layers, and return its validation accuracy after each epoch, from 0 to 1."""
    training, validation, _ = mnist()
    _, correct, _, _ = deep_network(number, seed).SGD(
        training[:samples],
        epochs,
        10,
        0.1,
        lmbda=5.0,
        evaluation_data=validation,
        monitor_evaluation_accuracy=True,
        report=silently,
    )
    return [each / len(validation) for each in correct]


@depth.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the accuracies against the epochs in two panels: the whole range, and 93 to 97.5 % enlarged."""
    whole, enlarged = figure.subplots(1, 2)
    _draw(whole, data, "accuracy on the validation data", 0.0, 1.0)
    _draw(enlarged, data, "the same, enlarged", 0.93, 0.975)
    label_ends(
        enlarged,
        [
            End(name, color, (len(curve) - 1, curve[-1]))
            for (name, curve), color in zip(data.items(), PALETTE, strict=False)
        ],
    )


def _draw(axes: Axes, data: Mapping[str, Any], title: str, lowest: float, highest: float) -> None:
    for curve, color in zip(data.values(), PALETTE, strict=False):
        axes.plot(curve, color=color)
    axes.set_title(title, loc="left")
    axes.set_ylim(lowest, highest)
    axes.yaxis.set_major_formatter(in_percent)
    style_curves(axes, len(curve))
