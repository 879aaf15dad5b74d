"""The command `fastnet`: it reads arguments, calls the library and prints; it computes nothing."""

from __future__ import annotations

import os
import sys

import click

import fastnet
from fastnet.commands import compare, evaluate, train
from fastnet.commands.parameters import HELP_OPTIONS


def main() -> None:
    """Run the command; every error is one line on standard error and exit status 2."""
    try:
        sys.exit(fastnet_command.main(prog_name="fastnet", standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        _fail(error.format_message())
    except BrokenPipeError:  # whoever read our output has seen enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}" if error.strerror and error.filename else str(error))
    except (ArithmeticError, ImportError, MemoryError, ValueError) as error:
        _fail(str(error) or "there is not enough memory")


@click.group(name="fastnet", invoke_without_command=True, context_settings=HELP_OPTIONS)
@click.version_option(fastnet.__version__)
@click.pass_context
def fastnet_command(context: click.Context) -> None:
    """Train the networks of "Neural Networks and Deep Learning", fast."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


fastnet_command.add_command(train.train)
fastnet_command.add_command(evaluate.evaluate)
fastnet_command.add_command(compare.compare)


def _fail(message: str) -> None:
    click.echo(f"fastnet: {' '.join(message.split())}", err=True)
    sys.exit(2)
