"""Runs a command, reports an error as one line, and exits with a status."""

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

from fastnet.files.reading import named_errors
from fastnet.learning.diagnostics import TrainingWarning
from fastnet.utils.interruption import TERMINATION_SIGNALS


def run(command: click.Command, name: str, *, also: tuple[type[Exception], ...] = ()) -> NoReturn:
    """Run a command and exit. An error is reported as one line on standard error, with exit status 2.

    Parameters
    ----------
    command : click.Command
        Command to run.
    name : str
        Name of the command, as the user typed it.
    also : tuple of classes, optional
        Further exceptions to report, each by the first line of its message. `OSError`, `ArithmeticError`,
        `ImportError`, `MemoryError`, `ValueError` and click's exceptions are always reported.
    """
    short = name.rpartition(" ")[2]
    warnings.showwarning = partial(_show_warning, warnings.showwarning)
    stopped: list[int] = []
    for number in TERMINATION_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # a command under nohup keeps ignoring SIGHUP
            signal.signal(number, partial(_stop, stopped))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # characters that the stream cannot encode become question marks
            stream.reconfigure(errors="replace")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout = _with_named_errors(sys.stdout)
    try:
        sys.exit(command.main(prog_name=name, standalone_mode=False))
    except click.exceptions.Abort:
        sys.exit(128 + (stopped or [signal.SIGINT])[0])
    except click.ClickException as error:
        fail(short, error.format_message())
    except BrokenPipeError:  # the reader has closed the pipe; without `dup2`, Python would report that at exit
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
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # so that Ctrl-C prints no traceback while Python ends


def _stop(stopped: list[int], number: int, frame: object) -> None:
    """Raise `KeyboardInterrupt` at the first SIGTERM or SIGHUP.

    Later ones are ignored, so that the weights can be saved.
    """
    if not stopped:
        stopped.append(number)
        raise KeyboardInterrupt


class _Output(io.FileIO):
    """A file whose errors name standard output, so that no other error is mistaken for an error of printing."""

    def write(self, data: Any) -> int:
        with named_errors("standard output"):
            return super().write(data)


def _with_named_errors(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Return a stream to the same file as standard output, with errors that name it; a console of Windows is kept."""
    raw = getattr(stream.buffer, "raw", stream.buffer)
    if not isinstance(raw, io.FileIO):
        return stream
    stream.flush()
    output = _Output(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        output if raw is stream.buffer else io.BufferedWriter(output),  # python -u uses no buffer
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def in_words(error: OSError) -> str:
    """Return the message of an `OSError`, with the name of the file, if the error has one."""
    if error.strerror is None:
        return str(error)
    if error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return error.strerror if _is_here() else "the current folder no longer exists; change to another folder"


def _is_here() -> bool:
    """Whether the current folder still exists."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _show_warning(otherwise: Callable[..., None], message: Warning | str, *where: Any) -> None:
    """Print a `TrainingWarning` as one line; other warnings are passed to `otherwise`."""
    if isinstance(message, TrainingWarning):
        say(f"warning: {message}", err=True)
    else:
        otherwise(message, *where)


def fail(name: str, message: str) -> NoReturn:
    """Print an error as one line on standard error, and exit with status 2."""
    say(f"{name}: {' '.join(message.split())}", err=True)
    sys.exit(2)


def note(line: str) -> None:
    """Print a line on standard error, after "note:", so that it does not look like an error."""
    say(f"note: {line}", err=True)


def say(line: str, *, err: bool = False) -> None:
    """Print a line with its control characters escaped, because names of files may contain such characters."""
    click.echo(printable(line), err=err)


def printable(line: str) -> str:
    """Return a line with its control characters escaped, so that they cannot control the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
