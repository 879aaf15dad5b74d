"""Tables of text, in which no number is cut off: in a narrow terminal, the terminal wraps the lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 1000  # width of the console in characters, so large that rich cuts off no column


def new_table(title: str) -> Table:
    """Return an empty table with narrow gaps between the columns."""
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def width_of(table: Table) -> int:
    """Return the width of a table in characters, if no column is wrapped."""
    return _console().measure(table).maximum


def print_table(table: Table) -> None:
    """Print a table on standard output, with bold text if it is a terminal."""
    _console().print(table)


def as_text(table: Table) -> str:
    """Return a table as lines of text, without empty lines."""
    file = io.StringIO()
    _console(file=file).print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines() if line.strip())


def _console(**options: Any) -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, soft_wrap=True, width=_WIDE, **options)
