"""`fastnet train`."""

from __future__ import annotations

from pathlib import Path

import click

from fastnet import costs, expand_mnist, mnist_loader, network2, plots
from fastnet.activations import ACTIVATIONS
from fastnet.commands.parameters import DATA, DTYPE, FRACTION, FROM_ZERO, POSITIVE, SETTINGS, NewFile, Sizes
from fastnet.engines import ENGINES, VARIANTS
from fastnet.history import History
from fastnet.schedules import SCHEDULES

_COSTS = {"quadratic": "QuadraticCost", "cross-entropy": "CrossEntropyCost", "log-likelihood": "LogLikelihoodCost"}
_ETA = {"quadratic": 3.0, "cross-entropy": 0.5, "log-likelihood": 0.5}


class _LargeWeights(network2.Network):
    default_weight_initializer = network2.Network.large_weight_initializer


@click.command(context_settings=SETTINGS)
@click.option("--sizes", type=Sizes(), default="784,30,10", help="Neurons in each layer, the inputs first.")
@click.option("--epochs", type=click.IntRange(min=0), default=30, help="How often to go through the training data.")
@click.option("--batch", type=click.IntRange(min=1), default=10, help="Samples in a mini-batch.")
@click.option("--eta", type=POSITIVE, show_default="3.0, with another cost 0.5", help="Learning rate.")
@click.option("--cost", type=click.Choice(list(_COSTS)), default="quadratic", help="What is lowered.")
@click.option("--lmbda", type=FROM_ZERO, default=0.0, help="L2 regularization.")
@click.option(
    "--init",
    type=click.Choice(["large", "small"]),
    show_default="large, with another cost small",
    help="Initial weights: chapter 1's, or chapter 3's, divided by the root of their number.",
)
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), default="sigmoid", help="Of hidden neurons.")
@click.option("--dropout", type=FRACTION, default=0.0, help="Probability with which a hidden neuron is left out.")
@click.option("--momentum", type=FRACTION, default=0.0, help="What remains of the velocity.")
@click.option(
    "--patience", type=click.IntRange(min=1), help="Stop after so many epochs with no better validation accuracy."
)
@click.option("--schedule", type=click.Choice(SCHEDULES), help="With --patience: halve the learning rate first.")
@click.option("--expand", is_flag=True, help="Train on five times the images: shifted by a pixel, too.")
@click.option("--engine", type=click.Choice(ENGINES + VARIANTS), default="numba", help="What computes.")
@click.option("--dtype", type=DTYPE, default="float32", help="Precision.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    show_default="another run each time",
    help="Makes the run repeatable.",
)
@DATA
@click.option("--save", type=NewFile(), help="Write the trained network to this file, as JSON.")
@click.option("--plot", "plot_file", type=NewFile(), help="Draw costs and accuracies into this file, such as run.png.")
def train(
    sizes: list[int],
    epochs: int,
    batch: int,
    eta: float | None,
    cost: str,
    lmbda: float,
    init: str | None,
    activation: str,
    dropout: float,
    momentum: float,
    patience: int | None,
    schedule: str | None,
    expand: bool,
    engine: str,
    dtype: str,
    seed: int | None,
    data: Path | None,
    save: Path | None,
    plot_file: Path | None,
) -> None:
    """Train a network on handwritten digits.

    Without options, this is the program of the book's chapter 1: a line for each epoch says how many of the test digits
    the network gets right. With --patience, the lines are about the validation digits, and the test digits come last.
    Ctrl-C stops it; what was learnt in whole epochs is saved all the same.

    \b
    Chapter 3's best network of 100 hidden neurons:
        fastnet train --sizes 784,100,10 --cost cross-entropy --lmbda 5 --epochs 60 --eta 0.1
    """  # noqa: D301 - to click, a backspace says that the lines below are not to be wrapped
    if schedule is not None and patience is None:
        raise click.UsageError("--schedule needs --patience: after how many epochs the learning rate is to be halved")
    if len(sizes) == 2 and (dropout or activation != "sigmoid"):
        option = "--dropout" if dropout else "--activation"
        raise click.UsageError(f"{option} is for hidden neurons, and --sizes {','.join(map(str, sizes))} has none")
    if plot_file is not None:
        plots.check(plot_file)
    kind = _LargeWeights if (init or ("large" if cost == "quadratic" else "small")) == "large" else network2.Network
    net = kind(sizes, costs.COSTS[_COSTS[cost]], activation=activation, engine=engine, dtype=dtype, seed=seed)
    training_data, validation_data, test_data = mnist_loader.load_data_wrapper(data)
    if expand:
        training_data = expand_mnist.expand(training_data)
    drawn = plot_file is not None
    untrained = net.weights
    try:
        net.SGD(
            training_data,
            epochs,
            batch,
            _ETA[cost] if eta is None else eta,
            lmbda,
            test_data if patience is None else validation_data,
            drawn,
            True,
            drawn,
            drawn,
            momentum=momentum,
            dropout=dropout,
            patience=patience,
            schedule=schedule,
            report=_print_line,
        )
    except (KeyboardInterrupt, BrokenPipeError):
        if net.weights is not untrained:
            _keep(net, save, plot_file)
        raise
    if patience is not None:
        correct = net.accuracy(test_data)
        click.echo(f"Test data: {correct} / {len(test_data)} ({correct / len(test_data):.2%} accuracy)")
    _keep(net, save, plot_file)


def _print_line(history: History) -> None:
    epoch, *before = reversed(history.epochs)
    changed = before and before[0].eta != epoch.eta
    click.echo(history.last_line() + (f", with eta {epoch.eta:g}" if changed else ""))
    if history.stopped:
        click.echo(history.stopped.replace("evaluation", "validation"))


def _keep(net: network2.Network, path: Path | None, plot_file: Path | None) -> None:
    """Write what was asked for."""
    if path is not None:
        net.save(path)
        click.echo(f"Saved to {path}")
    if plot_file is not None and net.history is not None and net.history.epochs:
        plots.save(net.history.plot(), plot_file)
        click.echo(f"Drawn into {plot_file}")
