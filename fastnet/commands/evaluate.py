"""`fastnet evaluate`."""

from __future__ import annotations

from math import isqrt, prod
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastnet import mnist_loader, network2, plots
from fastnet.commands.parameters import DATA, ENGINE, ENGINE_NAMES, notes_in_lines
from fastnet.commands.run import say
from fastnet.commands.saving import save_picture
from fastnet.commands.types import SETTINGS, Command, NewFile
from fastnet.datasets.dataset import Dataset
from fastnet.files import models
from fastnet.formulas import costs, notation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PICTURES = ("confusion", "mistakes", "weights")


@click.command(cls=Command, context_settings=SETTINGS)
@click.argument("model", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--engine", help=f"Engine for the computations: {ENGINE_NAMES}.", **ENGINE)
@DATA
@click.option("--plot", "plot_file", type=NewFile(), help="Draw a picture into this file, such as confusion.png.")
@click.option(
    "--picture",
    type=click.Choice(_PICTURES),
    show_default=_PICTURES[0],
    help="With --plot: the confusion matrix, the misclassified images, or the weights of the first layer.",
)
def evaluate(model: Path, engine: str, data: Path | None, plot_file: Path | None, picture: str | None) -> None:
    """Print the accuracy and the cost of a saved network on the test digits.

    MODEL is a file that `fastnet train --save` or the book's network2.py wrote.
    """
    if plot_file is not None:
        plots.check(plot_file)
    elif picture is not None:
        raise click.UsageError("--picture needs --plot: the file to draw the picture into")
    net = network2.load(model, engine=engine)
    with notes_in_lines():
        _, _, test_data = mnist_loader.load_data_wrapper(data)
    drawn = None if plot_file is None else _draw(picture or _PICTURES[0], net, test_data)
    correct = net.accuracy(test_data)
    say(f"{model}: {_description(net)}, {costs.name_of(net.cost)}")
    say(f"Accuracy on test data: {correct} / {len(test_data)} ({correct / len(test_data):.2%})")
    say(f"Cost on test data: {net.total_cost(test_data, 0.0):.4f}")
    if plot_file is not None and drawn is not None:
        save_picture(drawn, plot_file)


def _description(net: network2.Network) -> str:
    """Return the layers of a network in words."""
    architecture = net._architecture()
    if models.is_plain(architecture, net.activation):
        return f"{'-'.join(map(str, net.sizes))}, {net.activation} neurons"
    shape = architecture.input_shape
    inputs = f"{architecture.n_in} inputs" if len(shape) == 1 else f"images of {notation.size(shape)}"
    hidden = map(notation.describe, architecture.layers[:-1])
    return ", ".join([inputs, *hidden, f"{architecture.n_out} {architecture.outputs.activation} outputs"])


def _draw(picture: str, net: network2.Network, test_data: Dataset) -> Figure:
    """Return the chosen picture. The command draws before it prints, so that a drawing error is the only output."""
    if picture == "mistakes":
        return plots.mistakes(net, test_data, shape=_image_shape(net, picture))
    if picture == "weights":
        weights = net.weights[0]
        return plots.weights(weights, shape=_image_shape(net, picture) if weights.ndim == 2 else None)
    classes = net.classes(test_data)
    return plots.confusion_matrix(classes.labels, classes.predicted(net.feedforward(test_data.inputs.T).T))


def _image_shape(net: network2.Network, picture: str) -> tuple[int, ...]:
    """Return the shape of the network's images: (height, width), or (3, height, width) for RGB images.

    Raises
    ------
    click.UsageError
        If the inputs cannot be drawn as images.
    """
    shape = net.input_shape
    if len(shape) == 1:
        shape = (1, isqrt(shape[0]), isqrt(shape[0]))
    if prod(shape) != net.sizes[0] or shape[0] not in (1, 3):
        inputs = (
            f"images of {shape[0]} maps" if len(net.input_shape) > 1 else f"{net.sizes[0]} numbers, no square image"
        )
        raise click.UsageError(
            f"--picture {picture} draws the inputs as grey or RGB images, but the inputs of this network are {inputs}; "
            "--picture confusion needs no images"
            + (f", and in Python, plots.{picture} takes a shape" if len(net.input_shape) == 1 else "")
        )
    return shape[1:] if shape[0] == 1 else shape
