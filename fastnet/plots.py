"""Pictures, with matplotlib: how a network learnt, and what every picture needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fastnet.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS, OTHERS = "#1b6ca8", "#9aa5b1"
_COLORS = {"training": "#e08a1e", "evaluation": OURS}


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of so many inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("a picture needs matplotlib; pip install 'fastnet[plot]' installs it") from None
    return Figure(figsize=(width, height), layout="constrained")


def check(filename: str | os.PathLike[str]) -> None:
    """Find out, before anything is computed, whether a picture can be drawn into this file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If it does not know the ending.
    """
    known = new_figure(1, 1).canvas.get_supported_filetypes()
    ending = Path(filename).suffix.removeprefix(".")
    if ending not in known:
        raise ValueError(f"{os.fspath(filename)}: its ending must be one of {', '.join(sorted(known))}")


def save(figure: Figure, filename: str | os.PathLike[str]) -> None:
    """Write a picture to a file, in the format that its ending names.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    figure.savefig(filename, dpi=150)


def learning_curves(history: History) -> Figure:
    """Draw the costs and the accuracies of a run against the epochs, as the figures of the book's chapter 3.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the run has neither.
    """
    samples = {"training": history.training_samples, "evaluation": history.evaluation_samples}
    costs = {data: history.series(f"{data}_cost") for data in samples}
    accuracies = {
        data: [correct / n for correct in history.series(f"{data}_accuracy")] for data, n in samples.items() if n
    }
    shown = [(what, curves) for what, curves in (("cost", costs), ("accuracy", accuracies)) if any(curves.values())]
    if not shown:
        raise ValueError("nothing was monitored in this run; there is neither a cost nor an accuracy to draw")
    figure = new_figure(1 + 4.5 * len(shown), 3.8)
    for axes, (what, curves) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _draw(axes, what, curves)
    network = "-".join(map(str, history.recipe.get("sizes", [])))
    unsaid = ("sizes", "engine", "dtype", "seed", "epochs")
    others = [f"{name} {value}" for name, value in history.recipe.items() if name not in unsaid]
    figure.suptitle(", ".join(filter(None, [network, *others])), x=0.02, ha="left", fontsize="medium", wrap=True)
    return figure


def _draw(axes: Axes, what: str, curves: dict[str, list[float]]) -> None:
    """Draw a curve for each data set, with its name at its end."""
    drawn = {data: values for data, values in curves.items() if values}
    for data, values in drawn.items():
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, color=_COLORS[data], marker="o" if len(values) < 25 else None, markersize=4)
        last = f"{values[-1]:.2%}" if what == "accuracy" else f"{values[-1]:.3g}"
        axes.plot([], [], color=_COLORS[data], linewidth=4, label=f"{data} data: {last} at the end")
    if what == "accuracy":
        axes.yaxis.set_major_formatter(lambda share, _: f"{share * 100:.4g} %")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epochs")
    axes.set_title(what, loc="left")
    axes.grid(color="#e3e6ea")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
