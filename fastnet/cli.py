"""The command `fastnet`: it reads arguments, calls the library and prints; it computes nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

import fastnet
from fastnet import mnist_loader, network
from fastnet.engines import ENGINES


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
    except (ImportError, MemoryError, OverflowError, ValueError) as error:
        _fail(str(error) or "there is not enough memory")


@click.group(name="fastnet", invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(fastnet.__version__)
@click.pass_context
def fastnet_command(context: click.Context) -> None:
    """Train the networks of "Neural Networks and Deep Learning", fast."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


class _Sizes(click.ParamType):
    """Whole numbers, separated by commas."""

    name = "n,n,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            sizes = [int(size) for size in str(value).split(",")]
        except ValueError:
            sizes = []
        if len(sizes) < 2 or min(sizes) < 1:
            self.fail(f"{value!r} must be at least two whole numbers from 1, such as 784,30,10", param, ctx)
        return sizes


@fastnet_command.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--sizes", type=_Sizes(), default="784,30,10", help="Neurons in each layer, the inputs first.")
@click.option("--epochs", type=click.IntRange(min=0), default=30, help="How often to go through the training data.")
@click.option("--batch", type=click.IntRange(min=1), default=10, help="Samples in a mini-batch.")
@click.option("--eta", type=click.FloatRange(min=0, min_open=True), default=3.0, help="Learning rate.")
@click.option("--engine", type=click.Choice(ENGINES), default="numba", help="What computes.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", help="Precision.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    show_default="another run each time",
    help="Makes the run repeatable.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="The book's mnist.pkl.gz, or a folder with the four IDX files of another set.",
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the trained network to this file, as JSON.",
)
def train(
    sizes: list[int],
    epochs: int,
    batch: int,
    eta: float,
    engine: str,
    dtype: str,
    seed: int | None,
    data: Path | None,
    save: Path | None,
) -> None:
    """Train a network on handwritten digits.

    This is the program of the book's chapter 1: a line for each epoch says how many of the test digits the network gets
    right. Ctrl-C stops it; what was learnt in whole epochs is saved all the same.
    """
    if save is not None and save.is_dir():
        raise click.BadParameter(f"{save} is a folder", param_hint="--save")
    if save is not None and not os.access(save.absolute().parent, os.W_OK):
        raise click.BadParameter(
            f"{save.absolute().parent} is not a folder that can be written to", param_hint="--save"
        )
    net = network.Network(sizes, engine=engine, dtype=dtype, seed=seed)
    training_data, _, test_data = mnist_loader.load_data_wrapper(data)
    untrained = net.weights
    try:
        net.SGD(training_data, epochs, batch, eta, test_data=test_data)
    except (KeyboardInterrupt, BrokenPipeError):
        if net.weights is not untrained:
            _save(net, save)
        raise
    _save(net, save)


def _save(net: network.Network, path: Path | None) -> None:
    if path is not None:
        net.save(path)
        click.echo(f"Saved to {path}")


def _fail(message: str) -> None:
    click.echo(f"fastnet: {' '.join(message.split())}", err=True)
    sys.exit(2)
