"""Divides lists of settings into lines."""

from __future__ import annotations

import re
from textwrap import wrap

_UNBROKEN = "\N{NO-BREAK SPACE}"


def unbroken(text: str) -> str:
    """Return a text with no-break spaces, except after commas and semicolons: "eta 0.5" then stays in one line."""
    return re.sub("(?<![,;]) ", _UNBROKEN, text)


def lines(text: str, width: int) -> list[str]:
    """Divide a text into lines of at most `width` characters.

    The text is divided after commas and semicolons, or else at spaces. Words longer than `width` are divided, too.

    Examples
    --------
    >>> lines("cost log-likelihood, eta 0.5, lmbda 5", 30)
    ['cost log-likelihood, eta 0.5,', 'lmbda 5']
    >>> lines("a name without commas", 12)
    ['a name', 'without', 'commas']
    """
    parts = wrap(unbroken(text), width, break_long_words=False, break_on_hyphens=False)
    divided = [wrap(part.replace(_UNBROKEN, " "), width, break_on_hyphens=False) for part in parts]
    return [line for each in divided for line in each] or [text]
