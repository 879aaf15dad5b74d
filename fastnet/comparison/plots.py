"""Pictures of comparisons, with matplotlib."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, overload

import numpy as np

from fastnet.comparison.epochs import Comparison
from fastnet.comparison.map import Cell, Map
from fastnet.plots.figures import GRID, OTHERS, OURS, new_figure
from fastnet.utils import arguments

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


@overload
def figure(result: Comparison | Map, *, axes: None = ...) -> Figure: ...
@overload
def figure(result: Comparison | Map, *, axes: Axes) -> Axes: ...
def figure(result: Comparison | Map, *, axes: Axes | None = None) -> Figure | Axes:
    """Draw the times of the engines in a `Comparison`, or the fastest engine in each cell of a `Map`.

    Parameters
    ----------
    result : Comparison or Map
        Result of `compare` or of `compare_map`.
    axes : matplotlib.axes.Axes, optional
        Axes to draw on; by default, a new figure. The new figure of a map also has the text of `Map.summary`.

    Returns
    -------
    Figure or Axes
        The axes if they were given, otherwise the figure.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `result` is neither a `Comparison` nor a `Map`.
    """
    if not isinstance(result, (Comparison, Map)):
        raise TypeError(f"result is {arguments.brief(result)}; it must be a Comparison or a Map")
    if axes is not None:
        return _engine_times(result, axes) if isinstance(result, Comparison) else _map(result, axes)
    if isinstance(result, Comparison):
        own = new_figure(7.5, 1.4 + 0.45 * sum(bool(each.seconds) for each in result.results))
        _engine_times(result, own.add_subplot())
        return own
    width = 2.6 + 1.25 * len(result.mini_batch_sizes)
    words = textwrap.wrap(result.summary(), int(11.5 * width))
    own = new_figure(width, 1.7 + 0.8 * len(result.widths) + 0.2 * len(words))
    _map(result, own.add_subplot())
    own.supxlabel("\n".join(words), x=0.02, ha="left", fontsize="medium")
    return own


def _engine_times(comparison: Comparison, axes: Axes) -> Axes:
    """For each engine, draw a dot at the median time of an epoch, and a line from the fastest epoch to the slowest."""
    results = sorted((r for r in comparison.results if r.seconds), key=lambda result: result.median, reverse=True)
    for place, result in enumerate(results):
        color = OURS if result.engine == "numba" else OTHERS
        axes.plot([min(result.seconds), max(result.seconds)], [place, place], color=color, linewidth=3)
        axes.plot(result.median, place, "o", color=color, markersize=9)
        times = comparison.times(result.engine)
        ratio = f", {times:,.3g} times the book's speed" if times is not None and result.engine != "reference" else ""
        label = _duration(result.median) + ratio
        axes.annotate(label, (max(result.seconds), place), xytext=(10, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(results)), [result.engine for result in results])
    axes.set_ylim(-0.6, len(results) - 0.4)
    axes.set_xscale("log")
    fastest, slowest = min(min(r.seconds) for r in results), max(max(r.seconds) for r in results)
    axes.set_xlim(fastest / 1.5, slowest * (slowest / fastest) ** 0.45 * 2)  # room for the text at the right
    axes.xaxis.set_major_formatter(lambda seconds, _: _duration(seconds))
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.set_xlabel("median, and from the fastest epoch to the slowest")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    network = "-".join(map(str, comparison.sizes))
    how = f"mini-batches of {comparison.mini_batch_size}, {comparison.dtype}"
    axes.set_title(f"Time of an epoch of {network}, {how}", loc="left")
    return axes


def _map(map_: Map, axes: Axes) -> Axes:
    """Draw a cell for each width and mini-batch size, with the fastest engine and its lead over the next."""
    ours, columns, alone = map_.engines[0], len(map_.mini_batch_sizes), len(map_.engines) == 1
    leads = [1.0 if alone else cell.lead(ours) for cell in map_.cells]
    exponents = np.log2(leads).reshape(-1, columns)
    largest = max(1.0, float(np.abs(exponents).max()))
    colors = axes.imshow(exponents, "RdBu", vmin=-largest, vmax=largest, aspect="auto")
    for i, cell in enumerate(map_.cells):
        shade = "white" if abs(exponents.flat[i]) > 0.6 * largest else "black"
        words = _duration(cell.seconds[ours]) if alone else _text_of_cell(cell)
        axes.text(i % columns, i // columns, words, ha="center", va="center", color=shade)
    axes.set_xticks(range(columns), [str(size) for size in map_.mini_batch_sizes])
    axes.set_yticks(range(len(map_.widths)), [str(width) for width in map_.widths])
    axes.set_xlabel("samples in a mini-batch")
    axes.set_ylabel("neurons in the hidden layer")
    if alone:
        axes.set_title(f"Time of an epoch with {ours}", loc="left")
    else:
        axes.set_title(f"The fastest of {', '.join(map_.engines)}, and its lead over the next", loc="left")
        _add_scale(axes, colors, f"{ours} against the best of the others")
    return axes


def _text_of_cell(cell: Cell) -> str:
    lead = cell.lead(cell.fastest)
    return f"{cell.fastest}\n{lead:.3g}×" if lead < 100 else f"{cell.fastest}\n{lead:,.0f}×"


def _add_scale(axes: Axes, colors: AxesImage, label: str) -> None:
    """Draw a colour bar beside the axes. The bar shows all leads, and at least the leads from 1/2 to 2."""
    exponents = colors.get_array()
    assert exponents is not None
    lowest, highest = min(-1.0, float(exponents.min())), max(1.0, float(exponents.max()))
    bar = axes.figure.colorbar(colors, ax=axes, label=label)
    ticks = range(int(np.ceil(lowest)), int(highest) + 1)
    bar.ax.set_ylim(lowest, highest)
    bar.set_ticks(ticks, labels=[f"{2**tick}×" if tick >= 0 else f"1/{2**-tick}×" for tick in ticks])


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.9995 else f"{seconds * 1000:.3g} ms"
