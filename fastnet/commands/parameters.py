"""Kinds of options that more than one command has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from fastnet.engines import ENGINES, VARIANTS

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
SETTINGS: dict[str, Any] = {"show_default": True, **HELP_OPTIONS}
POSITIVE = click.FloatRange(min=0, min_open=True)
FROM_ZERO = click.FloatRange(min=0)
FRACTION = click.FloatRange(min=0, max=1, max_open=True)
DTYPE = click.Choice(["float32", "float64"])


DATA = click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    show_default="MNIST, which comes with fastnet",
    help="The book's mnist.pkl.gz, or a folder with the four IDX files of another set.",
)


class Sizes(click.ParamType):
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


class Engines(click.ParamType):
    """Names of engines, separated by commas."""

    name = "name,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = str(value).split(",")
        for name in names:
            if name not in ENGINES + VARIANTS:
                self.fail(f"there is no engine {name!r}; there are {', '.join(ENGINES + VARIANTS)}", param, ctx)
        return names


class NewFile(click.Path):
    """A file that can be written; before anything else is done, that is found out."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if path.is_dir():
            self.fail(f"{path} is a folder", param, ctx)
        if not os.access(path.absolute().parent, os.W_OK):
            self.fail(f"{path.absolute().parent} is not a folder that can be written to", param, ctx)
        return super().convert(value, param, ctx)
