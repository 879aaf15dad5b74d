"""`fastnet train`."""

from __future__ import annotations

from pathlib import Path

import click

from fastnet import mnist_loader, network
from fastnet.commands.parameters import DTYPE, POSITIVE, SETTINGS, NewFile, Sizes
from fastnet.engines import ENGINES


@click.command(context_settings=SETTINGS)
@click.option("--sizes", type=Sizes(), default="784,30,10", help="Neurons in each layer, the inputs first.")
@click.option("--epochs", type=click.IntRange(min=0), default=30, help="How often to go through the training data.")
@click.option("--batch", type=click.IntRange(min=1), default=10, help="Samples in a mini-batch.")
@click.option("--eta", type=POSITIVE, default=3.0, help="Learning rate.")
@click.option("--engine", type=click.Choice(ENGINES), default="numba", help="What computes.")
@click.option("--dtype", type=DTYPE, default="float32", help="Precision.")
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
@click.option("--save", type=NewFile(), help="Write the trained network to this file, as JSON.")
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
