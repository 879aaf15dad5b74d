"""More training data: the accuracy of a network and of a support vector machine (SVM) on the validation data.

The network and the SVM become more accurate with more samples. The network is more accurate than the SVM with every
number of samples, and much more accurate with few samples. On the logarithmic axis, the network's accuracy still rises
at the end, so even more samples would help.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastnet import network2
from fastnet.book.chapter3.svm_accuracy import svm_accuracy
from fastnet.book.digits import mnist, percent, silently
from fastnet.book.experiment import FIGURE_DATA, Measured, Published, experiment
from fastnet.plots.figures import GRID, PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PUBLISHED = {  # number of samples: accuracies of the network and of the SVM, in percent
    100: (69.09, 25.07),
    200: (76.37, 48.93),
    500: (85.29, 75.13),
    1000: (88.85, 83.87),
    2000: (91.27, 88.49),
    5000: (93.24, 91.46),
    10_000: (94.89, 92.45),
    20_000: (95.85, 93.47),
    50_000: (95.97, 94.48),
}
_TOLERANCE = {"network": 0.0, "SVM": 0.02}  # rounding errors change the SVM's answer for up to two of 10,000 images


@experiment(
    "More training data: network and SVM",
    published=[
        Published(f"validation accuracy, {size:,} samples, {name}", value, "%", FIGURE_DATA, tolerance=tolerance)
        for size, values in _PUBLISHED.items()
        for (name, tolerance), value in zip(_TOLERANCE.items(), values, strict=True)
    ],
)
def more_data(*, samples: int = 50_000, epochs: int = 30, svm_samples: int | None = None, seed: int = 0) -> Measured:
    """Train 784-30-10 and an SVM on the first 100, 200, 500, ... training samples.

    Parameters
    ----------
    samples : int
        Largest number of training samples.
    epochs : int
        Number of epochs with 50,000 samples. With n samples, a network is trained for `epochs * 50_000 // n` epochs.
    svm_samples : int, optional
        Largest number of samples for the SVM, which trains slowly on many samples; by default, `samples`.
    seed : int
        Seed of each network.

    Raises
    ------
    ImportError
        If scikit-learn is not installed, unless `svm_samples` is 0, which leaves the SVM out.
    """
    training, validation, _ = mnist()
    accuracies: dict[str, dict[int, float]] = {"network": {}, "SVM": {}}
    for size in (*(size for size in _PUBLISHED if size < samples), samples):
        net = network2.Network([784, 30, 10], network2.CrossEntropyCost, seed=seed)
        net.large_weight_initializer()
        net.SGD(training[:size], epochs * 50_000 // size, 10, 0.5, lmbda=5.0 * size / 50_000, report=silently)
        accuracies["network"][size] = percent(net.accuracy(validation), validation)
        if svm_samples is None or size <= svm_samples:
            accuracies["SVM"][size] = svm_accuracy(size)
    values = {
        f"validation accuracy, {size:,} samples, {name}": accuracy
        for name, found in accuracies.items()
        for size, accuracy in found.items()
    }
    return Measured(accuracies, values)


@more_data.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the accuracy on the validation data against the number of training samples, on a logarithmic axis."""
    axes = figure.subplots()
    for (name, accuracies), color in zip(data.items(), PALETTE, strict=False):
        axes.plot(accuracies.keys(), accuracies.values(), "o-", color=color, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("training samples")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:g} %")
    axes.set_title("validation accuracy", loc="left")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", frameon=False)
