"""The confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from fastnet.plots.figures import GRID, LITERAL, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WRITTEN = 30  # with more classes, the counts are not written, because they would be too small to read


@overload
def confusion_matrix(labels: npt.ArrayLike, predictions: npt.ArrayLike, *, axes: None = ...) -> Figure: ...
@overload
def confusion_matrix(labels: npt.ArrayLike, predictions: npt.ArrayLike, *, axes: Axes) -> Axes: ...
def confusion_matrix(labels: npt.ArrayLike, predictions: npt.ArrayLike, *, axes: Axes | None = None) -> Figure | Axes:
    """Draw the confusion matrix, with a row for each true class and a column for each predicted class.

    The colour of a cell shows the mistakes in the cell as a share of the row. The diagonal has no colours, because
    correct predictions would outweigh the mistakes. The share of correct predictions is written at the end of each row.

    Parameters
    ----------
    labels : array_like, shape (n,)
        True class of each sample: numbers or strings.
    predictions : array_like, shape (n,)
        Predicted class of each sample.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure.

    Returns
    -------
    Figure or Axes
        The axes if they were given, otherwise the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If labels and predictions differ in length, are empty, or are not one-dimensional.
    """
    truth, taken = np.asarray(labels), np.asarray(predictions)
    for name, array in (("labels", truth), ("predictions", taken)):
        if array.ndim != 1 or not len(array):
            raise ValueError(f"{name} have shape {array.shape}; it must be (n,), with n at least 1")
    if len(truth) != len(taken):
        raise ValueError(
            f"labels and predictions differ in length: {len(truth)} and {len(taken)}; each sample needs both"
        )
    classes, counts = _count(truth, taken)
    if axes is None:
        side = min(max(4.0, 1.8 + 0.48 * len(classes)), 9.0)
        figure = new_figure(side + 0.6, side)
        confusion_matrix(truth, taken, axes=figure.add_subplot())
        return figure
    totals = counts.sum(axis=1)
    mistakes = counts * ~np.eye(len(classes), dtype=bool)
    shares = mistakes / np.maximum(totals, 1)[:, np.newaxis]
    axes.imshow(np.ma.masked_equal(shares, 0), "Oranges", vmin=0, vmax=float(shares.max()) or 1.0)
    if len(classes) <= _MOST_WRITTEN:
        _write(axes, counts, shares)
    _label(axes, classes, np.diagonal(counts), totals)
    axes.set_title(_title(classes, mistakes, len(truth)), loc="left", wrap=True, **LITERAL)
    return axes


def _count(truth: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted classes, and the confusion matrix: true classes as rows, predicted classes as columns."""
    classes, indices = np.unique(np.concatenate([truth, taken]), return_inverse=True)
    n = len(classes)
    pairs = indices[: len(truth)] * n + indices[len(truth) :]
    return classes, np.bincount(pairs, minlength=n * n).reshape(n, n)


def _write(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    """Write each count into its cell, except zeros outside of the diagonal."""
    dark = 0.6 * shares.max()
    for (row, column), count in np.ndenumerate(counts):
        if row == column:
            axes.text(column, row, f"{count}", ha="center", va="center", color="#6b7580", fontsize="medium")
        elif count:
            color = "white" if shares[row, column] > dark else "black"
            axes.text(column, row, f"{count}", ha="center", va="center", color=color, fontsize="large")


def _label(axes: Axes, classes: np.ndarray, right: np.ndarray, totals: np.ndarray) -> None:
    """Label rows and columns, and write the share of correct predictions at the right of each row."""
    places = range(len(classes))
    names = [str(each) for each in classes]
    axes.set_xticks(places, names, fontsize="large", rotation=90 if max(map(len, names)) > 3 else 0, **LITERAL)
    axes.set_yticks(places, names, fontsize="large", **LITERAL)
    axes.set_xlabel("predicted class", fontsize="large")
    axes.set_ylabel("true class", fontsize="large")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for edge in range(len(classes) + 1):
        axes.axhline(edge - 0.5, color=GRID, linewidth=0.8)
        axes.axvline(edge - 0.5, color=GRID, linewidth=0.8)
    for row, (correct, total) in enumerate(zip(right, totals, strict=True)):
        if total:
            _write_beside(axes, f"{correct / total * 100:.1f} %", row, 0, "center")
    _write_beside(axes, "right", len(classes) - 0.5, -5, "top")


def _write_beside(axes: Axes, words: str, row: float, higher: float, va: str) -> None:
    """Write text at the right of the matrix, `higher` points above a row."""
    edge = axes.get_xlim()[1]
    axes.annotate(words, (edge, row), xytext=(6, higher), textcoords="offset points", va=va, annotation_clip=False)


def _title(classes: np.ndarray, mistakes: np.ndarray, n: int) -> str:
    """Return a title with the number of mistakes and the most frequent mistake."""
    wrong = int(mistakes.sum())
    if not wrong:
        return f"All of {n:,} right"
    row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
    often = int(mistakes.max())
    times = {1: "once", 2: "twice"}.get(often, f"{often:,} times")
    return f"{wrong:,} of {n:,} wrong; most often {classes[row]} as {classes[column]}, {times}"
