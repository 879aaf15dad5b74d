"""Three learning rates: too small, about right, and too large.

With eta 0.025, the training cost falls smoothly until the last epoch. With eta 0.25, the cost falls fast and then
varies a little. With eta 2.5, the cost oscillates from the beginning and stays far above the two other costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_curves
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@experiment(
    "Three learning rates",
    published=[
        Published("training cost after the last epoch, eta 0.025", 0.339, "", FIGURE_DATA),
        Published("training cost after the last epoch, eta 0.25", 0.339, "", FIGURE_DATA),
        Published("training cost after the last epoch, eta 2.5", 0.861, "", FIGURE_DATA),
    ],
)
def multiple_eta(
    *, etas: Sequence[float] = (0.025, 0.25, 2.5), samples: int = 50_000, epochs: int = 30, seed: int = 0
) -> Measured:
    """Train 784-30-10 with lambda 5 * samples / 50,000 and each eta, from the same initial weights."""
    training, _, _ = mnist()
    training = training[:samples]
    curves = {}
    for eta in etas:
        net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
        _, _, cost, _ = net.SGD(
            training, epochs, 10, eta, lmbda=5.0 * samples / 50_000, monitor_training_cost=True, report=silently
        )
        curves[f"eta {eta:g}"] = cost
    return Measured(
        curves, {f"training cost after the last epoch, {name}": costs[-1] for name, costs in curves.items()}
    )


@multiple_eta.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the training cost, including the regularization term, against the epochs."""
    draw_curves(figure.subplots(), data, "training cost", lowest=0)
