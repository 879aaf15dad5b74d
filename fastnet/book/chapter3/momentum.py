"""Momentum: with a small learning rate, a larger momentum coefficient lowers the training cost faster.

A coefficient of 0 is plain gradient descent. The book gives no results for momentum; the settings are fastnet's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_curves
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import Measured, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment("Momentum")
def momentum(
    *,
    coefficients: Sequence[float] = (0.0, 0.5, 0.9),
    eta: float = 0.025,
    samples: int = 50_000,
    epochs: int = 10,
    seed: int = 0,
) -> Measured:
    """Train 784-30-10 with the cross-entropy cost and each momentum coefficient, from the same initial weights."""
    training, _, _ = mnist()
    curves = {}
    for coefficient in coefficients:
        net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
        _, _, cost, _ = net.SGD(
            training[:samples], epochs, 10, eta, momentum=coefficient, monitor_training_cost=True, report=silently
        )
        curves[f"momentum {coefficient:g}"] = cost
    return Measured(curves)


@momentum.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the cost on the training data against the epochs."""
    draw_curves(figure.subplots(), data, "training cost", lowest=0)
