"""How every command of fastnet ends: with a status, and where something is wrong with one line that says what."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

import click

from fastnet.learning.diagnostics import TrainingWarning
from fastnet.utils.interruption import TO_END


def run(command: click.Command, name: str, *, also: tuple[type[Exception], ...] = ()) -> NoReturn:
    """Run a command and leave; every error is one line on standard error and exit status 2.

    Parameters
    ----------
    command : click.Command
        What to run.
    name : str
        What the user typed.
    also : tuple of classes, optional
        Exceptions of a library that are no errors of its caller: the first line of their message is shown.
    """
    short = name.rpartition(" ")[2]
    warnings.showwarning = partial(_show_warning, short, warnings.showwarning)
    stopped: list[int] = []
    for number in TO_END:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as of a command under nohup
            signal.signal(number, partial(_stop, stopped))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no … shows a question mark
            stream.reconfigure(errors="replace")
    try:
        sys.exit(command.main(prog_name=name, standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(128 + (stopped or [signal.SIGINT])[0])
    except click.ClickException as error:
        fail(short, error.format_message())
    except BrokenPipeError:  # whoever read our output has seen enough; Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        fail(short, in_words(error))
    except (ArithmeticError, ImportError, MemoryError, ValueError) as error:
        fail(short, str(error) or "there is not enough memory")
    except also as error:
        fail(short, str(error).partition("\n")[0])
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # or it would be told with a traceback while Python ends


def _stop(stopped: list[int], number: int, frame: object) -> None:
    """End the command as Ctrl-C does: what was learnt is saved. Those who say so twice do not end that."""
    if not stopped:
        stopped.append(number)
        raise KeyboardInterrupt


def in_words(error: OSError) -> str:
    """Return what the system says, with the name of the file."""
    if error.strerror is None:
        return str(error)
    if error.filename is None:  # of files, it is said which
        return f"what is printed cannot be written: {error.strerror}" if _is_here() else "this folder is gone"
    return f"{error.filename}: {error.strerror}"


def _is_here() -> bool:
    """Whether the current folder is still there."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _show_warning(name: str, otherwise: Callable[..., None], message: Warning | str, *where: Any) -> None:
    """Say in one line what is wrong with a training; other warnings are shown as they would be without."""
    if isinstance(message, TrainingWarning):
        say(f"{name}: {message}", err=True)
    else:
        otherwise(message, *where)


def fail(name: str, message: str) -> NoReturn:
    """Say in one line what is wrong, and leave."""
    say(f"{name}: {' '.join(message.split())}", err=True)
    sys.exit(2)


def say(line: str, *, err: bool = False) -> None:
    """Print a line that may have names of files in it: control characters of these do nothing to the terminal."""
    click.echo(printable(line), err=err)


def printable(line: str) -> str:
    """Return a line with its control characters escaped, which a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
