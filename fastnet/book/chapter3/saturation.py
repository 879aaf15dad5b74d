"""A saturated neuron learns slowly with the quadratic cost, and fast with the cross-entropy cost.

One sigmoid neuron with one input learns by gradient descent to output 0 for the input 1. If its first output is almost
1, the neuron learns very little in the first 150 epochs with the quadratic cost. With the cross-entropy cost, the
neuron learns faster if the error is larger, so the cost falls fastest at the beginning. As the book says, the learning
rates of the two costs cannot be compared, but the shapes of the curves can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet.book.experiment import Measured, Published, experiment
from fastnet.network2 import CrossEntropyCost, QuadraticCost, sigmoid
from fastnet.plots.figures import PALETTE, style_curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS = {"weight 0.6, bias 0.9": (0.6, 0.9), "weight 2, bias 2": (2.0, 2.0)}
COSTS = {"quadratic cost, eta 0.15": (QuadraticCost, 0.15), "cross-entropy cost, eta 0.005": (CrossEntropyCost, 0.005)}


def learn(cost: Any, eta: float, weight: float, bias: float, epochs: int) -> tuple[list[float], list[float]]:
    """Train a neuron to output 0 for the input 1. Return its outputs and costs before training and after each epoch."""
    x, y = 1.0, 0.0
    outputs = []
    for _ in range(epochs + 1):
        z = weight * x + bias
        outputs.append(float(sigmoid(z)))
        delta = cost.delta(z, outputs[-1], y)
        weight -= eta * delta * x
        bias -= eta * delta
    return outputs, [float(cost.fn(output, y)) for output in outputs]


@experiment(
    "A saturated neuron: quadratic and cross-entropy cost",
    published=[
        Published("first output, weight 0.6, bias 0.9", 0.82, tolerance=0.005),
        Published("last output with the quadratic cost, weight 0.6, bias 0.9", 0.09, tolerance=0.005),
        Published("first output, weight 2, bias 2", 0.98, tolerance=0.005),
        Published("last output with the quadratic cost, weight 2, bias 2", 0.20, tolerance=0.005),
    ],
    size=(9.0, 6.0),
)
def saturation(*, epochs: int = 300) -> Measured:
    """Train the neuron with each cost from two starts: pairs of weight and bias with first outputs 0.82 and 0.98."""
    curves = {
        (cost_name, start_name): learn(cost, eta, weight, bias, epochs)
        for cost_name, (cost, eta) in COSTS.items()
        for start_name, (weight, bias) in STARTS.items()
    }
    outputs = {key: outputs for key, (outputs, _) in curves.items()}
    costs = {key: costs for key, (_, costs) in curves.items()}
    values = {}
    for (cost_name, start_name), found in outputs.items():
        if "quadratic" in cost_name:
            values[f"first output, {start_name}"] = found[0]
            values[f"last output with the quadratic cost, {start_name}"] = found[-1]
    return Measured({"outputs": outputs, "costs": costs}, values)


@saturation.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a column for each cost: the cost above, the output below."""
    panels = figure.subplots(2, 2)
    for row, what in zip(panels, ("costs", "outputs"), strict=True):
        for axes, cost_name in zip(row, COSTS, strict=True):
            for start_name, color in zip(STARTS, PALETTE, strict=False):
                values = data[what][cost_name, start_name]
                axes.plot(values, color=color, label=start_name)
            style_curves(axes, len(values))
            axes.set_ylim(0, 1 if what == "outputs" else None)
            axes.set_ylabel(what.removesuffix("s"))
            if what == "costs":
                axes.set_title(cost_name, loc="left")
    panels[0][1].legend(loc="upper right", frameon=False)
