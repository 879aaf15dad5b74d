"""The cross-entropy cost on MNIST, with 30 and with 100 hidden neurons.

As in chapter 1, the network with more hidden neurons is more accurate. There is no regularization yet, and the initial
weights are those of chapter 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_accuracies, shares
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, Published, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REASON = "In the book's figure on overfitting, another run of the same training reaches 95.33 % at best."


@experiment(
    "The cross-entropy cost on MNIST",
    published=[
        Published("best test accuracy, 30 hidden neurons", 95.49, "%", reason_for_difference=_REASON),
        Published("best test accuracy, 100 hidden neurons", 96.82, "%"),
    ],
)
def cross_entropy(
    *, hidden: Sequence[int] = (30, 100), samples: int = 50_000, epochs: int = 30, seed: int = 0
) -> Measured:
    """Train a network for each number of hidden neurons, with eta 0.5 and mini-batches of 10."""
    training, _, test = mnist()
    curves = {}
    for neurons in hidden:
        net = network2.Network([784, neurons, 10], network2.CrossEntropyCost, seed=seed)
        net.large_weight_initializer()
        _, correct, _, _ = net.SGD(
            training[:samples],
            epochs,
            10,
            0.5,
            evaluation_data=test,
            monitor_evaluation_accuracy=True,
            report=silently,
        )
        curves[f"{neurons} hidden neurons"] = shares(correct, test)
    return Measured(curves, {f"best test accuracy, {name}": 100 * max(curve) for name, curve in curves.items()})


@cross_entropy.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the accuracy on the test data against the epochs."""
    draw_accuracies(figure.subplots(), data, "test accuracy", lowest=0.9)
