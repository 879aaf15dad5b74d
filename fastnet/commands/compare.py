"""`fastnet compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from fastnet.commands.parameters import DTYPE, ENGINE_NAMES, Engines
from fastnet.commands.saving import save_picture, save_text
from fastnet.commands.types import BATCH_NAMES, POSITIVE, SETTINGS, Command, NewFile, Sizes
from fastnet.utils import machine, progress
from fastnet.utils.tables import new_table, print_table

if TYPE_CHECKING:
    from rich.table import Table

    from fastnet.comparison import Comparison, Map

_OF_ONE_NETWORK = {"sizes": "--sizes", "batch": "--batch", "epochs": "--epochs", "eta": "--eta"}


@click.command(cls=Command, context_settings=SETTINGS)
@click.option("--sizes", type=Sizes(), default="784,30,10", help="Number of neurons in each layer, the inputs first.")
@click.option(
    *BATCH_NAMES,
    "batch",
    type=click.IntRange(min=1),
    default=10,
    help="Number of samples in a mini-batch.",
)
@click.option("--epochs", type=click.IntRange(min=1), default=5, help="Number of epochs to time.")
@click.option("--eta", type=POSITIVE, default=3.0, help="Learning rate.")
@click.option(
    "--engines",
    type=Engines(),
    show_default="all",
    help=f"Engines to compare, separated by commas: some of {ENGINE_NAMES}.",
)
@click.option("--dtype", type=DTYPE, default="float32", help="Precision.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    show_default="one per processor",
    help="Largest number of threads of an engine.",
)
@click.option("--map", "as_map", is_flag=True, help="Compare several hidden layer widths and mini-batch sizes.")
@click.option("--json", "json_file", type=NewFile(), help="Write all measurements to this file.")
@click.option("--plot", "plot_file", type=NewFile(), help="Draw a picture into this file, such as engines.png.")
@click.pass_context
def compare(
    context: click.Context,
    sizes: list[int],
    batch: int,
    epochs: int,
    eta: float,
    engines: list[str] | None,
    dtype: str,
    threads: int | None,
    as_map: bool,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Compare the speed of the engines on handwritten digits.

    The engines train the same network, from the same parameters and in the same order of samples. The engines take
    turns, one epoch each. With --map, the engines train networks with one hidden layer, for several widths of the layer
    and several mini-batch sizes. A table and a summary then show which engine is the fastest in each case, and by how
    much.
    """
    from fastnet import comparison, plots
    from fastnet.comparison import timing
    from fastnet.comparison.plots import figure

    if plot_file is not None:
        plots.check(plot_file)
    if as_map:
        for name, option in _OF_ONE_NETWORK.items():
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
                raise click.UsageError(
                    f"{option} is for one network; --map compares many: leave out one of the two options"
                )
        cells = len(comparison.WIDTHS) * len(comparison.MINI_BATCH_SIZES)
        with progress.steps("Comparing", cells) as step:
            result: Comparison | Map = comparison.compare_map(
                engines=engines or timing.MAP_ENGINES, dtype=dtype, threads=threads, tick=step
            )
    else:
        chosen = engines or timing.ENGINES
        with progress.steps("Comparing", epochs * len(comparison.installed(chosen))) as step:
            result = comparison.compare(
                sizes,
                epochs=epochs,
                mini_batch_size=batch,
                eta=eta,
                engines=chosen,
                dtype=dtype,
                threads=threads,
                tick=step,
            )
    _print(result)
    if json_file is not None:
        save_text(json.dumps(result.as_dict(), indent=1) + "\n", json_file)
    if plot_file is not None:
        save_picture(figure(result), plot_file)


def _print(result: Comparison | Map) -> None:
    from fastnet.comparison import Comparison, timing

    if isinstance(result, Comparison):
        print_table(_table(result))
        for missing in (each for each in result.results if each.missing is not None):
            print(f"{missing.engine} was not compared: {missing.missing}.")
        if result.difference is not None:
            checked = f"After {timing.CHECKED_MINI_BATCHES} mini-batches,"
            print(f"{checked} the parameters of the engines differed by at most {result.difference:.0e}.")
    else:
        print_table(_grid(result))
        print(result.summary())
    print(f"{machine.sentence()}.")


def _table(comparison: Comparison) -> Table:
    network = "-".join(map(str, comparison.sizes))
    title = f"One epoch of {network}, mini-batches of {comparison.mini_batch_size}, {comparison.dtype}"
    table = new_table(title)
    table.add_column("engine", no_wrap=True)
    timed = [result for result in comparison.results if result.missing is None]
    has_range = any(len(result.seconds) > 1 for result in timed)
    for heading in ("seconds", *["fastest\nto slowest"] * has_range, "times the\nbook's speed", "test\naccuracy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in timed:
        times = comparison.times(result.engine)
        table.add_row(
            result.engine,
            f"{result.median:.3f}",
            *[f"{min(result.seconds):.3f} to {max(result.seconds):.3f}"] * has_range,
            "" if times is None else f"{times:.1f}",
            f"{result.accuracy:.2%}",
        )
    return table


def _grid(map_: Map) -> Table:
    table = new_table("Seconds per epoch, by neurons in the hidden layer and samples in a mini-batch")
    for heading in ("neurons", "samples", *map_.engines, "fastest", "by"):
        table.add_column(heading, justify="left" if heading == "fastest" else "right")
    for cell in map_.cells:
        times = [f"{cell.seconds[engine]:.3f}" for engine in map_.engines]
        lead = f"{cell.lead(cell.fastest):.1f} times" if len(map_.engines) > 1 else ""
        table.add_row(str(cell.width), str(cell.mini_batch_size), *times, cell.fastest, lead)
    return table
