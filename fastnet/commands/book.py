"""`fastnet book`."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastnet import plots
from fastnet.commands.run import note, say
from fastnet.commands.saving import save_picture
from fastnet.commands.types import SETTINGS, Command, NewFile, NewFolder
from fastnet.files.writing import write_text
from fastnet.utils import arguments, progress

if TYPE_CHECKING:
    from fastnet.book import Experiment, Result


@click.command(cls=Command, context_settings=SETTINGS)
@click.argument("name", required=False)
@click.option("--seed", type=click.IntRange(0, arguments.LARGEST_SEED), default=0, help="Seed of the random numbers.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    help="Number of seeds, beginning with --seed; the median is printed with the lowest and highest value.",
)
@click.option("--save", "picture", type=NewFile(), help="Write the picture to this file, such as overfitting.png.")
@click.option("--all", "every", is_flag=True, help="Compute all experiments and write them to --folder.")
@click.option("--chapter", type=click.IntRange(1, 6), help="Only this chapter is listed, or computed with --all.")
@click.option(
    "--folder",
    type=NewFolder(),
    help="Folder to which --all writes the pictures and the page index.html.",
)
def book(
    name: str | None,
    seed: int,
    seeds: int,
    picture: Path | None,
    every: bool,
    chapter: int | None,
    folder: Path | None,
) -> None:
    """Compute a figure, table or experiment of the book, and print the computed values beside the book's.

    Without NAME and --all, the experiments are listed by chapter. Some experiments of chapter 6 train for hours.

    \b
    fastnet book overfitting
    fastnet book overfitting --seeds 5 --save overfitting.png
    fastnet book --all --folder pictures
    """  # noqa: D301 - click does not wrap the lines after a backspace
    _check_together(name, every, chapter, folder, picture)
    numbers = range(seed, seed + seeds)
    if numbers[-1] > arguments.LARGEST_SEED:
        raise click.UsageError(f"--seed {seed} with --seeds {seeds}: the largest seed is {arguments.LARGEST_SEED}")
    if every:
        assert folder is not None
        _compute_all(chapter, numbers, folder)
    elif name is None:
        _list(chapter)
    else:
        _compute(_named(name), numbers, picture)


def _check_together(
    name: str | None, every: bool, chapter: int | None, folder: Path | None, picture: Path | None
) -> None:
    if every and name is not None:
        raise click.UsageError(f"--all computes every experiment; leave out {name!r}, or --all")
    if every != (folder is not None):
        raise click.UsageError("--all and --folder go together: --all --folder DIR writes all pictures to DIR")
    if picture is not None and name is None:
        raise click.UsageError("--save needs NAME, the experiment whose picture is saved")
    if chapter is not None and name is not None:
        raise click.UsageError(f"--chapter selects among all experiments; leave out {name!r}, or --chapter")


def _named(name: str) -> Experiment:
    from fastnet import book

    known = book.names()
    if name not in known:
        near = difflib.get_close_matches(name, known, 3)
        raise click.UsageError(
            f"there is no experiment {name!r}; "
            + (f"did you mean {' or '.join(near)}?" if near else "`fastnet book` lists all experiments")
        )
    found: Experiment = getattr(book, name)
    return found


def _list(chapter: int | None) -> None:
    from fastnet import book

    experiments = book.experiments(chapter)
    width = max(len(each.name) for each in experiments)
    last = ""
    for each in experiments:
        if each.place != last:
            click.echo(f"\n{each.place.capitalize()}" if last else each.place.capitalize())
            last = each.place
        say(f"  {each.name:<{width}}  {each.title}")


def _compute(experiment: Experiment, seeds: range, picture: Path | None) -> None:
    """Compute one experiment, print its values, and save or show its picture."""
    from fastnet.book.experiment import in_columns
    from fastnet.book.seeds import repeated, seed_ranges

    if picture is not None:
        plots.check(picture)
    with progress.steps(experiment.name, len(seeds)) as step:
        results = []
        for result in repeated(experiment, seeds):
            results.append(result)
            step()
    say(f"{experiment.title} ({experiment.place})")
    found = seed_ranges(results)
    if found:
        click.echo("\n" + in_columns([each.cells() for each in found]))
    for each in found:
        if not each.is_met and each.published.reason_for_difference:
            click.echo(f"\n{each.published.name}: {each.published.reason_for_difference}")
    if picture is not None:
        save_picture(results[0].draw(), picture)
    else:
        _show(results[0])


def _show(result: Result) -> None:
    """Open the picture in the system's default application, if there is a screen."""
    if not _has_screen():
        note("there is no screen to show the picture on; --save FILE writes the picture to a file")
        return
    path = Path(tempfile.mkdtemp(prefix="fastnet-"), f"{result.experiment.name}.png")
    result.save(path)
    click.launch(str(path))


def _has_screen() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _compute_all(chapter: int | None, seeds: range, folder: Path) -> None:
    """Compute experiments; after each experiment, write its picture and update the page `index.html`.

    If an experiment needs a missing library, the experiment is reported and left out, and the exit status is 1.
    """
    from fastnet import book
    from fastnet.book.page import Entry, page
    from fastnet.book.seeds import repeated, seed_ranges

    plots.check(folder / "index.png")
    folder.mkdir(parents=True, exist_ok=True)
    experiments, entries = book.experiments(chapter), []
    began = time.perf_counter()
    with progress.steps("The book", len(experiments)) as step:
        for experiment in experiments:
            step(0, experiment.name)
            start = time.perf_counter()
            try:
                results = list(repeated(experiment, seeds))
            except ImportError as error:
                say(f"fastnet: {experiment.name} is left out: {error}", err=True)
                step(1)
                continue
            seconds = time.perf_counter() - start
            results[0].save(folder / f"{experiment.name}.png")
            entries.append(Entry(experiment, f"{experiment.name}.png", seed_ranges(results), seconds))
            write_text(folder / "index.html", page(entries))
            step(1)
    missed = sum(not each.is_met for entry in entries for each in entry.ranges)
    values = sum(len(entry.ranges) for entry in entries)
    met = f" {values - missed} of {values} published values lie in the computed range." if values else ""
    seconds = time.perf_counter() - began
    say(f"{len(entries)} experiments in {seconds:.0f} seconds.{met} {folder / 'index.html'} shows all results.")
    if len(entries) < len(experiments):
        click.get_current_context().exit(1)
