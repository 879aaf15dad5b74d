"""Principal components of the digits: images reconstructed from few numbers.

The first 10 of 784 components have about half of the variance of the training images, and the first 100 have more
than nine tenths. Most images are readable when they are reconstructed from 30 components.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.book.older.components import components_of, mean_squared_error
from fastnet.book.older.rows import draw_rows
from fastnet.plots.figures import GRID, PALETTE, in_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 500
"""Number of test images that are plotted by their first two components."""


@experiment("Principal components of the digits", size=(10.0, 7.6))
def pca(*, samples: int = 50_000, numbers: Sequence[int] = (10, 30, 100)) -> Measured:
    """Compute principal components of the training images, and reconstruct test images from the first components."""
    training, _, test = mnist()
    components = components_of(training.inputs[:samples])
    images = test.inputs
    reconstructed = {number: components.reconstructed(images, number) for number in numbers}
    data = {
        "first two": components.coded(images[:SHOWN], 2),
        "labels": test.labels(10)[:SHOWN],
        "shares": np.cumsum(components.variances) / components.variances.sum(),
        "share of the variance": {number: components.share(number) for number in numbers},
        "errors": {number: mean_squared_error(images, found) for number, found in reconstructed.items()},
        "images": {
            "test images": images[:10],
            **{f"{number} components": found[:10] for number, found in reconstructed.items()},
        },
    }
    return Measured(data)


@pca.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw digits in the plane of the first two components, the shares of the variance, and reconstructed images."""
    names = [*data["images"]]
    panels = figure.subplot_mosaic(
        [["left", "right"], *([name, name] for name in names)], height_ratios=[5, *(1 for _ in names)]
    )
    left, right = panels["left"], panels["right"]
    for digit in range(10):
        places = data["first two"][data["labels"] == digit]
        left.scatter(*places.T, marker=f"${digit}$", color=PALETTE[digit % len(PALETTE)], s=22, linewidths=0.3)
    left.set_title(f"{len(data['labels'])} test images", loc="left")
    left.set(xlabel="first component", ylabel="second component")
    right.plot(range(1, len(data["shares"]) + 1), data["shares"], color=PALETTE[0])
    for number, share in data["share of the variance"].items():
        right.plot(number, share, "o", color=PALETTE[1])
        right.annotate(f"{number}: {100 * share:.0f} %", (number, share), (8, -9), textcoords="offset points")
    right.set_title("share of the variance", loc="left")
    right.set(xlabel="number of components", xlim=(0, 200), ylim=(0, 1.02))
    right.yaxis.set_major_formatter(in_percent)
    for axes in (left, right):
        _style(axes)
    draw_rows(data["images"], [panels[name] for name in names])


def _style(axes: Axes) -> None:
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
