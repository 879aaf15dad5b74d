"""Style of the axes on which the chapter's functions are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastnet.plots.figures import GRID

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def style_function(axes: Axes, title: str) -> None:
    """Give axes a title, and a light grid behind the curves."""
    axes.set_title(title, loc="left")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
