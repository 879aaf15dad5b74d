"""Context managers for imports that take long, or that fail if a package is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from fastnet.utils.interruption import deferred_signals


@contextmanager
def of_command(name: str) -> Iterator[None]:
    """If an import in the `with` block fails, print one line on standard error and end the command with status 2.

    After Ctrl-C, the command ends with status 130.

    Parameters
    ----------
    name : str
        Name of the command, which is printed at the beginning of the line.
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
    """If the import of another package in the `with` block fails, raise an `ImportError` that names the extra.

    Ctrl-C is deferred to the end of the block.

    Parameters
    ----------
    name : str
        Name of the module that needs the packages.
    packages : str
        Names of the packages, for the error message.
    extra : str
        Name of the extra.
    is_command : bool, optional
        Whether the module runs as a command. If so, a failed import ends the command, as `of_command` describes.
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
