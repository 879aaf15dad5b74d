"""Imports that take long, or of packages that may be missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fastnet.utils.interruption import deferred_signals


@contextmanager
def of_command(name: str) -> Iterator[None]:
    """Have a command end with one line and status 2 if an import in the `with` block fails, and with 130 after Ctrl-C.

    Parameters
    ----------
    name : str
        Name of the command, with which the line begins.
    """
    try:
        with deferred_signals():
            yield
    except KeyboardInterrupt:
        sys.exit(130)
    except ImportError as error:
        print(f"{name}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


@contextmanager
def of_extra(name: str, packages: str, extra: str, *, is_command: bool = False) -> Iterator[None]:
    """Have an `ImportError` in the `with` block say which extra of fastnet installs the packages; Ctrl-C waits.

    Parameters
    ----------
    name : str
        Name of the module that needs the packages.
    packages : str
        The packages, in words.
    extra : str
        Name of the extra.
    is_command : bool, optional
        Whether the module runs as a command, which then ends as `of_command` says.
    """
    with of_command(name) if is_command else deferred_signals():
        try:
            yield
        except ImportError as error:
            if (error.name or "").partition(".")[0] == "fastnet":
                raise
            who = "this command" if is_command else name
            advice = f"pip install 'fastnet-nndl[{extra}]' installs it"
            raise ImportError(f"{who} needs {packages} ({error}); {advice}") from error
