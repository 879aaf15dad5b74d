"""Labels at the ends of lines, instead of a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.plots.figures import LITERAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE = 10.0  # largest font size, in points
_LINE = 1.3  # distance between two lines of text, in font sizes
_RIGHT = 1.05  # horizontal position of the labels, in widths of the axes


@dataclass(frozen=True)
class End:
    """The end of a line, and its label.

    Attributes
    ----------
    words : str
        Text of the label, in one line or several.
    color : str
        Colour of the line; the label is a little darker.
    place : tuple (x, y) or None
        Last point of the line, in the coordinates of the data; None if there is no line.
    """

    words: str
    color: str
    place: tuple[float, float] | None


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Write labels at the right of the axes, in the order of the lines' ends, with a thin line to each end.

    The axes keep their current limits, even if more is drawn. If a line ends outside of the limits, or there is no
    line, the label has no thin line. If the labels need more height than the axes have, all labels are written smaller.
    """
    from matplotlib.colors import to_rgb

    axes.set_xlim(axes.get_xlim())
    low, high = axes.set_ylim(axes.get_ylim())
    heights = [-1.0 if end.place is None else _height(axes, end.place) for end in ends]
    points = axes.get_window_extent().height / axes.figure.dpi * 72
    line = _LINE * lines(ends)  # all labels get the distance that the label with the most lines needs
    size = min(_SIZE, points / (line * len(ends)))
    for end, height in zip(ends, spread_out(heights, line * size / points), strict=True):
        color = 0.75 * np.array(to_rgb(end.color))
        text: dict[str, Any] = {"color": color, "fontsize": size, "va": "center", **LITERAL}
        if end.place is None or not low <= end.place[1] <= high:
            axes.text(_RIGHT, height, end.words, transform=axes.transAxes, **text)
        else:
            arrow = {"arrowstyle": "-", "color": end.color, "linewidth": 0.8, "shrinkB": 3, "relpos": (0, 0.5)}
            axes.annotate(
                end.words, end.place, (_RIGHT, height), "data", "axes fraction",
                arrowprops=arrow, annotation_clip=False, **text,
            )  # fmt: skip


def lines(ends: Sequence[End]) -> int:
    """Return the largest number of lines in a label."""
    return max(end.words.count("\n") + 1 for end in ends)


def spread_out(heights: Sequence[float], distance: float) -> np.ndarray:
    """Return `heights`, moved so that they are from 0 to 1 and at least `distance` apart, in the same vertical order.

    Examples
    --------
    >>> spread_out([0.5, 0.25, 0.53125, 1.0], 0.125)
    array([0.5  , 0.25 , 0.625, 1.   ])
    """
    order = np.argsort(heights, kind="stable")
    places = np.clip(np.asarray(heights, dtype=np.float64)[order], 0, 1)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + distance)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], 1 - distance * (len(places) - 1 - i))
    result = np.empty_like(places)
    result[order] = places
    return result


def _height(axes: Axes, place: tuple[float, float]) -> float:
    """Return the vertical position of a data point in the axes, from 0 (bottom) to 1 (top)."""
    return float(axes.transAxes.inverted().transform(axes.transData.transform(place))[1])
