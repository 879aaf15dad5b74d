"""`fastnet sweep`."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

import click

from fastnet import plots
from fastnet.commands.parameters import DATA, check_network_options, notes_in_lines, recipe_options, sizes_for
from fastnet.commands.run import say
from fastnet.commands.saving import save_picture, saved
from fastnet.commands.types import SETTINGS, Command, NewFile
from fastnet.utils.streams import is_terminal
from fastnet.utils.tables import print_table


@click.command(cls=Command, context_settings=SETTINGS)
@recipe_options(several=True)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1_000_000),
    default=1,
    help="Number of networks of each recipe, with seeds 0, 1, 2, ...",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    show_default="one per processor",
    help="Number of networks to train at the same time, each in one thread.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Address of the scheduler of a Dask cluster that trains the networks, such as `tcp://10.0.0.1:8786`.",
)
@DATA
@click.option("--record", type=NewFile(), default="sweep.sqlite", help="File that records each trained network.")
@click.option("--csv", "csv_file", type=NewFile(), help="Write the table to this file.")
@click.option("--json", "json_file", type=NewFile(), help="Write the table and all learning curves to this file.")
@click.option("--plot", "plot_file", type=NewFile(), help="Draw the learning curves into this file, such as sweep.png.")
@click.pass_context
def sweep(
    context: click.Context,
    /,
    expand: bool,
    seeds: int,
    jobs: int | None,
    scheduler: str | None,
    data: Path | None,
    record: Path,
    csv_file: Path | None,
    json_file: Path | None,
    plot_file: Path | None,
    **options: Any,
) -> None:
    """Train many networks, and print the best recipe.

    Most options can be given several times: all combinations are trained, each with --seeds seeds. The best recipe is
    chosen on the validation data; the test accuracy is printed for this recipe only. Networks in --record are not
    trained again: the same command continues an interrupted sweep.

    \b
    Two networks with two learning rates, ten times each:
      fastnet sweep --sizes 784,30,10 --sizes 784,100,10 \\
        --eta 0.5 --eta 3 --seeds 10

    \b
    Two networks with convolutions:
      fastnet sweep --epochs 5 --layers "conv 10 5x5 relu, pool 2x2" \\
        --layers "conv 20 5x5 relu, pool 2x2"
    """  # noqa: D301 - click does not wrap the lines after a backspace
    from rich.console import Console

    from fastnet import sweeps
    from fastnet.sweeps.data import Source

    if jobs is not None and scheduler is not None:
        raise click.UsageError(
            "--jobs is for this machine; leave --jobs out with --scheduler: each worker sets its own number of jobs"
        )
    check_network_options(context)
    if plot_file is not None:
        plots.check(plot_file)
    if scheduler is not None:
        logging.disable()  # Dask logs a stack trace for a lost connection; fastnet prints one line
    began = time.perf_counter()
    grid = {name: value for name, value in options.items() if value not in (None, ())}
    source: Any = Source(data, expand)
    if "layers" in grid:
        del grid["sizes"]
    if data is not None:
        with notes_in_lines():
            here = source.load()
        sizes = sizes_for(context, here.training)
        if sizes is not None:
            grid["sizes"] = sizes
        if scheduler is None:
            source = here.training, here.validation, here.test
    try:
        found = sweeps.sweep(source, seeds=seeds, jobs=jobs, scheduler=scheduler, record=record, **grid)
    except KeyboardInterrupt as interruption:
        if str(interruption):
            say(f"{interruption}, and recorded in {record}; the same command continues the sweep", err=True)
        raise
    except sweeps.TrainingFailed as error:
        raise click.ClickException(f"{error}; the trained networks are recorded in {record}") from None
    print_table(found.table(Console().width if is_terminal(sys.stdout) else None))
    say(found.summary())
    seconds, known = time.perf_counter() - began, found.networks - found.trained
    networks = "network" if found.trained == 1 else "networks"
    say(f"Trained now: {found.trained} {networks}, in {seconds:.1f} seconds; known from {record}: {known}.")
    if csv_file is not None:
        found.to_csv(csv_file)
        say(saved(csv_file))
    if json_file is not None:
        found.to_json(json_file)
        say(saved(json_file))
    if plot_file is not None:
        save_picture(found.plot(), plot_file)
    context.exit(1 if found.all_diverged else 0)
