"""A 0 and its four quarters: what hidden neurons might detect.

The chapter asks why ten output neurons, one for each digit, recognize digits better than four output neurons, one for
each bit of the digit. In the chapter's answer, each of four hidden neurons may detect one quarter of a 0. If all four
are active, an output neuron concludes that the digit is a 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.book.digits import mnist
from fastnet.book.experiment import Measured, experiment
from fastnet.plots.figures import OTHERS, style_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUARTERS = {
    "top left": np.s_[:14, :14],
    "top right": np.s_[:14, 14:],
    "bottom left": np.s_[14:, :14],
    "bottom right": np.s_[14:, 14:],
}


@experiment("A digit and its four quarters", size=(10.0, 2.3))
def features(*, digit: int = 0, which: int = 0) -> Measured:
    """Take an image of a digit, by default the first training image of a 0, and cut it into quarters."""
    training, _, _ = mnist()
    image = training.inputs[np.flatnonzero(training.labels(10) == digit)[which]].reshape(28, 28)
    parts = {}
    for name, quarter in QUARTERS.items():
        parts[name] = np.zeros_like(image)
        parts[name][quarter] = image[quarter]
    return Measured({f"the whole {digit}": image, **parts})


@features.picture
def draw(data: Mapping[str, Any], figure: Figure) -> None:
    """Draw the digit and its four quarters side by side."""
    for axes, (name, image) in zip(figure.subplots(1, len(data)), data.items(), strict=True):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(name)
        style_images(axes)
        axes.spines[:].set(visible=True, color=OTHERS)
