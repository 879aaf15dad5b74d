"""Hidden neurons of three kinds: sigmoid, tanh and rectified linear.

The book does not say which kind is best, and gives no results. Each kind has its own learning rate, chosen on the
validation data. With these rates, the final accuracies differ by less than one percentage point. The most accurate kind
depends on the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_accuracies, shares
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ETAS = {"sigmoid": 0.25, "tanh": 0.05, "relu": 0.025}


@experiment("Sigmoid, tanh and rectified linear neurons")
def activations(*, samples: int = 50_000, epochs: int = 15, seed: int = 0) -> Measured:
    """Train 784-30-10 with hidden neurons of each kind, the cross-entropy cost and lambda 5 * samples / 50,000."""
    training, validation, _ = mnist()
    curves = {}
    for activation, eta in ETAS.items():
        net = network2.Network([784, 30, 10], network2.CrossEntropyCost, activation=activation, seed=seed)
        _, correct, _, _ = net.SGD(
            training[:samples],
            epochs,
            10,
            eta,
            lmbda=5.0 * samples / 50_000,
            evaluation_data=validation,
            monitor_evaluation_accuracy=True,
            report=silently,
        )
        curves[f"{activation}, eta {eta:g}"] = shares(correct, validation)
    return Measured(curves)


@activations.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the accuracy on the validation data against the epochs."""
    draw_accuracies(figure.subplots(), data, "validation accuracy", lowest=0.92)
