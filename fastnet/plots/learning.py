"""Learning curves: costs and accuracies over the epochs."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar, overload

from fastnet.plots.figures import LITERAL, OURS, PALETTE, in_percent, marker, new_figure, style_curves
from fastnet.plots.labels import End, label_ends
from fastnet.utils.text import unbroken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from fastnet.learning.history import History

    Own = TypeVar("Own", Figure, SubFigure)

_COLORS = {"training": PALETTE[4], "evaluation": OURS}
_UNSAID = ("sizes", "engine", "dtype", "seed", "epochs")


@overload
def learning_curves(history: History, *, figure: None = ...) -> Figure: ...
@overload
def learning_curves(history: History, *, figure: Own) -> Own: ...
def learning_curves(history: History, *, figure: Figure | SubFigure | None = None) -> Figure | SubFigure:
    """Draw the costs and the accuracies of a run against the epochs, as in the figures of the book's chapter 3.

    Epochs are numbered from 0. The value after epoch i is drawn at i.

    Parameters
    ----------
    history : History
        History of the run: `net.history`.
    figure : Figure or SubFigure, optional
        Figure to draw on; by default, a new figure. Costs and accuracies are drawn in separate panels.

    Returns
    -------
    Figure or SubFigure
        The figure with the curves.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If no epoch was completed, or the run has neither costs nor accuracies.
    """
    if not history.epochs:
        raise ValueError(
            "no epoch of this run was completed, so there is nothing to draw; train for at least one epoch"
        )
    samples = {"training": history.training_samples, "evaluation": history.evaluation_samples}
    costs = {data: _with_gaps(history.series(f"{data}_cost")) for data in samples}
    accuracies = {
        data: [correct / n for correct in _with_gaps(history.series(f"{data}_accuracy"))]
        for data, n in samples.items()
        if n
    }
    shown = [(what, curves) for what, curves in (("Cost", costs), ("Accuracy", accuracies)) if any(curves.values())]
    if not shown:
        raise ValueError(
            "nothing was monitored in this run, so there is neither a cost nor an accuracy to draw; call SGD with "
            "monitor_training_cost=True, or with evaluation_data=... and monitor_evaluation_accuracy=True (in chapter "
            "1's network, with test_data=...)"
        )
    if figure is None:
        figure = new_figure(0.6 + 5.2 * len(shown), 3.8)
    for axes, (what, curves) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        _draw(axes, what, curves)
    network = "-".join(map(str, history.recipe.get("sizes", [])))
    others = [unbroken(f"{name} {value}") for name, value in history.recipe.items() if name not in _UNSAID]
    title = ", ".join(filter(None, [network, *others]))
    figure.suptitle(title, x=0.02, ha="left", fontsize="medium", wrap=True, **LITERAL)
    return figure


def _with_gaps(values: list[Any]) -> list[float]:
    """Return a series with NaN for epochs that were not monitored; matplotlib does not draw NaN."""
    return [nan if value is None else value for value in values]


def _draw(axes: Axes, what: str, curves: dict[str, list[float]]) -> None:
    """Draw a curve for each data set, with its last value in the label."""
    drawn = {data: values for data, values in curves.items() if values}
    ends = []
    for data, values in drawn.items():
        axes.plot(values, color=_COLORS[data], marker=marker(len(values)), markersize=4)
        last = f"{values[-1] * 100:.2f} %" if what == "Accuracy" else f"{values[-1]:.3g}"
        place = (len(values) - 1, values[-1]) if isfinite(values[-1]) else None
        ends.append(End(f"{data}: {last}", _COLORS[data], place))
    if what == "Accuracy":
        axes.yaxis.set_major_formatter(in_percent)
    style_curves(axes, max(map(len, drawn.values())))
    axes.set_title(what, loc="left")
    label_ends(axes, ends)
