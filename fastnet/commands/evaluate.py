"""`fastnet evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from fastnet import mnist_loader, network2
from fastnet.commands.parameters import DATA, SETTINGS
from fastnet.engines import ENGINES, VARIANTS


@click.command(context_settings=SETTINGS)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--engine", type=click.Choice(ENGINES + VARIANTS), default="numba", help="What computes.")
@DATA
def evaluate(model: Path, engine: str, data: Path | None) -> None:
    """Say how many of the test digits a saved network gets right.

    MODEL is a file that `fastnet train --save` wrote, or the book's network2.py.
    """
    net = network2.load(model, engine=engine)
    _, _, test_data = mnist_loader.load_data_wrapper(data)
    correct = net.accuracy(test_data)
    click.echo(f"{model}: {'-'.join(map(str, net.sizes))}, {net.activation} neurons, {net.cost.__name__}")
    click.echo(f"Accuracy on test data: {correct} / {len(test_data)} ({correct / len(test_data):.2%})")
    click.echo(f"Cost on test data: {net.total_cost(test_data, 0.0):.4f}")
