"""Overfitting: 30 hidden neurons learn 1,000 digits by heart.

From about epoch 280 on, the accuracy on the test data no longer rises, while the cost on the training data still falls.
The cost on the test data rises from about epoch 15 on: the network learns peculiarities of its 1,000 samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.digits import mnist, percent, silently
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment
from fastnet.plots.figures import PALETTE, in_percent, style_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "Overfitting: 1,000 training samples, 400 epochs",
    published=[
        Published("training accuracy after the last epoch", 100.0, "%", FIGURE_DATA),
        Published("test accuracy after the last epoch", 82.2, "%", FIGURE_DATA),
    ],
    size=(9.0, 6.4),
)
def overfitting(*, samples: int = 1000, epochs: int = 400, seed: int = 0) -> Measured:
    """Train 784-30-10 with the cross-entropy cost and chapter 1's initial weights, without regularization."""
    training, _, test = mnist()
    training = training[:samples]
    net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
    net.large_weight_initializer()
    test_cost, test_correct, training_cost, training_correct = net.SGD(
        training,
        epochs,
        10,
        0.5,
        evaluation_data=test,
        monitor_evaluation_cost=True,
        monitor_evaluation_accuracy=True,
        monitor_training_cost=True,
        monitor_training_accuracy=True,
        report=silently,
    )
    data = {
        "training cost": training_cost,
        "test accuracy": [correct / len(test) for correct in test_correct],
        "test cost": test_cost,
        "training accuracy": [correct / len(training) for correct in training_correct],
    }
    return Measured(
        data,
        {
            "training accuracy after the last epoch": percent(training_correct[-1], training),
            "test accuracy after the last epoch": percent(test_correct[-1], test),
        },
    )


@overfitting.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the book's four figures: costs on the left, accuracies on the right."""
    for axes, (title, values), color in zip(figure.subplots(2, 2).flat, data.items(), PALETTE, strict=False):
        axes.plot(range(1, len(values) + 1), values, color=color)
        axes.set_title(title, loc="left")
        if "accuracy" in title:
            axes.yaxis.set_major_formatter(in_percent)
        style_curves(axes, len(values))
