"""Draws predictions with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fastnet.handwriting.prediction import DIGITS, Prediction
from fastnet.plots import OTHERS, OURS, new_figure
from fastnet.plots.figures import LITERAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure(shown: Sequence[tuple[str, np.ndarray, Prediction]]) -> Figure:
    """Draw a row for each picture: the picture, the network's input, and the probability of each digit.

    Parameters
    ----------
    shown : sequence of (title, image, prediction)
        The title, the image and the prediction of each row. Images have the form that `handwriting.read` returns.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    drawn = new_figure(7.5, 2.4 * len(shown))
    parts = drawn.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, (title, image, prediction) in zip(parts, shown, strict=True):
        part.suptitle(title, x=0.02, ha="left", fontsize="medium", **LITERAL)
        original, seen, bars = part.subplots(1, 3, width_ratios=[1, 1, 1.7])
        original.imshow(image, "gray", vmin=0, vmax=1)
        seen.imshow(prediction.pixels, "gray_r", vmin=0, vmax=1)
        for axes in (original, seen):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_color(OTHERS)
        _draw_probabilities(bars, prediction)
    return drawn


def _draw_probabilities(axes: Axes, prediction: Prediction) -> None:
    probabilities = prediction.probabilities
    colors = [OURS if digit == prediction.digit else OTHERS for digit in range(DIGITS)]
    bars = axes.bar(range(DIGITS), probabilities, color=colors)
    words = [f"{min(p, 0.99):.0%}".replace("%", " %") if p > 0.1 else "" for p in probabilities]
    axes.bar_label(bars, words, padding=2, fontsize="small")
    axes.set_xticks(range(DIGITS))
    axes.set_yticks([])
    axes.set_ylim(0, 1.15)
    axes.tick_params(bottom=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
