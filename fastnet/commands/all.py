"""The command `fastnet` with all subcommands."""

from __future__ import annotations

import click

import fastnet
from fastnet.commands import book, compare, compile, evaluate, play, predict, sweep, train
from fastnet.commands.types import HELP_OPTIONS


@click.group(name="fastnet", invoke_without_command=True, context_settings=HELP_OPTIONS)
@click.version_option(fastnet.__version__)
@click.pass_context
def fastnet_command(context: click.Context) -> None:
    """Train the networks of "Neural Networks and Deep Learning", fast.

    Begin with `fastnet train`; `fastnet COMMAND --help` lists the options of a command.

    \b
    For tab completion in bash, add this line to ~/.bashrc:
        eval "$(_FASTNET_COMPLETE=bash_source fastnet)"
    In zsh, write zsh_source instead of bash_source, and add the line to ~/.zshrc.
    """  # noqa: D301 - click does not wrap the lines after a backspace
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


fastnet_command.add_command(train.train)
fastnet_command.add_command(evaluate.evaluate)
fastnet_command.add_command(compare.compare)
fastnet_command.add_command(sweep.sweep)
fastnet_command.add_command(predict.predict)
fastnet_command.add_command(compile.compile_kernels)
fastnet_command.add_command(book.book)
fastnet_command.add_command(play.play)
