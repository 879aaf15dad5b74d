"""Pictures of a race, with matplotlib."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from fastnet.comparison.epochs import Comparison
from fastnet.comparison.map import Map
from fastnet.plots import OTHERS, OURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(result: Comparison | Map) -> Figure:
    """Draw what was measured."""
    return comparison_figure(result) if isinstance(result, Comparison) else map_figure(result)


def comparison_figure(comparison: Comparison) -> Figure:
    """Draw a bar for each engine: the median of its seconds per epoch, and from its fastest epoch to its slowest."""
    results = sorted((r for r in comparison.results if r.seconds), key=lambda result: result.median)
    figure = new_figure(7.5, 1.4 + 0.45 * len(results))
    axes = figure.add_subplot()
    for place, result in enumerate(reversed(results)):
        color = OURS if result.engine == "numba" else OTHERS
        axes.plot([min(result.seconds), max(result.seconds)], [place, place], color=color, linewidth=3)
        axes.plot(result.median, place, "o", color=color, markersize=9)
        times = comparison.times(result.engine)
        ratio = f", {times:,.3g} times the book's speed" if times is not None and result.engine != "reference" else ""
        label = _duration(result.median) + ratio
        axes.annotate(label, (max(result.seconds), place), xytext=(10, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(results)), [result.engine for result in reversed(results)])
    axes.set_ylim(-0.6, len(results) - 0.4)
    axes.set_xscale("log")
    fastest, slowest = min(min(r.seconds) for r in results), max(max(r.seconds) for r in results)
    axes.set_xlim(fastest / 1.5, slowest * (slowest / fastest) ** 0.45 * 2)  # room for the words at the right
    axes.xaxis.set_major_formatter(lambda seconds, _: _duration(seconds))
    axes.grid(axis="x", color="#e3e6ea")
    axes.set_axisbelow(True)
    axes.set_xlabel("time of an epoch: median, fastest to slowest")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    network = "-".join(map(str, comparison.sizes))
    axes.set_title(f"{network}, mini-batches of {comparison.mini_batch_size}, {comparison.dtype}", loc="left")
    return figure


def map_figure(map_: Map) -> Figure:
    """Draw a cell for each width and mini-batch size: who wins, and by how much over the next."""
    ours, columns = map_.engines[0], len(map_.mini_batch_sizes)
    leads = np.array([cell.lead(ours) for cell in map_.cells]).reshape(-1, columns)
    width = 2.6 + 1.25 * columns
    words = textwrap.wrap(map_.verdict(), int(11.5 * width))
    figure = new_figure(width, 1.7 + 0.8 * len(map_.widths) + 0.2 * len(words))
    axes = figure.add_subplot()
    exponents = np.log2(leads)
    lowest, highest = min(-1.0, float(exponents.min())), max(1.0, float(exponents.max()))
    largest = max(-lowest, highest)
    colors = axes.imshow(exponents, "RdBu", vmin=-largest, vmax=largest, aspect="auto")
    for i, cell in enumerate(map_.cells):
        lead = cell.lead(cell.winner)
        shade = "white" if abs(colors.norm(exponents.flat[i]) - 0.5) > 0.3 else "black"
        text = f"{cell.winner}\n{lead:.3g}×" if lead < 100 else f"{cell.winner}\n{lead:,.0f}×"
        axes.text(i % columns, i // columns, text, ha="center", va="center", color=shade)
    axes.set_xticks(range(columns), [str(size) for size in map_.mini_batch_sizes])
    axes.set_yticks(range(len(map_.widths)), [str(width) for width in map_.widths])
    axes.set_xlabel("samples in a mini-batch")
    axes.set_ylabel("neurons in the hidden layer")
    axes.set_title(f"The fastest of {', '.join(map_.engines)}, and its lead over the next", loc="left")
    bar = figure.colorbar(colors, ax=axes, label=f"{ours} against the best of the others")
    ticks = range(int(np.ceil(lowest)), int(highest) + 1)
    bar.ax.set_ylim(lowest, highest)
    bar.set_ticks(ticks, labels=[f"{2**tick}×" if tick >= 0 else f"1/{2**-tick}×" for tick in ticks])
    figure.supxlabel("\n".join(words), x=0.02, ha="left", fontsize="medium")
    return figure


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 0.9995 else f"{seconds * 1000:.3g} ms"
