"""Options and types of parameters that several commands share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from fastnet.commands.run import note
from fastnet.commands.types import BATCH_NAMES, FRACTION, FROM_ZERO, POSITIVE, ParamType, Sizes
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sets import DataWarning
from fastnet.engines import ENGINES, VARIANTS
from fastnet.formulas import costs, images, notation, optimizers
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.layers import Shape
from fastnet.learning.schedules import SCHEDULES
from fastnet.sweeps.recipe import INITS

_Command = TypeVar("_Command", bound=Callable[..., Any])

DTYPE = click.Choice(["float32", "float64"])
ENGINE: dict[str, Any] = {"type": click.Choice(ENGINES + VARIANTS), "metavar": "NAME", "default": "numba"}
ENGINE_NAMES = ", ".join(ENGINES + VARIANTS)


DATA = click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="Data set: a folder with IDX files, the book's mnist.pkl.gz, or a .npz, .npy, .csv or .parquet file.",
)


@contextmanager
def notes_in_lines() -> Iterator[None]:
    """Print each `DataWarning` of the `with` block as one line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for warning in caught:
        if isinstance(warning.message, DataWarning):
            note(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def check_network_options(context: click.Context) -> None:
    """Raise a `UsageError` for --sizes with --layers, or --image-shape without --layers. The check needs no data."""
    layers, shape = context.params["layers"], context.params["image_shape"]
    if layers and _is_given(context, "sizes"):
        raise click.UsageError(
            "--sizes and --layers are both given; leave --sizes out: --layers has the hidden layers, and the numbers "
            "of inputs and outputs are those of the data"
        )
    if shape and not layers:
        raise click.UsageError("--image-shape needs --layers: layers that take images, such as " + notation.EXAMPLE)


def sizes_for(context: click.Context, training_data: Dataset) -> list[int] | None:
    """Return sizes with the data's numbers of inputs and outputs, or None if the value of --sizes is used unchanged.

    With --layers, the sizes have no hidden layers. With --data but without --sizes, there are 30 hidden neurons.
    """
    x, y = training_data[0]
    if context.params["layers"]:
        return [len(x), len(y)]
    if context.params["data"] is None or _is_given(context, "sizes"):
        return None
    return [len(x), 30, len(y)]


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


class Layers(ParamType):
    """Hidden layers, in the notation of `fastnet.formulas.notation`."""

    name = "layers"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return notation.write(notation.read(str(value)))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ImageShape(ParamType):
    """Number of maps, height and width of an image."""

    name = "shape"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shape:
        if isinstance(value, tuple):  # click may pass a value that is already converted
            return value
        try:
            return images.image_shape([int(word) for word in str(value).split("x")])
        except ValueError:
            self.fail(
                f"{value!r} must be MAPSxHEIGHTxWIDTH: three whole numbers, at least 1, such as 3x32x32", param, ctx
            )


class Engines(ParamType):
    """Names of engines, separated by commas."""

    name = "name,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = str(value).split(",")
        for name in names:
            if name not in ENGINES + VARIANTS:
                self.fail(f"there is no engine {name!r}; choose from {ENGINE_NAMES}", param, ctx)
        return names


def recipe_options(*, several: bool) -> Callable[[_Command], _Command]:
    """Return a decorator that adds the options of a network and its training, named as in `sweeps.recipe.recipe`.

    Parameters
    ----------
    several : bool
        Whether options may be given several times, except --image-shape, --epochs, --patience, --schedule and the flags
        --expand and --deform.
    """

    def option(name: str, *names: str, default: Any = None, **settings: Any) -> Callable[[_Command], _Command]:
        if several:
            settings["multiple"] = True
            default = None if default is None else [default]
        return click.option(name, *names, default=default, **settings)

    options = [
        option(
            "--sizes",
            type=Sizes(),
            default="784,30,10",
            help="Number of neurons in each layer, the inputs first. "
            "With --data, the default has as many inputs and outputs as the data.",
        ),
        option(
            "--layers",
            type=Layers(),
            help="Hidden layers instead of --sizes, such as "
            f"'{notation.EXAMPLE}'. Separated by commas: {notation.FORMS}. The numbers of inputs and outputs are those "
            "of the data.",
        ),
        click.option(
            "--image-shape",
            type=ImageShape(),
            metavar="MAPSxHEIGHTxWIDTH",
            show_default="1xNxN for N*N inputs, 3xNxN for 3*N*N inputs",
            help="Number of maps, height and width of an image, for --layers, such as 3x32x32.",
        ),
        click.option(
            "--epochs",
            type=click.IntRange(min=1 if several else 0),
            default=30,
            help="Number of epochs.",
        ),
        option(
            *BATCH_NAMES,
            "mini_batch_size",
            type=click.IntRange(min=1),
            default=10,
            help="Number of samples in a mini-batch.",
        ),
        option(
            "--eta",
            type=POSITIVE,
            show_default="3.0; 0.5 with another cost, 0.1 with another activation or --layers, "
            "0.001 with adam or rmsprop",
            help="Learning rate.",
        ),
        option(
            "--cost",
            type=click.Choice(list(costs.NAMES)),
            show_default="quadratic; log-likelihood with --layers",
            help="Cost function, which training minimizes.",
        ),
        option("--lmbda", type=FROM_ZERO, default=0.0, help="L2 regularization parameter."),
        option("--l1", type=FROM_ZERO, default=0.0, help="L1 regularization parameter."),
        option(
            "--init",
            type=click.Choice(INITS),
            show_default="large; small with another cost or activation, or with --layers",
            help="Initial weights: large as in chapter 1, or small as in chapter 3 (divided by sqrt(n_in)).",
        ),
        option(
            "--activation",
            type=click.Choice(list(ACTIVATIONS)),
            default="sigmoid",
            help="Activation function of the hidden neurons, unless --layers names another.",
        ),
        option(
            "--dropout",
            type=FRACTION,
            default=0.0,
            help="Probability of dropping a hidden neuron. With --layers, add a layer 'dropout P' instead.",
        ),
        option("--optimizer", type=click.Choice(optimizers.NAMES), default="sgd", help="Rule that updates parameters."),
        option("--momentum", type=FRACTION, default=0.0, help="Momentum coefficient of sgd and nesterov."),
        option("--max-norm", type=POSITIVE, help="Largest norm of each neuron's weights."),
        click.option(
            "--patience",
            type=click.IntRange(min=1),
            help="Number of epochs without a better validation accuracy, after which training stops.",
        ),
        click.option(
            "--schedule",
            type=click.Choice(SCHEDULES),
            help="Schedule that lowers the learning rate. halve needs --patience: it halves the rate instead of "
            "stopping, and the seventh halving stops the training.",
        ),
        click.option("--expand", is_flag=True, help="Train on each image and on four copies, shifted by one pixel."),
        click.option(
            "--deform", is_flag=True, help="Train each epoch on images that are rotated, shifted and bent anew."
        ),
        option("--engine", help=f"Engine that trains: {ENGINE_NAMES}.", **ENGINE),
        option("--dtype", type=DTYPE, default="float32", help="Floating-point type."),
    ]

    def decorate(command: _Command) -> _Command:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate
