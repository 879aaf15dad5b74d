"""The command `python -m fastnet.pytorch_mnist`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fastnet.commands.parameters import BATCH_NAMES, FRACTION, FROM_ZERO, POSITIVE, SETTINGS, Command, NewFile, Sizes
from fastnet.torch_classifier.checkpoint import check_path
from fastnet.torch_classifier.data import load_data
from fastnet.torch_classifier.options import DEFAULTS, DEVICES, SCHEDULES, Options, checked
from fastnet.torch_classifier.training import evaluate, train

_Callback = Callable[[click.Context, click.Parameter, Any], Any]


def _checked_by(check: Callable[[Any, str], Any]) -> _Callback:
    """Return a click callback that checks an option's value. Click puts the option's name before an error."""

    def callback(context: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            return check(value, str(param.name))
        except (TypeError, ValueError) as error:
            raise click.BadParameter(str(error), context, param) from None

    return callback


_CHECKED = _checked_by(checked)


@click.command(cls=Command, context_settings=SETTINGS)
@click.option(
    "--sizes",
    type=Sizes(),
    callback=_CHECKED,
    default="784,30,10",
    help="Neurons in each layer: pixels, hidden, digits.",
)
@click.option("--dropout", type=FRACTION, default=DEFAULTS.dropout, help="Probability to leave a hidden neuron out.")
@click.option("--batch-norm", is_flag=True, help="Normalize hidden neurons over the mini-batch.")
@click.option("--epochs", type=click.IntRange(min=1), default=DEFAULTS.epochs, help="Largest number of epochs.")
@click.option(
    *BATCH_NAMES,
    "batch_size",
    type=click.IntRange(min=1),
    default=DEFAULTS.batch_size,
    help="Samples in a mini-batch.",
)
@click.option(
    "--lr",
    "learning_rate",
    type=POSITIVE,
    callback=_CHECKED,
    default=DEFAULTS.learning_rate,
    help="Learning rate.",
)
@click.option("--momentum", type=FRACTION, default=DEFAULTS.momentum, help="Share of the velocity kept in each step.")
@click.option(
    "--weight-decay", type=FROM_ZERO, callback=_CHECKED, default=DEFAULTS.weight_decay, help="L2 regularization."
)
@click.option(
    "--schedule",
    type=click.Choice(list(SCHEDULES)),
    default=DEFAULTS.schedule,
    help="Learning rate: constant; along a cosine to 0 in --epochs; or halved after two consecutive epochs without "
    "better validation accuracy.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=DEFAULTS.patience,
    help="Number of epochs without better validation accuracy after which training stops.",
)
@click.option("--augment", is_flag=True, help="Rotate and shift the training images at random.")
@click.option(
    "--device", type=click.Choice(DEVICES), default=DEFAULTS.device, help="Where to compute; auto: on a GPU if found."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), show_default="another run each time", help="Makes the run repeatable."
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    callback=_CHECKED,
    default=DEFAULTS.workers,
    help="Processes that prepare images.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    callback=_CHECKED,
    default=DEFAULTS.threads,
    help="Threads that compute on the CPU.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="Folder of torchvision.datasets.MNIST, into which missing files are downloaded.",
)
@click.option(
    "--save",
    type=NewFile(),
    callback=_checked_by(check_path),
    default="best_model.pth",
    help="Keep the best network in this file.",
)
def command(data: Path | None, save: Path, **settings: Any) -> None:
    """Train a network of PyTorch on handwritten digits.

    After each epoch, a line shows the accuracy on the training and on the validation digits. The network with the best
    validation accuracy is saved. The last line shows its accuracy on the test digits. Ctrl-C stops the training and
    leaves the best network so far.

    \b
    A larger network:
        python -m fastnet.pytorch_mnist --sizes 784,100,10 --schedule cosine --epochs 10
    """  # noqa: D301 - click does not wrap the lines below a backspace
    options = Options(**settings)
    training, validation, test = load_data(data)
    result = train(training, validation, options, save, click.echo)
    if len(result.history) < options.epochs:
        best = f"{result.best.validation_accuracy:.2%} after epoch {result.best.number}"
        click.echo(f"Stopped early: the best validation accuracy is {best} (patience {options.patience})")
    click.echo(f"Test Accuracy: {evaluate(result.model, test):.2%}")
