"""Old and new initial weights: with the new weights, the network learns faster in the first epochs.

The old weights, those of chapter 1, have standard deviation 1. The standard deviation of the new weights is 1 divided
by the square root of the neuron's number of inputs. The final validation accuracies with old and new weights are almost
the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.curves import draw_accuracies, shares
from fastnet.book.digits import mnist, silently
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PUBLISHED = {
    "30 neurons, new weights": (92.70, 96.50),
    "30 neurons, old weights": (86.43, 96.37),
    "100 neurons, new weights": (92.95, 97.81),
    "100 neurons, old weights": (89.94, 97.42),
}
_FIRST, _LAST = "validation accuracy after the first epoch", "validation accuracy after the last epoch"


@experiment(
    "Old and new initial weights",
    published=[
        Published(f"{when}, {name}", value, "%", FIGURE_DATA)
        for name, values in _PUBLISHED.items()
        for when, value in zip((_FIRST, _LAST), values, strict=True)
    ],
    size=(11.0, 4.2),
)
def weight_initialization(
    *, hidden: Sequence[int] = (30, 100), samples: int = 50_000, epochs: int = 30, seed: int = 0
) -> Measured:
    """Train a network for each kind of initial weights and each number of hidden neurons.

    Eta is 0.1, and lambda is 5 * samples / 50,000.
    """
    training, validation, _ = mnist()
    data: dict[str, dict[str, list[float]]] = {}
    values = {}
    for neurons in hidden:
        curves = data.setdefault(f"{neurons} neurons", {})
        for weights in ("new weights", "old weights"):
            net = network2.Network([784, neurons, 10], network2.CrossEntropyCost, seed=seed)
            if weights == "old weights":
                net.large_weight_initializer()
            _, correct, _, _ = net.SGD(
                training[:samples],
                epochs,
                10,
                0.1,
                lmbda=5.0 * samples / 50_000,
                evaluation_data=validation,
                monitor_evaluation_accuracy=True,
                report=silently,
            )
            curves[weights] = shares(correct, validation)
            values[f"{_FIRST}, {neurons} neurons, {weights}"] = 100 * curves[weights][0]
            values[f"{_LAST}, {neurons} neurons, {weights}"] = 100 * curves[weights][-1]
    return Measured(data, values)


@weight_initialization.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw a panel for each number of hidden neurons: the accuracy on the validation data against the epochs."""
    for axes, (neurons, curves) in zip(figure.subplots(1, len(data), squeeze=False)[0], data.items(), strict=True):
        draw_accuracies(axes, curves, f"validation accuracy, {neurons}", lowest=0.85)
