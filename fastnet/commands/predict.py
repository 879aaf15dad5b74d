"""`fastnet predict`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from fastnet import handwriting, network2, plots
from fastnet.commands.run import note, printable, say
from fastnet.commands.saving import save_picture, save_text
from fastnet.commands.types import SETTINGS, Command, NewFile
from fastnet.handwriting import images as image_files
from fastnet.handwriting import text_display
from fastnet.handwriting.prediction import check as check_network
from fastnet.utils import arguments
from fastnet.utils.streams import is_terminal


@click.command(cls=Command, context_settings=SETTINGS)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    show_default="a network that is trained at the first use, in seconds, and kept in the cache folder",
    help="Network: a file that `fastnet train --save` wrote.",
)
@click.option("--show", is_flag=True, help="Print the network's input as a picture, and the probability of each digit.")
@click.option("--json", "json_file", type=NewFile(), help="Write the answers, with all probabilities, to this file.")
@click.option("--plot", "plot_file", type=NewFile(), help="Draw pictures and answers into this file, such as mine.png.")
@click.pass_context
def predict(
    context: click.Context,
    images: tuple[Path, ...],
    model: Path | None,
    show: bool,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Print the digit that each image shows.

    IMAGE is a PNG, JPEG, BMP, GIF, WebP or TIFF file with one digit in it: dark on light or light on dark, written,
    drawn or photographed. The image is prepared as MNIST's digits were. An uncertain answer is printed as "not sure",
    with the reason. An image that cannot be read is reported on standard error, and the exit status is 2.
    """
    image_files.check()
    if plot_file is not None:
        plots.check(plot_file)
    net = None if model is None else _load(model)
    answers: list[dict[str, Any]] = []
    drawn: list[tuple[str, np.ndarray, handwriting.Prediction]] = []
    for path in images:
        name = click.format_filename(path)
        try:
            image = handwriting.read(path)
        except (OSError, ValueError) as error:
            message = f"{name}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
            say(f"fastnet: {message}", err=True)
            answers.append({"file": name, "error": message})
            continue
        if net is None:
            net = handwriting.default_network(note)
        prediction = handwriting.predict(net, image)
        say(f"{name}: {prediction}")
        if show:
            click.echo(text_display.show(prediction, colors=_has_colors()))
        answers.append({"file": name, **_as_data(prediction)})
        if plot_file is not None:
            drawn.append((f"{printable(click.format_filename(path.name))}: {prediction}", image, prediction))
    if json_file is not None:
        save_text(json.dumps(answers, indent=1) + "\n", json_file)
    if plot_file is not None and drawn:
        from fastnet.handwriting.plots import figure

        save_picture(figure(drawn), plot_file)
    context.exit(2 if any("error" in answer for answer in answers) else 0)


def _load(path: Path) -> network2.Network:
    net = network2.load(path, engine="numpy")  # NumPy needs no compilation, which takes longer than a few predictions
    with arguments.named(str(path)):
        check_network(net)
    return net


def _as_data(prediction: handwriting.Prediction) -> dict[str, Any]:
    probabilities = [round(float(probability), 6) for probability in prediction.probabilities]
    return {"digit": prediction.digit, "reason": prediction.reason, "probabilities": probabilities}


def _has_colors() -> bool:
    """Whether standard output is a terminal that can show half blocks and 256 colours, and NO_COLOR is not set."""
    terminal = is_terminal(sys.stdout) and os.environ.get("TERM") not in ("dumb", "unknown", None)
    return terminal and "NO_COLOR" not in os.environ and (sys.stdout.encoding or "").lower().startswith("utf")
