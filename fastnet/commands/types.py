"""Types of option values, and the class of all commands."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastnet.files.writing import check_new_folder, check_writable

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
SETTINGS: dict[str, Any] = {"show_default": True, **HELP_OPTIONS}
BATCH_NAMES = "--batch", "--batch-size", "--mini-batch-size"
"""Synonymous names of the option for the mini-batch size."""
LR_NAMES = "--lr", "--learning-rate"
"""Synonymous names of an option for the learning rate."""


class Number(click.FloatRange):
    """A finite number. `click.FloatRange` itself accepts NaN, whatever its bounds."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


POSITIVE = Number(min=0, min_open=True)
FROM_ZERO = Number(min=0)
FRACTION = Number(min=0, max=1, max_open=True)


if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:  # before version 8.4 of click, `ParamType` took no type argument
    ParamType = click.ParamType


class Sizes(ParamType):
    """Two or more whole numbers, each at least 1, separated by commas."""

    name = "n,n,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        try:
            sizes = [int(size) for size in str(value).split(",")]
        except ValueError:
            sizes = []
        if len(sizes) < 2 or min(sizes) < 1:
            self.fail(f"{value!r} must be two or more whole numbers, each at least 1, such as 784,30,10", param, ctx)
        return sizes


class NewFile(click.Path):
    """An output file. Before the command runs, the path is checked: the file must be writable.

    Parameters
    ----------
    files_of : callable, optional
        Function that returns all files that the command writes, given the path; by default only the path itself.
    """

    def __init__(self, files_of: Callable[[Path], list[Path]] = lambda path: [path]) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self.files_of = files_of

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            for file in self.files_of(Path(value)):
                check_writable(file)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


class NewFolder(click.Path):
    """A folder for output files, which need not exist. Before the command runs, the folder must be writable."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("the name is empty; name a folder, such as . for the current folder", param, ctx)
        path = super().convert(value, param, ctx)
        try:
            check_new_folder(Path(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return path


class Command(click.Command):
    """A command that rejects a second value for a single-value option, and an output file that two parameters name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reject an option that is given more than once but takes one value; click would take the last value.

        For an unknown option, options with similar names are suggested. Click compares the names with their hyphens
        in front, and so suggests --help for every short name.
        """
        if ctx.resilient_parsing:  # while the shell completes a line, the line is not complete, and nothing is printed
            return super().parse_args(ctx, args)
        try:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            names = {name.lstrip("-"): name for param in self.get_params(ctx) for name in _names(param)}
            near = difflib.get_close_matches(error.option_name.lstrip("-"), names)
            possibilities = [names[each] for each in near]
            raise click.NoSuchOption(error.option_name, possibilities=possibilities, ctx=ctx) from None
        for param in given:
            if isinstance(param, click.Option) and not (param.multiple or param.is_flag) and given.count(param) > 1:
                raise click.UsageError(f"{_shown(param)} is given {given.count(param)} times; it takes one value", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Raise a `UsageError` if an output file is also the file of another parameter; otherwise, run the command."""
        named = [(param, path) for param in self.params for path in _paths(param, ctx.params.get(str(param.name)))]
        for param, path in named:
            if not isinstance(param.type, NewFile) or (path.exists() and not path.is_file()):
                continue
            for other, another in named:
                if other is not param and _are_same(another, path):
                    names = " and ".join(sorted(_shown(each) for each in (param, other)))
                    raise click.UsageError(f"{names} are the same file, {click.format_filename(path)}; name two files")
        return super().invoke(ctx)


def _names(param: click.Parameter) -> list[str]:
    return [name for name in (*param.opts, *param.secondary_opts) if name.startswith("-")]


def _are_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file, even through links, mounts or a file system that ignores case."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _shown(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name


def _paths(param: click.Parameter, value: Any) -> list[Path]:
    """Return the files of a parameter, given its value."""
    paths = [each for each in (value if isinstance(value, tuple) else (value,)) if isinstance(each, Path)]
    return [file for path in paths for file in param.type.files_of(path)] if isinstance(param.type, NewFile) else paths
