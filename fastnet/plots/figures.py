"""Figures, files, colours and styles for all pictures.

No picture uses pyplot or changes matplotlib's settings, so a program's own pictures are not affected.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnet.files.reading import one_line
from fastnet.files.writing import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, OTHERS, GRID = "#1b6ca8", "#9aa5b1", "#e3e6ea"
# Okabe and Ito's palette: people with red-green colour blindness can tell its colours apart.
# The palette's yellow is left out, because a projector hardly shows yellow on white.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

LITERAL: dict[str, Any] = {"parse_math": False}
"""Arguments of matplotlib for a text with names from outside, in which `$` begins no formula."""


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height are in inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from fastnet.plots.notebook import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained")


def check(filename: str | os.PathLike[str]) -> None:
    """Check that a picture can be written in the format given by the file's extension.

    Call this function before a computation, so that an unsupported extension is reported early.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If matplotlib does not support the file's extension, or needs a program that is missing.
    """
    figure = new_figure(1, 1)
    known = figure.canvas.get_supported_filetypes()
    if _ending(filename) not in known:
        raise ValueError(f"{os.fspath(filename)}: its extension must be one of {', '.join(sorted(known))}")
    figure.text(0, 0, "a")  # some formats need another program for text: pgf needs LaTeX
    try:
        figure.savefig(io.BytesIO(), format=_ending(filename))
    except Exception as error:
        raise ValueError(
            f"{os.fspath(filename)}: matplotlib cannot write this format here ({one_line(error)}); use another "
            "extension, such as .png"
        ) from None


def save(figure: Figure, filename: str | os.PathLike[str]) -> None:
    """Write a picture to a file atomically, in the format given by the file's extension.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    OSError
        If the file cannot be written, in which case an existing file is unchanged.
    ValueError
        If matplotlib does not support the file's extension, or needs a program that is missing.
    """
    check(filename)
    with atomic_write(filename) as file:
        figure.savefig(file, format=_ending(filename), dpi=150)


def _ending(filename: str | os.PathLike[str]) -> str:
    return Path(filename).suffix.removeprefix(".").lower()


def style_curves(axes: Axes, epochs: int) -> None:
    """Style axes for curves over `epochs` epochs, numbered from 0: a light grid, and whole numbers below the axes."""
    if epochs > 1:
        margin = 0.015 * (epochs - 1)  # so that no marker is cut off
        axes.set_xlim(max(-0.5, -margin), epochs - 1 + margin)
        axes.locator_params(axis="x", integer=True)
    else:
        axes.set_xlim(-0.5, 0.5)
        axes.set_xticks([0])
    axes.set_xlabel("epoch")
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def style_images(axes: Axes) -> None:
    """Remove ticks and borders, which images do not need."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def marker(epochs: int) -> str:
    """Return the marker for the epochs of a curve: "o" for fewer than 25 epochs, otherwise an empty string."""
    return "o" if epochs < 25 else ""


def in_percent(share: float, _: Any = None) -> str:
    """Return a share from 0 to 1 as a label of an axis, such as "97.5 %" for 0.975."""
    return f"{share * 100:.4g} %"
