"""Standard output and standard error."""

from __future__ import annotations


def is_terminal(stream: object) -> bool:
    """Return whether a stream is a terminal.

    `sys.stdout` and `sys.stderr` may be None, for example in a program with a graphical interface, or any object with
    the method `write`.
    """
    return bool(getattr(stream, "isatty", bool)())
