"""`fastnet train`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from fastnet import expand_mnist, mnist_loader, network2, plots
from fastnet.commands.parameters import DATA, check_network_options, notes_in_lines, recipe_options, sizes_for
from fastnet.commands.run import in_words, say
from fastnet.commands.saving import saved
from fastnet.commands.types import SETTINGS, Command, NewFile
from fastnet.learning.checkpoints import files_of
from fastnet.learning.history import History
from fastnet.learning.schedules import HALVE
from fastnet.sweeps.recipe import recipe
from fastnet.utils.arguments import LARGEST_SEED


@click.command(cls=Command, context_settings=SETTINGS)
@recipe_options(several=False)
@click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    show_default="a different run each time",
    help="Seed of the random numbers; makes the run repeatable.",
)
@DATA
@click.option("--checkpoint", type=NewFile(files_of), help="Save the state of the run to this file after each epoch.")
@click.option(
    "--resume", is_flag=True, help="Continue from the file of --checkpoint, if it exists, as if never interrupted."
)
@click.option("--save", type=NewFile(), help="Write the trained network to this file, as JSON.")
@click.option("--plot", "plot_file", type=NewFile(), help="Draw costs and accuracies into this file, such as run.png.")
@click.pass_context
def train(
    context: click.Context,
    /,
    expand: bool,
    seed: int | None,
    data: Path | None,
    checkpoint: Path | None,
    resume: bool,
    save: Path | None,
    plot_file: Path | None,
    **options: Any,
) -> None:
    """Train a network on handwritten digits.

    Without options, this is the program of the book's chapter 1: after each epoch, the number of test digits classified
    correctly is printed. With --patience, the validation digits are counted instead, and the test digits at the end.
    Ctrl-C or SIGTERM stops the training; the results of whole epochs are still saved. If weights
    become infinite or NaN, the training also stops, and the exit status is 1.

    \b
    Chapter 3's best network of 100 hidden neurons:
      fastnet train --sizes 784,100,10 --cost cross-entropy --eta 0.1 \\
        --lmbda 5 --epochs 60

    \b
    A network of chapter 6, with a convolution:
      fastnet train --epochs 5 \\
        --layers "conv 20 5x5 relu, pool 2x2, dense 100 relu"
    """  # noqa: D301 - click does not wrap the lines after a backspace
    check_network_options(context)
    _check_together(options, checkpoint, resume)
    if plot_file is not None:
        plots.check(plot_file)
    with notes_in_lines():
        training_data, validation_data, test_data = mnist_loader.load_data_wrapper(data)
    chosen = recipe(**{**options, "sizes": sizes_for(context, training_data) or options["sizes"]})
    net = chosen.network(seed)
    if expand:
        training_data = expand_mnist.expand(training_data)
    drawn = plot_file is not None
    reported: list[History] = []

    def report(history: History) -> None:
        reported.append(history)
        _print_line(history)

    try:
        net.SGD(
            training_data,
            evaluation_data=test_data if chosen.patience is None else validation_data,
            monitor_evaluation_cost=drawn,
            monitor_evaluation_accuracy=True,
            monitor_training_cost=drawn,
            monitor_training_accuracy=drawn,
            report=report,
            checkpoint=checkpoint,
            resume=resume,
            **chosen.training(),
        )
        if net.history is not None and net.history.epochs and not reported:
            say(f"{checkpoint} has all epochs already; the last one: {net.history.last_line()}")
        if chosen.patience is not None:
            correct = net.accuracy(test_data)
            say(f"Test data: {correct} / {len(test_data)} ({correct / len(test_data):.2%} accuracy)")
    except BaseException as end:  # weights are also saved after Ctrl-C, a full disk or a closed pipe
        has_learnt = net.history is not None and len(net.history.epochs) > 0
        if checkpoint is not None and checkpoint.exists() and (has_learnt or isinstance(end, KeyboardInterrupt)):
            say(f"Checkpoint kept in {checkpoint}; the same command with --resume continues the run", err=True)
        for keep in _to_keep(net, save, plot_file) if has_learnt else []:
            try:
                kept = keep()
                if isinstance(end, KeyboardInterrupt):  # after an error, such as a closed pipe, printing may fail again
                    say(kept)
            except OSError as error:
                say(f"fastnet: {in_words(error)}", err=True)
        raise
    for line in [keep() for keep in _to_keep(net, save, plot_file)]:
        say(line)
    if net.history is not None and net.history.diverged:
        context.exit(1)


def _check_together(options: dict[str, Any], checkpoint: Path | None, resume: bool) -> None:
    """Raise a `UsageError` if the combination of options is invalid."""
    if options["schedule"] == HALVE and options["patience"] is None:
        raise click.UsageError(
            "--schedule halve needs --patience: the number of epochs without improvement before the rate is halved"
        )
    no_hidden = not options["layers"] and len(options["sizes"]) == 2
    if no_hidden and (options["dropout"] or options["activation"] != "sigmoid"):
        option = "--dropout" if options["dropout"] else "--activation"
        raise click.UsageError(
            f"{option} is for hidden neurons, and --sizes {','.join(map(str, options['sizes']))} has none; "
            "add a hidden layer"
        )
    if options["dropout"] and options["layers"]:
        raise click.UsageError(
            f"--dropout is for --sizes; with --layers, add a layer 'dropout {options['dropout']}' instead"
        )
    if resume and checkpoint is None:
        raise click.UsageError("--resume needs --checkpoint: the file to continue from")
    if checkpoint is not None and checkpoint.exists() and not resume:
        raise click.UsageError(f"--checkpoint {checkpoint} exists already; add --resume, or name another file")


def _print_line(history: History) -> None:
    *before, epoch = history.epochs[-2:]
    changed = before and before[0].eta != epoch.eta
    say(history.last_line() + (f", with eta {epoch.eta:g}" if changed else ""))
    if history.stopped:
        say(history.stopped.replace("evaluation", "validation"))


def _to_keep(net: network2.Network, path: Path | None, plot_file: Path | None) -> list[Callable[[], str]]:
    """Return a function for each requested file, but for the picture only if an epoch is complete.

    Each function writes its file, and returns a message about it.
    """
    history = net.history
    tasks: list[Callable[[], str]] = []

    def save(path: Path) -> str:
        net.save(path)
        return saved(path)

    def draw(history: History, plot_file: Path) -> str:
        plots.save(history.plot(), plot_file)
        return saved(plot_file, "Picture saved")

    if path is not None:
        tasks.append(partial(save, path))
    if plot_file is not None and history is not None and history.epochs:
        tasks.append(partial(draw, history, plot_file))
    return tasks
