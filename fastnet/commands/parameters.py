"""Options and types of parameters that several commands share."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from fastnet.commands.run import say
from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sets import DataWarning
from fastnet.engines import ENGINES, VARIANTS
from fastnet.formulas import costs, images, notation, optimizers
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.layers import Shape
from fastnet.learning.schedules import SCHEDULES
from fastnet.sweeps.recipe import INITS

_Command = TypeVar("_Command", bound=Callable[..., Any])

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
SETTINGS: dict[str, Any] = {"show_default": True, **HELP_OPTIONS}
DTYPE = click.Choice(["float32", "float64"])


BATCH_NAMES = "--batch", "--batch-size", "--mini-batch-size"
"""Names of the option for the size of a mini-batch; all mean the same."""

DATA = click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="Data set: a folder with IDX files, the book's mnist.pkl.gz, or a file .npz, .npy, .csv or .parquet.",
)


@contextmanager
def notes_in_lines() -> Iterator[None]:
    """Print each `DataWarning` of the `with` block as one line on standard error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield
    for warning in caught:
        if isinstance(warning.message, DataWarning):
            say(f"fastnet: {warning.message}", err=True)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def check_network_options(context: click.Context) -> None:
    """Raise a `UsageError` if options of the network exclude one another; called before any data are loaded."""
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


class Number(click.FloatRange):
    """A finite number. `click.FloatRange` alone accepts NaN in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


POSITIVE = Number(min=0, min_open=True)
FROM_ZERO = Number(min=0)
FRACTION = Number(min=0, max=1, max_open=True)


if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:  # before version 8.4, click's class took no type argument
    _Type = click.ParamType


class Sizes(_Type):
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


class Layers(_Type):
    """Hidden layers, in the notation of `fastnet.formulas.notation`."""

    name = "layers"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return notation.write(notation.read(str(value)))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class ImageShape(_Type):
    """Number of maps, height and width of an image."""

    name = "shape"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shape:
        if isinstance(value, tuple):  # click converts a converted value once more
            return value
        try:
            return images.image_shape([int(word) for word in str(value).split("x")])
        except ValueError:
            self.fail(
                f"{value!r} must be maps x height x width, three whole numbers from 1, such as 3x32x32", param, ctx
            )


class Engines(_Type):
    """Names of engines, separated by commas."""

    name = "name,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = str(value).split(",")
        for name in names:
            if name not in ENGINES + VARIANTS:
                self.fail(f"there is no engine {name!r}; choose from {', '.join(ENGINES + VARIANTS)}", param, ctx)
        return names


class NewFile(click.Path):
    """An output file. Before the command runs, the path is checked: the file must be writable."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path} is a folder; name a file", param, ctx)
        if not os.access(path.absolute().parent, os.W_OK):
            self.fail(f"{path.absolute().parent} is not a folder that can be written to", param, ctx)
        return super().convert(value, param, ctx)


class Command(click.Command):
    """A command that rejects repeated options, and an output file that is also another output or an input."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reject an option that is given more than once but takes one value; click would take the last value."""
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        for param in given:
            if isinstance(param, click.Option) and not (param.multiple or param.is_flag) and given.count(param) > 1:
                raise click.UsageError(f"{_shown(param)} is given {given.count(param)} times; it takes one value", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Raise a `UsageError` if an output file is also the file of another parameter; otherwise, run the command."""
        named = [(param, path) for param in self.params for path in _paths(ctx.params.get(str(param.name)))]
        for param, path in named:
            if not isinstance(param.type, NewFile) or (path.exists() and not path.is_file()):
                continue
            for other, another in named:
                if other is not param and _are_same(another, path):
                    names = " and ".join(sorted(_shown(each) for each in (param, other)))
                    raise click.UsageError(f"{names} are the same file, {click.format_filename(path)}; name two files")
        return super().invoke(ctx)


def _are_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, also through links, mounts or a disk that ignores case."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _shown(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name


def _paths(value: Any) -> list[Path]:
    return [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Path)]


def recipe_options(*, several: bool) -> Callable[[_Command], _Command]:
    """Return a decorator that adds the options of a network and its training, named as in `sweeps.recipe.recipe`.

    Parameters
    ----------
    several : bool
        Whether most options may be given more than once. --image-shape, --epochs, --patience, --schedule and --expand
        may always be given only once.
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
            f"'{notation.EXAMPLE}'. Between commas: {notation.FORMS}. Inputs and outputs are those of the data.",
        ),
        click.option(
            "--image-shape",
            type=ImageShape(),
            metavar="MAPSxHEIGHTxWIDTH",
            show_default="1xNxN of N*N inputs, 3xNxN of 3*N*N",
            help="Maps, height and width of an image, for --layers, such as 3x32x32.",
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
            show_default="3.0; another cost 0.5, --layers 0.1, adam 0.001",
            help="Learning rate.",
        ),
        option(
            "--cost",
            type=click.Choice(list(costs.NAMES)),
            show_default="quadratic, with --layers log-likelihood",
            help="Cost function, which training minimizes.",
        ),
        option("--lmbda", type=FROM_ZERO, default=0.0, help="L2 regularization parameter."),
        option(
            "--init",
            type=click.Choice(INITS),
            show_default="large, with another cost or --layers small",
            help="Initial weights: large as in chapter 1, or small as in chapter 3: divided by the root of n_in.",
        ),
        option(
            "--activation",
            type=click.Choice(list(ACTIVATIONS)),
            default="sigmoid",
            help="Activation function of hidden neurons for which --layers has none.",
        ),
        option(
            "--dropout",
            type=FRACTION,
            default=0.0,
            help="Probability with which a hidden neuron is left out. With --layers, add a layer 'dropout P' instead.",
        ),
        option("--optimizer", type=click.Choice(optimizers.NAMES), default="sgd", help="Rule that updates weights."),
        option("--momentum", type=FRACTION, default=0.0, help="Momentum of sgd and nesterov."),
        option("--max-norm", type=POSITIVE, help="Largest norm of each neuron's weights."),
        click.option(
            "--patience",
            type=click.IntRange(min=1),
            help="Number of epochs with no better validation accuracy after which training stops.",
        ),
        click.option(
            "--schedule",
            type=click.Choice(SCHEDULES),
            help="Schedule of the learning rate: falling with the epochs, or, with --patience, halved before stopping.",
        ),
        click.option("--expand", is_flag=True, help="Train on each image and its four shifts by a pixel."),
        option("--engine", type=click.Choice(ENGINES + VARIANTS), default="numba", help="Engine that computes."),
        option("--dtype", type=DTYPE, default="float32", help="Floating-point type."),
    ]

    def decorate(command: _Command) -> _Command:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate
