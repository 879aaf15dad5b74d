"""Options of a command as fields of a dataclass: each option is declared, described and checked in one place."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import click

from fastnet.commands.types import Sizes
from fastnet.utils import arguments

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Check = Callable[[click.Context, click.Parameter, Any], Any]


def option(default: Any, check: Callable[..., Any], help: str, *names: str, type: Any = None, **bounds: Any) -> Any:
    """Return a dataclass field for a subclass of `Checked`. From the field, `options_of` makes a command's option.

    Parameters
    ----------
    default : object
        The default value. If the default is None, the value None is accepted without a check.
    check : callable
        Function that checks a value, such as `fastnet.utils.arguments.positive`. `check` is called with the value and
        with `argument`, the name of the field. `check` returns the value, converted if necessary, or raises a
        `TypeError` or a `ValueError` that names the field.
    help : str
        Meaning of the option.
    *names : str
        Names of the option; by default, the name of the field after "--", with hyphens instead of underscores.
    type : click.ParamType, optional
        Type of the option. By default, the type is a choice if `bounds` has `choices`, and otherwise the type of the
        default value. An option whose default is a tuple takes numbers separated by commas. An option whose default is
        a bool is a flag.
    **bounds
        Further keyword arguments for `check`, such as `choices`.
    """
    settings: dict[str, Any] = {"help": help, "default": default}
    if isinstance(default, bool):
        settings["is_flag"] = True
    elif type is not None:
        settings["type"] = type
    elif "choices" in bounds:
        settings["type"] = click.Choice(list(bounds["choices"]))
    elif isinstance(default, tuple):
        settings |= {"type": Sizes(), "default": ",".join(map(str, default))}
    else:
        settings["type"] = default.__class__

    def checked(value: Any, argument: str) -> Any:
        if value is None and default is None:
            return None
        found = check(value, argument=argument, **bounds)
        return tuple(found) if isinstance(found, list) else found  # a tuple, so that the option cannot be changed

    return dataclasses.field(default=default, metadata={"check": checked, "names": names, "settings": settings})


@dataclasses.dataclass(frozen=True)
class Checked:
    """Base class of dataclasses of options. Each value is checked on construction.

    A section with the options' meanings is added to the docstring of each subclass.
    """

    def __init_subclass__(cls) -> None:
        lines = [inspect.cleandoc(cls.__doc__ or ""), "", "Attributes", "----------"]
        for name, field in vars(cls).items():
            if isinstance(field, dataclasses.Field):
                lines += [f"{name} : {cls.__annotations__[name]}", f"    {field.metadata['settings']['help']}"]
        cls.__doc__ = "\n".join(lines)

    def __post_init__(self) -> None:
        arguments.convert(self, **{field.name: field.metadata["check"] for field in dataclasses.fields(self)})


def options_of(kind: type[Checked]) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command an option for each field of a class."""

    def decorate(command: _Command) -> _Command:
        for field in reversed(dataclasses.fields(kind)):
            names = field.metadata["names"] or [f"--{field.name.replace('_', '-')}"]
            add = click.option(
                *names,
                field.name,
                callback=_callback(field.metadata["check"]),
                **field.metadata["settings"],
            )
            command = add(command)
        return command

    return decorate


def _callback(check: Callable[[Any, str], Any]) -> _Check:
    """Return a check in the form of a click callback; click's error message names the option."""

    def callback(context: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            return check(value, str(param.name))
        except (TypeError, ValueError) as error:
            raise click.BadParameter(str(error), context, param) from None

    return callback
